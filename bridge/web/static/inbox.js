// Live updates for the inbox. Pages work without: this shows what is new as it happens.
// The server renders every piece of HTML; nothing here makes markup out of data.

const list = document.querySelector("[data-events]");

function put(html) {
  const box = document.createElement("template");
  box.innerHTML = html;
  return box.content.firstElementChild;
}

function showRow(news) {
  const old = list.querySelector(`[data-thread="${CSS.escape(news.thread)}"]`);
  const focused = old?.contains(document.activeElement);
  old?.remove();
  if (news.done && !("all" in list.dataset)) return;
  list.prepend(put(news.row));
  if (focused) list.firstElementChild.querySelector("a").focus({ preventScroll: true });
}

function showEntry(news) {
  if (list.querySelector(`[data-message="${news.message}"]`)) return;
  const head = document.getElementById("head");
  // A menu that is open, or a button in use, stays under the reader's hands.
  if (!head.contains(document.activeElement) && !head.querySelector("details.more[open]")) head.innerHTML = news.head;
  list.append(put(news.entry));
}

if (list) {
  const url = new URL(list.dataset.events, location);
  url.searchParams.set("since", list.dataset.since);
  const feed = new EventSource(url);
  const note = document.createElement("p");
  note.className = "notice bad";
  note.setAttribute("role", "status");
  note.textContent = "The connection is lost. This page shows what it has, and catches up once bridge answers again.";
  feed.addEventListener("open", () => note.remove());
  feed.addEventListener("error", () => list.before(note));
  feed.addEventListener("news", (event) => {
    const news = JSON.parse(event.data);
    if (list.id === "entries") showEntry(news);
    else showRow(news);
  });
}
