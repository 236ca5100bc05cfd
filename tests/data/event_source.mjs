// Read events with Node's own EventSource until the server ends them with 204, and write what was read.
const seen = [];
const source = new EventSource(process.argv[2]);
source.addEventListener("number", (event) => {
  seen.push({ id: event.lastEventId, data: event.data, type: event.type });
});
// Its own timers keep no process alive.
const alive = setInterval(() => {
  if (source.readyState === EventSource.CLOSED) {
    clearInterval(alive);
    process.stdout.write(JSON.stringify(seen));
  }
}, 5);
