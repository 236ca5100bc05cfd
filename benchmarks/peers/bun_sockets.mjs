// Bun by itself with the sockets of websocket.py.
const text = "x".repeat(32);
Bun.serve({
  port: Number(process.argv[2]),
  hostname: "127.0.0.1",
  fetch(request, server) {
    const url = new URL(request.url);
    if (url.pathname === "/publish") {
      for (let count = Number(url.searchParams.get("count")); count > 0; count--) server.publish("news", text);
      return new Response("ok");
    }
    return server.upgrade(request, { data: url.pathname }) ? undefined : new Response("not found", { status: 404 });
  },
  websocket: {
    idleTimeout: 0,
    open: (ws) => { if (ws.data === "/listen") ws.subscribe("news"); },
    message: (ws, message) => { ws.send(message); },
  },
});
