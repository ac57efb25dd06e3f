// One finger moves the diagram, two fingers zoom it. diagram-js itself listens to the mouse only.

export function moveByTouch(container, canvas) {
  const fingers = new Map();
  let apart = 0;

  function place(event) {
    const box = container.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function distance([one, other]) {
    return Math.hypot(one.x - other.x, one.y - other.y);
  }

  container.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch") return;
    fingers.set(event.pointerId, place(event));
    apart = fingers.size === 2 ? distance([...fingers.values()]) : 0;
  });
  container.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const after = place(event);
    fingers.set(event.pointerId, after);
    if (fingers.size === 1) canvas.scroll({ dx: after.x - before.x, dy: after.y - before.y });
    if (fingers.size !== 2 || !apart) return;
    const both = [...fingers.values()];
    const now = distance(both);
    const scale = Math.min(4, Math.max(0.15, (canvas.zoom() * now) / apart));
    canvas.zoom(scale, { x: (both[0].x + both[1].x) / 2, y: (both[0].y + both[1].y) / 2 });
    apart = now;
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) {
    container.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
}
