/* Drafts. A form with `data-draft-url` is posted there shortly after each change, apart from htmx, and
   `[data-draft-status]` inside it says what happened. A failed save is tried again, spread out; the text
   stays in the page, and in this tab until the server has it (keep.js). */

import { forget } from "./keep.js";
import { doubt, sessionEnded } from "./session.js";
import { language, word } from "./words.js";

const QUIET = 1200;
const RETRIES = [3000, 8000, 20000, 60000];
const state = new WeakMap();

function status(form, text, tone = "") {
  const node = form.querySelector("[data-draft-status]");
  if (!node) return;
  node.textContent = text;
  node.dataset.tone = tone;
}

const clockTime = () => new Intl.DateTimeFormat(language(), { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: word("zone") }).format(new Date());

function later(form, wait) {
  const mine = state.get(form) ?? { tries: 0 };
  clearTimeout(mine.timer);
  mine.timer = setTimeout(() => save(form), wait);
  state.set(form, mine);
}

async function save(form) {
  if (!form.isConnected || form.dataset.busy !== undefined) return;
  const mine = state.get(form);
  status(form, word("saving"));
  const body = new FormData(form);
  for (const [name, value] of [...body]) if (value instanceof File) body.delete(name);
  try {
    const answer = await fetch(form.dataset.draftUrl, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": body.get("csrfmiddlewaretoken") ?? "", "X-Requested-With": "fetch" },
      redirect: "manual",
    });
    if (answer.ok) {
      mine.tries = 0;
      forget(form);
      status(form, word("saved", { time: clockTime() }));
      return;
    }
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      status(form, word("signedOut"), "critical");
      sessionEnded();
      return;
    }
    if (answer.status === 403) {
      status(form, word("draftFailed"), "critical");
      doubt();
      return;
    }
  } catch {
    /* No answer at all is handled as a refused one: said, and tried again. */
  }
  status(form, word("draftFailed"), "critical");
  if (mine.tries < RETRIES.length) later(form, RETRIES[mine.tries++]);
}

document.addEventListener("input", (event) => {
  const form = event.target.form ?? null;
  if (form?.dataset.draftUrl) later(form, QUIET);
});

document.addEventListener("change", (event) => {
  const form = event.target.form ?? null;
  if (form?.dataset.draftUrl) later(form, QUIET);
});

document.addEventListener("keep:back", (event) => {
  if (event.target.dataset.draftUrl) later(event.target, QUIET);
});

document.addEventListener("session:back", () => {
  for (const form of document.querySelectorAll("form[data-draft-url]")) later(form, 0);
});

document.addEventListener("submit", (event) => clearTimeout(state.get(event.target)?.timer));
