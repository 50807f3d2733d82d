"use strict";

// A number that is changed is sent by itself, once nobody has touched it for a moment; the button is for others.
const SETTLED_MS = 700;

for (const form of document.querySelectorAll("form.how-many")) {
  let settling = 0;
  form.querySelector("button").hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(settling);
    settling = setTimeout(() => form.requestSubmit(), SETTLED_MS);
  });
  form.addEventListener("submit", () => clearTimeout(settling));
}
