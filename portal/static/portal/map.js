"use strict";

// The map of a store's form: pressed, it answers without a new page, and is as wide as there is room for. Without this
// script the same picture is a button of the form, and the browser sends where it was pressed.
(() => {
  const form = document.getElementById("store-form");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);

  async function ask(said) {
    const body = new FormData(form);
    for (const [name, value] of Object.entries(said)) body.set(name, value);
    form.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = page.querySelector("[data-map]");
      if (!shown) throw new Error("There is no map in the answer.");
      for (const name of ["latitude", "longitude"]) field(name).value = page.getElementById(field(name).id).value;
      form.querySelector("[data-map]").replaceWith(shown);
    } catch {
      form.requestSubmit(form.querySelector("[name=look]")); // As without scripts.
    } finally {
      form.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("click", (event) => {
    const map = event.target.closest(".map-pressed");
    const wider = event.target.closest("[name=wider]");
    if (map && event.detail) { // A key presses it nowhere: then the form does what it does without scripts.
      event.preventDefault();
      const box = map.getBoundingClientRect();
      const at = (pixels, length, size) => String((Math.max(0, pixels) / length) * Number(map.getAttribute(size)));
      ask({
        "map.x": at(event.clientX - box.left, box.width, "width"),
        "map.y": at(event.clientY - box.top, box.height, "height"),
      });
    } else if (wider) {
      event.preventDefault();
      ask({ wider: wider.value });
    }
  });

  const here = form.querySelector("[data-locate]");
  if (here && navigator.geolocation && window.isSecureContext) {
    here.hidden = false;
    here.addEventListener("click", () => {
      const said = form.querySelector("[data-said]");
      said.textContent = "";
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          field("latitude").value = coords.latitude.toFixed(5);
          field("longitude").value = coords.longitude.toFixed(5);
          ask({ look: "on", frame: "" });
        },
        () => { said.textContent = here.dataset.failed; },
        { enableHighAccuracy: true, timeout: 15000 },
      );
    });
  }
})();
