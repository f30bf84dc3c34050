/* A draft of the scale edited like a sheet, by the ARIA grid pattern. One cell of the table has the tab
   stop; arrows move it, Shift extends the selection. Every change goes to the server, which answers the rows
   anew; what is refused stays in the field where it was typed. Taking back sends what a change replaced. */

import { say, toast } from "./toast.js";
import { word } from "./words.js";

const grid = document.querySelector("[data-scale-grid]");
const problem = document.querySelector("[data-grid-problem]");
const summary = document.querySelector("[data-grid-summary]");
const undone = [];
let revision = Number(grid?.dataset.revision);
let anchor = "";
let here = "";
let copied = null;
let busy = false;

const rows = () => [...grid.tBodies[0].rows].map((row) => [...row.querySelectorAll("[data-cell]")]);
const cellOf = (key) => grid.querySelector(`[data-cell="${CSS.escape(key)}"]`);
const editor = () => grid.querySelector("[data-grid-input]");

function placeOf(cell) {
  const all = rows();
  const row = all.findIndex((line) => line.includes(cell));
  return { row, column: row < 0 ? -1 : all[row].indexOf(cell) };
}

/** The selected cells as lines, from the anchor to where one is. */
function selected() {
  const from = placeOf(cellOf(anchor));
  const to = placeOf(cellOf(here));
  const [top, bottom] = [Math.min(from.row, to.row), Math.max(from.row, to.row)];
  const [left, right] = [Math.min(from.column, to.column), Math.max(from.column, to.column)];
  return rows()
    .slice(top, bottom + 1)
    .map((line) => line.slice(left, right + 1));
}

function show() {
  const marked = new Set(selected().flat());
  for (const cell of rows().flat()) {
    cell.tabIndex = cell.dataset.cell === here ? 0 : -1;
    cell.setAttribute("aria-selected", String(marked.size > 1 && marked.has(cell)));
  }
}

function go(cell, { extend = false, focus = true } = {}) {
  if (!cell) return;
  here = cell.dataset.cell;
  if (!extend) anchor = here;
  show();
  if (focus) {
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

function move(down, right, extend = false) {
  const all = rows();
  const { row, column } = placeOf(cellOf(here));
  const line = all[Math.min(Math.max(row + down, 0), all.length - 1)];
  go(line[Math.min(Math.max(column + right, 0), line.length - 1)], { extend });
}

/** Links inside cells are reached with Alt+Enter, so that Tab leaves the sheet. */
function prepare() {
  for (const link of grid.querySelectorAll(".scale-open")) link.tabIndex = -1;
  if (!cellOf(here)) here = anchor = rows()[0]?.[0]?.dataset.cell ?? "";
  if (!cellOf(anchor)) anchor = here;
  if (here) show();
}

function trouble(text, keys = []) {
  for (const cell of rows().flat()) cell.removeAttribute("aria-invalid");
  for (const key of keys) cellOf(key)?.setAttribute("aria-invalid", "true");
  problem.hidden = !text;
  problem.querySelector("[data-grid-problem-words]").textContent = text;
}

/** Put the rows in anew, where the server has them, and keep the place. */
function renew(answer) {
  const focused = grid.contains(document.activeElement);
  revision = answer.revision;
  grid.tBodies[0].innerHTML = answer.rows;
  if (summary) summary.textContent = answer.summary;
  prepare();
  if (focused) cellOf(here)?.focus();
}

/** What somebody else wrote meanwhile is not taken back from here. */
function forget(keys) {
  for (const before of undone) for (const key of keys) delete before[key];
  for (let at = undone.length - 1; at >= 0; at -= 1) if (!Object.keys(undone[at]).length) undone.splice(at, 1);
}

/** Send one change. Gives the answer with its status; 0 where there was none. */
async function send(change) {
  if (busy) return { status: 0 };
  busy = true;
  grid.setAttribute("aria-busy", "true");
  try {
    const token = JSON.parse(document.body.getAttribute("hx-headers"))["x-csrftoken"];
    const response = await fetch(grid.dataset.scaleGrid, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token, "X-Requested-With": "fetch" },
      body: JSON.stringify({ revision, ...change }),
    });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    if (response.redirected || !isJson) {
      toast(word(response.redirected ? "signedOut" : "refused"), "critical");
      return { status: response.status };
    }
    const answer = await response.json();
    if (answer.rows !== undefined) renew(answer);
    for (const one of answer.changes ?? []) forget(one.cells);
    trouble(response.ok ? "" : answer.message, answer.cells);
    return { status: response.status, answer };
  } catch {
    toast(word("offline"), "critical");
    return { status: 0 };
  } finally {
    busy = false;
    grid.removeAttribute("aria-busy");
  }
}

