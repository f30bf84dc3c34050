/* Copy buttons: `data-copy` holds the text, or `data-copy-from` names an element that shows it. */

import { say, toast } from "./toast.js";
import { word } from "./words.js";

/* Plain HTTP inside a company has no clipboard API; the old command still works there. */
function oldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return oldWay(text);
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.querySelector(button.dataset.copyFrom)?.textContent.trim() ?? "";
  if (!(await copy(text))) {
    toast(word("copyFailed"), "moderate");
    return;
  }
  button.focus();
  say(word("copied"));
  const label = button.querySelector("[data-label]");
  if (!label || button.dataset.was) return;
  button.dataset.was = label.textContent;
  label.textContent = word("copied");
  setTimeout(() => {
    label.textContent = button.dataset.was;
    delete button.dataset.was;
  }, 1800);
});
