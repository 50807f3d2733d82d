"use strict";

// What a till does beside its forms; without any of it the till works by pressing buttons.

const DIGITS_OF_A_PAY_CODE = 18;
const says = () => document.getElementById("till-says");

// Keys: each control names its own. A field is gone to, a button is pressed.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.repeat) return;
  const wanted = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.matches("input")) {
    wanted.focus();
    wanted.select();
  } else if (wanted.matches("summary")) {
    wanted.parentElement.open = true;
    wanted.parentElement.querySelector("input:not([type=hidden])").focus();
  } else {
    wanted.click();
  }
});

// How long a sale may still be paid: the seconds are counted from when the page came.
function countDown() {
  for (const clock of document.querySelectorAll("[data-seconds-left]")) {
    clock.dataset.endsAt ??= String(Date.now() + Number(clock.dataset.secondsLeft) * 1000);
    const left = Math.max(0, Math.round((Number(clock.dataset.endsAt) - Date.now()) / 1000));
    const written = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (clock.textContent !== written) clock.textContent = written;
  }
}
setInterval(countDown, 250);

// A part that changed is said aloud in a few words, and where nothing else has the focus, its next step gets it.
document.addEventListener("htmx:after:swap", () => {
  countDown();
  offerCamera();
  const said = document.querySelector("[data-say]")?.dataset.say ?? "";
  if (says() && says().textContent !== said) says().textContent = said;
  if (document.activeElement === document.body) document.querySelector("main [autofocus]")?.focus();
});

// What Enter has put in is out of the field again; the shelf shows the usual.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.("[data-find]");
  if (form && event.target === form) {
    const field = form.querySelector("[name=find]");
    field.value = "";
    field.dispatchEvent(new Event("refresh"));
  }
  const free = event.target.closest?.("[data-free]");
  if (free && !free.hasAttribute("data-refused")) free.reset();
});

// A hand scanner types a code and may not press Enter.
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("[data-pay-code]");
  if (!form || event.target.name !== "pay_code") return;
  if (event.target.value.replace(/\s/g, "").length === DIGITS_OF_A_PAY_CODE) form.requestSubmit();
});

// The camera reads a code where the browser can.
async function readers() {
  if (!("BarcodeDetector" in window) || !navigator.mediaDevices) return null;
  const formats = (await BarcodeDetector.getSupportedFormats()).filter((one) => ["qr_code", "code_128"].includes(one));
  return formats.length ? new BarcodeDetector({ formats }) : null;
}

async function offerCamera() {
  const button = document.querySelector("[data-camera][hidden]");
  if (button && (await readers())) button.hidden = false;
}

async function look(form, button) {
  const box = form.querySelector(".till-camera");
  const video = box.querySelector("video");
  const note = box.querySelector("[role=status]");
  box.hidden = false;
  button.setAttribute("aria-expanded", "true");
  try {
    const detector = await readers();
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    note.textContent = note.dataset.looking;
    const timer = setInterval(async () => {
      if (!form.isConnected || box.hidden) return stop(video, timer);
      for (const found of await detector.detect(video)) {
        const code = found.rawValue.replace(/\D/g, "");
        if (code.length !== DIGITS_OF_A_PAY_CODE || form.dataset.sent) continue;
        stop(video, timer);
        form.elements.pay_code.value = code;
        return form.requestSubmit();
      }
    }, 200);
  } catch {
    note.textContent = note.dataset.none;
  }
}

function stop(video, timer) {
  clearInterval(timer);
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-camera]");
  if (!button) return;
  const form = button.closest("form");
  const box = form.querySelector(".till-camera");
  if (box.hidden) return look(form, button);
  box.hidden = true;
  button.setAttribute("aria-expanded", "false");
});

document.addEventListener("DOMContentLoaded", () => {
  countDown();
  offerCamera();
});
