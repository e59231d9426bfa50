// Turns notifications on and off in this browser. The rest of the settings page works without it.

import "./away.js";

const box = document.getElementById("this-browser");
const state = box.querySelector("[role=status]");
const on = document.getElementById("turn-on");
const off = document.getElementById("turn-off");
const zone = document.getElementById("zone");

// The browser's time zone, until the person chooses one; the form of the digest sends it too.
zone.value ||= Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
for (const one of document.querySelectorAll('[type="hidden"][name="zone"]')) one.value = zone.value;

function show(text, form) {
  state.textContent = text;
  on.hidden = form !== on;
  if (off) off.hidden = form !== off;
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
}

function same(subscription) {
  const key = new Uint8Array(subscription.options.applicationServerKey ?? []);
  return key.join() === bytes(box.dataset.key).join();
}

async function subscription() {
  const worker = await navigator.serviceWorker.getRegistration("/");
  return (await worker?.pushManager.getSubscription()) ?? null;
}

async function look() {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    return show("This browser cannot show notifications. On an iPhone or iPad, add bridge to the home screen first.");
  }
  if (Notification.permission === "denied") {
    return show("This browser blocks notifications from bridge. Allow them in the browser's settings for this site, then reload this page.");
  }
  const there = await subscription();
  if (off && there && same(there)) return show("Notifications are on in this browser.", off);
  return show("Notifications are off in this browser.", on);
}

on.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    if ((await Notification.requestPermission()) !== "granted") return look();
    const worker = await navigator.serviceWorker.ready;
    const old = await worker.pushManager.getSubscription();
    // The push service would refuse a subscription for another key.
    if (old && !same(old)) await old.unsubscribe();
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(box.dataset.key) });
    const { endpoint, keys } = made.toJSON();
    for (const [name, value] of Object.entries({ endpoint, ...keys })) on.elements[name].value = value;
    on.submit();
  } catch (error) {
    show(`This browser could not turn notifications on: ${error.message}`, on);
  }
});

off?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await (await subscription())?.unsubscribe();
  off.submit();
});

look();
