"use strict";

// What every page does beside what it says. All of it can be missing: pages work without scripts.

// Times are written in UTC by the server; here in the reader's own time zone, with UTC behind them.
const say = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
function localize(root) {
  for (const time of root.querySelectorAll("time.moment:not([title])")) {
    time.title = time.textContent;
    time.textContent = say.format(new Date(time.dateTime));
  }
}

// On a phone the pages stand in a row that is wider than the phone.
function showWhereOneIs() {
  document.querySelector(".side-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}

// A popover closes when one looks elsewhere, or presses Escape.
function closePopovers(except) {
  for (const open of document.querySelectorAll("details.popover[open]")) {
    if (open !== except) open.open = false;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  localize(document);
  showWhereOneIs();
});
window.addEventListener("resize", showWhereOneIs);
document.addEventListener("htmx:after:swap", () => localize(document));
document.addEventListener("click", (event) => closePopovers(event.target.closest?.("details.popover")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const inside = event.target.closest?.("details.popover[open]");
  closePopovers();
  inside?.querySelector("summary").focus();
});

// A form that is on its way is not sent a second time, and its button says so.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
// Back in the history the page is as it was left: it may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
