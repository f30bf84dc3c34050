/* Look-up boxes by the ARIA combobox pattern. htmx fetches the rows (components/options.html) into the
   list; this moves through them. The focus stays in the box; `aria-activedescendant` names the row. Picking
   puts the row's value in the hidden field, tells the form with a `change` event on it and goes on to the
   control that `data-then` names. A row with `data-href` is a place to go; the row with `data-create` keeps
   what was typed and leaves the value empty. Who comes to the box types over what it holds. */

import { say } from "./toast.js";
import { word } from "./words.js";

const rowsOf = (list) => [...list.querySelectorAll("[role=option]")];
const parts = (box) => ({
  input: box.querySelector("[role=combobox]"),
  list: box.querySelector("[role=listbox]"),
  hidden: box.querySelector("[data-combobox-value]"),
});
const boxOf = (node) => (node instanceof Element ? node.closest("[data-combobox]") : null);

function open({ input, list }) {
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
}

function close({ input, list }) {
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  activate({ input, list }, null);
}

function activate({ input, list }, row) {
  for (const other of rowsOf(list)) other.setAttribute("aria-selected", String(other === row));
  if (row) {
    input.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

const active = (list) => list.querySelector("[aria-selected=true]");

function move(box, step) {
  const set = parts(box);
  const rows = rowsOf(set.list);
  if (!rows.length) return;
  open(set);
  const at = rows.indexOf(active(set.list));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : (at + step + rows.length) % rows.length;
  activate(set, rows[next]);
}

function pick(box, row) {
  const set = parts(box);
  if (row.dataset.href) {
    window.location.assign(row.dataset.href);
    return;
  }
  const created = row.hasAttribute("data-create");
  if (!created) set.input.value = row.dataset.text;
  box.dataset.created = String(created);
  if (set.hidden) {
    set.hidden.value = created ? "" : row.dataset.value;
    set.hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }
  box.dispatchEvent(
    new CustomEvent("combobox:pick", {
      bubbles: true,
      detail: { value: set.hidden?.value ?? "", text: set.input.value, created },
    }),
  );
  close(set);
  if (!created) document.getElementById(set.input.dataset.then ?? "")?.focus();
}

document.addEventListener("htmx:afterSwap", (event) => {
  const list = event.target;
  if (!(list instanceof Element) || !list.matches("[role=listbox]")) return;
  const box = boxOf(list);
  if (!box) return;
  const set = parts(box);
  rowsOf(list).forEach((row, index) => (row.id ||= `${list.id}-${index}`));
  if (document.activeElement !== set.input || set.input.value.trim() === "") return;
  open(set);
  const rows = rowsOf(list);
  const found = rows.filter((row) => !row.hasAttribute("data-create")).length;
  if (rows.length) activate(set, rows[0]);
  say(word(found === 0 ? "noResults" : found === 1 ? "oneResult" : "results", { count: found }));
});

document.addEventListener("input", (event) => {
  const box = boxOf(event.target);
  if (!box || event.target.getAttribute("role") !== "combobox") return;
  const set = parts(box);
  box.dataset.created = "false";
  if (set.hidden?.value) {
    set.hidden.value = "";
    set.hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }
  if (event.target.value.trim() === "") {
    set.list.replaceChildren();
    close(set);
  }
});

document.addEventListener("keydown", (event) => {
  const box = boxOf(event.target);
  if (!box || event.target.getAttribute("role") !== "combobox" || event.isComposing) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const set = parts(box);
  const shown = !set.list.hidden;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(box, event.key === "ArrowDown" ? 1 : -1);
  } else if ((event.key === "Home" || event.key === "End") && shown && active(set.list)) {
    event.preventDefault();
    const rows = rowsOf(set.list);
    activate(set, event.key === "Home" ? rows[0] : rows[rows.length - 1]);
  } else if (event.key === "Enter" && shown && active(set.list)) {
    event.preventDefault();
    pick(box, active(set.list));
  } else if (event.key === "Tab" && shown) {
    close(set);
  } else if (event.key === "Escape") {
    if (shown) {
      event.preventDefault();
      close(set);
    } else if (box.hasAttribute("data-palette")) {
      set.input.value = "";
      set.input.blur();
    }
  }
});

/* The box keeps the focus while a row is pressed, so that the list does not close under the finger. */
document.addEventListener("pointerdown", (event) => {
  if (event.target instanceof Element && event.target.closest("[data-combobox] [role=listbox]")) event.preventDefault();
});

document.addEventListener("click", (event) => {
  const row = event.target instanceof Element ? event.target.closest("[data-combobox] [role=option]") : null;
  if (row) {
    pick(boxOf(row), row);
    return;
  }
  for (const box of document.querySelectorAll("[data-combobox]")) {
    if (!box.contains(event.target)) close(parts(box));
  }
});

const overwrite = (node) => node instanceof HTMLInputElement && node.getAttribute("role") === "combobox" && node.select();

document.addEventListener("focusin", (event) => {
  overwrite(event.target);
  for (const box of document.querySelectorAll("[data-combobox]")) {
    if (!box.contains(event.target)) close(parts(box));
  }
});

/* A box that had the focus before this listened. */
overwrite(document.activeElement);
