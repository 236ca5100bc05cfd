const $ = (id) => document.getElementById(id);
const path = document.body.dataset.path;

// -- the filter

$("filter").addEventListener("input", (event) => {
  const wanted = event.target.value.trim().toLowerCase();
  let shown = 0;
  for (const each of document.querySelectorAll(".filtered")) {
    const within = each.closest("details");
    const hit = each.textContent.toLowerCase().includes(wanted)
      || (within && within !== each && within.querySelector("summary").textContent.toLowerCase().includes(wanted));
    each.hidden = !hit;
    shown += hit;
  }
  $("status").textContent = wanted ? `${shown} found` : "";
});

// -- live figures

function row(cells) {
  const made = document.createElement("tr");
  made.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  return made;
}

function term(name, value) {
  const made = document.createElement("div");
  made.append(
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: value }),
  );
  return made;
}

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);
const shown = (number) => String(Math.round(number * 100) / 100);

function backplane(workers) {
  const states = workers.map((worker) => worker.backplane).filter(Boolean);
  if (!states.length) return "none";
  const state = states.every((each) => each.connected) ? "connected" : "not connected";
  const dropped = sum(states.map((each) => each.dropped));
  return `${states[0].name}, ${state}, ${sum(states.map((each) => each.queued))} wait, ${dropped} dropped`;
}

function gauges(workers) {
  const totals = new Map();
  for (const worker of workers) {
    for (const [name, value] of Object.entries(worker.gauges)) totals.set(name, (totals.get(name) ?? 0) + value);
  }
  return [...totals].map(([name, value]) => term(name, shown(value)));
}

function show(figures) {
  const workers = Object.values(figures);
  const routes = new Map();
  for (const worker of workers) {
    for (const [name, each] of Object.entries(worker.routes)) {
      const known = routes.get(name) ?? { rate: 0, p50: 0, p90: 0, p99: 0, statuses: {} };
      known.rate += each.rate;
      for (const part of ["p50", "p90", "p99"]) known[part] = Math.max(known[part], each[part]);
      for (const [status, rate] of Object.entries(each.statuses)) {
        known.statuses[status] = (known.statuses[status] ?? 0) + rate;
      }
      routes.set(name, known);
    }
  }
  const times = new Map();
  for (const worker of workers) {
    for (const [name, part] of Object.entries(worker.times)) {
      times.set(name, (times.get(name) ?? 0) + part / workers.length);
    }
  }
  $("totals").replaceChildren(
    term("Workers", Object.keys(figures).join(", ")),
    term("Requests a second", shown(sum([...routes.values()].map((each) => each.rate)))),
    term("Longest delay of the loop, ms", shown(Math.max(...workers.map((worker) => worker.lag)))),
    term("Open WebSockets", String(sum(workers.flatMap((worker) => Object.values(worker.sockets))))),
    term("Backplane", backplane(workers)),
    ...gauges(workers),
  );
  $("by-route").replaceChildren(...[...routes].sort((a, b) => b[1].rate - a[1].rate).map(([name, each]) => row([
    name, shown(each.rate), shown(each.p50), shown(each.p90), shown(each.p99),
    Object.entries(each.statuses).map(([status, rate]) => `${status} ${shown(rate)}`).join(", "),
  ])));
  $("by-function").replaceChildren(
    ...[...times].sort((a, b) => b[1] - a[1]).slice(0, 30).map(([name, part]) => row([name, shown(part)])),
  );
}

function connect() {
  const url = new URL(`${path}/live`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onmessage = (event) => {
    $("offline").hidden = true;
    $("figures").hidden = false;
    show(JSON.parse(event.data));
  };
  socket.onclose = () => {
    $("offline").textContent = "Not connected; trying again ...";
    $("offline").hidden = false;
    setTimeout(connect, 1000);
  };
}

$("offline").textContent = "Waiting for the first figures ...";
connect();
