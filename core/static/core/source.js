// The rules' text: line numbers beside it, and a jump to the line of a problem.
const file = document.querySelector('.house-page input[type="file"]');
if (file) file.hasChangeListener = true; // Unfold's own listener looks for a text field that is not here.

document.addEventListener("DOMContentLoaded", () => {
  const text = document.querySelector(".house-source textarea");
  const numbers = document.querySelector(".house-source .house-numbers");
  if (!text || !numbers) return;

  const count = () => {
    const lines = text.value.split("\n").length;
    numbers.textContent = Array.from({ length: lines }, (_, place) => place + 1).join("\n") + "\n\n\n";
    numbers.scrollTop = text.scrollTop;
  };
  text.addEventListener("input", count);
  text.addEventListener("scroll", () => (numbers.scrollTop = text.scrollTop));
  count();

  document.querySelectorAll("[data-line]").forEach((problem) =>
    problem.addEventListener("click", () => {
      const lines = text.value.split("\n");
      const line = Math.min(Number(problem.dataset.line), lines.length) - 1;
      const start = lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0);
      text.focus();
      text.setSelectionRange(start, start + lines[line].length);
      text.scrollTop = Math.max(0, line - 6) * parseFloat(getComputedStyle(text).lineHeight);
    }),
  );

  if (file) file.addEventListener("change", async () => {
    if (!file.files.length) return;
    text.value = await file.files[0].text();
    file.value = ""; // What is in the text now is sent, with what is changed in it.
    count();
  });
});
