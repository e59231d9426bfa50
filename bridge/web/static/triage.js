// Keyboard shortcuts, and moves of threads without a reload. Forms and links do the same.

import { go } from "./away.js";

const form = document.getElementById("triage");
const keys = document.getElementById("keys");
const toast = document.getElementById("toast");
const rows = () => [...document.querySelectorAll(".thread-row")];
const stops = () => [...document.querySelectorAll(".thread-row > a, #entries > .entry")];
const head = () => document.querySelector(".thread-head");

let at = null; // The element that j and k continue from, even after it was removed.

const here = () => document.activeElement.closest(".thread-row") ?? (head() || (at?.isConnected ? at.closest(".thread-row") : null));

function visit(stop) {
  if (!stop) return;
  at = stop;
  stop.focus({ preventScroll: true });
  stop.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = stops();
  const now = all.indexOf(document.activeElement.closest(".entry") ?? here()?.querySelector(":scope > a") ?? at);
  visit(all[now < 0 ? 0 : Math.min(Math.max(now + by, 0), all.length - 1)]);
}

function press(...names) {
  for (const name of names) {
    const button = here()?.querySelector(`button[name=${name}]`);
    if (button) return button.click();
  }
}

function snooze() {
  const menu = here()?.querySelector("details.snooze");
  if (!menu) return;
  menu.open = true;
  menu.querySelector("button").focus();
}

function reply() {
  const box = document.getElementById("content");
  const link = here()?.querySelector(":scope > a");
  if (box) box.focus();
  else if (link) go(link.href.replace(/#.*|$/, "#content"));
}

const DO = {
  j: () => step(1),
  k: () => step(-1),
  o: () => (head()?.querySelector("h1 a") ?? here()?.querySelector(":scope > a"))?.click(),
  e: () => press("done"),
  s: snooze,
  m: () => press("mute", "unmute"),
  r: reply,
  a: () => head()?.querySelector(".buttons button, .buttons summary")?.focus(),
  z: () => (toast.querySelector("button") ?? document.querySelector(".outcome-notice button"))?.click(),
  g: () => go("/inbox"),
  "/": () => document.getElementById("q")?.focus(),
  "?": () => keys.showModal(),
};

const isTyping = (target) => target.isContentEditable || /^(textarea|select)$/i.test(target.tagName) ||
  (target.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(target.type));

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.activeElement.closest("details.more[open]");
    if (menu) (menu.open = false), menu.querySelector("summary").focus();
    else if (isTyping(event.target)) event.target.blur();
    return;
  }
  const act = DO[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || keys.open) return;
  event.preventDefault();
  act();
});

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll("details.more[open]")) if (!menu.contains(target)) menu.open = false;
});

async function move(row, button) {
  const data = new URLSearchParams(new FormData(form, button));
  data.set("script", "1");
  try {
    const response = await fetch(form.action, { method: "POST", body: data, redirect: "error" });
    // The session may have ended: the reloaded page says what is wrong.
    if (!response.ok) return location.reload();
    toast.innerHTML = await response.text();
  } catch {
    toast.textContent = "bridge could not be reached, and nothing has changed. Try again.";
    return;
  }
  const all = rows();
  const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
  const focused = row.contains(document.activeElement);
  if (row.closest("[data-leaves]")) row.remove();
  else row.classList.add("away"), row.querySelector(".moves").remove();
  if (focused) visit(next?.querySelector("a"));
}

if (form) {
  form.elements.zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  form.addEventListener("submit", (event) => {
    const row = event.submitter?.closest(".thread-row");
    // A move that changes the row itself, or comes from a thread's page, needs the next page.
    if (!row || /^(un)?mute$|^undo$/.test(event.submitter.name)) return;
    event.preventDefault();
    move(row, event.submitter);
  });
}
