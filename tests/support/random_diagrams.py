"""Random block-structured diagrams and random ways through them, for the replay property. Everything from one seed."""

from __future__ import annotations

import random
from datetime import timedelta

from engine.domain.commands import ClaimTask, SendMessage, SubmitTask

from .diagrams import Run, Scope, bundle_of, message, multi, timer


class Generator:
    """Blocks up to `depth` deep: sequence, exclusive, parallel, inclusive, loop, sub-process, boundary events,
    multi-instance, event gateway, script."""

    def __init__(self, seed: int, depth: int = 3) -> None:
        self.chance = random.Random(seed)
        self.depth = depth
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def process(self) -> Scope:
        scope = Scope()
        start, end = scope.start(), scope.end()
        first, last = self.block(scope, self.depth)
        scope.flow(start, first, ident=self.name("flow"))
        scope.flow(last, end, ident=self.name("flow"))
        return scope

    def block(self, scope: Scope, depth: int) -> tuple[str, str]:
        """Adds a block; returns its first and last element."""
        kinds = ["user", "user", "script"]
        if depth:
            kinds += [
                "sequence",
                "sequence",
                "exclusive",
                "parallel",
                "inclusive",
                "loop",
                "sub",
                "multi",
                "race",
                "cycle",
            ]
        found: tuple[str, str] = getattr(self, self.chance.choice(kinds))(scope, depth - 1)
        return found

    def user(self, scope: Scope, depth: int) -> tuple[str, str]:
        name = scope.user(self.name("user"))
        return name, name

    def script(self, scope: Scope, depth: int) -> tuple[str, str]:
        name = scope.script(
            self.name("script"), f"v{self.chance.randrange(3)}", f"if v0 = null then {self.count} else v0 + 1"
        )
        return name, name

    def sequence(self, scope: Scope, depth: int) -> tuple[str, str]:
        a, b = self.block(scope, depth), self.block(scope, depth)
        scope.flow(a[1], b[0], ident=self.name("flow"))
        return a[0], b[1]

    def exclusive(self, scope: Scope, depth: int) -> tuple[str, str]:
        return self.split(scope, depth, "exclusiveGateway")

    def parallel(self, scope: Scope, depth: int) -> tuple[str, str]:
        return self.split(scope, depth, "parallelGateway")

    def inclusive(self, scope: Scope, depth: int) -> tuple[str, str]:
        return self.split(scope, depth, "inclusiveGateway")

    def split(self, scope: Scope, depth: int, tag: str) -> tuple[str, str]:
        fork, join = self.name("fork"), self.name("join")
        default = self.name("flow")
        conditional = tag != "parallelGateway"
        if conditional:
            scope.node(tag, fork, default=default)
        else:
            scope.node(tag, fork)
        scope.node(tag, join)
        for index in range(self.chance.randint(2, 3)):
            first, last = self.block(scope, depth)
            condition = f"modulo(count(string(pick)) + pick + {index}, {self.chance.randint(2, 3)}) = 0"
            ident = default if index == 0 else self.name("flow")
            scope.flow(fork, first, condition if conditional and index else "", ident)
            scope.flow(last, join, ident=self.name("flow"))
        return fork, join

    def loop(self, scope: Scope, depth: int) -> tuple[str, str]:
        merge, choice, again = self.name("merge"), self.name("choice"), self.name("flow")
        counter = self.name("n")
        out = self.name("flow")
        scope.node("exclusiveGateway", merge)
        scope.node("exclusiveGateway", choice, default=out)
        step = scope.script(self.name("script"), counter, f"if {counter} = null then 1 else {counter} + 1")
        first, last = self.block(scope, depth)
        for source, target in ((merge, first), (last, step), (step, choice)):
            scope.flow(source, target, ident=self.name("flow"))
        scope.flow(choice, merge, f"{counter} < {self.chance.randint(2, 3)}", again)
        after = scope.node("task", self.name("task"))
        scope.flow(choice, after, ident=out)
        return merge, after

    def inner(self, depth: int) -> str:
        inside = Scope()
        start, end = inside.start(self.name("start")), inside.end(self.name("end"))
        first, last = self.block(inside, depth)
        inside.flow(start, first, ident=self.name("flow"))
        inside.flow(last, end, ident=self.name("flow"))
        return inside.text()

    def sub(self, scope: Scope, depth: int) -> tuple[str, str]:
        name = scope.node("subProcess", self.name("sub"), self.inner(depth))
        join = scope.node("exclusiveGateway", self.name("merge"))
        scope.flow(name, join, ident=self.name("flow"))
        interrupting = self.chance.random() < 0.5
        kind = self.chance.choice(["none", "timer", "message"])
        if kind != "none":
            event = timer("duration", "PT2H") if kind == "timer" else message("m_go")
            caught = scope.boundary(self.name("bound"), name, event, interrupting)
            handler = scope.user(self.name("user"))
            scope.flow(caught, handler, ident=self.name("flow"))
            scope.flow(handler, join if interrupting else scope.end(self.name("end")), ident=self.name("flow"))
        return name, join

    def multi(self, scope: Scope, depth: int) -> tuple[str, str]:
        loop = multi("units", "unit", self.chance.random() < 0.5)
        if self.chance.random() < 0.5:
            name = scope.user(self.name("user"), loop, properties={"collectInto": self.name("list")})
        else:
            name = scope.node("subProcess", self.name("sub"), self.inner(depth) + loop)
        return name, name

    def race(self, scope: Scope, depth: int) -> tuple[str, str]:
        gateway, merge = (
            scope.node("eventBasedGateway", self.name("race")),
            scope.node("exclusiveGateway", self.name("merge")),
        )
        for event in (timer("duration", "PT3H"), message("m_go")):
            caught = scope.node("intermediateCatchEvent", self.name("catch"), event)
            scope.flow(gateway, caught, ident=self.name("flow"))
            scope.flow(caught, merge, ident=self.name("flow"))
        return gateway, merge

    def cycle(self, scope: Scope, depth: int) -> tuple[str, str]:
        name = scope.user(self.name("user"))
        caught = scope.boundary(self.name("bound"), name, timer("cycle", f"R{self.chance.randint(1, 3)}/PT1H"), False)
        scope.flow(caught, scope.script(self.name("script"), "reminded", "now()"), ident=self.name("flow"))
        scope.flow(f"script{self.count - 1}", scope.end(self.name("end")), ident=self.name("flow"))
        return name, name


def random_run(seed: int) -> Run:
    """A case of a random diagram, opened but not walked."""
    generator = Generator(seed, depth=3 + seed % 3)
    program, bundle = bundle_of(p=generator.process())
    return Run(
        program,
        bundle,
        {"pick": generator.chance.randrange(6), "units": ["a", "b", "c"][: generator.chance.randrange(4)]},
    )


def random_step(run: Run, chance: random.Random) -> None:
    """One thing that may happen next: somebody submits or claims, a message comes, time passes."""
    choices = ["submit"] * 4 if run.open else []
    if run.case.messages:
        choices.append("message")
    if run.case.timers:
        choices.append("timer")
    if any(not t.assignee for t in run.case.tasks.values()):
        choices.append("claim")
    action = chance.choice(choices)
    if action == "submit":
        run.do(SubmitTask(chance.choice(run.open), {}))
    elif action == "claim":
        run.do(ClaimTask(chance.choice(sorted(t.name for t in run.case.tasks.values() if not t.assignee))))
    elif action == "message":
        run.do(SendMessage("go"))
    else:
        earliest = min(t.due for t in run.case.timers.values())
        run.at = max(run.at, earliest) + timedelta(minutes=chance.choice([0, 0, 90]))
        assert run.settle() >= 1
