"""Whether every case of a process can always end, and end clean: soundness (van der Aalst), process by process.

For each process of a bundle, with its sub-processes in place and each called process as one activity that ends normally
or by an error or escalation that may leave it (each process answers for itself):

- option to complete: from every reachable state the end can be reached (no deadlock, no round without a way out);
- proper completion: no token is left at a join when all others have ended;
- no dead element: each is entered in some reachable state;
- safeness: no flow with two tokens (a warning: the case runs on, but does the same work twice).

A process that is sound alone, when any message may come at any time, is judged once more together with the pools that
its messages start: now those that are thrown inside the case come when they are thrown, and not otherwise.

1. Explore every order of steps. Where that is too much: each embedded body by itself, if no signal crosses its border;
   else one order of independent steps (see `reduction`).
2. Where something is wrong, explore once more with conditions over the same data tied together (see `correlation`).
3. What is still wrong is certain, unless two gateways on the way read a common variable in a way that can't be
   followed: then it is said with "may", as a warning. Beyond the budget the answer is "not decided", never "sound".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Process

from .correlation import correlated, written_elsewhere
from .data import Data, Guard
from .explore import Budget, Exploration, explore
from .net import Net
from .net_builder import build_net, build_pools, sends
from .soundness_findings import Speaker
from .thrown import foreign_signals
from .writes import names_in

FIRST = Budget(states=1_500, steps=15_000)
"""Enough for nearly every diagram that people draw, and done in an eighth of a second."""
BUDGET = Budget(states=15_000, steps=100_000)
"""For one process: about a second."""
Outcome = Literal["sound", "unsound", "not_decided"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`path`: element ids of the shortest way found into what is wrong, empty when sound. `safe`: no flow ever holds
    two tokens; None when that was not decided. `states`, `steps`: what it took."""

    process: str
    outcome: Outcome
    safe: bool | None
    path: tuple[str, ...]
    findings: tuple[Finding, ...]
    states: int
    steps: int


def check_soundness(
    bundle: Bundle, *, budget: Budget = BUDGET, expired: Callable[[], bool] | None = None
) -> list[Finding]:
    """What is unsound in a bundle, by element. Requires a bundle without findings of severity error."""
    return [f for verdict in verdicts(bundle, budget=budget, expired=expired).values() for f in verdict.findings]


def verdicts(
    bundle: Bundle, *, budget: Budget = BUDGET, expired: Callable[[], bool] | None = None
) -> dict[str, Verdict]:
    """The verdict on each process of a bundle, by id. `budget` holds for each process."""
    return {ident: verdict_on(bundle, ident, budget=budget, expired=expired) for ident in bundle.processes}


def verdict_on(
    bundle: Bundle, process: str, *, budget: Budget = BUDGET, expired: Callable[[], bool] | None = None
) -> Verdict:
    """The verdict on one process. Raises KeyError for an unknown one."""
    top = bundle.processes[process]
    alone = _Judge(bundle, top, budget, expired).verdict()
    others = started_inside(bundle, top)
    if not others or alone.outcome != "sound":
        return alone
    net = build_pools(top, others, bundle.processes, outside=foreign_signals(process, bundle.processes))
    together = _Judge(bundle, top, budget, expired, net=net).verdict()
    return replace(
        together,
        safe=alone.safe,
        findings=(*alone.findings, *together.findings),
        states=alone.states + together.states,
        steps=alone.steps + together.steps,
    )


def started_inside(bundle: Bundle, process: Process) -> list[Process]:
    """Other pools of the file that a message thrown in a case of the process starts, or a pool so started."""
    others = [p for p in bundle.processes.values() if p.file == process.file and p.id != process.id]
    begin = {p.id: {n.event.name for n in p.nodes.values() if n.kind == "startEvent"} - {""} for p in others}
    found: list[Process] = []
    todo = [process] if process.entries else []
    while todo:
        thrown = {n.event.name for _, n in todo.pop().walk() if n.event.kind == "message" and sends(n)}
        fresh = [p for p in others if p not in found and begin[p.id] & thrown]
        found += fresh
        todo += fresh
    return found


def separable(process: Process) -> bool:
    """Whether each embedded body of a scope can be judged by itself: there are some, and no signal crosses a border."""
    thrown: dict[str, set[str]] = {}
    caught: dict[str, set[str]] = {}
    bodies = [node for node in process.nodes.values() if node.body is not None]
    for part in process.nodes.values():
        for node in (part, *(inner for _, inner in (part.body.walk() if part.body is not None else ()))):
            if node.event.kind == "signal":
                side = thrown if node.kind in ("endEvent", "intermediateThrowEvent") else caught
                side.setdefault(node.event.name, set()).add(part.id if part.body is not None else "")
    return bool(bodies) and not any(len(thrown[name] | caught[name]) > 1 for name in thrown.keys() & caught.keys())


def conditions_of(process: Process, but: Process) -> frozenset[str]:
    """Variables that conditions anywhere in a process read, except in one of its bodies."""
    found: set[str] = set()
    for flow in process.flows.values():
        found |= names_in(flow.condition) or set()
    for node in process.nodes.values():
        if node.body is not None and node.body is not but:
            found |= conditions_of(node.body, but)
    return frozenset(found)


