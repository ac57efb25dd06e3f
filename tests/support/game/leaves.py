"""The smallest blocks, and what blocks are chosen by."""

from __future__ import annotations

from .diagram import Event
from .sketch import Pen, Sketch

Block = tuple[str, str]
THROWERS = ("endEvent", "intermediateThrowEvent")
WAITS = ("timer", "message", "signal", "conditional")

WEIGHTS = {
    "sequence": 4, "exclusive": 3, "parallel": 3, "inclusive": 3, "implicit": 1, "complex": 1, "loop": 2, "guard": 3,
    "sub": 3,
    "call": 1, "transaction": 1, "multi": 3, "repeat": 1, "race": 1, "tangle": 2, "nasty": 1,
}  # fmt: skip
LEAVES = {
    "user": 6, "script": 3, "task": 1, "receive": 1, "send": 1, "catch": 1, "throw": 2, "link": 1, "undo": 1,
    "undone": 1,
}  # fmt: skip
ALL = frozenset(
    (*WEIGHTS, *LEAVES, "esp", "boundary", "ends", "nostart", "pools", "endcycle", *WAITS, "error", "escalation")
)


class Leaves:
    """Single elements, and pairs of which one means nothing. A subclass draws what holds other blocks."""

    def __init__(self, pen: Pen, features: frozenset[str] = ALL) -> None:
        self.pen = pen
        self.features = features
        self.waits = tuple(k for k in WAITS if k in features)
        self.thrown = tuple(k for k in ("message", "signal", "escalation") if k in features)

    def choose(self, weights: dict[str, int]) -> str:
        open_to = {k: w for k, w in weights.items() if k in self.features}
        return self.pen.chance.choices(list(open_to), list(open_to.values()))[0]

    def block(self, s: Sketch, depth: int) -> Block:
        inner = depth > 0 and self.pen.often(0.75)
        kind = self.choose(WEIGHTS if inner else LEAVES)
        found: Block = getattr(self, kind)(s, depth - 1)
        return found

    def user(self, s: Sketch, depth: int) -> Block:
        ident = s.user()
        return ident, ident

    def script(self, s: Sketch, depth: int) -> Block:
        ident = s.script()
        return ident, ident

    def task(self, s: Sketch, depth: int) -> Block:
        ident = s.add(self.pen.pick("task", "manualTask"), "task")
        return ident, ident

    def receive(self, s: Sketch, depth: int) -> Block:
        if "message" not in self.features:
            return self.user(s, depth)
        ident = s.add("receiveTask", "receive", event=self.pen.event("message"))
        return ident, ident

    def send(self, s: Sketch, depth: int) -> Block:
        if "message" not in self.features:
            return self.user(s, depth)
        ident = s.add("sendTask", "send", event=self.pen.event("message"))
        return ident, ident

    def catch(self, s: Sketch, depth: int) -> Block:
        ident = s.add("intermediateCatchEvent", "catch", event=self.pen.event(*self.waits))
        return ident, ident

    def throw(self, s: Sketch, depth: int) -> Block:
        ident = s.add("intermediateThrowEvent", "throw", event=self.thrown_event())
        return ident, ident

    def thrown_event(self) -> Event:
        kind = self.pen.pick("none", *self.thrown)
        if kind == "none":
            return Event()
        return Event(
            kind, self.pen.pick("x1", "x2") if kind == "escalation" else f"{kind[0]}{self.pen.chance.randint(1, 2)}"
        )

    def link(self, s: Sketch, depth: int) -> Block:
        name = self.pen.name("link")
        throw = s.add("intermediateThrowEvent", "throw", event=Event("link", name))
        return throw, s.add("intermediateCatchEvent", "catch", event=Event("link", name))

    def undone(self, s: Sketch, depth: int) -> Block:
        """An activity with a compensation handler."""
        ident = s.user() if self.pen.often(0.5) else s.script()
        self.give_handler(s, ident)
        return ident, ident

    def give_handler(self, s: Sketch, ident: str) -> None:
        handler = s.user() if self.pen.often(0.4) else s.script()
        s.graph.nodes[handler].undoes = True
        s.graph.nodes[ident].handler = handler

    def undo(self, s: Sketch, depth: int) -> Block:
        able = [n.id for n in s.graph.nodes.values() if n.handler]
        activity = self.pen.pick(*able) if able and self.pen.often(0.3) else ""
        event = Event("compensate", activity=activity)
        ident = s.add("intermediateThrowEvent", "undo", event=event)
        if self.pen.often(0.4):
            return ident, ident
        first, last = self.undone(s, depth)
        s.chain(last, ident)
        return first, ident
