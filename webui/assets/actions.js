// Small helps for plain forms and buttons; without them every page still works.
import { words } from "./language.js";

// <button data-confirm="确定退回？">: asks in a dialog before the click counts.
function confirmed(event) {
  const asked = event.target.closest?.("[data-confirm]");
  if (!asked || asked.dataset.confirmed) {
    if (asked) delete asked.dataset.confirmed;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const text = document.createElement("p");
  text.textContent = asked.dataset.confirm;
  text.id = "ask-text";
  dialog.setAttribute("aria-labelledby", text.id);
  const buttons = document.createElement("form");
  buttons.method = "dialog";
  buttons.className = "ask-buttons";
  const dangerous = asked.dataset.confirmLevel === "danger";
  for (const [value, label, look] of [
    ["no", words.no, "btn"],
    ["yes", asked.dataset.confirmLabel || words.yes, dangerous ? "btn btn-danger" : "btn btn-primary"],
  ]) {
    const button = document.createElement("button");
    button.value = value;
    button.className = look;
    button.textContent = label;
    buttons.append(button);
  }
  dialog.append(text, buttons);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    asked.focus();
    if (dialog.returnValue !== "yes") return;
    asked.dataset.confirmed = "yes";
    asked.click();
  });
  dialog.showModal();
}

// <button type="button" data-insert="同意。" data-insert-into="#opinion">: a common wording in one tap.
function inserted(event) {
  const button = event.target.closest?.("[data-insert]");
  const field = button && document.querySelector(button.dataset.insertInto);
  if (!field) return;
  event.preventDefault();
  field.value = field.value.trim() ? `${field.value.trimEnd()}${button.dataset.insert}` : button.dataset.insert;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

// On paper nothing can be unfolded: what a report folds away is printed unfolded.
const folded = new Set();
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll(".unfold-on-paper details:not([open])")) {
    one.open = true;
    folded.add(one);
  }
});
addEventListener("afterprint", () => {
  for (const one of folded) one.open = false;
  folded.clear();
});

// <button type="button" data-print>
function printed(event) {
  if (event.target.closest?.("[data-print]")) print();
}

// A second tap on a slow line must not send twice. The server would refuse it; the person should not have to see that.
function sentOnce(event) {
  const form = event.target;
  // <form data-download>: the page stays, and the same file may be wanted again.
  if (form.hasAttribute("data-download")) return;
  if (event.defaultPrevented || form.method !== "post" || form.closest(".ask:not(.ask-wide), .fjs-container")) return;
  const buttons = [...form.elements].filter((element) => element.type === "submit" && !element.disabled);
  // Later: a button disabled now would not be part of what is sent.
  setTimeout(() => {
    for (const button of buttons) {
      button.disabled = true;
      button.dataset.sent = "yes";
    }
  });
}

function back(event) {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("[data-sent]")) {
    button.disabled = false;
    delete button.dataset.sent;
  }
}

// "/" goes to the page's search field.
function searchKey(event) {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
  const field = document.querySelector('input[type="search"], [data-search]');
  if (!field) return;
  event.preventDefault();
  field.focus();
}

// An open <details class="menu"> closes on Escape and when the focus or a click goes elsewhere.
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "keydown" ? event.key !== "Escape" : menu.contains(event.target)) continue;
    menu.open = false;
    if (event.type === "keydown") menu.querySelector("summary")?.focus();
  }
}

export function start() {
  document.addEventListener("click", confirmed, true);
  document.addEventListener("click", inserted);
  document.addEventListener("click", printed);
  document.addEventListener("click", closeMenus);
  document.addEventListener("focusin", closeMenus);
  document.addEventListener("keydown", closeMenus);
  document.addEventListener("keydown", searchKey);
  document.addEventListener("submit", sentOnce);
  addEventListener("pageshow", back);
}
