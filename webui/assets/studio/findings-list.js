// The list under the canvas: what the check says of this file, the worst first; a click goes to the place.
import { words } from "./words.js";

const ORDER = ["error", "warning", "info"];

export const worst = (findings) => ORDER.find((severity) => findings.some((one) => one.severity === severity)) ?? "";

// element id -> its findings
export function byElement(findings) {
  const found = new Map();
  for (const one of findings) {
    if (one.element) found.set(one.element, [...(found.get(one.element) ?? []), one]);
  }
  return found;
}

export const said = (one) => [one.text, one.todo].filter(Boolean).join(" ");

export class FindingsList {
  constructor(root, path, choose) {
    this.root = root;
    this.path = path;
    this.choose = choose;
    this.counts = root.querySelector("[data-counts]");
    this.list = root.querySelector("ul");
  }

  wait() {
    this.counts.textContent = words.checking;
  }

  unknown() {
    this.counts.textContent = words.notChecked;
  }

  // Returns those of this file.
  show(findings) {
    const here = findings.filter((one) => one.file === this.path || !one.file);
    here.sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || one.line - other.line);
    const elsewhere = findings.filter((one) => one.file && one.file !== this.path && one.severity === "error").length;
    const counted = ORDER.map((severity) => [severity, here.filter((one) => one.severity === severity).length]);
    const parts = counted.filter(([, count]) => count).map(([severity, count]) => words.findingCount[severity](count));
    if (elsewhere) parts.push(words.elsewhere(elsewhere));
    this.counts.textContent = parts.join(" · ") || words.noFindings;
    this.list.replaceChildren(...here.map((one) => this.line(one)));
    this.root.dataset.count = String(here.length);
    this.root.dataset.worst = worst(here);
    return here;
  }

  line(one) {
    const item = document.createElement("li");
    item.className = `finding finding-${one.severity}`;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "finding-go";
    const pill = document.createElement("span");
    pill.className = `finding-severity`;
    pill.textContent = words.severity[one.severity];
    const where = document.createElement("span");
    where.className = "finding-where";
    where.textContent = [one.name || one.element, one.line ? words.line(one.line) : ""].filter(Boolean).join(" · ");
    const text = document.createElement("span");
    text.textContent = one.text;
    button.append(pill, where, text);
    if (one.path?.length) {
      const way = document.createElement("span");
      way.className = "finding-todo";
      way.textContent = one.path.join(" → ");
      button.append(way);
    }
    if (one.todo) {
      const todo = document.createElement("span");
      todo.className = "finding-todo";
      todo.textContent = one.todo;
      button.append(todo);
    }
    button.addEventListener("click", () => this.choose(one));
    item.append(button);
    return item;
  }
}
