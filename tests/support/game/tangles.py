"""Graphs that are no blocks: joins reached by uneven paths, mixed gateways, ways back."""

from __future__ import annotations

from .leaves import Block, Leaves
from .sketch import Sketch


class Tangles(Leaves):
    """Unstructured parts."""

    def nasty(self, s: Sketch, depth: int) -> Block:
        """The diagram in which SpiffWorkflow's inclusive join fires too early and twice."""
        fork = s.add("parallelGateway", "fork")
        join, merge, x = s.add("inclusiveGateway", "j"), s.add("inclusiveGateway", "m"), s.add("exclusiveGateway", "x")
        heads = []
        for _ in range(3):
            first, last = self.block(s, min(depth, 1))
            s.chain(fork, first)
            heads.append(last)
        z = self.block(s, 0)
        s.chain(heads[0], merge, z[0])
        s.chain(heads[1], x, join)
        s.chain(heads[2], merge)
        s.chain(z[1], join)
        return fork, join

    def tangle(self, s: Sketch, depth: int) -> Block:
        """An unstructured graph: gateways of mixed kinds, joins reached by uneven paths, ways back. It may stick."""
        chance = self.pen.chance
        size = chance.randint(4, 9)
        kinds = [
            "parallelGateway",
            "inclusiveGateway",
            "exclusiveGateway",
            "userTask",
            "userTask",
            "scriptTask",
            "task",
        ]
        idents: list[str] = []
        for index in range(size):
            kind = chance.choice(kinds[:3] if index == 0 else kinds)
            idents.append(s.script() if kind == "scriptTask" else s.add(kind, kind[:4]))
        last = s.add(chance.choice(["exclusiveGateway", "inclusiveGateway"]), "last")
        idents.append(last)
        for index in range(1, size + 1):
            s.flow(idents[chance.randrange(max(0, index - 4), index)], idents[index])
        for _ in range(chance.randint(1, size)):
            a, b = sorted(chance.sample(range(size + 1), 2))
            s.flow(idents[a], idents[b])
        for ident in idents[:-1]:
            if not s.graph.out_of(ident):
                s.flow(ident, last)
        if self.pen.often(0.4):
            self.way_back(s, idents)
        for ident in idents[:-1]:
            self.conditions(s, ident)
        return idents[0], last

    def way_back(self, s: Sketch, idents: list[str]) -> None:
        """A loop over part of the tangle, twice round at most by its counter."""
        back = self.pen.chance.randrange(1, len(idents))
        flow = self.pen.pick(*s.graph.into(idents[back]))
        target = self.pen.pick(*idents[1 : back + 1])
        if s.graph.nodes[target].kind in ("parallelGateway",):
            return
        step, counter = s.counter()
        choice = s.add("exclusiveGateway", "choice")
        s.chain(flow.source, step, choice)
        s.graph.nodes[choice].default = flow.id
        flow.source = choice
        s.flow(choice, target, s.below(counter, 2))

    def conditions(self, s: Sketch, ident: str) -> None:
        node, out = s.graph.nodes[ident], s.graph.out_of(ident)
        if len(out) < 2 or node.kind == "parallelGateway" or (node.kind[-4:] == "Task" and self.pen.often(0.5)):
            return
        node.default = out[0].id
        for flow in out[1:]:
            flow.condition = self.pen.condition()
