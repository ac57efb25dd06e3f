"""A process with all that it calls -> `Net`: sites, scopes, marks and the masks over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from engine.definitions.model import ACTIVITIES, Node, Process

from .net import WAITING, Mail, Net, Out, Role, Scope, Site, called_process
from .thrown import COMPOSITE, beside, escapes, signals_of

MAX_SITES = 4_000
"""Beyond, composites stay atomic."""


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


def build_pools(
    main: Process, pools: Sequence[Process], processes: Mapping[str, Process], *, outside: frozenset[str] = frozenset()
) -> Net:
    """The net of a case that begins with `main`, in which messages thrown inside start and reach the other pools.

    Each pool is a composite of the net's outermost scope; embedded sub-processes are inlined, calls are not.
    """
    nodes = {pool.id: Node(pool.id, "participant", pool.name, pool.line, body=pool) for pool in (main, *pools)}
    around = Process(main.id, main.name, main.file, main.line, True, nodes, {})
    builder = _Builder(processes, lambda path, node: node.body is not None)
    builder.scope(around, -1, (), (main.id,))
    builder.scopes[0].entries = [builder.sites[0].index]
    return builder.finish(
        Net(around, builder.sites, builder.scopes, outside=outside), closed=drawn_senders((main, *pools))
    )


def drawn_senders(pools: Sequence[Process]) -> frozenset[str]:
    """Ids of the elements that a drawn message flow reaches from another of the pools: from an element that throws the
    message, or from the pool's border."""
    inside = {pool.id for pool in pools} | {pool.participant for pool in pools} - {""}
    inside |= {node.shown for pool in pools for _, node in pool.walk()}
    return frozenset(flow.target for pool in pools for flow in pool.message_flows if flow.source in inside)


def sends(node: Node) -> bool:
    """Whether an element throws the message of its event."""
    return node.kind in ("endEvent", "intermediateThrowEvent", "sendTask")


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
            event.interrupts = event.node.interrupting
            event.spent = -1 if event.interrupts else 0

    def nest(self, site: Site, calls: tuple[str, ...]) -> None:
        """Inlines a composite or notes what may leave it."""
        if site.node.kind not in COMPOSITE and site.node.kind != "participant":
            return
        body = called_process(site.node, self.processes)
        if body is None:
            return
        if site.node.triggered:
            starts = [n for n in body.nodes.values() if n.kind == "startEvent"]
            if starts:
                site.trigger = starts[0].event
                site.interrupts = starts[0].interrupting
                site.spent = 0
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

    def finish(self, net: Net, closed: frozenset[str] = frozenset()) -> Net:
        """Numbers the marks and computes the masks. `closed`: ids of the receivers of messages from inside only."""
        self.post_boxes(net, closed)
        net.size = len(self.sites)
        net.vague = any(s.node.kind == "complexGateway" and s.role == "or" for s in self.sites)
        net.site_of_mark = list(range(net.size))
        for site in self.sites:
            if site.spent == 0:
                site.spent = self.mark(net, site)
        for site in self.sites:
            if site.role in ("and", "or"):
                site.slots = [self.mark(net, site) for _ in site.node.incoming]
        for mail in net.mail.values():
            mail.kept = self.mark(net, self.sites[0])
        for site in self.sites:
            site.own = sum(1 << slot | 1 << (slot + net.size) for slot in site.slots)
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

    def post_boxes(self, net: Net, closed: frozenset[str]) -> None:
        """Who receives the messages that are thrown inside."""
        thrown = {s.node.event.name for s in self.sites if s.node.event.kind == "message" and sends(s.node)}
        for site in self.sites:
            if site.trigger.kind != "message" or site.trigger.name not in thrown or sends(site.node):
                continue
            mail = net.mail.setdefault(site.trigger.name, Mail())
            # People send what the drawing gives them a button for.
            button = site.node.properties.get("role") or site.node.properties.get("action")
            site.closed = site.node.shown in closed and not button
            host = self.scopes[site.scope].host
            if site.node.kind == "startEvent":
                if host >= 0 and self.sites[host].node.kind == "participant":
                    mail.starts.append((host, site.index))
                continue
            mail.waiting.append((site.host if site.host >= 0 else site.index, site.index))
            races = [r for r in self.sites if r.role == "race" and any(o.target == site.index for o in r.outs)]
            mail.waiting += [(race.index, site.index) for race in races]

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
