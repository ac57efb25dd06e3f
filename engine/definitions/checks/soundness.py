"""Whether every case of a process can always end, and end clean: soundness (van der Aalst), process by process.

For each process of a bundle, with its sub-processes in place and each called process as one activity that ends normally
or by an error or escalation that may leave it (each process answers for itself):

- option to complete: from every reachable state the end can be reached (no deadlock, no round without a way out);
- proper completion: no token is left at a join when all others have ended;
- no dead element: each is entered in some reachable state;
- safeness: no flow with two tokens (a warning: the case runs on, but does the same work twice).

1. Explore every order of steps; where that is too much, one order of independent steps (see `reduction`).
2. Where something is wrong, explore once more with conditions over the same data tied together (see `correlation`).
3. What is still wrong is certain, unless two gateways on the way read a common variable in a way that can't be
   followed: then it is said with "may", as a warning. Beyond the budget the answer is "not decided", never "sound".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from engine.definitions.bundle import Bundle
from engine.definitions.model import Finding, Node, Process

from .correlation import correlated, written_elsewhere
from .data import Data, Guard, names_in
from .explore import Budget, Exploration, Violation, explore
from .net import Net, Site, build_net
from .thrown import foreign_signals

FIRST = Budget(states=4_000, steps=40_000)
"""Enough for nearly every diagram that people draw, and done in a third of a second."""
BUDGET = Budget(states=60_000, steps=400_000)
MOST = 5
"""Findings of one kind for one process: the next run shows the rest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`path`: element ids of the shortest way found into what is wrong, empty when sound. `safe`: no flow ever holds
    two tokens; None when that was not decided. `states`, `steps`: what it took."""

    process: str
    outcome: Literal["sound", "unsound", "not_decided"]
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
    return {ident: _Judge(bundle, process, budget, expired).verdict() for ident, process in bundle.processes.items()}


class _Judge:
    """The verdict on one process."""

    def __init__(self, bundle: Bundle, process: Process, budget: Budget, expired: Callable[[], bool] | None) -> None:
        self.bundle = bundle
        self.process = process
        self.budget = budget
        self.expired = expired
        self.states = self.steps = 0
        self.net = build_net(
            process,
            bundle.processes,
            inline=lambda path, node: node.body is not None,
            outside=foreign_signals(process.id, bundle.processes),
        )

    def verdict(self) -> Verdict:
        if not any(scope.entries or scope.others for scope in self.net.scopes[:1]):
            return self.undecided()
        found = self.explored(())
        if not found.complete:
            return self.undecided()
        first, findings = found, self.findings(found, set())
        disturbed: list[str] = []
        guards = correlated(self.net) if self.wrong(found) else []
        if guards:
            tied = self.explored(guards)
            if tied.complete:
                found, findings = tied, self.findings(tied, first.touched)
                names = {name for g in guards for name in names_in(g.condition or g.name) or ()}
                disturbed = written_elsewhere(names, self.process, self.bundle.processes, self.bundle.forms)
        worst = next((f.details["path"] for f in findings if f.severity == "error"), ())
        path = tuple(worst) if isinstance(worst, list) else ()
        if any(f.severity == "error" for f in findings):
            outcome: Literal["sound", "unsound", "not_decided"] = "unsound"
        elif not found.exact or self.wrong(found) - {"twice"}:
            outcome = "not_decided"
        elif found is not first and disturbed and self.wrong(first) - {"twice"}:
            outcome = "not_decided"
            findings.append(self.of_process("info", "check.other_process", names=", ".join(disturbed)))
        else:
            outcome = "sound"
        # A reduced search that saw no second token may have missed one.
        safe = False if "twice" in self.wrong(found) else None if found.reduced or not found.exact else True
        return Verdict(self.process.id, outcome, safe, path, tuple(findings), self.states, self.steps)

    def undecided(self) -> Verdict:
        finding = self.of_process("info", "check.not_decided", states=self.states)
        return Verdict(self.process.id, "not_decided", None, (), (finding,), self.states, self.steps)

    def explored(self, guards: Iterable[Guard]) -> Exploration:
        """Every order within the first budget, else the reduced search within the whole one."""
        data = Data(tuple(guards), self.net, self.bundle.processes, self.bundle.forms)
        first = Budget(min(FIRST.states, self.budget.states), min(FIRST.steps, self.budget.steps))
        found = explore(self.net, data, budget=first, expired=self.expired)
        self.states, self.steps = self.states + len(found.states), self.steps + found.steps
        if not found.complete and not (self.expired is not None and self.expired()):
            found = explore(self.net, data, budget=self.budget, expired=self.expired, reduce=True)
            self.states, self.steps = self.states + len(found.states), self.steps + found.steps
        return found

    def wrong(self, found: Exploration) -> set[str]:
        """What is not as it should be, in kinds."""
        twice = any(not self.net.sites[number].beside for number in found.twice)
        kinds = {"stuck": bool(found.stuck), "endless": bool(found.cannot_end()), "twice": twice}
        return {kind for kind, there in kinds.items() if there}

    # -- findings -----------------------------------------------------------------------------------------------------
    def findings(self, found: Exploration, touched: set[int]) -> list[Finding]:
        """What an exploration shows. `touched`: sites that an exploration with freer data has entered."""
        made = [*self.stuck(found), *self.endless(found)]
        if not made:
            made += self.dead(found, touched)
        return [*made, *self.twice(found)]

    def stuck(self, found: Exploration) -> list[Finding]:
        """Deadlocks: one finding for each element that waits in vain."""
        blamed: dict[str, Finding] = {}
        for number in found.stuck:
            waiting = _marked(self.net, found.states[number].bits)
            site = min(waiting, key=lambda s: (_blame(s), s.index)) if waiting else self.net.sites[0]
            if site.node.id in blamed or len(blamed) >= MOST:
                continue
            way = found.way(number)
            if site.role == "and":
                key = "check.stuck_join" if len(waiting) > 1 or not self.over(way, site) else "check.leftover"
                bits = found.states[number].bits
                lacking = [f for f, slot in zip(site.node.incoming, site.slots, strict=True) if not bits >> slot & 1]
                missing = ", ".join(self.source(site, flow) for flow in lacking)
                blamed[site.node.id] = self.of_site("error", key, site, way, missing=missing)
            elif site.trigger.kind == "signal" or site.role == "race":
                blamed[site.node.id] = self.of_site("error", "check.stuck_signal", site, way, signal=site.trigger.name)
            else:
                blamed[site.node.id] = self.of_site("error", "check.stuck", site, way)
        return list(blamed.values())

    def over(self, way: Violation, site: Site) -> bool:
        """Whether the way came to an end event of the join's own scope."""
        nodes = self.net.scopes[site.scope].process.nodes
        return any(e in nodes and nodes[e].kind == "endEvent" for e in way.path)

    def source(self, site: Site, flow: str) -> str:
        process = self.net.scopes[site.scope].process
        node = process.nodes.get(process.flows[flow].source)
        return node.label if node is not None else flow

    def endless(self, found: Exploration) -> list[Finding]:
        """Rounds without a way out: the first state from which neither the end nor a deadlock can be reached."""
        lost = set(found.cannot_end()) - found.can_reach(found.stuck)
        if not lost:
            return []
        number = min(lost)
        state = found.states[number]
        marked = _marked(self.net, state.bits) or [self.net.sites[site] for site, _ in state.ready]
        return [self.of_site("error", "check.endless", site, found.way(number)) for site in marked[:1]]

    def dead(self, found: Exploration, touched: set[int]) -> list[Finding]:
        """Elements that no case ever enters: the first ones, with how many more lie behind each."""
        if not found.exact:
            return []
        made = []
        gone = [s for s in self.net.sites if s.index not in found.touched and s.index not in touched]
        ids = {s.index for s in gone}
        for site in gone:
            node = site.node
            hosted = site.host >= 0 and site.host in ids
            scope = self.net.scopes[site.scope]
            if hosted or (scope.host in ids) or not self.expected(site, ids):
                continue
            if node.kind == "boundaryEvent" or node.triggered:
                # The case runs as drawn: what the event is there for just never happens.
                made.append(self.of_site("warning", "check.dead_event", site, None))
            else:
                made.append(self.of_site("error", "check.dead", site, None))
        return made[:MOST]

    def expected(self, site: Site, gone: set[int]) -> bool:
        """Whether a token should come to the site from one that is not dead, so that the blame lies here."""
        if site.host >= 0 or site.node.triggered:
            return True
        process = self.net.scopes[site.scope].process
        sources = {process.flows[f].source for f in site.node.incoming if f in process.flows}
        around = [s for s in self.net.sites if s.scope == site.scope and s.node.id in sources]
        return any(s.index not in gone for s in around)

    def twice(self, found: Exploration) -> list[Finding]:
        """Places where two tokens meet, handlers of non-interrupting events left aside: these come again and again."""
        made: dict[str, Finding] = {}
        for number, (source, labels) in found.twice.items():
            site = self.net.sites[number]
            if site.beside:
                continue
            way = found.way(source, labels)
            made.setdefault(site.node.id, self.of_site("warning", "check.twice", site, way))
        return list(made.values())[:MOST]

    def of_site(
        self,
        severity: Literal["error", "warning", "info"],
        key: str,
        site: Site,
        way: Violation | None,
        **details: object,
    ) -> Finding:
        """The finding on a site; with "may" where the way there rests on data that could not be followed."""
        if way is not None and severity == "error" and self.doubtful(way):
            severity, key = "warning", "check.may_stick"
        path = way.path if way is not None else ()
        shown = self.labels(path)
        return Finding(
            severity,
            self.process.file,
            site.node.drawn or site.node.id,
            site.node.name,
            site.node.line,
            key,
            {"path": list(path), "way": shown, "process": self.process.id, **details},
        )

    def of_process(self, severity: Literal["error", "warning", "info"], key: str, **details: object) -> Finding:
        p = self.process
        return Finding(severity, p.file, p.id, p.name, p.line, key, {"path": [], "process": p.id, **details})

    def labels(self, path: tuple[str, ...]) -> str:
        """The last steps of a way, by name, for people."""
        nodes: dict[str, Node] = {site.node.id: site.node for site in self.net.sites}
        named = [nodes[e].name or e for e in path if nodes[e].name or not nodes[e].kind.endswith("Gateway")]
        return ("… → " if len(named) > 6 else "") + " → ".join(named[-6:])

    def doubtful(self, way: Violation) -> bool:
        """Whether two gateways on the way decided freely over a common variable."""
        read: list[frozenset[str]] = []
        for element in dict.fromkeys(way.free):
            names: frozenset[str] = frozenset()
            for site in self.net.by_id(element):
                names |= frozenset().union(*(names_in(out.condition) or () for out in site.outs))
            read.append(names)
        return any(a & b for n, a in enumerate(read) for b in read[n + 1 :])


def _marked(net: Net, bits: int) -> list[Site]:
    """Sites with a token in a state, in drawn order."""
    spent = {site.spent for site in net.sites if site.spent >= 0}
    numbers = {net.site_of_mark[mark] for mark in range(net.size) if bits >> mark & 1 and mark not in spent}
    return [net.sites[number] for number in sorted(numbers)]


def _blame(site: Site) -> int:
    """Which of several stuck sites to name: a join before what waits, and never the composite around."""
    return {"and": 0, "or": 1, "race": 2, "wait": 2, "host": 3}.get(site.role, 4)
