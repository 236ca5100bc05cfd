// uWebSockets.js with the sockets of websocket.py.
import { createRequire } from "node:module";

const uWS = createRequire(import.meta.url)("uwebsockets");

const text = "x".repeat(32);
const app = uWS.App();
app
  .ws("/echo", { idleTimeout: 0, message: (ws, message, binary) => ws.send(message, binary) })
  .ws("/listen", { idleTimeout: 0, open: (ws) => ws.subscribe("news") })
  .get("/publish", (response, request) => {
    for (let count = Number(request.getQuery("count")); count > 0; count--) app.publish("news", text, false);
    response.end("ok");
  })
  .listen("127.0.0.1", Number(process.argv[2]), (socket) => socket || process.exit(1));
