// Fastify with @fastify/static: `fastify_files.mjs PORT FOLDER`.
import Fastify from "fastify";
import files from "@fastify/static";

const app = Fastify();
app.register(files, { root: process.argv[3], prefix: "/files/" });
await app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
