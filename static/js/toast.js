/* Notices. The server's are in the page; `say` speaks to screen readers alone, `toast` shows one. Success
   leaves by itself unless a person is on it; trouble stays until dismissed. An htmx answer may carry
   `HX-Trigger: {"toast": {"text": ..., "tone": "good"}}`. Failed requests say that nothing was lost. */

import { sprite, word } from "./words.js";

const STAY = 8000;
const ICONS = { good: "good", moderate: "warning", critical: "stop", info: "info" };
const region = () => document.getElementById("toasts");
let voice;

/** Say something to screen readers only. */
export function say(text) {
  if (!voice) {
    voice = document.createElement("div");
    voice.className = "sr-only";
    voice.setAttribute("role", "status");
    document.body.append(voice);
  }
  voice.textContent = text;
}

function leaveLater(node) {
  if (node.dataset.toast !== "good" && node.dataset.toast !== "info") return;
  let timer = setTimeout(() => node.remove(), STAY);
  const hold = () => clearTimeout(timer);
  const go = () => {
    clearTimeout(timer);
    timer = setTimeout(() => node.remove(), STAY);
  };
  node.addEventListener("pointerenter", hold);
  node.addEventListener("focusin", hold);
  node.addEventListener("pointerleave", go);
  node.addEventListener("focusout", go);
}

/** Show a notice. Tones: good, info, moderate, critical. Of those `about` one thing only the last stays. */
export function toast(text, tone = "info", about = "") {
  if (about) region()?.querySelector(`[data-about="${about}"]`)?.remove();
  const model = document.getElementById("toast-template")?.content.firstElementChild;
  if (!region() || !model || !text) return;
  const node = model.cloneNode(true);
  node.className = `toast toast-${tone}`;
  node.dataset.toast = tone;
  if (about) node.dataset.about = about;
  node.querySelector("use").setAttribute("href", `${sprite()}#${ICONS[tone] ?? "info"}`);
  node.querySelector("p").textContent = text;
  if (tone === "critical") node.setAttribute("role", "alert");
  region().append(node);
  leaveLater(node);
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
});

document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) document.dispatchEvent(new CustomEvent("session:ended"));
  else if (status === 429) toast(word("tooMany"), "moderate");
  else toast(word(status >= 500 ? "offline" : "refused"), "critical");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => toast(word("offline"), "critical"));
}

for (const node of document.querySelectorAll("#toasts > [data-toast]")) leaveLater(node);
