/* Room in a long text. A box with `data-most` says in `[data-room-echo]` beside it how many characters are
   left once few are, and how many are too many. Nothing is cut: a paste stays whole until it is mended. */

import { word } from "./words.js";

const NEAR = 200;

function tell(box) {
  const out = box.closest(".field")?.querySelector("[data-room-echo]");
  if (!out) return;
  const left = Number(box.dataset.most) - box.value.length;
  const text = left < 0 ? word("textOver", { count: -left }) : left <= NEAR ? word("textLeft", { count: left }) : "";
  if (out.textContent !== text) out.textContent = text;
  out.dataset.tone = left < 0 ? "critical" : "";
}

const tellAll = (within) => within.querySelectorAll("textarea[data-most]").forEach(tell);

document.addEventListener("input", (event) => {
  if (event.target.matches?.("textarea[data-most]")) tell(event.target);
});

document.addEventListener("keep:back", (event) => tellAll(event.target));

tellAll(document);
