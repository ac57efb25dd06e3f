// A question in a dialog over the page.
import { words } from "./words.js";

// Returns the key of the pressed button, "" when the dialog was closed. `buttons`: [key, text, class]; `body`: an element.
export function ask(title, text, buttons, body = null) {
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  const heading = document.createElement("h2");
  heading.id = "editor-ask-title";
  heading.textContent = title;
  dialog.setAttribute("aria-labelledby", heading.id);
  const said = document.createElement("p");
  said.textContent = text;
  const row = document.createElement("div");
  row.className = "d-flex flex-wrap gap-2 mt-3";
  dialog.append(heading, ...(text ? [said] : []), ...(body ? [body] : []), row);
  return new Promise((answer) => {
    for (const [key, label, look] of buttons) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `btn ${look ?? ""}`;
      button.dataset.answer = key;
      button.textContent = label;
      button.addEventListener("click", () => dialog.close(key));
      row.append(button);
    }
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue ?? "");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// Shows `pairs` [keys, what they do]; each keys is written as in <kbd>.
export function showKeys(pairs) {
  const list = document.createElement("dl");
  list.className = "editor-keys";
  for (const [keys, does] of pairs) {
    const term = document.createElement("dt");
    term.append(...keys.split(" ").map((key) => Object.assign(document.createElement("kbd"), { textContent: key })));
    list.append(term, Object.assign(document.createElement("dd"), { textContent: does }));
  }
  return ask(words.keysTitle, "", [["", words.close, "btn-primary"]], list);
}

export function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
