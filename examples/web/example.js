"use strict";
const element = (id) => document.getElementById(id);
const say = (text) => (element("said").textContent = text);
const settings = element("settings");

// Who has agreed once is not asked again: consent is remembered by the site, not by Openrate.
const agreed = JSON.parse(localStorage.getItem("agreed"));
for (const [name, value] of [...Object.entries(agreed || {}), ...new URLSearchParams(location.search)])
  if (settings.elements[name]) settings.elements[name].value = value;
if (location.hash) element("welcome").textContent = `You came for: ${decodeURIComponent(location.hash.slice(1))}`;

// Shows what goes out; secrets and keys are left out of the list.
const send = window.fetch;
window.fetch = async (url, options) => {
  const line = document.createElement("li");
  line.append(`${options.method} /${String(url).split("/").slice(5).join("/")}`);
  const body = document.createElement("code");
  body.textContent = (options.body || "").replace(/("(?:installation_secret|auth|p256dh)":)"[^"]*"/g, '$1"…"');
  line.append(body);
  element("requests").prepend(line);
  try {
    const answer = await send(url, options);
    line.firstChild.after(` → ${answer.status}`);
    return answer;
  } catch (error) {
    line.firstChild.after(" → no answer");
    throw error;
  }
};

const show = async () => {
  const { installationId, isRegistered, isSubscribed, waiting } = await openrate.state();
  element("installation").textContent = installationId || "none";
  element("registered").textContent = isRegistered ? "yes" : "no";
  element("subscribed").textContent = isSubscribed ? "yes" : "no";
  element("waiting").textContent = waiting;
};

const start = async () => {
  const given = Object.fromEntries(new FormData(settings));
  localStorage.setItem("agreed", JSON.stringify(given));
  const id = await openrate.start({ ...given, serviceWorker: "worker.js" });
  say(id ? "Started." : "This browser keeps nothing, so nothing is counted.");
};

settings.onsubmit = (event) => {
  event.preventDefault();
  start();
};

element("subscribe").onclick = async () => {
  try {
    say((await openrate.subscribe()) ? "Notifications will come." : "No notifications.");
  } catch (error) {
    say(error.message);
  }
};

element("stop").onclick = async () => {
  localStorage.removeItem("agreed");
  await openrate.stop();
  say("Stopped and forgotten.");
};

if (agreed) start();
setInterval(show, 500);
