/* The search of the top bar: going back to a page never shows old results, and `/` focuses it as well. */

import { singleKeysOn } from "./prefs.js";

const box = document.querySelector("[data-palette]");

if (box) {
  const input = box.querySelector("input");
  window.addEventListener("pageshow", () => {
    if (document.activeElement === input) return;
    input.value = "";
    box.querySelector("[role=listbox]").replaceChildren();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.defaultPrevented || !singleKeysOn()) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}
