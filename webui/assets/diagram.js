// Shows a BPMN diagram and where a case stands in it:
//
//   <div class="diagram" data-diagram-id="diagram"></div>
//   <script type="application/json" id="diagram">
//   { "xml": "<definitions ...>",
//     "name": "处置流程",                                     what the picture is, for those who cannot see it
//     "marks": {"Task_a": ["completed"], "Task_b": ["waiting", "overdue"]},
//     "notes": [{"element": "Task_b", "due": "2026-03-02T08:00:00Z", "soon": "..."}, {"element": "Task_a", "text": "2 次"}],
//     "about": {"Task_b": "王芳 · 09:12 起"},                  a line said and shown when the element is chosen
//     "links": {"Call_a": "/cases/WQ-2026-000123/diagram/Process_a"} }   Enter or a double click follows it
//   </script>
//
// Marks: running, waiting, completed, overdue, soon, incident, cancelled; on a sequence flow: completed. For two versions
// of a diagram: added, changed, removed, layout.
import NavigatedViewer from "bpmn-js/lib/NavigatedViewer";
import { now } from "./server.js";
import { level, wording } from "./clocks.js";
import { isChinese, words } from "./language.js";
import { moveByTouch } from "./touch.js";

const MARKS = ["running", "waiting", "completed", "overdue", "soon", "incident", "cancelled", "added", "changed", "removed", "layout"];
const STEP = 60;
const drilldown = { "Open {element}": "打开 {element}" };

function translate(template, replacements = {}) {
  const text = (isChinese && drilldown[template]) || template;
  return text.replace(/{([^}]+)}/g, (placeholder, key) => replacements[key] ?? placeholder);
}

function button(className, label, text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = className;
  made.title = label;
  made.setAttribute("aria-label", label);
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}

export class CaseDiagram {
  constructor(mount, content) {
    this.mount = mount;
    this.content = content ?? JSON.parse(document.getElementById(mount.dataset.diagramId).textContent);
    this.named = new WeakSet();
    this.canvasBox = document.createElement("div");
    this.canvasBox.className = "diagram-canvas";
    this.about = document.createElement("p");
    this.about.className = "diagram-about";
    this.about.setAttribute("aria-live", "polite");
    mount.append(this.canvasBox, this.about);
    this.viewer = new NavigatedViewer({
      container: this.canvasBox,
      textRenderer: { defaultStyle: { fontFamily: getComputedStyle(mount).fontFamily } },
      additionalModules: [{ translate: ["value", translate] }],
    });
  }

  async show() {
    const { warnings } = await this.viewer.importXML(this.content.xml);
    for (const warning of warnings) console.warn("diagram:", warning.message);
    this.canvas = this.viewer.get("canvas");
    this.elements = this.viewer.get("elementRegistry");
    this.mark();
    this.annotate();
    this.nameForEverybody();
    this.addControls();
    this.addLegend();
    this.listen();
    this.fit();
  }

  // Other marks, and another picture where `content` has one: the next step of a replay.
  async update(content) {
    if (content.xml && content.xml !== this.content.xml) {
      this.content = content;
      await this.viewer.importXML(content.xml);
      this.mark();
      this.annotate();
      this.fit();
    } else {
      for (const id of this.marked()) {
        for (const mark of this.content.marks[id]) this.canvas.removeMarker(id, `mark-${mark}`);
      }
      this.viewer.get("overlays").clear();
      this.content = { ...content, xml: this.content.xml };
      this.mark();
      this.annotate();
    }
    this.nameForEverybody();
    this.about.textContent = "";
    this.mount.querySelector(".diagram-legend")?.remove();
    this.addLegend();
  }

  // Where a link of the picture leads; a replay stays on its page.
  follow(link) {
    location.assign(link);
  }

  marked(...names) {
    return Object.entries(this.content.marks ?? {})
      .filter(([id, marks]) => this.elements.get(id) && (!names.length || marks.some((mark) => names.includes(mark))))
      .map(([id]) => id);
  }

  mark() {
    for (const id of this.marked()) {
      for (const mark of this.content.marks[id]) this.canvas.addMarker(id, `mark-${mark}`);
    }
  }

  annotate() {
    const overlays = this.viewer.get("overlays");
    for (const note of this.content.notes ?? []) {
      if (!this.elements.get(note.element)) continue;
      const label = document.createElement("span");
      label.className = "diagram-note";
      if (note.due) {
        // clocks.js keeps it counting, like every other limit of the page.
        label.dataset.due = note.due;
        if (note.soon) label.dataset.soon = note.soon;
        const due = Date.parse(note.due);
        label.textContent = wording(due, now());
        label.classList.add(level(due, Date.parse(note.soon ?? ""), now()));
      } else {
        label.textContent = note.text;
      }
      overlays.add(note.element, "note", { position: { top: -22, left: 0 }, html: label });
    }
  }

  describe(id) {
    const name = this.elements.get(id).businessObject.name || id;
    const marks = (this.content.marks?.[id] ?? []).map((mark) => words.states[mark]);
    const notes = (this.content.notes ?? []).filter((note) => note.element === id);
    const limits = notes.map((note) => (note.due ? wording(Date.parse(note.due), now()) : note.text));
    return [name, ...marks, ...limits, this.content.about?.[id]].filter(Boolean).join(" · ");
  }

