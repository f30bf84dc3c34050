/* In a page whose address names a place (`#offers`) a browser goes there and leaves `autofocus` alone. The box
   that needs the person gets the focus all the same, once the browser has arrived. */

if (location.hash) {
  window.addEventListener("load", () => requestAnimationFrame(() => document.querySelector("main [autofocus]")?.focus()));
}
