// Shows a .form in a page, inside a real <form method="post">:
//
//   <form method="post" data-autosave-url="...">            draft saving is optional
//     <div data-form-schema-id="schema"                     id of a <script type="application/json"> with the schema
//          data-form-data-id="data"                         what the case holds, or what was typed and refused
//          data-form-errors-id="errors"                     why it was refused: {"rows.0.name": ["..."], "": ["..."]}
//          data-form-files-id="files"                       files the server already holds: {"files::a": [{"name": "x.pdf"}]}
//          data-readonly></div>                             shown, not asked
//     <button name="action" value="submit">  <button name="action" value="save" formnovalidate>
//   </form>
//
// What is sent is an ordinary multipart POST: `submission` (JSON), the pressed button, the form's other fields, and for
// each chosen file a part named by its reference in the JSON ("files::..."). A redirect or a 422 page is the answer.
import { Form } from "@bpmn-io/form-js-viewer";
import flatpickr from "flatpickr";
import { Mandarin } from "flatpickr/dist/l10n/zh.js";
import { autosave, textFields } from "./drafts.js";
import { translate } from "./form-language.js";
import { isChinese, words } from "./language.js";

if (isChinese) {
  flatpickr.localize({ ...Mandarin, firstDayOfWeek: 1, yearAriaLabel: "年", monthAriaLabel: "月" });
}

function block(id) {
  const element = id && document.getElementById(id);
  return element ? JSON.parse(element.textContent) : undefined;
}

// Returns {path: [sentence]} from any of {path: sentence(s)}, {fields: {...}}, [{path, message}]; a path is "rows.0.name",
// "rows[0].name" or ["rows", 0, "name"].
export function faultsByPath(given) {
  const faults = new Map();
  const entries = Array.isArray(given)
    ? given.map(({ path, message }) => [path ?? "", message])
    : Object.entries(given?.fields ?? given ?? {});
  for (const [path, said] of entries) {
    const key = (Array.isArray(path) ? path : String(path).split(/[.[\]]+/)).filter((part) => part !== "").join(".");
    faults.set(key, [...(faults.get(key) ?? []), ...[said].flat()]);
  }
  return faults;
}

// Whole days and minutes, written as everywhere in the program; what is stored is not touched.
function withOurTimes(components = []) {
  return components.map((component) => ({
    ...component,
    ...(component.type === "datetime" && component.subtype !== "date" ? { use24h: true } : {}),
    ...(component.components ? { components: withOurTimes(component.components) } : {}),
  }));
}

class StaffForm {
  constructor(mount) {
    this.mount = mount;
    this.outer = mount.closest("form");
    this.readonly = mount.hasAttribute("data-readonly") || !this.outer;
    this.faults = faultsByPath(block(mount.dataset.formErrorsId));
    this.keptFiles = new WeakSet();
    this.form = new Form({
      container: mount,
      properties: { readOnly: this.readonly },
      // Each keystroke counts at once: what is typed while form-js waits is lost when another field changes meanwhile.
      debounce: false,
      additionalModules: [{ translate: ["value", translate] }],
    });
    // After `container`: the properties of the constructor do not reach a form that is attached at once.
    this.form.setProperty("readOnly", this.readonly);
  }

  async show() {
    const schema = block(this.mount.dataset.formSchemaId);
    const data = block(this.mount.dataset.formDataId) ?? {};
    this.sayServerFaults(data);
    const imported = this.form.importSchema({ ...schema, components: withOurTimes(schema.components) }, data);
    this.keepFiles(block(this.mount.dataset.formFilesId) ?? {});
    const { warnings } = await imported;
    for (const warning of warnings) console.warn("form:", warning);
    if (this.readonly) return;
    this.takePart();
    if (this.faults.size) {
      await painted();
      this.form.validate();
      await painted();
      this.summarise();
    }
  }

  // The server's sentence stands at its field as long as the field holds what was refused.
  sayServerFaults(refused) {
    const validator = this.form.get("validator");
    const own = validator.validateFieldInstance.bind(validator);
    validator.validateFieldInstance = (instance, value) => {
      const said = this.faults.get(instance.valuePath.join("."));
      const before = instance.valuePath.reduce((holder, key) => holder?.[key], refused);
      return said && same(value, before) ? said : own(instance, value);
    };
  }

  // Files that the server holds since an earlier try are shown by name and not sent again.
  keepFiles(files) {
    const registry = this.form.get("fileRegistry");
    for (const [reference, kept] of Object.entries(files)) {
      const shown = kept.map(({ name }) => new File([], name));
      for (const file of shown) this.keptFiles.add(file);
      registry.setFiles(reference, shown);
    }
  }

  takePart() {
    this.outer.enctype = "multipart/form-data";
    this.answer = this.outer.elements.namedItem("submission") ?? document.createElement("input");
    this.answer.type = "hidden";
    this.answer.name = "submission";
    this.outer.append(this.answer);
    this.outer.addEventListener("submit", (event) => this.submit(event));
    this.outer.addEventListener("formdata", (event) => this.addFiles(event.formData));
    if (this.outer.dataset.autosaveUrl) this.saveDrafts();
  }

