/* Moving through a table with `data-listnav`: j and k go down and up, Enter opens the row's link
   (`data-row-link`, else its first), x marks its box. The focus is on the row itself. */

import { singleKeysOn } from "./prefs.js";

const rowsOf = (table) => [...table.tBodies].flatMap((body) => [...body.rows]);

function prepare() {
  for (const table of document.querySelectorAll("table[data-listnav]")) {
    for (const row of rowsOf(table)) row.tabIndex = -1;
  }
}

function go(step) {
  const here = document.activeElement?.closest("table[data-listnav] tbody tr");
  const table = here?.closest("table") ?? document.querySelector("table[data-listnav]");
  if (!table) return false;
  const rows = rowsOf(table);
  const at = rows.indexOf(here);
  const next = rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return Boolean(next);
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  if (target.closest("textarea, select, [contenteditable], dialog, input:not([type=checkbox])")) return;
  const row = target.matches("table[data-listnav] tbody tr") ? target : null;
  if (event.key === "Enter" && row) {
    event.preventDefault();
    (row.querySelector("[data-row-link]") ?? row.querySelector("a[href]"))?.click();
    return;
  }
  if (!singleKeysOn()) return;
  if (event.key === "j" || event.key === "k") {
    if (go(event.key === "j" ? 1 : -1)) event.preventDefault();
  } else if (event.key === "x") {
    const box = target.closest("table[data-listnav] tbody tr")?.querySelector("input[type=checkbox]");
    if (box) {
      event.preventDefault();
      box.click();
    }
  }
});

document.addEventListener("htmx:afterSettle", prepare);
prepare();
