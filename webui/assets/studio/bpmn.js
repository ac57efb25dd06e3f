// The editor of diagrams: bpmn-js with the properties of Camunda 7, our own groups in it, and the marks of the check.
import { ElementTemplatesPropertiesProviderModule } from "bpmn-js-element-templates";
import {
  BpmnPropertiesPanelModule,
  BpmnPropertiesProviderModule,
  CamundaPlatformPropertiesProviderModule,
  CamundaPlatformTooltipProvider,
} from "bpmn-js-properties-panel";
import Modeler from "bpmn-js/lib/Modeler";
import behaviors from "camunda-bpmn-js-behaviors/lib/camunda-platform";
import camunda from "camunda-bpmn-moddle/resources/camunda.json";
import { moveByTouch } from "../touch.js";
import { ask } from "./ask.js";
import { translate } from "./bpmn-words.js";
import { start } from "./desk.js";
import { byElement, said, worst } from "./findings-list.js";
import limits from "./limits.js";
import templates from "./templates.json";
import { words } from "./words.js";
import { XmlSource } from "./xml-source.js";

// The configuration of the modeler without a page around it; tests/roundtrip builds the same.
export const moddleExtensions = { camunda };

// Pixels: what the palette covers on the left, free space around the picture, from which width on there is a palette.
const PALETTE = 130;
const EDGE = 24;
const WIDE = 600;

class BpmnEditor {
  constructor(root, changed) {
    this.canvasBox = root.querySelector("#editor-canvas");
    this.modeler = new Modeler({
      container: this.canvasBox,
      propertiesPanel: { parent: root.querySelector("#editor-panel") },
      moddleExtensions,
      elementTemplates: templates,
      textRenderer: { defaultStyle: { fontFamily: getComputedStyle(root).fontFamily } },
      additionalModules: [
        BpmnPropertiesPanelModule,
        BpmnPropertiesProviderModule,
        CamundaPlatformPropertiesProviderModule,
        CamundaPlatformTooltipProvider,
        ElementTemplatesPropertiesProviderModule,
        behaviors,
        limits,
        { translate: ["value", translate] },
      ],
    });
    this.events = this.modeler.get("eventBus");
    this.source = new XmlSource(this.modeler.get("moddle"), "bpmn:Definitions");
    this.marked = [];
    this.events.on("commandStack.changed", changed);
    this.events.on("commandStack.changed", () => this.offerSteps(root));
    this.events.on("elementTemplates.select", ({ element }) => this.chooseTemplate(element));
  }

  async open(text) {
    const { warnings } = await this.modeler.importXML(text);
    for (const warning of warnings) console.warn("diagram:", warning.message);
    this.marked = [];
    this.source.open(text, await this.written());
    this.fit();
    if (!this.listening) this.listen();
  }

  listen() {
    this.listening = true;
    const canvas = this.modeler.get("canvas");
    moveByTouch(this.canvasBox, canvas);
    new ResizeObserver(() => canvas.resized()).observe(this.canvasBox);
  }

  fit() {
    const canvas = this.modeler.get("canvas");
    const { inner, outer } = canvas.viewbox();
    if (!inner.width || !outer.width) return;
    // Beside the palette, not under it; a phone has none.
    const left = outer.width > WIDE ? PALETTE : EDGE;
    const across = (outer.width - left - EDGE) / inner.width;
    const scale = Math.max(0.25, Math.min(1, across, (outer.height - 2 * EDGE) / inner.height));
    canvas.viewbox({
      x: inner.x - left / scale,
      y: inner.y - EDGE / scale,
      width: outer.width / scale,
      height: outer.height / scale,
    });
  }

  async written() {
    return (await this.modeler.saveXML({ format: true })).xml;
  }

  async text() {
    return this.source.text(await this.written());
  }

  mark(findings) {
    const canvas = this.modeler.get("canvas");
    const registry = this.modeler.get("elementRegistry");
    const overlays = this.modeler.get("overlays");
    for (const [id, severity] of this.marked) if (registry.get(id)) canvas.removeMarker(id, `lint-${severity}`);
    overlays.remove({ type: "lint" });
    this.marked = [];
    for (const [id, found] of byElement(findings)) {
      const element = registry.get(id);
      if (!element || element === canvas.getRootElement()) continue;
      const severity = worst(found);
      canvas.addMarker(id, `lint-${severity}`);
      const badge = document.createElement("span");
      badge.className = `lint-badge lint-badge-${severity}`;
      badge.textContent = String(found.length);
      badge.title = found.map((one) => `${words.severity[one.severity]}：${said(one)}`).join("\n");
      const position = element.waypoints ? { top: -12, left: -12 } : { top: -11, right: 11 };
      overlays.add(id, "lint", { position, html: badge });
      this.marked.push([id, severity]);
    }
  }

  choose({ element }) {
    const found = element && this.modeler.get("elementRegistry").get(element);
    if (!found) return;
    const canvas = this.modeler.get("canvas");
    const plane = canvas.findRoot(found);
    if (plane && plane !== canvas.getRootElement()) canvas.setRootElement(plane);
    if (canvas.zoom() < 0.6) canvas.zoom(0.8, "auto");
    canvas.scrollToElement(found, 120);
    this.modeler.get("selection").select(found);
  }

  offerSteps(root) {
    const stack = this.modeler.get("commandStack");
    root.querySelector("[data-do=undo]").disabled = !stack.canUndo();
    root.querySelector("[data-do=redo]").disabled = !stack.canRedo();
  }

  undo() {
    const stack = this.modeler.get("commandStack");
    if (stack.canUndo()) stack.undo();
  }

  redo() {
    const stack = this.modeler.get("commandStack");
    if (stack.canRedo()) stack.redo();
  }

  find() {
    this.modeler.get("editorActions").trigger("find");
  }

  async chooseTemplate(element) {
    const service = this.modeler.get("elementTemplates");
    const fitting = service.getLatest(element);
    const list = document.createElement("div");
    list.className = "editor-templates";
    for (const template of fitting) {
      const choice = document.createElement("button");
      choice.type = "button";
      choice.className = "editor-template";
      choice.append(
        Object.assign(document.createElement("strong"), { textContent: template.name }),
        Object.assign(document.createElement("span"), { textContent: template.description ?? "" }),
      );
      choice.addEventListener("click", () => list.closest("dialog").close(template.id));
      list.append(choice);
    }
    const chosen = await ask(words.templateTitle, fitting.length ? "" : words.templateNone, [["", words.close]], list);
    const template = fitting.find((one) => one.id === chosen);
    if (template) service.applyTemplate(element, template);
  }

  get keys() {
    const { keys } = words;
    return [
      ["Ctrl+C Ctrl+V", keys.copy],
      ["Ctrl+A", keys.all],
      ["Delete", keys.remove],
      ["E", keys.edit],
      ["R", keys.replace],
      ["H L S C", keys.tools],
      ["← → ↑ ↓", keys.move],
      ["Ctrl+← Ctrl+→", keys.scroll],
      ["Ctrl++ Ctrl+- Ctrl+0", keys.zoom],
    ];
  }
}

start((root, changed) => new BpmnEditor(root, changed));
