// What is typed in the editor is kept in this tab until the server has it: whatever comes between, it can be gone on with.
"use strict";

(() => {
  const LAST = "openrate.saved-last";
  const PAUSE_MS = 300;
  const form = document.getElementById("editor");
  const address = form?.getAttribute("action");

  /** Storage may be blocked or full; the page works without it. */
  function attempt(action) {
    try {
      return action();
    } catch {
      return null;
    }
  }

  /** On the page after the editor: what it says is done needs no draft. */
  function forgetWhatIsSaved() {
    const came = document.referrer && new URL(document.referrer).pathname;
    const key = sessionStorage.getItem(LAST);
    if (key && /^\/campaigns\/.*(new|edit)$/.test(came) && document.querySelector(".said.done")) sessionStorage.removeItem(key);
  }

  /** Send what was kept as if it had just been typed, which saves nothing: the page comes back with it. */
  function goOnWith(fields) {
    const again = document.createElement("form");
    again.method = "post";
    again.action = address;
    for (const [name, value] of [...fields, ["csrf", form.elements.csrf.value], ["action", "check"]]) {
      const field = document.createElement("textarea");
      Object.assign(field, { name, value });
      again.append(field);
    }
    again.hidden = true;
    document.body.append(again);
    again.submit();
  }

  function offer(key, { at, fields }) {
    const notice = document.getElementById("draft");
    const time = notice.querySelector("time");
    time.dateTime = new Date(at).toISOString();
    time.textContent = new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    notice.addEventListener("click", ({ target }) => {
      if (target.value === "go-on") goOnWith(fields);
      if (target.value === "forget") sessionStorage.removeItem(key);
      if (target.value) notice.hidden = true;
    });
    notice.hidden = false;
  }

  function follow(key) {
    let waiting;
    function keep() {
      clearTimeout(waiting);
      waiting = undefined;
      const fields = [...new FormData(form)].filter(([name]) => name !== "csrf");
      attempt(() => sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), fields })));
    }
    form.addEventListener("input", () => (waiting ??= setTimeout(keep, PAUSE_MS)));
    addEventListener("pagehide", () => waiting && keep());
    form.addEventListener("submit", () => {
      keep();
      attempt(() => sessionStorage.setItem(LAST, key));
    });
    if ("typed" in form.dataset) keep();
  }

  if (!form) return void attempt(forgetWhatIsSaved);
  const key = `openrate.draft ${form.dataset.person} ${address}`;
  const kept = "typed" in form.dataset ? null : attempt(() => JSON.parse(sessionStorage.getItem(key)));
  if (kept) attempt(() => offer(key, kept)); // whatever is in the storage
  follow(key);
})();
