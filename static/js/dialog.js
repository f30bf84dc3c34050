/* Dialogs. `data-dialog-open="id"` opens one, `data-dialog-close` or a click beside it closes it; one with
   `data-dialog-auto` opens as soon as it is in the page. The browser returns the focus by itself. */

const FIRST = "[autofocus], .dialog-body :is(input:not([type=hidden]), textarea, select, button, a[href])";

const show = (dialog) => {
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
  dialog.showModal();
  dialog.querySelector(FIRST)?.focus();
};

const showNew = (root) => root.querySelectorAll("dialog[data-dialog-auto]").forEach(show);

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog-open]");
  if (opener) {
    event.preventDefault();
    show(document.getElementById(opener.dataset.dialogOpen));
    return;
  }
  if (event.target.closest("[data-dialog-close]")) {
    event.target.closest("dialog")?.close();
    return;
  }
  if (event.target instanceof HTMLDialogElement && !event.target.hasAttribute("data-static")) event.target.close();
});

document.addEventListener("htmx:afterSettle", () => showNew(document));
showNew(document);
