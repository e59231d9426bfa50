// Shows notifications, also while no page of bridge is open.

self.addEventListener("push", (event) => event.waitUntil(show(event.data.json())));

async function show({ title, body, tag, url }) {
  // Somebody who has the thread before them needs no notification of it.
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
