"""Blocks with one way in and one way out, inside one another."""

from __future__ import annotations

from .catchers import Catchers
from .diagram import Event, Expr, Graph, Loop, Multi
from .leaves import Block
from .sketch import Sketch
from .tangles import Tangles


class Blocks(Tangles, Catchers):
    """Draws with the features it is given."""

    # -- gateways -------------------------------------------------------------------------------------------------
    def sequence(self, s: Sketch, depth: int) -> Block:
        first, last = self.block(s, depth)
        for _ in range(self.pen.chance.randint(1, 2)):
            a, b = self.block(s, depth)
            s.flow(last, a)
            last = b
        return first, last

    def exclusive(self, s: Sketch, depth: int) -> Block:
        return self.split(s, depth, "exclusiveGateway", "exclusiveGateway")

    def parallel(self, s: Sketch, depth: int) -> Block:
        return self.split(
            s, depth, "parallelGateway", self.pen.pick("parallelGateway", "parallelGateway", "inclusiveGateway")
        )

    def inclusive(self, s: Sketch, depth: int) -> Block:
        return self.split(s, depth, "inclusiveGateway", "inclusiveGateway")

    def implicit(self, s: Sketch, depth: int) -> Block:
        """An activity that splits by itself, and one that merges without a gateway."""
        return self.split(s, depth, "task", self.pen.pick("task", "inclusiveGateway"))

    def complex(self, s: Sketch, depth: int) -> Block:
        """Two of three may do; the last one is taken in and goes nowhere."""
        first, join = self.split(s, depth, self.pen.pick("parallelGateway", "inclusiveGateway"), "complexGateway")
        enough = self.pen.chance.randint(1, 2)
        s.graph.nodes[join].activation = Expr(f"activationCount >= {enough}", lambda d: d["activationCount"] >= enough)
        return first, join

    def split(self, s: Sketch, depth: int, fork_kind: str, join_kind: str) -> Block:
        fork, join = s.add(fork_kind, "fork"), s.add(join_kind, "join")
        guarded = fork_kind in ("exclusiveGateway", "inclusiveGateway") or (fork_kind == "task" and self.pen.often(0.5))
        no_default = self.pen.often(0.015)
        for index in range(self.pen.chance.randint(2, 3)):
            first, last = self.block(s, depth)
            condition = self.pen.condition() if guarded and (index or no_default) else None
            flow = s.flow(fork, first, condition)
            if guarded and index == 0 and not no_default:
                s.graph.nodes[fork].default = flow
            s.flow(last, join)
        return fork, join

    def loop(self, s: Sketch, depth: int) -> Block:
        merge, choice = s.add("exclusiveGateway", "merge"), s.add("exclusiveGateway", "choice")
        step, counter = s.counter()
        first, last = self.block(s, depth)
        s.chain(merge, first)
        s.chain(last, step, choice)
        s.flow(choice, merge, s.below(counter, self.pen.chance.randint(2, 3)))
        after = s.add("task")
        s.graph.nodes[choice].default = s.flow(choice, after)
        return merge, after

    def race(self, s: Sketch, depth: int) -> Block:
        gateway, merge = s.add("eventBasedGateway", "race"), s.add("exclusiveGateway", "merge")
        for _ in range(2):
            if "message" in self.features and self.pen.often(0.15):
                caught = self.receive(s, 0)[0]
            else:
                caught = s.add("intermediateCatchEvent", "catch", event=self.pen.event(*self.waits))
            s.chain(gateway, caught)
            if self.pen.often(0.5):
                first, last = self.block(s, depth - 1)
                s.chain(caught, first)
                s.chain(last, merge)
            else:
                s.chain(caught, merge)
        return gateway, merge

    # -- activities with insides ----------------------------------------------------------------------------------
    def inside(self, depth: int, transaction: bool = False) -> Graph:
        """The body of a sub-process: start, a block, end; now and then an end that throws, several beginnings, event
        sub-processes."""
        s = Sketch(self.pen)
        first, last = self.block(s, depth)
        if "nostart" in self.features and self.pen.often(0.12):
            s.chain(s.add("task"), first)
            other = self.block(s, 0)
            if self.pen.often(0.5):
                s.chain(other[1], s.end())
        else:
            s.chain(s.add("startEvent", "start"), first)
        self.ending(s, last, 1 if transaction else 0.4, transaction)
        if "esp" in self.features and self.pen.often(0.35):
            self.event_subprocess(s, depth)
        if "undone" in self.features and self.pen.often(0.06):
            self.handler(s, depth, Event("compensate"), True)
        if "esp" in self.features:
            for kind in ("error", "escalation"):
                for code in sorted(self.codes(s.graph, kind)):
                    if self.pen.often(0.35):
                        self.event_subprocess(s, depth, Event(kind, code if self.pen.often(0.7) else ""))
        return s.graph

    def sub(self, s: Sketch, depth: int) -> Block:
        ident = s.add("subProcess", "sub", body=self.inside(depth))
        if "undone" in self.features and self.pen.often(0.15):
            self.give_handler(s, ident)
        return self.guarded(s, ident, depth, 0.6, s.graph.nodes[ident].body)

    def transaction(self, s: Sketch, depth: int) -> Block:
        ident = s.add("transaction", "trans", body=self.inside(depth, transaction=True))
        merge = s.add("exclusiveGateway", "merge")
        cancelled = s.add("boundaryEvent", "bound", event=Event("cancel"), attached_to=ident)
        self.catchers(s, ident, merge, s.graph.nodes[ident].body)
        s.chain(cancelled, s.user(), merge)
        s.chain(ident, merge)
        return ident, merge

    def call(self, s: Sketch, depth: int) -> Block:
        name = self.pen.name("called")
        self.pen.processes[name] = self.inside(depth)
        return self.guarded(s, s.add("callActivity", "call", called=name), depth, 0.5, self.pen.processes[name])

    def multi(self, s: Sketch, depth: int) -> Block:
        completion = None
        if self.pen.often(0.35):
            enough = self.pen.chance.randint(1, 2)
            completion = Expr(f"nrOfCompletedInstances >= {enough}", lambda d: d["nrOfCompletedInstances"] >= enough)
        collection = self.pen.pick("units", "units", "")
        multi = Multi(
            self.pen.often(0.5),
            collection,
            0 if collection else self.pen.chance.randrange(4),
            "unit",
            completion,
            self.pen.name("list") if self.pen.often(0.3) else "",
        )
        ident, body = self.repeated(s, depth)
        s.graph.nodes[ident].multi = multi
        return self.guarded(s, ident, depth, 0.4, body)

    def repeated(self, s: Sketch, depth: int) -> tuple[str, Graph | None]:
        """An activity to be run several times, and its body."""
        kind = self.pen.chance.random()
        if kind < 0.35:
            return s.user(), None
        if kind < 0.45:
            return self.receive(s, depth)[0], None
        if kind < 0.55:
            return self.undone(s, depth)[0], None
        body = self.inside(depth)
        if kind < 0.65:
            name = self.pen.name("called")
            self.pen.processes[name] = body
            return s.add("callActivity", "call", called=name), body
        return s.add("subProcess", "sub", body=body), body

    def repeat(self, s: Sketch, depth: int) -> Block:
        """A standard loop: over a script that counts, or a sub-process that does."""
        inner = Sketch(self.pen)
        step, counter = inner.counter()
        rounds, before, limit = self.pen.chance.randint(1, 3), self.pen.often(0.5), self.pen.pick(0, 0, 2)
        goes_on = Expr(
            f"{counter} = null or {counter} < {rounds}", lambda d: d.get(counter) is None or d[counter] < rounds
        )
        if self.pen.often(0.25):
            user = s.user()
            limit = self.pen.pick(0, 2)
            s.graph.nodes[user].loop = Loop(self.pen.rising(), before, limit or 3)
            return self.guarded(s, user, depth, 0.3)
        first, last = self.block(inner, depth)
        inner.chain(inner.add("startEvent", "start"), step, first)
        inner.chain(last, inner.end())
        ident = s.add("subProcess", "sub", body=inner.graph, loop=Loop(goes_on, before, limit))
        return self.guarded(s, ident, depth, 0.3, inner.graph)

    # -- boundary events ------------------------------------------------------------------------------------------
    def guard(self, s: Sketch, depth: int) -> Block:
        ident = s.user() if self.pen.often(0.8) else self.receive(s, depth)[0]
        return self.guarded(s, ident, depth, 1.0)
