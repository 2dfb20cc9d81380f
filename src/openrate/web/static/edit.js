// The editor of campaigns beyond its form: a last question, the zone of this device, and nothing typed is lost.
"use strict";

(() => {
  const form = document.getElementById("editor");
  const save = document.getElementById("save");
  let isChanged = "typed" in form.dataset;

  document.documentElement.classList.add("scripted");

  /** What goes out at once is asked about once more. */
  function ask() {
    const values = new FormData(form);
    const isNow = values.get("live") === "true" && values.get("when") === "now";
    if (isNow) save.dataset.confirm = "Send this now? It goes out as soon as it is saved.";
    else delete save.dataset.confirm;
  }

  const zone = document.querySelector("select[data-guess]");
  if (zone) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zone.options].some((option) => option.value === here)) zone.value = here;
  }

  form.addEventListener("input", () => {
    isChanged = true;
    ask();
  });
  form.addEventListener("submit", () => (isChanged = false));
  addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
  ask();
})();
