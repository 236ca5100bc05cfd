import { decode } from "./msgpack.js";

const $ = (id) => document.getElementById(id);
const main = document.querySelector("main");
const state = { name: null, to: null, socket: null, people: new Map(), seen: new Set(), unsent: new Map() };

async function ask(method, path, body) {
  const headers = { Accept: "application/msgpack, application/json;q=0.5" };
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(path, { method, headers, body });
  if (response.status === 204) return null;
  const data = response.headers.get("Content-Type")?.startsWith("application/msgpack")
    ? decode(await response.arrayBuffer())
    : await response.json();
  if (!response.ok) throw new Error(typeof data.detail === "string" ? data.detail : "this is not valid");
  return data;
}

function tell(text) {
  $("status").textContent = text;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// -- articles and cart

async function showArticles() {
  const articles = await ask("GET", "/articles");
  $("articles").replaceChildren(...Object.entries(articles).map(([sku, article]) => {
    const picture = article.picture ? [element("img", { src: `/pictures/${article.picture}`, alt: "" })] : [];
    const add = element("button", { type: "button", textContent: "Add" });
    add.setAttribute("aria-label", `Add ${article.name} to the cart`);
    add.onclick = async () => showCart(await ask("POST", `/cart/${sku}`));
    return element("li", {}, ...picture, element("span", { textContent: `${article.name}, ${article.price}` }), add);
  }));
}

function showCart(cart) {
  $("cart").replaceChildren(...cart.items.map((item) =>
    element("li", {}, element("span", { textContent: `${item.quantity} × ${item.sku}` }))));
  $("total").textContent = cart.total;
}

$("empty").onclick = async () => showCart(await ask("DELETE", "/cart"));

$("sell").onsubmit = async (event) => {
  event.preventDefault();
  const form = event.target;
  const data = new FormData(form);
  if (!data.get("picture")?.size) data.delete("picture");
  try {
    await ask("POST", "/articles", data);
    form.reset();
    tell("It is for sale.");
  } catch (error) {
    tell(error.message);
  }
};

// -- who it is

function showUser(name) {
  state.name = name;
  $("login").hidden = Boolean(name);
  $("logout").hidden = !name;
  $("name").textContent = name ?? "";
  state.socket?.close();
  state.people.clear();
  showPeople();
  if (name) openChat();
}

$("login").onsubmit = async (event) => {
  event.preventDefault();
  const { name } = await ask("POST", "/login", { name: new FormData(event.target).get("name") });
  showUser(name);
};

$("logout").onsubmit = async (event) => {
  event.preventDefault();
  await ask("POST", "/logout");
  showUser(null);
};

// -- chat

function openChat() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/chat`);
  state.socket = socket;
  const post = (frame) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame));
  socket.post = post;
  socket.onopen = () => {
    tell("Online.");
    for (const [key, { to, message }] of state.unsent) post({ type: "send", to, message, key }); // what has no receipt
    if (state.to) post({ type: "talk", to: state.to });
  };
  socket.onclose = () => {
    if (state.socket !== socket || !state.name) return;
    tell("Connecting again ...");
    setTimeout(openChat, 500);
  };
  socket.onmessage = (event) => receive(JSON.parse(event.data));
}

function receive(frame) {
  const { post } = state.socket;
  switch (frame.type) {
    case "hello":
      post({ type: "here" });
      return meet(frame.name);
    case "here":
      return meet(frame.name);
    case "gone":
      post({ type: "here" }); // for those who have two windows
      state.people.delete(frame.name);
      return showPeople();
    case "article":
      return showArticles();
    case "typing":
      return showTyping(frame.name);
    case "pm-receipt":
      state.unsent.delete(frame.key);
      return mark(frame.key, frame.status === "stored" ? "✓ stored" : `refused: ${frame.reason}`);
    case "pm":
      if (!frame.sent) post({ type: "ack", id: frame.id });
      if (state.seen.has(frame.id)) return;
      state.seen.add(frame.id);
      $("typing").textContent = "";
      return frame.sent
        ? showMessage(`to ${frame.to}: ${frame.message}`, "own")
        : showMessage(`${frame.username}: ${frame.message}`);
  }
}

function meet(name) {
  if (name === state.name) return;
  state.people.set(name, true);
  showPeople();
}

function showPeople() {
  $("alone").hidden = !state.name || state.people.size > 0;
  $("people").replaceChildren(...[...state.people.keys()].sort().map((name) => {
    const button = element("button", { type: "button", textContent: name, onclick: () => talk(name) });
    button.setAttribute("aria-pressed", String(name === state.to));
    return button;
  }));
}

function talk(name) {
  state.to = name;
  state.socket.post({ type: "talk", to: name });
  $("write").hidden = false;
  $("to").textContent = name;
  $("write").elements.message.focus();
  showPeople();
}

function showMessage(text, className = "", key = "") {
  const line = element("p", { className }, element("span", { textContent: text }));
  if (key) line.append(" ", element("small", { id: `receipt-${key}`, textContent: "…" }));
  $("messages").append(line);
  line.scrollIntoView({ block: "nearest" });
}

function mark(key, text) {
  const found = $(`receipt-${key}`);
  if (found) found.textContent = text;
}

let quiet;
function showTyping(name) {
  if (name === state.name) return;
  $("typing").textContent = `${name} is typing ...`;
  clearTimeout(quiet);
  quiet = setTimeout(() => { $("typing").textContent = ""; }, 2000);
}

let told = 0;
$("write").oninput = () => {
  if (Date.now() - told < 1000) return;
  told = Date.now();
  state.socket.post({ type: "typing", to: state.to });
};

$("write").onsubmit = (event) => {
  event.preventDefault();
  const message = event.target.elements.message.value;
  const key = crypto.randomUUID();
  state.unsent.set(key, { to: state.to, message });
  showMessage(`to ${state.to}: ${message}`, "own", key);
  state.socket.post({ type: "send", to: state.to, message, key });
  event.target.reset();
};

// -- the start

addEventListener("unhandledrejection", (event) => tell(event.reason.message));
$("notice").remove();
main.hidden = false;
showPeople();
await Promise.all([
  showArticles(),
  ask("GET", "/cart").then(showCart),
  ask("GET", "/me").then(({ name }) => showUser(name)),
]);
