// The inbox as a client: it moves between threads without loading anew, shows what is new as it happens,
// and sends clicks. The server renders every piece of HTML; nothing here makes markup out of data.

const body = document.body;
const flow = body.dataset.flow;
const application = body.dataset.application;
const main = document.getElementById("main");
const rows = document.getElementById("rows");
const busy = new Set();

// Moving about: links within the flow swap the main part and keep the browser's history.

async function open(href, { push = true } = {}) {
  const response = await fetch(`${href}?fragment`).catch(() => null);
  if (!response?.ok) return location.assign(href);
  main.innerHTML = await response.text();
  if (push) history.pushState(null, "", href);
  settle();
  main.scrollTop = 0;
  main.focus({ preventScroll: true });
}

function settle() {
  const part = main.querySelector(".page-part");
  document.title = part.dataset.title;
  for (const link of rows.querySelectorAll("a[aria-current]")) link.removeAttribute("aria-current");
  row(part.dataset.thread)?.querySelector("a").setAttribute("aria-current", "true");
  for (const field of document.querySelectorAll('.who input[name="back"]')) field.value = location.pathname;
  refresh();
}

function row(thread) {
  return thread ? rows.querySelector(`[data-thread="${CSS.escape(thread)}"]`) : null;
}

document.addEventListener("click", (event) => {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("#rows a, a[data-nav]");
  if (!link) return;
  event.preventDefault();
  open(link.pathname);
});
addEventListener("popstate", () => open(location.pathname, { push: false }));

// What is new.

let feed;
let since = body.dataset.since;

function listen() {
  feed = new EventSource(`${flow}/events?since=${since}&sources=${body.dataset.sources}`);
  feed.addEventListener("open", () => say("live", "Live"));
  feed.addEventListener("error", () => {
    say("lost", "Reconnecting…");
    // The browser reconnects by itself unless the server answered with an error.
    if (feed.readyState === EventSource.CLOSED) setTimeout(listen, 2000);
  });
  feed.addEventListener("news", (event) => {
    since = event.lastEventId;
    show(JSON.parse(event.data));
  });
  feed.addEventListener("sources", (event) => {
    const parts = JSON.parse(event.data);
    document.getElementById("banners").innerHTML = parts.banners;
    const list = document.getElementById("sources");
    if (list) list.innerHTML = parts.sources;
  });
  feed.addEventListener("reset", () => location.assign(flow));
}

function say(state, text) {
  const sign = document.getElementById("live");
  if (sign.dataset.state === state) return;
  sign.dataset.state = state;
  sign.firstElementChild.textContent = text;
}

function show(news) {
  const focused = row(news.thread)?.contains(document.activeElement);
  row(news.thread)?.remove();
  rows.insertAdjacentHTML("afterbegin", news.row);
  const fresh = rows.firstElementChild;
  fresh.classList.add("fresh");
  if (focused) fresh.querySelector("a").focus({ preventScroll: true });
  const shown = main.querySelector(".thread");
  if (shown?.dataset.thread === news.thread) {
    fresh.querySelector("a").setAttribute("aria-current", "true");
    extend(news);
  }
  refresh();
}

function extend(news) {
  const entries = document.getElementById("entries");
  if (entries.querySelector(`[data-message="${news.message}"]`)) return;
  const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 120;
  redraw(news.head);
  entries.insertAdjacentHTML("beforeend", news.entry);
  entries.lastElementChild.classList.add("fresh");
  if (atEnd) main.scrollTop = main.scrollHeight;
}

// The thread's head is drawn anew under the user's hands: an open menu and the focus stay where they are.
function redraw(html) {
  const head = document.getElementById("head");
  const wasOpen = head.querySelector("#menu:not([hidden])");
  const focus = head.contains(document.activeElement) ? document.activeElement.dataset.testid : null;
  head.innerHTML = html;
  if (wasOpen) toggle(true);
  if (focus) head.querySelector(`[data-testid="${CSS.escape(focus)}"]`)?.focus({ preventScroll: true });
}

// The menu of actions: a button that discloses a list; arrows move, Escape closes.

function toggle(wanted) {
  const menu = document.getElementById("menu");
  if (!menu) return;
  menu.hidden = !wanted;
  gear().setAttribute("aria-expanded", String(wanted));
}

