// uWebSockets.js, which has no members; the two in use are functions.
import { createRequire } from "node:module";

const uWS = createRequire(import.meta.url)("uwebsockets");

const getUser = (request) => (request.getHeader("token") ? { name: "Test" } : { name: "Anonymous" });
const reply = (response, value) => response.writeHeader("Content-Type", "application/json").end(JSON.stringify(value));
uWS.App()
  .get("/", (response, request) => reply(response, getUser(request)))
  .listen("127.0.0.1", Number(process.argv[2]), (socket) => socket || process.exit(1));
