/* One submit at a time. While a form is on its way its second submit is swallowed; fields stay as they
   are, so nothing typed is lost, and coming back to the page frees it. Works for htmx forms as well. */

const SAFETY = 20000;

function free(form) {
  delete form.dataset.busy;
  form.removeAttribute("aria-busy");
}

function hold(form) {
  form.dataset.busy = "";
  form.setAttribute("aria-busy", "true");
  setTimeout(() => free(form), SAFETY);
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    if (form.method === "dialog") return;
    if (form.dataset.busy !== undefined) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    /* Held a moment later: only if nobody refused the submit, and after the button's own value is read. */
    setTimeout(() => {
      if (!event.defaultPrevented) hold(form);
    });
  },
  true,
);

document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target instanceof HTMLFormElement && event.detail.requestConfig.verb !== "get") hold(event.target);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target instanceof HTMLFormElement) free(event.target);
});

window.addEventListener("pageshow", () => document.querySelectorAll("form[data-busy]").forEach(free));
