// The service worker. A site that has one imports it there: importScripts("/openrate-sw.js").
if (!self.openrate) importScripts("openrate.js");

addEventListener("push", (event) => {
  const push = event.data?.json();
  if (push?.send_id) event.waitUntil(Promise.allSettled([show(push), openrate.sync()]));
});

addEventListener("notificationclick", (event) => {
  const { campaign_token, send_id, deeplink } = event.notification.data || {};
  if (!send_id) return;
  event.notification.close();
  const fact = campaign_token && { type: "push_open", campaign_token, send_id }; // a test has none
  event.waitUntil(Promise.allSettled([visit(deeplink), fact && openrate.report(fact)]));
});

addEventListener("pushsubscriptionchange", (event) => event.waitUntil(openrate.sync()));

const show = async ({ title, body, media = {}, tag, background, ...data }) =>
  background ||
  registration.showNotification(title || body, {
    body: title && body,
    icon: media.icon,
    image: media.picture,
    tag, // one notification, although the push comes twice
    data,
  });

const visit = async (deeplink) => {
  const windows = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const url = new URL(deeplink || "", registration.scope).href;
  const open = windows.find((window) => !deeplink || window.url == url);
  return open ? open.focus() : clients.openWindow(url);
};
