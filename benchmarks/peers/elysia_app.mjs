// Elysia on Bun, with 20+20 decorators and the two in use.
import { Elysia } from "elysia";

const app = new Elysia();
for (let index = 0; index < 20; index++) {
  app.decorate(`question_${index}`, () => index);
  app.decorate(`reply_${index}`, () => index);
}
app.decorate("getUser", (headers) => (headers.token ? { name: "Test" } : { name: "Anonymous" }));
app.decorate("reply", (value) => value);
app.get("/", ({ headers, getUser, reply }) => reply(getUser(headers)));
app.listen({ port: Number(process.argv[2]), hostname: "127.0.0.1" });
