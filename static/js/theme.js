/* Runs before the first paint, so that a chosen theme never flashes: puts `js` and `data-theme` on <html>.
   The choice is kept in this browser alone; with none, the system's preference holds. The switch itself
   is in prefs.js. */
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    /* Storage may be forbidden; the system's preference then holds. */
  }
})();
