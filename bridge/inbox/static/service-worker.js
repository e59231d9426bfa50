// Shows notifications, also while no page of bridge is open; and a page of its own while bridge cannot be reached.

const AWAY = "/inbox/away";
const KEPT = [AWAY, "/static/style.css", "/static/away.js", "/static/icon.svg"];

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(self.registration.navigationPreload?.enable()));

async function keep() {
  await (await caches.open(AWAY)).addAll(KEPT);
  await self.skipWaiting();
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  const { pathname } = new URL(request.url);
  if (request.mode === "navigate") event.respondWith(page(event).catch(() => caches.match(AWAY)));
  else if (KEPT.includes(pathname)) event.respondWith(fetch(request).catch(() => caches.match(pathname)));
});

async function page({ request, preloadResponse }) {
  return (await preloadResponse) ?? fetch(request);
}

self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));

async function show({ title, body, tag, url }) {
  // A thread that is open in front of its reader needs no notification.
  if ((await pagesAt(url)).some((page) => page.focused)) return;
  await self.registration.showNotification(title, { body, tag, icon: "/static/icon.svg", data: { url } });
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data.url));
});

async function open(url) {
  const [there] = await pagesAt(url);
  return there ? there.focus() : self.clients.openWindow(url);
}

async function pagesAt(url) {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const { pathname } = new URL(url, self.location.origin);
  return pages.filter((page) => new URL(page.url).pathname === pathname);
}
