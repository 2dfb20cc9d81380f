// What pages do beyond links and forms. Everything here is an extra: without it the pages still work.
"use strict";

(() => {
  const GIVEN_UP_MS = 10_000;

  /** Buttons that copy: they are hidden until there is a script that can. */
  function offerCopies(within) {
    for (const button of within.querySelectorAll("[data-copy], [data-copy-from]")) button.hidden = !navigator.clipboard;
  }

  /** The text at an address of ours; null when it cannot be had, or the session has ended. */
  async function fetched(address) {
    const answer = await fetch(address).catch(() => null);
    return answer?.ok && !answer.redirected ? answer.text() : null;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) {
      const before = button.textContent;
      const text = button.dataset.copy ?? (await fetched(button.dataset.copyFrom));
      if (text != null) await navigator.clipboard.writeText(text);
      button.textContent = text == null ? "That failed: load the page again" : "Copied";
      setTimeout(() => (button.textContent = before), 1500);
    }
    const menu = document.querySelector(".menu[open]");
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector(".menu[open]");
    if (event.key === "Escape" && menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /** What cannot be undone is asked about once more. */
  document.addEventListener("submit", (event) => {
    const question = (event.submitter ?? event.target).dataset.confirm ?? event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  /** A form is sent once, however often its button is pressed while the answer is on its way; it may never come. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method != "post" || event.defaultPrevented) return;
    if (form.dataset.isSent) event.preventDefault();
    form.dataset.isSent = "yes";
    setTimeout(() => delete form.dataset.isSent, GIVEN_UP_MS);
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-is-sent]").forEach((form) => delete form.dataset.isSent));

  /** Who signs out leaves nothing behind in this tab. */
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/sign-out" && !event.defaultPrevented) sessionStorage.clear();
  });

  /** A list that filters by itself as soon as a choice is made. */
  document.addEventListener("change", (event) => {
    if (event.target.form?.hasAttribute("data-at-once")) event.target.form.requestSubmit();
    const target = event.target.dataset.readsInto;
    if (target && event.target.files?.[0]) {
      event.target.files[0].text().then((text) => (document.getElementById(target).value = text));
    }
  });

  /** What the page asks by itself, by path: when it was answered last, and how often in a row it was not since. */
  const polls = new Map();
  const loadedAt = Date.now();
  const isPoll = (ctx) => ctx.sourceEvent?.type === "every";
  let notice;

  /** That numbers are old is said once they were asked for twice in vain. htmx goes on asking. */
  function sayWhatIsOld() {
    const old = [...polls.values()].find((poll) => poll.failures > 1);
    const since = old && new Date(old.answeredAt).toISOString().slice(0, 19).replace("T", " ");
    const words = old ? `Not updated since ${since} UTC: ${old.reason}. It is tried again by itself.` : "";
    if (!notice) {
      // It stands there before it has words, because a screen reader reads out changes.
      document.getElementById("main").prepend((notice = document.createElement("div")));
      notice.setAttribute("role", "status");
    }
    if (notice.textContent !== words) notice.textContent = words;
    notice.className = words && "said warn old";
  }

  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (isPoll(ctx)) ctx.request.timeout = "30s";
  });
  // Otherwise htmx puts the page about the failure where the numbers are, and stops asking.
  document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
    if (isPoll(ctx) && ctx.response.status >= 500) ctx.swap = "none";
  });
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (!isPoll(ctx)) return;
    const path = ctx.request.action.split("?")[0];
    const { answeredAt, failures } = polls.get(path) ?? { answeredAt: loadedAt, failures: 0 };
    const isFault = ctx.response?.status >= 500;
    const reason = isFault ? `the server answers with an error (${ctx.response.status})` : "the server does not answer";
    const isAnswered = ctx.response && !isFault && !ctx.status.startsWith("error");
    polls.set(path, isAnswered ? { answeredAt: Date.now(), failures: 0 } : { answeredAt, failures: failures + 1, reason });
    if (notice || !isAnswered) sayWhatIsOld();
  });

  offerCopies(document);
  document.addEventListener("htmx:after:swap", () => offerCopies(document));
})();
