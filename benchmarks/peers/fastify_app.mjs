// Fastify, with 20+20 decorators and the two in use.
import Fastify from "fastify";

const app = Fastify();
for (let index = 0; index < 20; index++) {
  app.decorateRequest(`question_${index}`, function () { return index; });
  app.decorateReply(`reply_${index}`, function () { return index; });
}
app.decorateRequest("getUser", function () {
  return this.headers.token ? { name: "Test" } : { name: "Anonymous" };
});
app.decorateReply("reply", function (value) { return this.send(value); });
app.get("/", (request, reply) => reply.reply(request.getUser()));
await app.listen({ port: Number(process.argv[2]), host: "127.0.0.1" });
