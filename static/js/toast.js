/* Notices. The server's are in the page; `say` speaks to screen readers alone, `toast` shows one. Success
   leaves by itself unless a person is on it; trouble stays until dismissed. An htmx answer may carry
   `HX-Trigger: {"toast": {"text": ..., "tone": "good"}}`. Failed requests say that nothing was lost, each
   kind of trouble once; what the page asks for by itself fails without a word. */

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

const ofPerson = (event) => Boolean(event.detail.requestConfig?.triggeringEvent);

document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  const mine = ofPerson(event);
  const say = (name, tone) => mine && toast(word(name), tone, name);
  if (status === 401) document.dispatchEvent(new CustomEvent("session:ended"));
  else if (status === 403) {
    const otherwise = () => say("refused", "critical");
    document.dispatchEvent(new CustomEvent("session:doubted", { detail: { otherwise } }));
  } else if (status === 429) say("tooMany", "moderate");
  else say(status >= 500 ? "offline" : "refused", "critical");
});

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => ofPerson(event) && toast(word("offline"), "critical", "offline"));
}

for (const node of document.querySelectorAll("#toasts > [data-toast]")) leaveLater(node);