async function change(asked) {
  const { status, answer } = await send(asked);
  if (status === 200) {
    undone.push(answer.before);
    say(`${grid.dataset.saved}. ${answer.summary}`);
  }
  return status;
}

async function undo() {
  const before = undone.pop();
  if (!before) {
    say(grid.dataset.nothingToUndo);
    return;
  }
  const { status } = await send({ offers: before });
  if (status !== 200) {
    undone.push(before);
    return;
  }
  go(cellOf(Object.keys(before)[0]));
  say(grid.dataset.undone);
}

/* One cell's amounts, typed in place: over the neighbours, as wide and as high as they need. */

const MOST_COLUMNS = 48;

/** For browsers that do not size a field by its content. */
function fit(input) {
  const length = input.value.length + 2;
  input.cols = Math.min(length, MOST_COLUMNS);
  input.rows = Math.ceil(length / MOST_COLUMNS);
}

function open(cell, text = cell.dataset.amounts) {
  close();
  go(cell, { focus: false });
  const box = document.createElement("div");
  const input = document.createElement("textarea");
  box.className = "scale-edit";
  input.className = "input input-s";
  input.dataset.gridInput = "";
  input.autocomplete = "off";
  input.maxLength = 200;
  input.setAttribute("aria-label", grid.dataset.editLabel);
  input.value = text;
  fit(input);
  box.append(input);
  cell.append(box);
  input.focus();
  input.setSelectionRange(text.length, text.length);
}

function close() {
  editor()?.closest(".scale-edit").remove();
}

/** Save what was typed and move on; a refusal leaves it in its cell. */
async function finish(down, right) {
  const input = editor();
  const cell = input.closest("[data-cell]");
  const key = cell.dataset.cell;
  const text = input.value.replace(/\s+/g, " ").trim();
  if (text === cell.dataset.amounts) {
    close();
    cellOf(key).focus();
    move(down, right);
    return;
  }
  input.readOnly = true;
  const status = await change({ texts: { [key]: text } });
  if (status === 200) {
    go(cellOf(key));
    move(down, right);
    return;
  }
  const kept = editor();
  if (kept) kept.readOnly = false;
  else open(cellOf(key), text);
  if (status === 422) editor().setAttribute("aria-invalid", "true");
}

function cancel() {
  const cell = editor().closest("[data-cell]");
  close();
  trouble("");
  cell.focus();
}

function inEditor(event) {
  if (event.isComposing) return;
  if (event.key === "Enter") {
    event.preventDefault();
    if (event.altKey) return;
    /* With Ctrl, which elsewhere leaves the page, it stays in its cell. */
    finish(event.ctrlKey || event.metaKey ? 0 : event.shiftKey ? -1 : 1, 0);
  } else if (event.key === "Tab") {
    event.preventDefault();
    finish(0, event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape") {
    event.preventDefault();
    cancel();
  }
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-8, 0], PageDown: [8, 0] };

