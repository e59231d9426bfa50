// Live updates for the inbox; its pages work without them.
// The server renders every piece of HTML: nothing here makes markup out of data.

import { away, say } from "./away.js";
import "./triage.js";

const list = document.querySelector("[data-events]");

function put(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content.firstElementChild;
}

function count(unread) {
  if (unread === undefined) return;
  document.title = document.title.replace(/^(\(\d+\) )?/, unread ? `(${unread}) ` : "");
  document.querySelector("link[rel=icon]").href = `/static/icon${unread ? "-unread" : ""}.svg`;
}

function showRow(news) {
  const old = list.querySelector(`[data-thread="${CSS.escape(news.thread)}"]`);
  const focused = old?.contains(document.activeElement);
  const row = news.done && !("all" in list.dataset) ? undefined : put(news.row);
  // Without a new message, such as on the return of a snoozed thread, the row keeps its place.
  if (row && !news.message) old?.replaceWith(row);
  else {
    old?.remove();
    if (row) list.prepend(row);
  }
  if (focused) row?.querySelector("a").focus({ preventScroll: true });
}

function showEntry(news) {
  if (news.changed) {
    const old = list.querySelector(`[data-message="${news.changed}"]`);
    if (news.entry) old?.replaceWith(put(news.entry));
    else old?.remove();
    return;
  }
  if (list.querySelector(`[data-message="${news.message}"]`)) return;
  const head = document.getElementById("head");
  // Keep an open menu, and a button that has the focus.
  if (!head.contains(document.activeElement) && !head.querySelector("details.more[open]")) head.innerHTML = news.head;
  list.append(put(news.entry));
  // The reader sees it: mark it as read.
  if (document.visibilityState === "visible") fetch(location.href, { method: "HEAD" });
}

let waiting;
function showAll() {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    // Keep an open menu.
    if (list.querySelector("details.more[open]")) return showAll();
    const box = document.createElement("template");
    box.innerHTML = await (await fetch(location.href)).text();
    const now = box.content.getElementById(list.id);
    // It is another page, such as the sign-in.
    if (!now) return location.reload();
    const focused = document.activeElement.closest("[data-thread]")?.dataset.thread;
    list.replaceChildren(...now.childNodes);
    if (focused) list.querySelector(`[data-thread="${CSS.escape(focused)}"] a`)?.focus({ preventScroll: true });
  }, 300);
}

let wasOpen = false;
function connect() {
  const url = new URL(list.dataset.events, location);
  if ("since" in list.dataset) url.searchParams.set("since", list.dataset.since);
  const feed = new EventSource(url);
  feed.addEventListener("open", () => {
    // The stream repeats missed messages, but a snoozed thread may have returned without one.
    if (wasOpen && list.id !== "entries") showAll();
    wasOpen = true;
  });
  feed.addEventListener("error", async () => {
    const wasAway = await away();
    if (feed.readyState !== EventSource.CLOSED) return;
    if (wasAway) connect();
    else say("This page no longer updates. Reload it.");
  });
  feed.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    if (event.lastEventId) list.dataset.since = event.lastEventId;
    if (list.id === "entries") showEntry(news);
    else if (list.id === "turn") showAll();
    else showRow(news);
    count(news.unread);
  });
}

if (list) connect();
