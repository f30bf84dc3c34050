/* Runs before the first paint, so that a chosen theme never flashes. What the server knows of a signed-in
   person is on <html> already; else this browser's own choice; else the system's preference holds. The
   switch itself is in prefs.js. */
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  if (root.dataset.theme) return;
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {
    /* Storage may be forbidden; the system's preference then holds. */
  }
})();
