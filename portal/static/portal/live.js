"use strict";

// News as they come: the number at the bell, and the inbox where it is open. Without scripts both are right after
// the next click. The stream is followed only by pages that are looked at: browsers keep few connections to one site.
const STREAM = "/api/v1/messages/stream";
const AGAIN_MS = 60_000;
const TOGETHER_MS = 150;

let stream = null;
let again = 0;
let soon = 0;

function follow() {
  if (stream !== null || document.hidden || !document.getElementById("header-inbox")) return;
  stream = new EventSource(STREAM);
  stream.onmessage = () => {
    clearTimeout(soon);
    soon = setTimeout(refresh, TOGETHER_MS, true);
  };
  stream.onerror = () => {
    // A browser comes back by itself unless it was refused: logged out, or too many streams.
    if (stream?.readyState !== EventSource.CLOSED) return;
    leave();
    again = setTimeout(follow, AGAIN_MS);
  };
}

function leave() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}

async function refresh(isNews) {
  const inbox = document.getElementById("inbox-list");
  const answer = await fetch(inbox ? location.href : "/inbox/unread", { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = inbox?.contains(document.activeElement) ? document.activeElement.id : "";
  for (const id of ["header-inbox", "inbox-list"]) {
    const fresh = page.getElementById(id);
    if (fresh) document.getElementById(id)?.replaceWith(fresh);
  }
  if (focused) document.getElementById(focused)?.focus();
  document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  const news = document.getElementById("inbox-news");
  if (isNews && news) news.textContent = news.dataset.said;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    leave();
  } else {
    follow();
    refresh(false);
  }
});
document.addEventListener("DOMContentLoaded", follow);
window.addEventListener("pagehide", leave);