  typed() {
    return JSON.stringify(this.form._getSubmitData());
  }

  submit(event) {
    if (event.target !== this.outer) {
      // form-js's own <form>: Enter in a field does nothing, a button drawn in the schema sends.
      if (event.submitter) this.outer.requestSubmit();
      return;
    }
    // A limit, another field or another person may have changed since: only the server can say it again.
    this.faults.clear();
    if (!event.submitter?.formNoValidate && Object.keys(this.form.submit().errors).length) {
      event.preventDefault();
      painted().then(() => this.summarise());
      return;
    }
    this.answer.value = this.typed();
    this.draft?.stop();
  }

  addFiles(formData) {
    const referred = this.answer.value;
    for (const [reference, files] of this.form.get("fileRegistry").getAllFiles()) {
      if (!referred.includes(JSON.stringify(reference))) continue;
      for (const file of files) if (!this.keptFiles.has(file)) formData.append(reference, file, file.name);
    }
  }

  saveDrafts() {
    this.draft = autosave(this.outer, () => {
      this.answer.value = this.typed();
      return textFields(this.outer);
    });
    let known = this.typed();
    this.form.on("changed", () => {
      const typed = this.typed();
      if (typed === known) return;
      known = typed;
      this.draft.changed();
    });
    this.outer.addEventListener("input", (event) => {
      if (!this.mount.contains(event.target)) this.draft.changed();
    });
  }

  // Lists what is wrong above the form, each with a link to its field, and takes the focus there.
  summarise() {
    this.mount.previousElementSibling?.matches(".form-faults") && this.mount.previousElementSibling.remove();
    const items = [...this.fieldFaults(), ...this.otherFaults()];
    if (!items.length) return;
    const box = document.createElement("div");
    box.className = "alert alert-danger form-faults";
    box.setAttribute("role", "alert");
    box.tabIndex = -1;
    const title = document.createElement("p");
    title.className = "form-faults-title";
    title.textContent = items.length === 1 ? words.faultsOne : words.faultsMany(items.length);
    const list = document.createElement("ul");
    list.append(...items);
    box.append(title, list);
    this.mount.before(box);
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "start" });
  }

  *fieldFaults() {
    const { errors } = this.form._getState();
    const fields = this.form.get("formFieldRegistry");
    for (const instance of this.form.get("formFieldInstanceRegistry").getAllKeyed()) {
      const indexes = Object.values(instance.indexes ?? {});
      const said = [instance.id, ...indexes].reduce((holder, key) => holder?.[key], errors);
      if (!Array.isArray(said) || !said.length) continue;
      const id = ["fjs-form", this.form._id, [instance.id, ...indexes].join("_")].join("-");
      const target = this.mount.querySelector(`#${CSS.escape(id)}, [id^="${CSS.escape(id)}-"]`);
      const field = fields.get(instance.id);
      const label = target?.closest(".fjs-form-field")?.querySelector(".fjs-label-content")?.firstChild?.textContent;
      const rows = indexes.map((index) => words.row(index + 1));
      yield faultItem([...rows, label?.trim() || field.key].join(" "), said, target);
    }
  }

  // What concerns no field that is shown: the form as a whole, or one that a condition hides.
  *otherFaults() {
    const shown = new Set(
      this.form.get("formFieldInstanceRegistry").getAllKeyed().map(({ valuePath }) => valuePath.join(".")),
    );
    for (const [path, said] of this.faults) if (!shown.has(path)) yield faultItem("", said, null);
  }
}

function faultItem(label, said, target) {
  const item = document.createElement("li");
  const sentence = [label, said.join(" ")].filter(Boolean).join(isChinese ? "：" : ": ");
  if (!target) {
    item.textContent = sentence;
    return item;
  }
  const link = document.createElement("a");
  link.href = `#${target.id}`;
  link.textContent = sentence;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    target.closest(".fjs-form-field").scrollIntoView({ block: "center" });
    // A file field's own input is hidden: its button stands for it.
    (target.classList.contains("fjs-hidden") ? target.parentElement.querySelector("button") : target).focus();
  });
  item.append(link);
  return item;
}

function same(one, other) {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null) || (one === "" && other == null);
}

function painted() {
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));
}

export function mountAll(root = document) {
  for (const mount of root.querySelectorAll("[data-form-schema-id]:not([data-form-ready])")) {
    mount.dataset.formReady = "starting";
    Promise.resolve()
      .then(() => new StaffForm(mount).show())
      .then(() => (mount.dataset.formReady = "yes"))
      .catch((error) => {
        mount.dataset.formReady = "failed";
        mount.classList.add("alert", "alert-danger");
        mount.textContent = words.formBroken;
        console.error("form:", error);
      });
  }
}

document.addEventListener("htmx:after:swap", () => mountAll());
mountAll();
