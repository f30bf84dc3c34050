/* Two choices of a person: the theme, and whether single-letter keys are on. Both take effect at once and
   are kept in this browser; a form with `data-kept` also keeps them on the server, for every device. */

function stored(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

function store(name, value) {
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    /* Without storage the choice holds for this page. */
  }
}

/** Tell the server, which takes all preferences at once; a failure leaves the choice in this browser. */
function keep(form) {
  if (!form.hasAttribute("data-kept")) return;
  const root = document.documentElement;
  const body = new URLSearchParams({
    csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value,
    language: root.lang,
    theme: root.dataset.theme ?? "auto",
  });
  if (singleKeysOn()) body.set("single_keys", "on");
  const headers = { "X-Requested-With": "fetch" };
  fetch(form.action, { method: "POST", body, headers, redirect: "manual", keepalive: true }).catch(() => {});
}

/** Single keys are off when the person's settings or this browser says so. */
export function singleKeysOn() {
  return document.body.dataset.singleKeys !== "off" && stored("single-keys") !== "off";
}

function showTheme() {
  const chosen = document.documentElement.dataset.theme ?? "auto";
  for (const form of document.querySelectorAll("[data-theme-switch]")) {
    form.hidden = false;
    for (const button of form.querySelectorAll("[name=theme]")) {
      button.setAttribute("aria-pressed", String(button.value === chosen));
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-switch] [name=theme]");
  if (!button) return;
  event.preventDefault();
  const value = button.value;
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  store("theme", value === "auto" ? "" : value);
  keep(button.form);
  showTheme();
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!box.matches("[data-single-keys-switch]")) return;
  document.body.dataset.singleKeys = box.checked ? "on" : "off";
  store("single-keys", box.checked ? "" : "off");
  keep(box.form);
});

showTheme();
for (const box of document.querySelectorAll("[data-single-keys-switch]")) box.checked = singleKeysOn();
