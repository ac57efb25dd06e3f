// The editor of forms: form-js's editor, and beside it the form as staff see it, drawn by the viewer of their pages.
import { FormEditor as FormJsEditor } from "@bpmn-io/form-js-editor";
import flatpickr from "flatpickr";
import { Mandarin } from "flatpickr/dist/l10n/zh.js";
import { isChinese } from "../language.js";
import { start } from "./desk.js";
import { byElement, said, worst } from "./findings-list.js";
import { patchedJson } from "./json-patch.js";
import { Preview } from "./preview.js";

if (isChinese) flatpickr.localize({ ...Mandarin, firstDayOfWeek: 1, yearAriaLabel: "年", monthAriaLabel: "月" });

const copied = (value) => JSON.parse(JSON.stringify(value));

class FormEditor {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.marked = [];
    this.preview = new Preview(root.querySelector("#editor-preview"));
    this.editor = new FormJsEditor({
      container: root.querySelector("#editor-canvas"),
      propertiesPanel: { parent: root.querySelector("#editor-panel") },
    });
    this.editor.on("commandStack.changed", () => this.did());
  }

  did() {
    this.offerSteps();
    this.preview.show(this.editor.getSchema());
    this.changed();
  }

  async open(text) {
    const schema = JSON.parse(text.replace(/^\ufeff/, ""));
    const { warnings } = await this.editor.importSchema(schema);
    for (const warning of warnings) console.warn("form:", warning.message ?? warning);
    this.opened = text;
    this.before = copied(this.editor.getSchema());
    this.preview.show(this.before);
    this.offerSteps();
  }

  text() {
    return patchedJson(this.opened, this.before, copied(this.editor.getSchema()));
  }

  // A finding names the key of a field, or its id where it has no key.
  fields(element) {
    const all = this.editor.get("formFieldRegistry").getAll();
    return all.filter((field) => field.type !== "default" && [field.key, field.path, field.id].includes(element));
  }

  mark(findings) {
    for (const drawn of this.marked) {
      drawn.classList.remove("lint-field", "lint-error", "lint-warning", "lint-info");
      drawn.removeAttribute("title");
    }
    this.marked = [];
    for (const [element, found] of byElement(findings)) {
      for (const drawn of this.fields(element).map((field) => this.drawn(field))) {
        if (!drawn) continue;
        drawn.classList.add("lint-field", `lint-${worst(found)}`);
        drawn.title = found.map(said).join("\n");
        this.marked.push(drawn);
      }
    }
  }

  drawn(field) {
    return this.root.querySelector(`#editor-canvas .fjs-element[data-id="${CSS.escape(field.id)}"]`);
  }

  choose({ element }) {
    const [field] = this.fields(element);
    if (!field) return;
    this.editor.get("selection").set(field);
    this.drawn(field)?.scrollIntoView({ block: "center" });
  }

  get stack() {
    return this.editor.get("commandStack");
  }

  offerSteps() {
    const undo = this.root.querySelector("[data-do=undo]");
    const redo = this.root.querySelector("[data-do=redo]");
    if (undo) undo.disabled = !this.stack.canUndo();
    if (redo) redo.disabled = !this.stack.canRedo();
  }

  undo() {
    if (this.stack.canUndo()) this.stack.undo();
  }

  redo() {
    if (this.stack.canRedo()) this.stack.redo();
  }
}

start((root, changed) => new FormEditor(root, changed));
