/* Clocks. An element with `data-due` (an ISO moment) shows the time left in words, kept current while the
   page is open; its state (ok, soon, late) colours it, the words say it. */

import { sprite, word } from "./words.js";

const SOON = 15;

/** Minutes as days and hours, hours and minutes, or minutes; the same words as the server's. */
function span(total) {
  const days = Math.floor(total / 1440);
  const hours = Math.floor((total % 1440) / 60);
  const minutes = total % 60;
  if (days) return word("spanDays", { days, hours });
  if (hours) return word("spanHours", { hours, minutes });
  return word("spanMinutes", { minutes });
}

function show(node) {
  const left = (new Date(node.dataset.due) - Date.now()) / 60000;
  const state = left < 0 ? "late" : left <= SOON ? "soon" : "ok";
  const text = word(left < 0 ? "late" : "left", { span: span(Math.floor(Math.abs(left))) });
  const words = node.querySelector("[data-clock-words]");
  if (words.textContent !== text) words.textContent = text;
  if (node.dataset.state !== state) {
    node.dataset.state = state;
    node.querySelector("use")?.setAttribute("href", `${sprite()}#${state === "late" ? "warning" : "clock"}`);
  }
}

const showAll = () => document.querySelectorAll(".clock[data-due]").forEach(show);

showAll();
setInterval(showAll, 15000);
document.addEventListener("htmx:afterSettle", showAll);
document.addEventListener("visibilitychange", () => document.hidden || showAll());
