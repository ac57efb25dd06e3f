// The editor of decisions: dmn-js with its table, the diagram of decisions and literal expressions.
import DmnModeler from "dmn-js/lib/Modeler";
import { start } from "./desk.js";
import { translate } from "./dmn-words.js";
import { byElement, said, worst } from "./findings-list.js";
import { words } from "./words.js";
import { XmlSource } from "./xml-source.js";

const VIEWS = ["drd", "decisionTable", "literalExpression", "boxedExpression"];

class DmnEditor {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.findings = [];
    this.tabs = document.createElement("nav");
    this.tabs.className = "dmn-tabs";
    this.tabs.setAttribute("aria-label", words.views);
    this.box = document.createElement("div");
    this.box.className = "dmn-box";
    root.querySelector("#editor-canvas").append(this.tabs, this.box);
    const additionalModules = [{ translate: ["value", translate] }];
    this.modeler = new DmnModeler({
      container: this.box,
      common: { dataTypes: ["string", "boolean", "number", "integer", "long", "double", "date", "time", "dateTime", "Any"] },
      ...Object.fromEntries(VIEWS.map((view) => [view, { additionalModules }])),
    });
    this.source = new XmlSource(this.modeler._moddle, "dmn:Definitions");
    this.modeler.on("viewer.created", ({ viewer }) => {
      viewer.get("eventBus").on("commandStack.changed", () => this.did());
      viewer.get("eventBus").on("elements.changed", () => this.paint());
    });
    this.modeler.on("views.changed", () => this.showTabs());
  }

  did() {
    this.offerSteps();
    this.changed();
  }

  async open(text) {
    const { warnings } = await this.modeler.importXML(text);
    for (const warning of warnings) console.warn("decision:", warning.message);
    this.source.open(text, await this.written());
    const tables = this.modeler.getViews().filter((view) => view.type !== "drd");
    await this.show(tables.length === 1 ? tables[0] : this.modeler.getActiveView());
  }

  async written() {
    return (await this.modeler.saveXML({ format: true })).xml;
  }

  async text() {
    return this.source.text(await this.written());
  }

  showTabs() {
    const active = this.modeler.getActiveView();
    this.tabs.replaceChildren(
      ...this.modeler.getViews().map((view) => {
        const tab = document.createElement("button");
        tab.type = "button";
        tab.className = "btn btn-sm";
        tab.textContent = view.type === "drd" ? words.drd : view.name || view.id;
        if (active && view.element === active.element && view.type === active.type) {
          tab.setAttribute("aria-current", "true");
          tab.classList.add("btn-primary");
        }
        const found = this.findings.filter((one) => this.holds(view, one.element));
        if (view.type !== "drd" && found.length) tab.append(badge(found));
        tab.addEventListener("click", () => this.show(view));
        return tab;
      }),
    );
    this.offerSteps();
  }

  async show(view) {
    await this.modeler.open(view);
    if (view.type === "drd") {
      // Beside the palette and the name of the file, not under them.
      const canvas = this.modeler.getActiveViewer().get("canvas");
      canvas.zoom(1);
      const { x, y, inner } = canvas.viewbox();
      canvas.scroll({ dx: Math.max(0, 110 - (inner.x - x)), dy: Math.max(0, 120 - (inner.y - y)) });
    }
    this.paint();
  }

  // Whether `id` is the decision of a view or something inside it.
  holds(view, id) {
    const inside = (node) =>
      node?.id === id ||
      ["decisionLogic", "rule", "input", "output", "inputEntry", "outputEntry"].some((name) => {
        const value = node?.get?.(name);
        return Array.isArray(value) ? value.some(inside) : value && inside(value);
      });
    return Boolean(id) && inside(view.element);
  }

  mark(findings) {
    this.findings = findings;
    this.showTabs();
    this.paint();
  }

  // What is drawn right now: rows of a table, decisions of the diagram.
  paint() {
    const found = byElement(this.findings);
    const viewer = this.modeler.getActiveViewer();
    if (!viewer) return;
    if (this.modeler.getActiveView().type === "drd") {
      const overlays = viewer.get("overlays");
      overlays.remove({ type: "lint" });
      for (const [id, about] of found) {
        if (viewer.get("elementRegistry").get(id)) {
          overlays.add(id, "lint", { position: { top: -11, right: 11 }, html: badge(about) });
        }
      }
      return;
    }
    requestAnimationFrame(() => {
      for (const marked of this.box.querySelectorAll(".lint-row")) {
        marked.classList.remove("lint-row", "lint-error", "lint-warning", "lint-info");
        marked.removeAttribute("title");
      }
      for (const [id, about] of found) {
        for (const cell of this.box.querySelectorAll(`[data-row-id="${CSS.escape(id)}"], [data-col-id="${CSS.escape(id)}"], [data-element-id="${CSS.escape(id)}"]`)) {
          cell.classList.add("lint-row", `lint-${worst(about)}`);
          cell.title = about.map(said).join("\n");
        }
      }
    });
  }

  async choose({ element }) {
    const views = this.modeler.getViews();
    const view = views.find((one) => one.type !== "drd" && this.holds(one, element)) ?? views[0];
    if (view && view.element !== this.modeler.getActiveView()?.element) await this.show(view);
    requestAnimationFrame(() =>
      requestAnimationFrame(() =>
        this.box.querySelector(".lint-row, .lint-badge")?.scrollIntoView({ block: "center", inline: "center" }),
      ),
    );
  }

  get stack() {
    return this.modeler.getActiveViewer()?.get("commandStack", false);
  }

  offerSteps() {
    for (const [what, can] of [["undo", this.stack?.canUndo()], ["redo", this.stack?.canRedo()]]) {
      const button = this.root.querySelector(`[data-do=${what}]`);
      if (button) button.disabled = !can;
    }
  }

  undo() {
    if (this.stack?.canUndo()) this.stack.undo();
  }

  redo() {
    if (this.stack?.canRedo()) this.stack.redo();
  }

  get keys() {
    const { keys } = words;
    return [
      ["Enter", keys.nextRow],
      ["Tab", keys.nextCell],
      ["Ctrl+Enter", keys.newLine],
    ];
  }
}

function badge(found) {
  const made = document.createElement("span");
  made.className = `lint-badge lint-badge-${worst(found)}`;
  made.textContent = String(found.length);
  made.title = found.map((one) => `${words.severity[one.severity]}：${said(one)}`).join("\n");
  return made;
}

start((root, changed) => new DmnEditor(root, changed));
