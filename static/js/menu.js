/* Menus and the rail. A `details` with data-menu closes on Escape, on a click elsewhere and when another
   opens; the rail unfolds on small screens. */

const menus = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
  const toggle = event.target.closest("[data-rail-toggle]");
  if (!toggle) return;
  const rail = toggle.closest("[data-rail]");
  const open = rail.toggleAttribute("data-open");
  toggle.setAttribute("aria-expanded", String(open));
});

document.addEventListener("focusin", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
