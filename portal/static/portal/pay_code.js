"use strict";

// The pay code on the screen: how long it is good, and a new one by itself once it is over, as long as somebody looks.
const RENEWALS_MAX = 10;
const LATE_SECONDS = 10;
const KEPT = "pay-code-renewals";

const screen_ = document.querySelector(".code-screen");
const until = screen_.querySelector("[data-until]");
const left = screen_.querySelector("[data-left]");
const number = screen_.querySelector("[data-number]");
const bar = screen_.querySelector("[data-bar]");
const renewal = screen_.querySelector("[data-renew]");
const seconds = Number(screen_.dataset.seconds);
const shownAt = performance.now(); // What the device's clock says is no matter.

const state = () => screen_.querySelector("#code-state").dataset.state;

until.hidden = true;
left.hidden = false;

function renew() {
  const renewals = Number(sessionStorage.getItem(KEPT) || 0);
  if (document.hidden || renewals >= RENEWALS_MAX) return;
  sessionStorage.setItem(KEPT, renewals + 1);
  renewal.dataset.itself = "yes";
  renewal.requestSubmit();
}

let ticking = 0;
function tick() {
  const remaining = seconds - (performance.now() - shownAt) / 1000;
  if (state() !== "waiting" || remaining <= 0) {
    clearInterval(ticking);
    screen_.classList.add("code-over");
    if (state() === "waiting" || state() === "expired") renew();
    return;
  }
  number.textContent = Math.ceil(remaining);
  bar.style.transform = `scaleX(${remaining / seconds})`;
  screen_.classList.toggle("code-late", remaining <= LATE_SECONDS);
}
ticking = setInterval(tick, 250);
tick();

// Somebody who asks for a new one, or has paid, looks again: from then on it renews itself as often as before.
renewal.addEventListener("submit", () => {
  if (!renewal.dataset.itself) sessionStorage.removeItem(KEPT);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && screen_.classList.contains("code-over") && state() !== "paid") renew();
});

// The screen stays lit while a code is on it, where the device lets it.
navigator.wakeLock?.request("screen").catch(() => {});
