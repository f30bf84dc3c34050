/* The end of a session, and its return in another tab. Signing in changes the token that every form carries:
   as soon as this page notices, it asks for itself again and takes the new token over, for the same person
   only. What one person typed is never sent in the name of another. Until then one notice stays, with the way
   in; what the page asks for by itself meanwhile fails without a word. */

import { toast } from "./toast.js";
import { word } from "./words.js";

const person = document.body.dataset.person ?? "";
const cookie = () => document.cookie.match(/(?:^|; )(?:__Host-)?csrf=([^;]+)/)?.[1] ?? "";

let known = cookie();
let tried = known;
let ended = false;
let asking;

const about = () => document.querySelector("#toasts [data-about=signed-out]");

/** Say that the session ended, once, with the way back in, until it is back. */
export function sessionEnded() {
  ended = true;
  if (about()?.querySelector("[data-sign-in]")) return;
  about()?.remove();
  const model = document.getElementById("session-ended-template")?.content.firstElementChild;
  if (model) document.getElementById("toasts")?.append(model.cloneNode(true));
}

/** A request was refused, perhaps only for want of a session: `otherwise` is called where there is one. */
export async function doubt(otherwise = () => {}) {
  if (ended) return;
  if (!person) return otherwise();
  const renewed = cookie() !== known;
  if ((await renew()) && !renewed) otherwise();
}

function takeOver(token) {
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": token }));
}

/** Whether this page's person is signed in; if so its forms carry the token of now. Asked once at a time. */
function renew() {
  asking ??= ask().finally(() => (asking = undefined));
  return asking;
}

async function ask() {
  const now = cookie();
  const before = { known, ended };
  tried = now;
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
  about()?.remove();
  if (before.ended) toast(word("signedInAgain"), "good");
  if (before.ended || before.known !== now) document.dispatchEvent(new CustomEvent("session:back"));
  return true;
}

/* A redirect to the sign-in page, followed by the browser, would be put into this page. */
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const way = document.getElementById("session-ended-template")?.content.querySelector("[data-sign-in]");
  const came = event.detail.xhr.responseURL;
  if (!person || !way || !came || new URL(came).pathname !== way.getAttribute("href")) return;
  event.preventDefault();
  sessionEnded();
});

document.addEventListener("session:doubted", (event) => doubt(event.detail.otherwise));
document.addEventListener("session:ended", sessionEnded);

const changed = () => person !== "" && (ended || cookie() !== known);

for (const name of ["visibilitychange", "focus"]) {
  (name === "focus" ? window : document).addEventListener(name, () => {
    if (document.visibilityState === "visible" && changed()) renew();
  });
}

/* Where both windows are in sight neither event comes: whoever goes on working has a new token by then. */
document.addEventListener("focusin", () => {
  if (ended && cookie() !== tried) renew();
});

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
