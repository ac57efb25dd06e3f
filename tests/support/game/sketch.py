"""Drawing one graph: elements and flows with names that are new in the whole diagram."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.support.diagrams import T0

from .diagram import Event, Expr, Graph, Node, Timer
from .diagram import Flow as Arrow


@dataclass
class Pen:
    """Chance and the names given so far, one for a diagram."""

    chance: random.Random
    count: int = 0
    end_cycles: bool = False
    processes: dict[str, Graph] = field(default_factory=dict)
    pools: list[str] = field(default_factory=list)

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def pick(self, *choices: Any) -> Any:
        return self.chance.choice(choices)

    def often(self, share: float) -> bool:
        return self.chance.random() < share

    # -- conditions -----------------------------------------------------------------------------------------------
    def condition(self) -> Expr:
        """About `pick`, which stays, or `w`, which people set; null now and then."""
        kind = self.chance.randrange(5)
        if kind < 3:
            add, by = self.chance.randrange(4), self.chance.randint(2, 3)
            return Expr(f"modulo(pick + {add}, {by}) = 0", lambda d: (d["pick"] + add) % by == 0)
        if kind == 3:
            return self.rising()
        return Expr("missing > 1", lambda d: None)

    def rising(self) -> Expr:
        limit = self.chance.randrange(3)
        return Expr(f"w > {limit}", lambda d: d["w"] > limit)

    # -- timers ---------------------------------------------------------------------------------------------------
    def timer(self, cycles: bool) -> Timer:
        chance = self.chance
        kind = chance.choice(["duration", "duration", "date", "cycle"] if cycles else ["duration", "duration", "date"])
        if kind == "date":
            at = T0 + timedelta(minutes=30 * chance.randrange(8))
            return Timer("date", f"{at:%Y-%m-%dT%H:%M:%SZ}", start=at)
        if kind == "duration":
            step = timedelta(minutes=chance.choice([30, 60, 60, 120]))
            return Timer("duration", f"PT{int(step.total_seconds()) // 60}M", step=step)
        count, minutes = chance.randint(1, 3), chance.choice([10, 30])
        step = timedelta(minutes=minutes)
        form = chance.randrange(3 if self.end_cycles else 2)
        at = T0 + timedelta(minutes=30 * chance.randint(4, 8))
        if form == 0:
            return Timer("cycle", f"R{count}/PT{minutes}M", step, count)
        if form == 1:
            return Timer("cycle", f"R{count}/{at:%Y-%m-%dT%H:%M:%SZ}/PT{minutes}M", step, count, start=at)
        return Timer("cycle", f"R{count}/PT{minutes}M/{at:%Y-%m-%dT%H:%M:%SZ}", step, count, end=at)

    def event(self, *kinds: str, cycles: bool = False) -> Event:
        """Something to wait for."""
        kind = self.chance.choice(kinds)
        if kind == "timer":
            return Event("timer", timer=self.timer(cycles))
        if kind == "conditional":
            return Event("conditional", condition=self.rising())
        if kind in ("error", "escalation"):
            return Event(kind, self.pick("x1", "x2", ""))
        return Event(kind, f"{kind[0]}{self.chance.randint(1, 2)}")


class Sketch:
    """A graph under the pen."""

    def __init__(self, pen: Pen) -> None:
        self.pen = pen
        self.graph = Graph()

    def add(self, kind: str, name: str = "", **values: Any) -> str:
        ident = self.pen.name(name or kind)
        self.graph.nodes[ident] = Node(ident, kind, **values)
        return ident

    def flow(self, source: str, target: str, condition: Expr | None = None) -> str:
        ident = self.pen.name("f")
        self.graph.flows[ident] = Arrow(ident, source, target, condition)
        return ident

    def chain(self, *idents: str) -> None:
        for source, target in zip(idents, idents[1:], strict=False):
            self.flow(source, target)

    def end(self, event: Event | None = None) -> str:
        return self.add("endEvent", "end", event=event or Event())

    def user(self) -> str:
        return self.add("userTask", "user")

    def script(self, variable: str = "", expr: Expr | None = None) -> str:
        if not variable or expr is None:
            variable, number = f"v{self.pen.chance.randrange(3)}", self.pen.count
            expr = Expr(
                f"if v0 = null then {number} else v0 + 1", lambda d: number if d.get("v0") is None else d["v0"] + 1
            )
        return self.add("scriptTask", "script", variable=variable, script=expr)

    def counter(self) -> tuple[str, str]:
        """A script that counts its rounds; returns it and its field."""
        field_name = self.pen.name("n")
        count = Expr(
            f"if {field_name} = null then 1 else {field_name} + 1",
            lambda d: 1 if d.get(field_name) is None else d[field_name] + 1,
        )
        return self.script(field_name, count), field_name

    def below(self, counter: str, limit: int) -> Expr:
        return Expr(f"{counter} < {limit}", lambda d: d.get(counter) is not None and d[counter] < limit)
