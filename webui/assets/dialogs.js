// <a href="/cases/.../delegate" data-dialog>: the page behind the link, shown in a dialog over this one. What is sent from
// it is an ordinary form: the answer is a page. Without scripts, or when anything fails, the link is followed.
import { words } from "./language.js";

async function open(link) {
  const response = await fetch(link.href, { credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.querySelector("#content > .container-xl");
  // A page with a drawn form needs scripts of its own; a redirect means that the session is over.
  if (!response.ok || response.redirected || !content || page.querySelector("[data-form-schema-id]")) {
    location.assign(link.href);
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "ask ask-wide";
  const title = document.createElement("h2");
  title.id = "dialog-title";
  title.textContent = page.querySelector("h1")?.textContent.trim() ?? "";
  dialog.setAttribute("aria-labelledby", title.id);
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn-close";
  close.setAttribute("aria-label", words.close);
  close.addEventListener("click", () => dialog.close());
  const head = document.createElement("header");
  head.append(title, close);
  content.querySelector("#messages")?.remove();
  dialog.append(head, ...content.children);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  dialog.showModal();
  dialog.querySelector("select, textarea, input:not([type=hidden])")?.focus();
}

export function start() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(link).catch(() => location.assign(link.href));
  });
}
