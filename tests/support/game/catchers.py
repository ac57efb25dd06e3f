"""What catches events: boundary events and event sub-processes, and the ends that throw for them."""

from __future__ import annotations

from .diagram import Event, Graph
from .leaves import THROWERS, Block, Leaves
from .sketch import Sketch


class Catchers(Leaves):
    """Draws what waits beside the flow."""

    def ending(self, s: Sketch, last: str, share: float, transaction: bool = False) -> None:
        """The end of a graph, now and then with a second one that throws or terminates."""
        if "ends" not in self.features or not self.pen.often(share):
            s.chain(last, s.end())
            return
        choice = s.add("exclusiveGateway", "choice")
        s.chain(last, choice)
        s.flow(choice, s.end(self.harsh_end(transaction)), self.pen.condition())
        s.graph.nodes[choice].default = s.flow(choice, s.end())

    def harsh_end(self, transaction: bool) -> Event:
        if transaction and self.pen.often(0.7):
            return Event("cancel")
        kind = self.pen.pick(
            "terminate",
            "terminate",
            *(k for k in ("error", "escalation") if k in self.features),
            "thrown",
            "thrown",
            "undo",
        )
        if kind == "thrown":
            return self.thrown_event()
        if kind == "undo":
            return Event("compensate") if "undo" in self.features else Event("terminate")
        return Event(kind, "" if kind == "terminate" else self.pen.pick("x1", "x2"))

    def event_subprocess(self, s: Sketch, depth: int, event: Event | None = None) -> None:
        kinds = (*self.waits, *(k for k in ("error", "escalation") if k in self.features))
        event = event or self.pen.event(*kinds, cycles=True)
        interrupting = event.kind == "error" or self.pen.often(0.4)
        self.handler(s, depth, event, interrupting)

    def handler(self, s: Sketch, depth: int, event: Event, interrupting: bool) -> None:
        inner = Sketch(self.pen)
        first, last = self.block(inner, min(depth - 1, 1))
        inner.chain(inner.add("startEvent", "start", event=event, interrupting=interrupting), first)
        inner.chain(last, inner.end())
        s.add("subProcess", "event", triggered=True, body=inner.graph)

    def guarded(self, s: Sketch, ident: str, depth: int, share: float, body: Graph | None = None) -> Block:
        """The activity with boundary events, if chance will have it or what its body throws asks for it."""
        thrown = self.codes(body, "error") | self.codes(body, "escalation")
        if "boundary" not in self.features or not (thrown or self.pen.often(share)):
            return ident, ident
        merge = s.add("exclusiveGateway", "merge")
        s.chain(ident, merge)
        self.catchers(s, ident, merge, body)
        kinds = (*self.waits, *(k for k in ("error", "escalation") if k in self.features))
        for _ in range(self.pen.pick(1, 1, 2) if self.pen.often(share) else 0):
            event = self.pen.event(*kinds, cycles=True)
            self.boundary(s, ident, merge, depth, event, event.kind == "error" or self.pen.often(0.5))
        return ident, merge

    def codes(self, body: Graph | None, kind: str) -> set[str]:
        """What a body throws and does not catch itself."""
        if body is None:
            return set()
        thrown = {n.event.name for _, n in body.walk() if n.event.kind == kind and n.kind in THROWERS}
        return thrown - {n.event.name for _, n in body.walk() if n.event.kind == kind and n.kind not in THROWERS}

    def catchers(self, s: Sketch, ident: str, merge: str, body: Graph | None) -> None:
        """Mostly somebody catches what the body throws."""
        for kind, share in (("error", 0.9), ("escalation", 0.7)):
            for code in sorted(self.codes(body, kind)):
                if "boundary" in self.features and self.pen.often(share):
                    event = Event(kind, code if self.pen.often(0.7) else "")
                    self.boundary(s, ident, merge, 0, event, kind == "error" or self.pen.often(0.5))

    def boundary(self, s: Sketch, ident: str, merge: str, depth: int, event: Event, interrupting: bool) -> None:
        if event.kind in ("error", "escalation") and any(n.event == event for n in s.graph.boundary(ident)):
            return  # one catcher for each code
        bound = s.add("boundaryEvent", "bound", event=event, attached_to=ident, interrupting=interrupting)
        first, last = self.block(s, min(depth, 1))
        s.chain(bound, first)
        s.chain(last, merge if interrupting and self.pen.often(0.7) else s.end())
