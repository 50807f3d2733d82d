"use strict";

// A scanned code stands behind # in the address, where only this browser sees it: into the form with it, and out
// of the address, so that it is neither in the history nor in what somebody shares.
const field = document.querySelector("#code-form input[name=code]");
const code = location.hash.slice(1);

if (/^[0-9A-Za-z-]{1,40}$/.test(code)) {
  history.replaceState(null, "", location.pathname);
  field.value = code;
  field.form.requestSubmit();
}
