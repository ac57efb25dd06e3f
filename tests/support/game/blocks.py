"""Blocks with one way in and one way out, inside one another."""

from __future__ import annotations

from .diagram import Event, Expr, Graph, Loop, Multi
from .sketch import Pen, Sketch

Block = tuple[str, str]
THROWERS = ("endEvent", "intermediateThrowEvent")
WAITS = ("timer", "message", "signal", "conditional")

WEIGHTS = {
    "sequence": 4, "exclusive": 3, "parallel": 3, "inclusive": 3, "implicit": 1, "loop": 2, "guard": 3, "sub": 3,
    "call": 1, "transaction": 1, "multi": 3, "repeat": 1, "race": 1, "tangle": 2, "nasty": 1,
}  # fmt: skip
LEAVES = {
    "user": 6, "script": 3, "task": 1, "receive": 1, "catch": 1, "throw": 2, "link": 1, "undo": 1, "undone": 1,
}  # fmt: skip
ALL = frozenset((*WEIGHTS, *LEAVES, "esp", "boundary", "ends", "nostart", "pools", "endcycle", *WAITS, "error", "escalation"))


class Blocks:
    """Draws with the features it is given."""

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

    # -- leaves ---------------------------------------------------------------------------------------------------
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
        return Event(kind, self.pen.pick("x1", "x2") if kind == "escalation" else f"{kind[0]}{self.pen.chance.randint(1, 2)}")

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
        return self.split(s, depth, "parallelGateway", self.pen.pick("parallelGateway", "parallelGateway", "inclusiveGateway"))

    def inclusive(self, s: Sketch, depth: int) -> Block:
        return self.split(s, depth, "inclusiveGateway", "inclusiveGateway")

    def implicit(self, s: Sketch, depth: int) -> Block:
        """An activity that splits by itself, and one that merges without a gateway."""
        return self.split(s, depth, "task", self.pen.pick("task", "inclusiveGateway"))

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
        if "esp" in self.features:
            for kind in ("error", "escalation"):
                for code in sorted(self.codes(s.graph, kind)):
                    if self.pen.often(0.35):
                        self.event_subprocess(s, depth, Event(kind, code if self.pen.often(0.7) else ""))
        return s.graph

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
        kind = self.pen.pick("terminate", "terminate", *(k for k in ("error", "escalation") if k in self.features), "thrown", "thrown", "undo")
        if kind == "thrown":
            return self.thrown_event()
        if kind == "undo":
            return Event("compensate") if "undo" in self.features else Event("terminate")
        return Event(kind, "" if kind == "terminate" else self.pen.pick("x1", "x2"))

    def event_subprocess(self, s: Sketch, depth: int, event: Event | None = None) -> None:
        kinds = (*self.waits, *(k for k in ("error", "escalation") if k in self.features))
        event = event or self.pen.event(*kinds, cycles=True)
        interrupting = event.kind == "error" or self.pen.often(0.4)
        inner = Sketch(self.pen)
        first, last = self.block(inner, min(depth - 1, 1))
        inner.chain(inner.add("startEvent", "start", event=event, interrupting=interrupting), first)
        inner.chain(last, inner.end())
        s.add("subProcess", "event", triggered=True, body=inner.graph)

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
            completion = Expr(
                f"nrOfCompletedInstances >= {enough}", lambda d: d["nrOfCompletedInstances"] >= enough
            )
        collection = self.pen.pick("units", "units", "")
        multi = Multi(
            self.pen.often(0.5),
            collection,
            0 if collection else self.pen.chance.randrange(4),
            "unit",
            completion,
            self.pen.name("list") if self.pen.often(0.3) else "",
        )
        ident = s.user() if self.pen.often(0.4) else s.add("subProcess", "sub", body=self.inside(depth))
        s.graph.nodes[ident].multi = multi
        return self.guarded(s, ident, depth, 0.4, s.graph.nodes[ident].body)

    def repeat(self, s: Sketch, depth: int) -> Block:
        """A standard loop: over a script that counts, or a sub-process that does."""
        inner = Sketch(self.pen)
        step, counter = inner.counter()
        rounds, before, limit = self.pen.chance.randint(1, 3), self.pen.often(0.5), self.pen.pick(0, 0, 2)
        goes_on = Expr(
            f"{counter} = null or {counter} < {rounds}", lambda d: d.get(counter) is None or d[counter] < rounds
        )
        first, last = self.block(inner, depth)
        inner.chain(inner.add("startEvent", "start"), step, first)
        inner.chain(last, inner.end())
        ident = s.add("subProcess", "sub", body=inner.graph, loop=Loop(goes_on, before, limit))
        return self.guarded(s, ident, depth, 0.3, inner.graph)

    # -- boundary events ------------------------------------------------------------------------------------------
    def guard(self, s: Sketch, depth: int) -> Block:
        ident = s.user() if self.pen.often(0.8) else self.receive(s, depth)[0]
        return self.guarded(s, ident, depth, 1.0)

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
        if event.kind in ("error", "escalation") and any(
            n.event == event for n in s.graph.boundary(ident)
        ):
            return  # one catcher for each code
        bound = s.add("boundaryEvent", "bound", event=event, attached_to=ident, interrupting=interrupting)
        first, last = self.block(s, min(depth, 1))
        s.chain(bound, first)
        s.chain(last, merge if interrupting and self.pen.often(0.7) else s.end())

    # -- without blocks -------------------------------------------------------------------------------------------
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
        """An unstructured graph: gateways of mixed kinds, joins reached by uneven paths, ways back. It may get stuck."""
        chance = self.pen.chance
        size = chance.randint(4, 9)
        kinds = ["parallelGateway", "inclusiveGateway", "exclusiveGateway", "userTask", "userTask", "scriptTask", "task"]
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
