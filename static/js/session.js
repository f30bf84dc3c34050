/* The end of a session, and its return in another tab. Signing in changes the token that every form carries:
   as soon as this page notices, it asks for itself again and takes the new token over, for the same person
   only. What one person typed is never sent in the name of another. */

import { toast } from "./toast.js";
import { word } from "./words.js";

const person = document.body.dataset.person ?? "";
const cookie = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/)?.[1] ?? "";

let known = cookie();
let ended = false;

/** Say that the session ended, once, until it is back. */
export function sessionEnded() {
  if (ended) return;
  ended = true;
  toast(word("signedOut"), "critical", "signed-out");
}

function takeOver(token) {
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": token }));
}

/** Whether this page's person is signed in; if so its forms carry the token of now. */
async function renew() {
  const now = cookie();
  let page;
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } });
    page = new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return false;
  }
  const token = page.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  const present = page.body.dataset.person ?? "";
  if (!token || present !== person) {
    if (present) toast(word("otherPerson"), "critical", "signed-out");
    else sessionEnded();
    return false;
  }
  known = now;
  ended = false;
  takeOver(token);
  document.querySelector("[data-about=signed-out]")?.remove();
  document.dispatchEvent(new CustomEvent("session:back"));
  return true;
}

document.addEventListener("session:ended", sessionEnded);

const changed = () => person !== "" && (ended || cookie() !== known);

for (const name of ["visibilitychange", "focus"]) {
  (name === "focus" ? window : document).addEventListener(name, () => {
    if (document.visibilityState === "visible" && changed()) renew();
  });
}

/* Before the other listeners: a form with yesterday's token would only be refused. */
window.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.method !== "post" || !person || cookie() === known) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    renew().then((back) => back && form.requestSubmit(event.submitter));
  },
  true,
);