class _Judge:
    """The verdict on one process, or on one of its bodies. `top`: the process that findings are told of; `whole`: with
    embedded bodies in place; `around`: variables that conditions outside the body read."""

    def __init__(
        self,
        bundle: Bundle,
        process: Process,
        budget: Budget,
        expired: Callable[[], bool] | None,
        top: Process | None = None,
        whole: bool = True,
        around: frozenset[str] = frozenset(),
        net: Net | None = None,
    ) -> None:
        self.bundle = bundle
        self.process = process
        self.budget = budget
        self.expired = expired
        self.top = top or process
        self.whole = whole
        self.around = around
        self.states = self.steps = 0
        self.pools = net is not None
        self.net = net or build_net(
            process,
            bundle.processes,
            inline=lambda path, node: whole and node.body is not None,
            outside=foreign_signals(self.top.id, bundle.processes),
        )
        called = any(node.called == self.top.id for p in bundle.processes.values() for _, node in p.walk())
        self.net.shared = called or not whole or process is not self.top
        self.speaker = Speaker(self.net, process, self.top, around)

    def verdict(self) -> Verdict:
        if not any(scope.entries or scope.others for scope in self.net.scopes[:1]):
            return self.undecided()
        if self.net.vague:
            return self.made("not_decided", None, [self.speaker.of_process("info", "check.complex_join")])
        found = self.explored((), FIRST)
        if not found.complete and self.whole and not self.pools and separable(self.process):
            return self.in_parts()
        if not found.complete:
            found = self.explored((), self.budget, reduce=True)
        if not found.complete:
            return self.undecided()
        first, findings = found, self.speaker.findings(found, set(), self.pools)
        disturbed: list[str] = []
        guards = correlated(self.net) if self.wrong(found) else []
        if guards:
            tied = self.explored(guards, self.budget, reduce=found.reduced)
            if tied.complete:
                found, findings = tied, self.speaker.findings(tied, first.touched, self.pools)
                names = {name for g in guards for name in names_in(g.condition or g.name) or ()}
                disturbed = written_elsewhere(names, self.top, self.bundle.processes, self.bundle.forms)
        if any(f.severity == "error" for f in findings):
            outcome: Outcome = "unsound"
        elif not found.exact or self.wrong(found) - {"twice"}:
            outcome = "not_decided"
        elif found is not first and disturbed and self.wrong(first) - {"twice"}:
            outcome = "not_decided"
            findings.append(self.speaker.of_process("info", "check.other_process", names=", ".join(disturbed)))
        else:
            outcome = "sound"
        # A reduced search that saw no second token may have missed one.
        safe = False if "twice" in self.wrong(found) else None if found.reduced or not found.exact else True
        return self.made(outcome, safe, findings)

    def made(self, outcome: Outcome, safe: bool | None, findings: list[Finding]) -> Verdict:
        worst = next((f.details["path"] for f in findings if f.severity == "error"), ())
        path = tuple(worst) if isinstance(worst, list) else ()
        return Verdict(self.top.id, outcome, safe, path, tuple(findings), self.states, self.steps)

    def in_parts(self) -> Verdict:
        """The verdict where all at once is too much: the scope with each body as one activity, then each body."""
        inner = [node.body for node in self.process.nodes.values() if node.body is not None]
        parts = [_Judge(self.bundle, self.process, self.budget, self.expired, self.top, False, self.around)]
        for body in inner:
            around = self.around | conditions_of(self.process, body)
            parts.append(_Judge(self.bundle, body, self.budget, self.expired, self.top, True, around))
        found = [part.verdict() for part in parts]
        self.states += sum(v.states for v in found)
        self.steps += sum(v.steps for v in found)
        outcomes = {v.outcome for v in found}
        outcome: Outcome = next((o for o in ("unsound", "not_decided") if o in outcomes), "sound")
        safe = False if any(v.safe is False for v in found) else None if any(v.safe is None for v in found) else True
        return self.made(outcome, safe, [f for v in found for f in v.findings])

    def undecided(self) -> Verdict:
        finding = self.speaker.of_process("info", "check.not_decided", states=self.states)
        return self.made("not_decided", None, [finding])

    def explored(self, guards: Iterable[Guard], budget: Budget, reduce: bool = False) -> Exploration:
        data = Data(tuple(guards), self.net, self.bundle.processes, self.bundle.forms)
        least = Budget(min(budget.states, self.budget.states), min(budget.steps, self.budget.steps))
        found = explore(self.net, data, budget=least, expired=self.expired, reduce=reduce)
        self.states, self.steps = self.states + len(found.states), self.steps + found.steps
        return found

    def wrong(self, found: Exploration) -> set[str]:
        """What is not as it should be, in kinds."""
        twice = any(not self.net.sites[number].beside for number in found.twice)
        kinds = {"stuck": bool(found.stuck), "endless": bool(found.cannot_end()), "twice": twice}
        return {kind for kind, there in kinds.items() if there}
