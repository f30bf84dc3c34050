/* Keys. A link, button or field says its key with `data-key` ("c", "ctrl+enter", "a y" for either); pressing it clicks or
   focuses it, and opens a disclosure on its first field. Keys with Enter go to the form that holds the focus,
   else to the open disclosure's. Single keys are ignored while a person types and can be switched off (WCAG 2.1.4). An open
   dialog hides the keys behind it. `?` lists the keys of the page. */

import { singleKeysOn } from "./prefs.js";
import { word } from "./words.js";

const typing = (node) =>
  node instanceof Element &&
  (node.matches("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])") ||
    node.closest("[role=listbox]") !== null);

const shown = (node) => node.checkVisibility?.({ visibilityProperty: true }) ?? node.offsetParent !== null;

/** "ctrl+shift+enter" from an event; Command counts as Ctrl. */
function nameOf(event) {
  const key = event.key.toLowerCase();
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  if (event.shiftKey && (key.length > 1 || parts.length)) parts.push("shift");
  parts.push(key);
  return parts.join("+");
}

const FIRST = "input:not([type=hidden]), select, textarea";

const openDialog = () => [...document.querySelectorAll("dialog[open]")].pop();

function find(name, from) {
  const scope = openDialog() ?? document;
  const all = [...scope.querySelectorAll("[data-key]")].filter(
    (node) => node.dataset.key.toLowerCase().split(" ").includes(name) && !node.disabled && shown(node),
  );
  const inside = (box) => box && all.find((node) => node.form === box || box.contains(node));
  const at = from instanceof Element ? from : null;
  const open = name.endsWith("+enter") ? [...scope.querySelectorAll("details.disclosure[open]")].reverse() : [];
  return inside(at?.closest("form")) ?? inside(at?.closest("details[open]")) ?? open.map(inside).find(Boolean) ?? all[0];
}

/** A disclosure opens on its first field; open already, it is only gone to. */
function enter(summary) {
  summary.parentElement.open = true;
  const first = summary.parentElement.querySelector(FIRST);
  (first ?? summary).focus();
}

function act(node) {
  if (node.matches("input:not([type=radio], [type=checkbox], [type=submit], [type=button]), textarea, select")) {
    node.focus();
    node.select?.();
    return;
  }
  if (node.matches("details > summary")) {
    enter(node);
    return;
  }
  node.focus();
  node.click();
}

const pretty = (name) =>
  name
    .split("+")
    .map((part) => ({ ctrl: "Ctrl", shift: "Shift", alt: "Alt", enter: "Enter", escape: "Esc" })[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" ");

function labelOf(node) {
  const named = node.dataset.keyLabel ?? node.getAttribute("aria-label") ?? node.querySelector("[data-label]")?.textContent;
  return (named ?? node.labels?.[0]?.textContent ?? node.textContent).trim();
}

/** Fill and open the list of keys. */
function showKeys() {
  const dialog = document.getElementById("keys-dialog");
  if (!dialog || dialog.open) return;
  const list = dialog.querySelector("[data-keys-list]");
  const rows = new Map();
  for (const node of document.querySelectorAll("[data-key]")) {
    const [key] = node.dataset.key.split(" ");
    if (!rows.has(key) && shown(node)) rows.set(key, labelOf(node));
  }
  if (document.querySelector("[data-listnav]")) {
    for (const [key, name] of [["j", "keyNext"], ["k", "keyPrevious"], ["enter", "keyOpen"], ["x", "keyMark"]]) {
      if (!rows.has(key)) rows.set(key, word(name));
    }
  }
  rows.set("?", word("keyHelp"));
  list.replaceChildren(
    ...[...rows].map(([key, label]) => {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const detail = document.createElement("dd");
      const cap = document.createElement("kbd");
      term.textContent = label;
      cap.textContent = pretty(key);
      detail.append(cap);
      row.append(term, detail);
      return row;
    }),
  );
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  const name = nameOf(event);
  const single = !name.includes("+") && name.length === 1;
  if (single && (typing(event.target) || !singleKeysOn())) return;
  if (!single && !name.includes("+")) return;
  if (name === "?") {
    event.preventDefault();
    showKeys();
    return;
  }
  const node = find(name, event.target);
  if (!node) return;
  event.preventDefault();
  act(node);
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-keys-open]")) return;
  event.target.closest("details")?.removeAttribute("open");
  showKeys();
});