function gear() {
  return main.querySelector('[aria-controls="menu"]');
}

function choices() {
  return [...main.querySelectorAll("#menu li > :is(a, button)")];
}

document.addEventListener("click", (event) => {
  const menu = document.getElementById("menu");
  const person = document.querySelector(".who");
  if (!person.contains(event.target)) person.open = false;
  if (!menu) return;
  if (event.target.closest('[aria-controls="menu"]')) return toggle(menu.hidden);
  const button = event.target.closest("button[data-key]");
  if (button) return act(button);
  if (!menu.hidden && !event.target.closest("#menu button")) toggle(false);
});

document.addEventListener("keydown", (event) => {
  const person = document.querySelector(".who");
  if (event.key === "Escape" && person.open) {
    person.open = false;
    person.querySelector("summary").focus();
  }
  const menu = document.getElementById("menu");
  if (!event.target.closest?.(".actions")) return;
  if (event.key === "Escape" && !menu.hidden) {
    toggle(false);
    gear().focus();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  toggle(true);
  const all = choices();
  const next = all.indexOf(document.activeElement) + step;
  all[(next + all.length) % all.length].focus();
});

// A click on an action.

async function act(button) {
  const { key } = button.dataset;
  if (busy.has(key)) return;
  busy.add(key);
  button.setAttribute("aria-busy", "true");
  document.getElementById("toasts").replaceChildren();
  const name = button.textContent.trim();
  const outcome = await send(main.querySelector(".thread").dataset.thread, key);
  busy.delete(key);
  document.querySelector(`button[data-key="${key}"]`)?.removeAttribute("aria-busy");
  const held = document.getElementById("menu")?.contains(document.activeElement);
  toggle(false);
  if (held) gear()?.focus();
  if (outcome.challenge) return challenge(outcome.challenge, name);
  if (outcome.error) return toast(outcome.error, { bad: true });
  toast(outcome.message ?? `${name}: done.`);
}

async function send(thread, key) {
  try {
    const response = await fetch(`${flow}/threads/${thread}/actions`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ key }),
    });
    const answer = await response.json();
    return response.ok ? answer : { error: answer.message };
  } catch {
    return { error: "Flowdock could not be reached. Check your connection and try again." };
  }
}

const dialog = document.getElementById("challenge");
const link = document.getElementById("challenge-link");

function challenge(url, name) {
  link.href = url;
  document.getElementById("challenge-action").textContent = name;
  if (!dialog.open) dialog.showModal();
  link.focus();
}

document.getElementById("challenge-close").addEventListener("click", () => dialog.close());
// Closed once the browser has followed the link.
link.addEventListener("click", () => setTimeout(() => dialog.close()));

const ICONS = { good: "m5 12.5 4.5 4.5L19 7.5", bad: "M12 8v5m0 3v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z", close: "M7 7l10 10M17 7 7 17" };

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const attributes = { class: "icon", viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

function toast(text, { bad = false } = {}) {
  const box = document.createElement("div");
  box.className = bad ? "toast bad" : "toast";
  box.dataset.testid = "toast";
  const words = document.createElement("p");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("close"));
  close.addEventListener("click", () => box.remove());
  box.append(icon(bad ? "bad" : "good"), words, close);
  document.getElementById("toasts").replaceChildren(box);
  // An error is kept long enough to be read twice.
  setTimeout(() => box.remove(), bad ? 15000 : 7000);
}

// Times and faces.

const formatter = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const precise = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });

function ago(moment) {
  const seconds = (Date.now() - moment) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  if (seconds < 7 * 86400) return `${Math.floor(seconds / 86400)} d`;
  return formatter.format(moment);
}

function refresh() {
  for (const time of document.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    time.textContent = ago(moment);
    time.title = precise.format(moment);
  }
  for (const key of busy) document.querySelector(`button[data-key="${key}"]`)?.setAttribute("aria-busy", "true");
}

// A picture that cannot be loaded gives way to the initials beneath it.
document.addEventListener("error", (event) => {
  if (event.target.matches?.(".face img")) event.target.remove();
}, true);
for (const image of document.querySelectorAll(".face img")) if (image.complete && !image.naturalWidth) image.remove();

setInterval(refresh, 20000);
settle();
listen();
