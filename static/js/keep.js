/* Unsent text. What is typed in a form with `data-keep` stays in this tab until that very form is accepted:
   sending another form of the page, a refusal or a session that ended draws the page again, and the text is
   put back. It is about customers, so it never leaves the tab, belongs to one person, and is gone when they
   sign out here or in another tab. `data-keep="strict"` puts a field back only where the saved value is
   still the one it was typed over. A notice with `data-back-in`, the form's id, then says that it is back. */

const PREFIX = "unsent:";
const OWNER = "unsent-of";
const FIELDS = "textarea, select, input:not([role=combobox], [type=hidden], [type=password], [type=file], [type=radio], [type=checkbox], [type=submit], [type=button])";
const person = document.body.dataset.person ?? "";

const keyOf = (form) => PREFIX + new URL(form.getAttribute("action") || location.href, location.href).pathname;
const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.matches(FIELDS));
const first = (field) =>
  field instanceof HTMLSelectElement ? ([...field.options].find((row) => row.defaultSelected) ?? field.options[0])?.value : field.defaultValue;

/** Everything kept in this tab is forgotten. */
function forgetAll() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX) || key === OWNER) sessionStorage.removeItem(key);
}

/** What was typed in this form is kept elsewhere now, or no longer wanted. */
export function forget(form) {
  sessionStorage.removeItem(keyOf(form));
}

function keep(form) {
  const typed = {};
  for (const field of fieldsOf(form)) if (field.value !== first(field)) typed[field.name] = [field.value, first(field)];
  if (Object.keys(typed).length) sessionStorage.setItem(keyOf(form), JSON.stringify(typed));
  else forget(form);
}

function putBack(form) {
  const typed = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "{}");
  let back = false;
  for (const field of fieldsOf(form)) {
    const [value, over] = typed[field.name] ?? [];
    if (value === undefined || field.value === value) continue;
    if (form.dataset.keep === "strict" && first(field) !== over) continue;
    field.value = value;
    back = back || field.value === value;
  }
  if (!back) return;
  const closed = form.closest("details.disclosure:not([open])");
  if (closed) closed.open = true;
  for (const notice of document.querySelectorAll(`[data-back-in="${form.id}"]`)) notice.hidden = false;
  form.dispatchEvent(new Event("change", { bubbles: true }));
  form.dispatchEvent(new CustomEvent("keep:back", { bubbles: true }));
}

function start() {
  if (sessionStorage.getItem(OWNER) !== person) forgetAll();
  sessionStorage.setItem(OWNER, person);
  for (const node of document.querySelectorAll("[data-accepted]")) sessionStorage.removeItem(PREFIX + node.dataset.accepted);
  document.querySelectorAll("form[data-keep]").forEach(putBack);
}

document.addEventListener("input", (event) => {
  const form = event.target.form ?? null;
  if (person && form?.hasAttribute("data-keep")) keep(form);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.forgets) sessionStorage.removeItem(PREFIX + form.dataset.forgets);
  if (!form.hasAttribute("data-sign-out")) return;
  forgetAll();
  localStorage.setItem("signed-out", String(Date.now()));
});

window.addEventListener("storage", (event) => event.key === "signed-out" && forgetAll());

/* Not before htmx listens: what hangs on a field that is put back is asked for as if it had been chosen. */
if (person) document.addEventListener("DOMContentLoaded", start);
