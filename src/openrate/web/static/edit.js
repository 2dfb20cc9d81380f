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
  /** What was refused is said beside its field until something else is wrong, or nothing. */
  document.addEventListener("htmx:after:swap", () => {
    const refused = document.querySelector("#problem a");
    if (!refused || document.querySelector("#still a")?.textContent === refused.textContent) return;
    document.getElementById("problem").remove();
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    for (const complaint of form.querySelectorAll(".complaint")) {
      complaint.closest(".wrong")?.classList.remove("wrong");
      complaint.textContent = "";
    }
  });

  form.addEventListener("submit", () => (isChanged = false));
  addEventListener("beforeunload", (event) => isChanged && event.preventDefault());
  ask();
})();
