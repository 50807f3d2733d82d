"use strict";

// Light or dark: as the device has it, or as this browser was told at the foot of a page. It stands in the head
// without `defer`, so that no page is drawn in the other colours first.
(() => {
  const KEPT = "theme";
  const root = document.documentElement;
  const apply = (theme) => {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  try {
    apply(localStorage.getItem(KEPT));
  } catch {
    return; // A browser that keeps nothing has the device's colours.
  }
  document.addEventListener("DOMContentLoaded", () => {
    const chooser = document.querySelector("[data-themes]");
    if (!chooser) return;
    chooser.hidden = false;
    const chosen = root.dataset.theme ?? "device";
    for (const button of chooser.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.value === chosen));
      button.addEventListener("click", () => {
        localStorage.setItem(KEPT, button.value);
        apply(button.value);
        for (const other of chooser.querySelectorAll("button")) {
          other.setAttribute("aria-pressed", String(other === button));
        }
        document.dispatchEvent(new CustomEvent("themechange"));
      });
    }
  });
})();
