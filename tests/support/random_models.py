"""Random diagrams of all of BPMN that is run, and random ways through them. Everything from one seed."""

from __future__ import annotations

import random

from engine.domain.codec import JSON
from engine.domain.commands import FailTask, OpenCase, SendMessage, SendSignal, SubmitTask

from .game.blocks import Blocks
from .game.diagram import Diagram, Event
from .game.leaves import ALL
from .game.match import LATER, Match, next_instant
from .game.sketch import Pen, Sketch


def random_model(seed: int, features: frozenset[str] = ALL, depth: int = 3) -> Diagram:
    """The diagram of a seed: a process `p` of two to five blocks and what it calls."""
    pen = Pen(random.Random(seed), end_cycles="endcycle" in features)
    blocks = Blocks(pen, features)
    s = Sketch(pen)
    last = s.add("startEvent", "start")
    for _ in range(pen.chance.randint(2, 5)):
        first, then = blocks.block(s, depth)
        s.chain(last, first)
        last = then
    blocks.ending(s, last, 0.15)
    if "esp" in features and pen.often(0.2):
        blocks.event_subprocess(s, 1)
    pools: tuple[str, ...] = ()
    if "pools" in features and pen.often(0.15):
        pools = (pool(pen, blocks, s),)
    data = {"pick": pen.chance.randrange(6), "w": 0, "v0": None, "units": ["a", "b", "c"][: pen.chance.randrange(4)]}
    return Diagram({"p": s.graph, **pen.processes}, data, pools)


def pool(pen: Pen, blocks: Blocks, s: Sketch) -> str:
    """A second process that a message of the first one starts; put on some flow of the first."""
    other = Sketch(pen)
    begin = Event("signal" if "signal" in blocks.features and pen.often(0.3) else "message", "begin")
    first, last = blocks.block(other, 1)
    other.chain(other.add("startEvent", "start", event=begin), first)
    if pen.often(0.5):
        other.chain(last, other.end(Event("message", "m1")))
    else:
        blocks.ending(other, last, 0.3)
    name = pen.name("q")
    pen.processes[name] = other.graph
    ready = [f for f in s.graph.flows.values() if s.graph.nodes[f.source].kind not in ("eventBasedGateway",)]
    flow = pen.pick(*ready)
    throw = s.add("intermediateThrowEvent", "throw", event=begin)
    s.flow(throw, flow.target)
    flow.target = throw
    return name


def random_walk(match: Match, seed: int, steps: int = 40) -> None:
    """Opens the case and does up to `steps` things that may happen next. Raises Difference."""
    chance = random.Random(seed)
    match.do(OpenCase("p", {}))
    for _ in range(steps):
        match.settle()
        if match.over or not random_step(match, chance):
            return


def random_step(match: Match, chance: random.Random) -> bool:
    """One thing that may happen next; False when nothing can."""
    case = match.case
    choices = ["submit"] * 8 if case.tasks else []
    choices += ["message"] * 2 if case.messages else []
    choices += ["signal"] * 2 if case.signals else []
    choices += ["time"] * 3 if case.timers else []
    if not choices and not match.game.tasks:
        return False
    choices += ["stray"] if chance.random() < 0.2 else []
    choices += ["fail"] if case.tasks and chance.random() < 0.3 else []
    kind = chance.choice(choices)
    if kind == "submit":
        values: dict[str, JSON] = {"w": chance.randrange(4)} if chance.random() < 0.7 else {}
        if chance.random() < 0.05:
            values["units"] = ["x", "y", "z"][: chance.randrange(4)]
        match.do(SubmitTask(chance.choice(sorted(case.tasks)), values))
    elif kind == "fail":
        match.do(FailTask(chance.choice(sorted(case.tasks)), chance.choice(["x1", "x2"]), chance.random() < 0.5))
    elif kind == "message":
        name = chance.choice(sorted(w.node.event.name for w in case.messages.values()))
        match.do(SendMessage(name, {"w": chance.randrange(4)} if chance.random() < 0.3 else {}))
    elif kind == "signal":
        match.do(SendSignal(chance.choice(sorted(t.task_spec.node.event.name for t in case.signals.values()))))
    elif kind == "stray":
        number = chance.randint(1, 2)
        match.do(SendMessage(f"m{number}") if chance.random() < 0.5 else SendSignal(f"s{number}"))
    else:
        due = next_instant(match)
        assert due is not None
        match.at = max(match.at, due) + LATER * chance.choice([0, 0, 1])
        match.settle()
    return True
