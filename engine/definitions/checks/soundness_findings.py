"""What an exploration shows of a process, said by element."""

from __future__ import annotations

from typing import Literal

from engine.definitions.model import Finding, Node, Process

from .exploration import Exploration, Violation
from .net import Net, Site
from .writes import names_in

Severity = Literal["error", "warning", "info"]
MOST = 5
"""Findings of one kind for one process: the next run shows the rest."""


class Speaker:
    """Findings on one net. `top`: the process that they are told of; `around`: variables that conditions outside the
    net read."""

    def __init__(self, net: Net, process: Process, top: Process, around: frozenset[str]) -> None:
        self.net = net
        self.process = process
        self.top = top
        self.around = around

    def findings(self, found: Exploration, touched: set[int], pools: bool) -> list[Finding]:
        """What an exploration shows. `touched`: sites that an exploration with freer data has entered; `pools`: of
        several pools together, where only what sticks is news."""
        made = [*self.stuck(found), *self.endless(found)]
        if pools:
            return made
        if not made:
            made += self.dead(found, touched)
        return [*made, *self.twice(found)]

    def stuck(self, found: Exploration) -> list[Finding]:
        """Deadlocks: one finding for each element that waits in vain."""
        blamed: dict[str, Finding] = {}
        for number in found.stuck:
            waiting = _marked(self.net, found.states[number].bits)
            site = min(waiting, key=lambda s: (_blame(s), s.index)) if waiting else self.net.sites[0]
            if site.node.shown in blamed or len(blamed) >= MOST:
                continue
            way = found.way(number)
            if site.role == "and":
                key = "check.stuck_join" if len(waiting) > 1 or not self.over(way, site) else "check.leftover"
                bits = found.states[number].bits
                lacking = [f for f, slot in zip(site.node.incoming, site.slots, strict=True) if not bits >> slot & 1]
                missing = ", ".join(self.source(site, flow) for flow in lacking)
                blamed[site.node.shown] = self.of_site("error", key, site, way, missing=missing)
            elif _looks_at_data(site, self.net):
                blamed[site.node.shown] = self.of_site("warning", "check.stuck_condition", site, way)
            elif site.role == "race" or site.trigger.kind in ("signal", "message"):
                awaited = [self.net.sites[out.target] for out in site.outs] if site.role == "race" else [site]
                names = ", ".join(dict.fromkeys(one.trigger.name for one in awaited))
                key = "check.stuck_signal" if awaited[0].trigger.kind == "signal" else "check.stuck_message"
                blamed[site.node.shown] = self.of_site("error", key, site, way, awaited=names)
            else:
                blamed[site.node.shown] = self.of_site("error", "check.stuck", site, way)
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
        # A step given up for a third token may have been the way out: then nothing is said, and nothing is decided.
        if not lost or not found.exact or (found.reduced and found.dropped):
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
        # What a token came to and was taken away from in the same moment is not dead, only in a hurry.
        known = found.touched | found.game.reached | touched
        gone = [s for s in self.net.sites if s.index not in known]
        ids = {s.index for s in gone}
        for site in gone:
            node = site.node
            hosted = site.host >= 0 and site.host in ids
            scope = self.net.scopes[site.scope]
            if hosted or (scope.host in ids) or not self.expected(site, ids):
                continue
            raced = any(r.role == "race" and any(o.target == site.index for o in r.outs) for r in self.net.sites)
            if node.kind == "boundaryEvent" or node.triggered or raced:
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
            made.setdefault(site.node.shown, self.of_site("warning", "check.twice", site, way))
        return list(made.values())[:MOST]

    def of_site(
        self,
        severity: Severity,
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
            self.top.file,
            site.node.shown,
            site.node.name,
            site.node.line,
            key,
            {"path": list(path), "way": shown, "process": self.top.id, **details},
        )

    def of_process(self, severity: Severity, key: str, **details: object) -> Finding:
        p = self.top
        return Finding(severity, p.file, p.id, p.name, p.line, key, {"path": [], "process": p.id, **details})

    def labels(self, path: tuple[str, ...]) -> str:
        """The last steps of a way, by name, for people."""
        nodes: dict[str, Node] = {site.node.shown: site.node for site in self.net.sites}
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
        if any(names & self.around for names in read):
            return True
        return any(a & b for n, a in enumerate(read) for b in read[n + 1 :])


def _marked(net: Net, bits: int) -> list[Site]:
    """Sites with a token in a state, in drawn order."""
    spent = {site.spent for site in net.sites if site.spent >= 0}
    numbers = {net.site_of_mark[mark] for mark in range(net.size) if bits >> mark & 1 and mark not in spent}
    return [net.sites[number] for number in sorted(numbers)]


def _blame(site: Site) -> int:
    """Which of several stuck sites to name: a join before what waits, and never the composite around."""
    return {"and": 0, "or": 1, "race": 2, "wait": 2, "host": 3}.get(site.role, 4)


def _looks_at_data(site: Site, net: Net) -> bool:
    """Whether a stuck site waits for a condition to become true."""
    awaited = [net.sites[out.target] for out in site.outs] if site.role == "race" else [site]
    return any(one.trigger.kind == "conditional" for one in awaited)