  // Elements with a mark, a note or a link are reached with Tab and read out; the rest is the picture behind them.
  nameForEverybody() {
    const svg = this.canvasBox.querySelector("svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", [this.content.name, words.diagramKeys].filter(Boolean).join("。"));
    const links = this.content.links ?? {};
    const reached = new Set([
      ...this.marked(),
      ...Object.keys(links),
      ...Object.keys(this.content.about ?? {}),
      ...(this.content.notes ?? []).map((note) => note.element),
    ]);
    for (const id of reached) {
      const element = this.elements.get(id);
      const graphics = element && this.elements.getGraphics(element);
      if (!graphics || element.waypoints) continue;
      graphics.setAttribute("tabindex", "0");
      graphics.setAttribute("role", links[id] ? "link" : "img");
      graphics.setAttribute("aria-label", this.describe(id));
      if (this.named.has(graphics)) continue;
      this.named.add(graphics);
      graphics.addEventListener("focus", () => {
        this.choose(id);
        this.canvas.scrollToElement(id, 40);
      });
      graphics.addEventListener("keydown", (event) => {
        const link = this.content.links?.[id];
        if (link && event.key === "Enter") this.follow(link);
      });
    }
  }

  choose(id) {
    this.about.textContent = this.describe(id);
  }

  listen() {
    const events = this.viewer.get("eventBus");
    events.on("element.click", ({ element }) => {
      if (element.businessObject?.name || this.content.marks?.[element.id]) this.choose(element.id);
    });
    events.on("element.dblclick", ({ element }) => {
      const link = this.content.links?.[element.id];
      if (link) this.follow(link);
    });
    this.canvasBox.addEventListener("keydown", (event) => this.key(event));
    moveByTouch(this.canvasBox, this.canvas);
    new ResizeObserver(() => this.canvas.resized()).observe(this.canvasBox);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    const move = moves[event.key];
    if (move) this.canvas.scroll({ dx: move[0], dy: move[1] });
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.25);
    else if (event.key === "-") this.zoomBy(0.8);
    else if (event.key === "0") this.fit();
    else return;
    event.preventDefault();
  }

  zoomBy(factor) {
    this.canvas.zoom(Math.min(4, Math.max(0.15, this.canvas.zoom() * factor)), "auto");
  }

  // The whole diagram where it can be read at that size; else the current step in the middle.
  fit() {
    this.showAll();
    if (this.canvas.zoom() < 0.45 && this.current()) this.toCurrent();
  }

  showAll() {
    this.canvas.zoom("fit-viewport", "auto");
    this.zoomBy(0.94);
  }

  current() {
    return this.marked("incident", "overdue", "waiting")[0] ?? this.marked("running")[0];
  }

  toCurrent() {
    const id = this.current();
    if (!id) return;
    this.canvas.zoom(0.85);
    const { x, y, width, height } = this.elements.get(id);
    const view = this.canvas.viewbox();
    this.canvas.viewbox({
      x: x + width / 2 - view.outer.width / view.scale / 2,
      y: y + height / 2 - view.outer.height / view.scale / 2,
      width: view.outer.width / view.scale,
      height: view.outer.height / view.scale,
    });
    this.choose(id);
  }

  addControls() {
    const controls = document.createElement("div");
    controls.className = "diagram-controls";
    controls.append(
      button("btn btn-sm", words.zoomIn, "+", () => this.zoomBy(1.25)),
      button("btn btn-sm", words.zoomOut, "−", () => this.zoomBy(0.8)),
      button("btn btn-sm", words.zoomFit, words.zoomFit, () => this.showAll()),
    );
    if (this.current()) {
      controls.append(button("btn btn-sm", words.zoomCurrent, words.zoomCurrent, () => this.toCurrent()));
    }
    this.mount.prepend(controls);
  }

  addLegend() {
    const there = MARKS.filter((mark) => this.marked(mark).length);
    if (!there.length) return;
    const legend = document.createElement("ul");
    legend.className = "diagram-legend";
    legend.setAttribute("aria-label", words.legend);
    for (const mark of there) {
      const item = document.createElement("li");
      item.className = `legend-${mark}`;
      item.textContent = words.states[mark];
      legend.append(item);
    }
    this.mount.append(legend);
  }
}

export function mountAll(root = document) {
  for (const mount of root.querySelectorAll("[data-diagram-id]:not([data-diagram-ready])")) {
    mount.dataset.diagramReady = "starting";
    Promise.resolve()
      .then(() => new CaseDiagram(mount).show())
      .then(() => (mount.dataset.diagramReady = "yes"))
      .catch((error) => {
        mount.dataset.diagramReady = "failed";
        mount.classList.add("alert", "alert-danger");
        mount.textContent = words.diagramBroken;
        console.error("diagram:", error);
      });
  }
}

document.addEventListener("htmx:after:swap", () => mountAll());
mountAll();
