/* Switches of this browser: the theme, and whether single-letter keys are on. */

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

/** Single keys are off when the person's settings or this browser says so. */
export function singleKeysOn() {
  return document.body.dataset.singleKeys !== "off" && stored("single-keys") !== "off";
}

function showTheme() {
  const chosen = document.documentElement.dataset.theme ?? "";
  for (const group of document.querySelectorAll("[data-theme-switch]")) {
    group.hidden = false;
    for (const button of group.querySelectorAll("[data-theme-value]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeValue === chosen));
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-value]");
  if (!button) return;
  const value = button.dataset.themeValue;
  if (value) document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
  store("theme", value);
  showTheme();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-single-keys-switch]")) store("single-keys", event.target.checked ? "" : "off");
});

showTheme();
for (const box of document.querySelectorAll("[data-single-keys-switch]")) {
  box.checked = singleKeysOn();
  box.disabled = document.body.dataset.singleKeys === "off";
}
