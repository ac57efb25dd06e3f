"""`Process` values -> one finite net of sites: what the token game of `moves` is played on (BPMN 2.0 chapter 13).

A site is a flow node at one place of the call tree. A composite (sub-process, transaction, called process, event
sub-process) is either *inlined*, its body a scope of its own, or *atomic*: one activity that ends normally or by one
of the errors and escalations that may leave it. Calls that would nest for ever stay atomic.

Marks are bits of one whole number, so that clearing a scope is one operation: a site's own bit says that a token waits
there, a join has one bit for each incoming flow (`slot`), and a non-interrupting event has a bit that says it fired
during this activation (`spent`). Bit `mark + size` is the second token of the same mark; a third is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.definitions.model import ACTIVITIES, EventText, Node, Process

from .thrown import COMPOSITE, Escapes, beside, escapes, signals_of

Role = Literal["pass", "wait", "and", "or", "race", "host"]
"""`pass`: acts at once; `wait`: until something outside ends it; `race`: event-based gateway; `host`: inlined."""

MAX_SITES = 4_000
WAITING = frozenset(("userTask", "receiveTask", "intermediateCatchEvent"))


@dataclass(frozen=True, slots=True)
class Out:
    """An outgoing flow. `slot`: the mark it fills at a join, -1 where its target is none."""

    flow: str
    target: int
    slot: int
    condition: str
    default: bool


@dataclass(slots=True)
class Site:
    """A flow node in its scope. `path`: ids of the composites around it; `boundary`, `outs` by index.

    `escapes`: what may leave an atomic composite; `trigger`: the event that a race target, a boundary event or an event
    sub-process waits for; `spent`: mark, -1 for an interrupting event; `host`: of a boundary event. `repeats`, `skips`:
    it may be done several times or not at all. `beside`: only a non-interrupting event leads to it.
    """

    index: int
    node: Node
    scope: int
    path: tuple[str, ...]
    role: Role
    trigger: EventText
    outs: list[Out] = field(default_factory=list)
    boundary: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    spent: int = -1
    body: int = -1
    host: int = -1
    escapes: Escapes = Escapes()
    upstream: list[int] = field(default_factory=list)
    repeats: bool = False
    skips: bool = False
    beside: bool = False

    @property
    def name(self) -> str:
        """Ids from the outermost composite to the element: `Call_respond/Task_x`."""
        return "/".join((*self.path, self.node.id))


@dataclass(slots=True)
class Scope:
    """A body. `live`: marks of its own tokens; `all`: every mark in it and below; `inside`: itself and those below."""

    index: int
    process: Process
    host: int
    entries: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    joins: list[int] = field(default_factory=list)
    live: int = 0
    all: int = 0
    inside: frozenset[int] = frozenset()


@dataclass(slots=True)
class Net:
    """`size`: number of marks; bit `2 * size` means: the case has ended. `outside`: signal names that somebody outside
    the net may throw at any time; `throwers`: name -> bits of the atomic sites that may throw it while active."""

    root: Process
    sites: list[Site] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    size: int = 0
    outside: frozenset[str] = frozenset()
    throwers: dict[str, int] = field(default_factory=dict)
    site_of_mark: list[int] = field(default_factory=list)

    @property
    def ended(self) -> int:
        return 1 << (2 * self.size)

    def by_id(self, element: str) -> list[Site]:
        """Every site of an element: several where its process is called from several places."""
        return [site for site in self.sites if site.node.id == element]


def called_process(node: Node, processes: Mapping[str, Process]) -> Process | None:
    """The body of a composite: its own or the called one; None where there is none to be found."""
    if node.body is not None:
        return node.body
    return processes.get(node.called) if node.called else None


def build_net(
    root: Process,
    processes: Mapping[str, Process],
    *,
    inline: Callable[[tuple[str, ...], Node], bool] = lambda path, node: True,
    outside: frozenset[str] = frozenset(),
) -> Net:
    """The net of a process. `inline(path, node)` decides for each composite; `outside`: see Net."""
    builder = _Builder(processes, inline)
    builder.scope(root, -1, (), (root.id,))
    return builder.finish(Net(root, builder.sites, builder.scopes, outside=outside))


def within(process: Process, processes: Mapping[str, Process]) -> frozenset[str]:
    """Ids of every element that can run inside a process, in sub-processes and called processes too."""
    found: set[str] = set()
    seen: set[str] = set()
    todo = [process]
    while todo:
        current = todo.pop()
        for _, node in current.walk():
            found.add(node.id)
            if node.called in processes and node.called not in seen:
                seen.add(node.called)
                todo.append(processes[node.called])
    return frozenset(found)


class _Builder:
    def __init__(self, processes: Mapping[str, Process], inline: Callable[[tuple[str, ...], Node], bool]) -> None:
        self.processes = processes
        self.inline = inline
        self.sites: list[Site] = []
        self.scopes: list[Scope] = []

    def scope(self, process: Process, host: int, path: tuple[str, ...], calls: tuple[str, ...]) -> int:
        """Adds the scope of a body. `calls`: ids of the processes being called, against endless nesting."""
        scope = Scope(len(self.scopes), process, host)
        self.scopes.append(scope)
        index: dict[str, int] = {}
        for node in process.nodes.values():
            if node.for_compensation or (node.kind == "boundaryEvent" and node.event.kind == "compensate"):
                continue
            index[node.id] = len(self.sites)
            self.sites.append(self.site(node, scope.index, path))
        for ident, number in index.items():
            self.connect(process, process.nodes[ident], self.sites[number], index)
        aside = beside(process)
        inherited = host >= 0 and (self.sites[host].beside or self.sites[host].node.triggered)
        for ident, number in index.items():
            self.sites[number].beside = ident in aside or inherited or process.nodes[ident].triggered
        scope.entries = [index[n.id] for n in process.entries if n.id in index]
        starts = [n for n in process.nodes.values() if n.kind == "startEvent" and index[n.id] not in scope.entries]
        scope.others = [index[n.id] for n in starts]
        scope.events = [index[n.id] for n in process.event_subprocesses if n.id in index]
        scope.joins = [number for number in index.values() if self.sites[number].role == "or"]
        for number in index.values():
            self.nest(self.sites[number], calls)
        return scope.index

    def site(self, node: Node, scope: int, path: tuple[str, ...]) -> Site:
        made = Site(len(self.sites), node, scope, path, _role(node), node.event)
        made.repeats = node.loop is not None or node.multi is not None
        made.skips = node.multi is not None or (node.loop is not None and node.loop.test_before)
        return made

    def connect(self, process: Process, node: Node, site: Site, index: Mapping[str, int]) -> None:
        for ident in node.outgoing:
            flow = process.flows.get(ident)
            if flow is not None and flow.target in index:
                site.outs.append(Out(ident, index[flow.target], -1, flow.condition, ident == node.default))
        site.boundary = [index[b] for b in node.boundary if b in index]
        for number in site.boundary:
            event = self.sites[number]
            event.host = site.index
            event.spent = 0 if not event.node.interrupting else -1

    def nest(self, site: Site, calls: tuple[str, ...]) -> None:
        """Inlines a composite or notes what may leave it."""
        if site.node.kind not in COMPOSITE:
            return
        body = called_process(site.node, self.processes)
        if body is None:
            return
        if site.node.triggered:
            starts = [n for n in body.nodes.values() if n.kind == "startEvent"]
            if starts:
                site.trigger = starts[0].event
                site.spent = -1 if starts[0].interrupting else 0
        endless = site.node.body is None and body.id in calls
        if endless or len(self.sites) > MAX_SITES or not self.inline(site.path, site.node):
            site.escapes = escapes(body, self.processes)
            return
        site.role = "host"
        inner = calls if site.node.body is not None else (*calls, body.id)
        site.body = self.scope(body, site.index, (*site.path, site.node.id), inner)
        if site.node.triggered:
            scope = self.scopes[site.body]
            scope.entries = scope.entries or scope.others[:1]

    def finish(self, net: Net) -> Net:
        """Numbers the marks and computes the masks."""
        net.size = len(self.sites)
        net.site_of_mark = list(range(net.size))
        for site in self.sites:
            if site.spent == 0:
                site.spent = self.mark(net, site)
        for site in self.sites:
            if site.role in ("and", "or"):
                site.slots = [self.mark(net, site) for _ in site.node.incoming]
        for site in self.sites:
            site.outs = [self.slotted(out) for out in site.outs]
        double = net.size
        for site in self.sites:
            own = [site.index, *site.slots]
            mask = sum(1 << mark | 1 << (mark + double) for mark in own)
            scope = self.scopes[site.scope]
            scope.live |= mask
            scope.all |= mask | (1 << site.spent if site.spent >= 0 else 0)
        for scope in reversed(self.scopes):
            inside = {scope.index}
            for site in self.sites:
                if site.scope == scope.index and site.body >= 0:
                    inside |= self.scopes[site.body].inside
                    scope.all |= self.scopes[site.body].all
            scope.inside = frozenset(inside)
        for site in self.sites:
            if site.role == "or":
                site.upstream = [self.upstream(net, site, flow) for flow in site.node.incoming]
            body = called_process(site.node, self.processes) if site.role == "wait" else None
            for name in signals_of(body, self.processes) if body is not None else ():
                net.throwers[name] = net.throwers.get(name, 0) | 1 << site.index
        return net

    def mark(self, net: Net, site: Site) -> int:
        net.site_of_mark.append(site.index)
        net.size += 1
        return net.size - 1

    def slotted(self, out: Out) -> Out:
        target = self.sites[out.target]
        if not target.slots or out.flow not in target.node.incoming:
            return out
        return Out(out.flow, out.target, target.slots[target.node.incoming.index(out.flow)], out.condition, out.default)

    def upstream(self, net: Net, site: Site, flow: str) -> int:
        """Marks from which a flow into an inclusive join can be reached without passing it, as the kernel has it."""
        process = self.scopes[site.scope].process
        index = {s.node.id: s for s in self.sites if s.scope == site.scope}
        seen: set[str] = set()
        todo = [process.flows[flow].source]
        mask = 0
        while todo:
            ident = todo.pop()
            if ident in seen or ident == site.node.id or ident not in index:
                continue
            seen.add(ident)
            found = index[ident]
            for mark in (found.index, *found.slots):
                mask |= 1 << mark | 1 << (mark + net.size)
            todo.extend(process.flows[f].source for f in found.node.incoming)
            if found.node.attached_to:
                todo.append(found.node.attached_to)
        return mask


def _role(node: Node) -> Role:
    joins = len(node.incoming) > 1
    if node.kind == "parallelGateway" and joins:
        return "and"
    if node.kind in ("inclusiveGateway", "complexGateway") and joins:
        return "or"
    if node.kind == "eventBasedGateway":
        return "race"
    if node.kind in WAITING or node.kind in COMPOSITE:
        return "wait"
    # A task that acts at once can't be interrupted by the kernel; other engines may take their time over it.
    return "wait" if node.kind in ACTIVITIES and node.boundary else "pass"