function inCell(event, cell) {
  const ctrl = event.ctrlKey || event.metaKey;
  const far = 10000;
  if (STEPS[event.key] && !ctrl && !event.altKey) move(...STEPS[event.key], event.shiftKey);
  else if (event.key === "Home") move(ctrl ? -far : 0, -far, event.shiftKey);
  else if (event.key === "End") move(ctrl ? far : 0, far, event.shiftKey);
  else if (event.key === "Enter" && event.altKey) cell.querySelector(".scale-open").click();
  else if ((event.key === "Enter" || event.key === "F2") && !ctrl) open(cell);
  else if (event.key === "Delete" || event.key === "Backspace") change({ clear: selected().flat().map((one) => one.dataset.cell) });
  else if (ctrl && event.key.toLowerCase() === "z") undo();
  else if (ctrl && event.key.toLowerCase() === "a") {
    const all = rows().flat();
    anchor = all[0].dataset.cell;
    go(all[all.length - 1], { extend: true });
  } else if (!ctrl && !event.altKey && /^[0-9]$/.test(event.key)) open(cell, event.key);
  else if (ctrl || event.altKey || event.key.length > 1 || event.key === "?") return;
  /* Letters of the page's keys rest here: a sheet is typed into. */
  event.preventDefault();
}

/* Cells travel as lines of tabs: to a spreadsheet, back from one, or whole from one cell to another. */

function copy(event) {
  const lines = selected();
  const text = lines.map((line) => line.map((cell) => cell.dataset.amounts).join("\t")).join("\n");
  copied = { text, keys: lines.map((line) => line.map((cell) => cell.dataset.cell)) };
  event.clipboardData.setData("text/plain", text);
  event.preventDefault();
  say(grid.dataset.copied);
}

function paste(event) {
  event.preventDefault();
  const text = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const whole = copied && copied.text === text;
  const lines = whole ? copied.keys : text.split("\n").map((line) => line.split("\t"));
  const targets = selected();
  const single = lines.length === 1 && lines[0].length === 1;
  const start = placeOf(targets[0][0]);
  const all = rows();
  const asked = {};
  if (single) {
    for (const cell of targets.flat()) asked[cell.dataset.cell] = lines[0][0];
  } else {
    lines.forEach((line, down) =>
      line.forEach((value, right) => {
        const cell = all[start.row + down]?.[start.column + right];
        if (cell) asked[cell.dataset.cell] = value;
      }),
    );
  }
  if (whole) {
    for (const [key, source] of Object.entries(asked)) if (key === source) delete asked[key];
  } else {
    for (const [key, value] of Object.entries(asked)) if (value.trim() === "") delete asked[key];
  }
  if (Object.keys(asked).length) change(whole ? { copy: asked } : { texts: asked });
}

if (grid) {
  grid.addEventListener("keydown", (event) => {
    if (event.target.matches("[data-grid-input]")) inEditor(event);
    else if (event.target.matches("[data-cell]")) inCell(event, event.target);
  });
  grid.addEventListener("focusin", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (event.target === cell && cell.dataset.cell !== here) go(cell, { focus: false });
  });
  grid.addEventListener("mousedown", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (!cell || event.target.closest("a, textarea")) return;
    if (event.shiftKey) event.preventDefault();
    go(cell, { extend: event.shiftKey });
  });
  grid.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("[data-cell]");
    if (cell && !event.target.closest("a, textarea")) open(cell);
  });
  for (const [name, act] of [["copy", copy], ["paste", paste]]) {
    document.addEventListener(name, (event) => {
      if (document.activeElement?.matches("[data-cell]") && grid.contains(document.activeElement)) act(event);
    });
  }
  grid.addEventListener("input", (event) => {
    if (event.target.matches("[data-grid-input]")) fit(event.target);
  });
  prepare();
  /* Back from the offers of a cell: at that cell. */
  if (location.hash.startsWith("#cell-")) go(cellOf(decodeURIComponent(location.hash.slice(6))));
}
