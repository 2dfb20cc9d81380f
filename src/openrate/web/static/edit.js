// The editor of campaigns beyond its form: a last question, the zone of this device, and nothing typed is lost.
"use strict";

(() => {
  const form = document.getElementById("editor");
  const save = document.getElementById("save");
  let isChanged = "typed" in form.dataset;
  let isCounted = true;

  document.documentElement.classList.add("scripted");

  /** What goes out at once is asked about once more; of a time that is past the summary knows. */
  function ask() {
    const values = new FormData(form);
    const isNow = values.get("when") === "now" || document.querySelector("#summary [data-is-past]");
    if (isNow && values.get("live") === "true") save.dataset.confirm = `Send this now to ${whom()}? It goes out as soon as it is saved.`;
    else delete save.dataset.confirm;
  }

  /** The app, and how many of it, unless the estimate on the page is not of what is chosen now. */
  function whom() {
    const { app } = document.querySelector("#summary [data-app]").dataset;
    const count = isCounted && document.querySelector("#estimate .big strong")?.textContent;
    if (!count) return `installations of ${app}`;
    return `about ${count} installation${count === "1" ? "" : "s"} of ${app}`;
  }

  const zone = document.querySelector("select[data-guess]");
  if (zone) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zone.options].some((option) => option.value === here)) zone.value = here;
  }

  form.addEventListener("input", (event) => {
    isChanged = true;
    isCounted &&= !event.target.closest("#targeting");
    ask();
  });
  /** What was refused is said beside its field until it is mended; while that is wrong, as it is wrong now. */
  function renew() {
    const refused = document.querySelector("#problem a");
    if (!refused) return;
    const still = document.querySelector("#still a");
    const complaint = form.querySelector(".complaint:not(#estimate *)");
    if (still?.hash === refused.hash) {
      for (const said of [refused, complaint]) if (said && said.textContent !== still.textContent) said.textContent = still.textContent;
      return;
    }
    document.getElementById("problem").remove();
    const field = form.querySelector("[aria-invalid]");
    field?.removeAttribute("aria-invalid");
    field?.setAttribute("aria-describedby", field.getAttribute("aria-describedby").replace(/\S+-error$/, ""));
    complaint?.closest(".wrong")?.classList.remove("wrong");
    complaint?.remove();
  }

  document.addEventListener("htmx:after:swap", (event) => {
    const { target } = event.detail.ctx;
    if (target.id === "estimate") {
      isCounted = true;
      ask();
    }
    if (target.id === "summary") {
      renew();
      ask();
    }
    // A message more or less is a change like those that are typed.
    if (target.id === "messages") form.dispatchEvent(new Event("input"));
  });

  // Who has to sign in again finds what they typed when they are back (draft.js): nothing to be asked.
  document.addEventListener("htmx:after:request", (event) => (isChanged &&= event.detail.ctx.response.status !== 401));

  // On the window, so that it comes after every question: what was not sent is still to be saved.
  addEventListener("submit", (event) => (isChanged &&= event.defaultPrevented));
  addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
  ask();
})();
