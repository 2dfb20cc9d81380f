// What pages ask by themselves: numbers that follow what happens, and in the editor what follows the typing.
"use strict";

(() => {
  /** By path: when it was answered last, and how often in a row it was not since. */
  const asked = new Map();
  const loadedAt = Date.now();
  const isPoll = (ctx) => ctx.sourceEvent?.type === "every";
  let notice;

  /** Why there is no answer to be used; empty if there is one. */
  function fault(ctx) {
    const status = ctx.response?.status;
    if (status >= 500) return `the server answers with an error (${status})`;
    if (status >= 400 && !isPoll(ctx)) return `the server refuses what it is asked (${status})`;
    return !status || ctx.status.startsWith("error") ? "the server does not answer" : "";
  }

  /** What is said: numbers are old once they were asked for twice in vain. htmx goes on asking. */
  function words() {
    const [old] = [...asked.values()].filter(({ kind, failures }) => failures > (kind === "poll"));
    if (!old) return "";
    const since = new Date(old.answeredAt).toISOString().slice(0, 19).replace("T", " ");
    if (old.kind === "poll") return `Not updated since ${since} UTC: ${old.reason}. It is tried again by itself.`;
    if (old.kind === "load") return `A part of this page is missing: ${old.reason}. Load the page again.`;
    return `The page does not follow what you type: ${old.reason}. What you typed is still here.`;
  }

  function say() {
    if (!notice) {
      // It stands there before it has words, because a screen reader reads out changes.
      document.getElementById("main").prepend((notice = document.createElement("div")));
      notice.setAttribute("role", "status");
    }
    const said = words();
    if (notice.textContent !== said) notice.textContent = said;
    notice.className = said && "said warn old";
  }

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (isPoll(ctx)) ctx.request.timeout = "30s";
  });
  // Otherwise htmx puts the page about the failure where the answer belongs, and stops asking.
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (fault(ctx)) ctx.swap = "none";
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.status.startsWith("error: AbortError")) return; // for a later one
    const kind = isPoll(ctx) ? "poll" : ctx.request.method === "POST" ? "typed" : "load";
    const path = kind + ctx.request.action.split("?")[0];
    const before = asked.get(path) ?? { answeredAt: loadedAt, failures: 0 };
    const reason = fault(ctx);
    asked.set(path, reason ? { ...before, kind, failures: before.failures + 1, reason } : { kind, answeredAt: Date.now(), failures: 0 });
    if (notice || reason) say();
  });
})();
