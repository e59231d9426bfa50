// Keeps the page up to date: whenever the server tells of a change, every element marked
// `data-live` is fetched anew, unless somebody is typing in it.
"use strict";

const body = document.body;

function busy(region) {
  const typed = [...region.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
  return typed || region.querySelector("select:focus") !== null;
}

async function refresh() {
  // What a form answers has nothing to bring up to date, and cannot be fetched.
  if (!document.querySelector("[data-live]")) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(region.id);
    if (!next || busy(region) || next.innerHTML === region.innerHTML) continue;
    const focused = [...region.querySelectorAll("a, button, summary")].indexOf(document.activeElement);
    region.replaceWith(document.adoptNode(next));
    if (focused >= 0) next.querySelectorAll("a, button, summary")[focused]?.focus();
  }
  document.title = fresh.title;
}

let latest = Number(body.dataset.version);
let running = Promise.resolve();
const stream = new EventSource("/_sandbox/changes");
stream.addEventListener("message", (event) => {
  const version = Number(event.data);
  if (version === latest) return;
  latest = version;
  running = running.then(refresh).catch(() => {});
});
window.addEventListener("pagehide", () => stream.close());

// A menu closes when one clicks elsewhere or presses Escape.
for (const menu of document.querySelectorAll("[data-menu]")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
