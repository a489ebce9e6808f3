// The page is complete without this script; it only keeps it current.
// Cards arrive as HTML that the server has rendered and escaped.
"use strict";

const LIMIT = 500; // as many alerts as the server keeps
const feed = document.getElementById("feed");
const status = document.getElementById("status");
const pause = document.getElementById("pause");
const summary = document.getElementById("summary");
const keys = document.getElementById("keys");
const held = new Map(); // while paused: alert_id -> card, or null for one that is gone
let paused = false;

const cards = () => [...feed.children];
const find = (id) => cards().find((card) => card.dataset.id === id);
const parse = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
};

// --- changes ---------------------------------------------------------------------------

function put(card) {
  const old = find(card.dataset.id);
  if (old && Number(old.dataset.revision) >= Number(card.dataset.revision)) return false;
  if (old) card.querySelector("details").open = old.querySelector("details").open;
  const focused = old && old.contains(document.activeElement);
  if (old && old.dataset.at === card.dataset.at) {
    old.replaceWith(card); // a silent revision stays in its place
  } else {
    if (old) old.remove();
    const at = Date.parse(card.dataset.at);
    const next = cards().find((other) => Date.parse(other.dataset.at) < at);
    feed.insertBefore(card, next || null);
    card.classList.add("fresh");
  }
  if (focused) card.focus({ preventScroll: true });
  return !old;
}

function apply(changes) {
  feed.setAttribute("aria-busy", "true");
  const fresh = [];
  for (const [id, card] of changes) {
    if (!card) find(id)?.remove();
    else if (put(card)) fresh.push(card);
  }
  for (const card of cards().slice(LIMIT)) card.remove();
  feed.setAttribute("aria-busy", "false");
  describe();
  announce(fresh);
}

function receive(id, card) {
  if (!paused) return apply([[id, card]]);
  held.delete(id);
  held.set(id, card); // the latest last
  label();
}

async function readAnew() {
  const answer = await fetch("/", { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = new Map([...page.querySelectorAll("#feed > article")].map((c) => [c.dataset.id, c]));
  for (const card of cards()) if (!now.has(card.dataset.id)) receive(card.dataset.id, null);
  for (const [id, card] of [...now].reverse()) receive(id, document.adoptNode(card));
}

// --- what the page says about itself ------------------------------------------------------

function describe() {
  const all = cards();
  const count = { flash: 0, urgent: 0, alert: 0, info: 0 };
  all.forEach((card, index) => {
    count[card.dataset.severity] += 1;
    card.setAttribute("aria-posinset", index + 1);
    card.setAttribute("aria-setsize", all.length);
  });
  const shown = Object.entries(count).filter(([, number]) => number);
  const tally = shown.map(([name, number]) => {
    const part = document.createElement("span");
    part.className = name;
    part.textContent = `${number} ${name}`;
    return part;
  });
  document.getElementById("tally").replaceChildren(...tally);
  document.getElementById("empty").hidden = all.length > 0;
  document.title = all.length ? `(${all.length}) Wirewatch desk` : "Wirewatch desk";
  age();
}

function announce(fresh) {
  if (!fresh.length) return;
  const loud = fresh.filter((card) => card.dataset.severity === "flash").length;
  summary.textContent =
    fresh.length === 1
      ? fresh[0].getAttribute("aria-label")
      : `${fresh.length} new alerts${loud ? `, ${loud} flash` : ""}`;
}

function age() {
  for (const time of feed.querySelectorAll("time")) {
    const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000));
    time.title ||= time.textContent;
    time.textContent =
      minutes < 1 ? "now" : minutes < 60 ? `${minutes} min` : minutes < 2880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
  }
}

function label() {
  pause.textContent = !paused ? "Pause" : held.size ? `Resume, ${held.size} new` : "Resume";
}

function setPaused(value) {
  paused = value;
  pause.setAttribute("aria-pressed", String(paused));
  document.body.classList.toggle("paused", paused);
  if (!paused) {
    apply(held);
    held.clear();
  }
  label();
}

// --- keys -----------------------------------------------------------------------------------

function move(step) {
  const all = cards();
  const at = all.indexOf(document.activeElement?.closest("article"));
  const target = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

const actions = {
  j: () => move(1),
  k: () => move(-1),
  o: () => document.activeElement?.closest("article")?.querySelector("a.open")?.click(),
  p: () => setPaused(!paused),
};

document.addEventListener("keydown", (event) => {
  if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  actions[event.key]?.();
});
keys.checked = localStorage.getItem("keys") !== "off";
keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));
pause.addEventListener("click", () => setPaused(!paused));

// --- the stream ---------------------------------------------------------------------------------

function connect(cursor) {
  const show = (state, words) => {
    status.dataset.state = state;
    status.textContent = words;
  };
  const source = new EventSource(`/api/stream?cursor=${encodeURIComponent(cursor)}`);
  source.onopen = () => show("live", "live");
  source.onerror = () => {
    show("lost", "reconnecting");
    // The browser tries again by itself, unless the answer was an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000, source.cursor || cursor);
  };
  const on = (name, take) =>
    source.addEventListener(name, (event) => {
      source.cursor = event.lastEventId;
      take(event.data);
    });
  on("alert", (html) => {
    const card = parse(html);
    receive(card.dataset.id, card);
  });
  on("remove", (id) => receive(id, null));
  on("reset", readAnew);
}

describe();
setInterval(age, 20000);
connect(document.body.dataset.cursor);
