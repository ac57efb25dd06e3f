// Two versions of a diagram side by side: they move and zoom together, and a row of the table leads to its element in
// both. `[data-side]` mounts hold a script with what to draw (assets/diagram.js); `[data-jump]` buttons stand in the rows.
import { CaseDiagram } from "./diagram.js";
import { words } from "./language.js";

document.documentElement.classList.add("scripted");
const root = document.getElementById("compare-diagrams");
if (root) start(root);

// A draft may hold a diagram that cannot be drawn; the words beside it stay.
function broken(side, error) {
  side.mount.classList.add("alert", "alert-warning");
  side.mount.textContent = words.diagramBroken;
  side.broken = true;
  console.warn("compare:", error);
}

async function start(root) {
  const together = root.querySelector("[data-together]");
  const sides = {};
  for (const mount of root.querySelectorAll("[data-side]")) {
    const content = JSON.parse(document.getElementById(`drawing-${mount.dataset.side}`).textContent);
    sides[mount.dataset.side] = new CaseDiagram(mount, content);
  }
  const shown = Object.values(sides);
  await Promise.all(shown.map((one) => one.show().catch((error) => broken(one, error))));
  for (const [name, side] of Object.entries(sides)) if (side.broken) delete sides[name];
  shown.splice(0, shown.length, ...Object.values(sides));
  let leading = null;
  for (const one of shown) {
    one.viewer.get("eventBus").on("canvas.viewbox.changed", ({ viewbox }) => {
      if (leading || (together && !together.checked)) return;
      leading = one;
      for (const other of shown) {
        if (other !== one) other.canvas.viewbox({ x: viewbox.x, y: viewbox.y, width: viewbox.width, height: viewbox.height });
      }
      leading = null;
    });
    one.viewer.get("eventBus").on("element.click", ({ element }) => choose(element.id, element.id, false));
  }
  if (shown.length > 1) shown[0].fit();

  function choose(oldId, newId, move) {
    for (const [name, side] of Object.entries(sides)) {
      const id = name === "old" ? oldId : newId;
      for (const marked of side.elements.filter((one) => side.canvas.hasMarker(one, "chosen"))) {
        side.canvas.removeMarker(marked, "chosen");
      }
      const element = side.elements.get(id);
      if (!element) continue;
      side.canvas.addMarker(element, "chosen");
      side.choose(id);
      if (move) centre(side, element);
    }
    for (const row of document.querySelectorAll("[data-row]")) {
      const mine = [row.dataset.old, row.dataset.new].some((id) => id && (id === oldId || id === newId));
      row.classList.toggle("compare-chosen", mine);
    }
  }

  // In the middle, at a size that can be read; inside of a folded sub-process its own plane is opened.
  function centre(side, element) {
    const plane = side.canvas.findRoot(element);
    if (plane && plane !== side.canvas.getRootElement()) side.canvas.setRootElement(plane);
    if (side.canvas.zoom() < 0.6) side.canvas.zoom(0.8);
    const view = side.canvas.viewbox();
    const points = element.waypoints;
    const middle = points
      ? { x: (points[0].x + points.at(-1).x) / 2, y: (points[0].y + points.at(-1).y) / 2 }
      : { x: element.x + element.width / 2, y: element.y + element.height / 2 };
    side.canvas.viewbox({ ...view, x: middle.x - view.width / 2, y: middle.y - view.height / 2, width: view.width, height: view.height });
  }

  function jump(button) {
    const drawn = (button.dataset.drawn ?? "").split(" ").filter(Boolean);
    const first = (side, id) => [id, ...drawn].find((one) => one && sides[side]?.elements.get(one)) ?? id;
    choose(first("old", button.dataset.old), first("new", button.dataset.new), true);
    root.scrollIntoView({ block: "start", behavior: "smooth" });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-jump]");
    if (button) jump(button);
  });
  root.dataset.ready = "yes";
  const named = decodeURIComponent(location.hash.slice(1));
  const asked = [...document.querySelectorAll("[data-jump]")].find((one) => named && [one.dataset.new, one.dataset.old].includes(named));
  if (asked) jump(asked);
}
