// Keeps a page on the screen while bridge cannot be reached, and says whether a click was done.

const RETRY_MS = 2000;
const SENDING_MS = 10000; // Longer than any click takes.
const note = document.createElement("p");
note.id = "away";
note.className = "notice bad";
note.setAttribute("role", "status");

let isAway = false;
let wanted = ""; // The address of a link that was clicked meanwhile.
let undone = ""; // The name of a button that was pressed meanwhile.
let sending = null; // The form that is being sent: a double click sends it once.
let isChecked = false; // bridge answers, so the form may be sent.

navigator.serviceWorker?.register("/inbox/service-worker.js", { scope: "/" });

export function say(text) {
  note.textContent = text;
  document.getElementById("main").append(note);
}

function tell() {
  const click = undone ? ` ${undone} was not done.` : wanted ? " The page that you clicked opens once bridge answers." : "";
  say(`bridge cannot be reached. This page stays open and keeps trying.${click}`);
}

async function answers() {
  try {
    return (await fetch("/healthz", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
}

async function answered() {
  do await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  while (!(await answers()));
}

// Returns false if bridge answers; else says so, waits, and returns true once it does.
export async function away() {
  if ((await answers()) || isAway) return false;
  isAway = true;
  tell();
  await answered();
  isAway = false;
  if (wanted) location.href = wanted;
  else if (undone) say(`bridge answers again. ${undone} was not done: press it again.`);
  else note.remove();
  wanted = undone = "";
  return true;
}

// Opens a page, as soon as bridge answers.
export function go(href) {
  if (!isAway) return (location.href = href);
  [wanted, undone] = [href, ""];
  tell();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!isAway || !link || link.target || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.origin !== location.origin || (link.hash && link.pathname === location.pathname)) return;
  event.preventDefault();
  go(link.href);
});

// Asks bridge first: if a form cannot be sent, the browser replaces the page with an error.
document.addEventListener("submit", async (event) => {
  const { target, submitter } = event;
  if (event.defaultPrevented || isChecked || !(isAway || target.method === "post")) return;
  event.preventDefault();
  if (target === sending) return;
  sending = target;
  if (await answers()) {
    isChecked = true;
    target.requestSubmit(submitter);
    isChecked = false;
    return setTimeout(() => (sending = null), SENDING_MS);
  }
  sending = null;
  [wanted, undone] = ["", `“${(submitter ?? target).innerText.trim()}”`];
  if (isAway) tell();
  else away();
});

addEventListener("offline", away);
addEventListener("pageshow", () => (sending = null));

// The service worker shows such a page in place of one that it could not fetch.
if (document.getElementById("offline")) answered().then(() => location.reload());
