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
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.isSent) event.preventDefault();
    form.dataset.isSent = "yes";
    setTimeout(() => delete form.dataset.isSent, GIVEN_UP_MS);
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-is-sent]").forEach((form) => delete form.dataset.isSent));

  /** Who signs out leaves nothing behind in this tab, once they are out: they may be offline, or stay after all. */
  const LEAVING = "openrate.leaving";
  document.addEventListener("submit", (event) => {
    if (event.target.getAttribute("action") === "/sign-out") sessionStorage.setItem(LEAVING, Date.now());
  });
  addEventListener("pageshow", () => {
    const isOut = location.pathname === "/sign-in" && Date.now() - sessionStorage.getItem(LEAVING) < GIVEN_UP_MS;
    if (isOut) sessionStorage.clear();
  });

  /** A list filters by itself as soon as a choice is made, and a file goes into the field that it is chosen for. */
  document.addEventListener("change", (event) => {
    if (event.target.form?.hasAttribute("data-at-once")) event.target.form.requestSubmit();
    const target = event.target.dataset.readsInto;
    if (target && event.target.files?.[0]) {
      event.target.files[0].text().then((text) => (document.getElementById(target).value = text));
    }
  });

  offerCopies(document);
  document.addEventListener("htmx:after:swap", () => offerCopies(document));
})();
