/* A table wider than its place scrolls sideways: then its wrap can be reached by keyboard, under the table's
   own name. One that fits is no stop. A sheet has the tab stop in its cells. */

const resized = new ResizeObserver((entries) => {
  for (const { target } of entries) judge(target.closest(".table-wrap"));
});

function nameOf(wrap) {
  const named = wrap.querySelector("caption") ?? wrap.closest(".card")?.querySelector("h2, h3");
  return named?.textContent.trim();
}

function judge(wrap) {
  const scrolls = wrap.scrollWidth > wrap.clientWidth;
  if (scrolls === (wrap.tabIndex === 0)) return;
  if (!scrolls) {
    for (const name of ["tabindex", "role", "aria-label"]) wrap.removeAttribute(name);
    return;
  }
  wrap.tabIndex = 0;
  const label = nameOf(wrap);
  if (!label) return;
  wrap.setAttribute("role", "region");
  wrap.setAttribute("aria-label", label);
}

function watch() {
  for (const wrap of document.querySelectorAll(".table-wrap:not(:has([role=grid]))")) {
    resized.observe(wrap);
    for (const table of wrap.children) resized.observe(table);
  }
}

document.addEventListener("htmx:afterSettle", watch);
watch();
