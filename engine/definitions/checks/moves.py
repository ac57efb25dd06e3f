"""The token game: every state that may follow a state of a net (BPMN 2.0 chapter 13, run as the kernel runs it).

A state that has tokens ready to act is expanded at its first ready token only, in the kernel's order, because nothing
from outside can come between; where none is ready, an inclusive join that nothing can reach any more fires; else
everything that may come from outside is tried: a task or atomic composite ends, an armed timer fires, an awaited
message comes. Untimed: whatever is armed may come at any time while its host is active.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .data import Chosen, Data, Values
from .net import Net, Site
from .thrown import COMPOSITE

DONE = -2
PASSED = -1

Label = tuple[str, int]
"""(what, site): entered, left, fired, cancelled, chosen (free data decided), twice (a second token)."""


class State(NamedTuple):
    """`ready`: (site, how it arrived) in order of acting: a slot, PASSED, or DONE when its work is over. `bits`: marks.
    `watch`: values of the monitors."""

    ready: tuple[tuple[int, int], ...]
    bits: int
    values: Values
    watch: tuple[int, ...]


class Draft:
    """A state under construction with the labels of the step so far."""

    __slots__ = ("bits", "current", "labels", "ready", "values")

    def __init__(self, ready: list[tuple[int, int]], bits: int, values: Values, labels: list[Label]) -> None:
        self.ready = ready
        self.bits = bits
        self.values = values
        self.labels = labels
        self.current = -1

    def fork(self) -> Draft:
        twin = Draft(list(self.ready), self.bits, self.values, list(self.labels))
        twin.current = self.current
        return twin


class Game:
    """The moves of one net. `escaped`: errors and escalations seen to leave it: (kind, code). `overflowed`: whether a
    step was given up for a third token."""

    def __init__(self, net: Net, data: Data) -> None:
        self.net = net
        self.data = data
        self.sites = net.sites
        self.scopes = net.scopes
        self.escaped: set[tuple[str, str]] = set()
        self.overflowed = False

    # -- steps --------------------------------------------------------------------------------------------------------
    def beginnings(self) -> list[Draft]:
        """The case just opened: at the none start event, or by one of the others."""
        root = self.scopes[0]
        ways = [root.entries] if root.entries else []
        ways += [[site] for site in root.others]
        return [
            Draft([(site, PASSED) for site in way], 0, values, []) for way in ways for values in self.data.initial()
        ]

    def successors(self, ready: tuple[tuple[int, int], ...], bits: int, values: Values) -> Iterator[Draft]:
        """Every step from a state; none from one that has ended or is stuck."""
        if ready:
            draft = Draft(list(ready[1:]), bits, values, [])
            yield from self.act(draft, *ready[0])
            return
        if bits == self.net.ended:
            return
        for scope in self.scopes:
            for number in scope.joins:
                if self.releasable(self.sites[number], bits):
                    draft = Draft([], bits, values, [])
                    yield from self.release(draft, self.sites[number])
                    return
        yield from self.outside(bits, values)

    def outside(self, bits: int, values: Values) -> Iterator[Draft]:
        """What may come from outside while nothing can act by itself."""
        rest = bits & ((1 << len(self.sites)) - 1)
        while rest:
            low = rest & -rest
            rest ^= low
            site = self.sites[low.bit_length() - 1]
            yield from self.host_moves(site, bits, values)
        for scope in self.scopes:
            if scope.events and self.alive(scope.index, bits):
                for number in scope.events:
                    if self.armed(self.sites[number], bits) and self.free(self.sites[number], bits):
                        draft = Draft([], bits, values, [])
                        self.begin_event(draft, self.sites[number])
                        yield draft

    def host_moves(self, site: Site, bits: int, values: Values) -> Iterator[Draft]:
        """Moves of one active site: it ends, one of its events comes, something leaves it."""
        if site.role == "race":
            for out in site.outs:
                target = self.sites[out.target]
                if self.free(target, bits):
                    yield self.win(Draft([], bits, values, []), site, target)
        elif site.role == "wait" and (site.node.kind != "intermediateCatchEvent" or self.free(site, bits)):
            yield Draft([(site.index, DONE)], bits, values, [])
        for number in site.boundary:
            event = self.sites[number]
            if self.armed(event, bits) and self.free(event, bits):
                draft = Draft([], bits, values, [])
                self.fire(draft, site, event)
                yield draft
        if site.role == "wait":
            for kind, codes in (("error", site.escapes.errors), ("escalation", site.escapes.escalations)):
                for code in codes:
                    draft = Draft([], bits, values, [])
                    self.thrown_at(draft, site, kind, code)
                    if draft.bits != bits or draft.ready:
                        yield draft
            if site.escapes.cancel and site.node.kind == "transaction":
                for number in site.boundary:
                    if self.sites[number].trigger.kind == "cancel":
                        draft = Draft([], bits, values, [])
                        self.fire(draft, site, self.sites[number])
                        yield draft

    # -- what a token does --------------------------------------------------------------------------------------------
    def act(self, draft: Draft, number: int, how: int) -> Iterator[Draft]:
        """Lets a ready token act: it arrives, passes, waits, or its work is over."""
        site = self.sites[number]
        draft.current = number
        if how == DONE:
            yield from self.done(draft, site)
            return
        if how >= 0:
            if not self.put(draft, how):
                return
            if site.role == "or":
                yield draft
                return
            if not all(draft.bits >> slot & 1 for slot in site.slots):
                yield draft
                return
            for slot in site.slots:
                self.take(draft, slot)
        draft.labels.append(("entered", number))
        if site.skips:
            yield from self.leave(draft.fork(), site)
        if site.role in ("wait", "race", "host"):
            draft.current = -1
            if site.role == "host" and draft.bits >> number & 1:
                # A composite that is active twice runs one after the other here: its inside is one scope.
                if self.put(draft, number):
                    yield draft
                return
            if not self.put(draft, number):
                return
            if site.role == "host":
                self.begin(draft, site)
            yield draft
            return
        yield from self.pass_through(draft, site)

    def pass_through(self, draft: Draft, site: Site) -> Iterator[Draft]:
        """An element that acts at once: its effect, then its flows."""
        node = site.node
        throws = node.kind in ("endEvent", "intermediateThrowEvent")
        if throws and node.event.kind == "signal":
            self.signal(draft, node.event.name)
        elif throws and node.event.kind in ("error", "escalation"):
            self.thrown_in(draft, site.scope, node.event.kind, node.event.name)
        elif node.kind == "endEvent" and node.event.kind in ("terminate", "cancel"):
            host = self.scopes[site.scope].host
            events = [self.sites[b] for b in self.sites[host].boundary] if host >= 0 else []
            cancelled = next((e for e in events if e.trigger.kind == "cancel" == node.event.kind), None)
            if cancelled is not None:
                self.fire(draft, self.sites[host], cancelled)
            else:
                self.clear(draft, site.scope, keep=True)
        if draft.current < 0:
            yield draft
            return
        yield from self.leave(draft, site)

    def done(self, draft: Draft, site: Site) -> Iterator[Draft]:
        """The work of an active site is over: another round, or its mark goes and its flows get tokens."""
        if not draft.bits >> site.index & 1:
            return
        if site.repeats and site.role == "host":
            again = draft.fork()
            again.current = -1
            self.begin(again, site)
            yield again
        self.take(draft, site.index)
        waiting = draft.bits >> site.index & 1
        if not waiting:
            for number in site.boundary:
                self.unspend(draft, self.sites[number])
        if site.role == "host":
            self.forget(draft, site)
            if waiting:
                self.begin(draft, site)
        yield from self.leave(draft, site)

    def leave(self, draft: Draft, site: Site) -> Iterator[Draft]:
        """Tokens on the flows chosen; the scope ends when this was its last token."""
        draft.labels.append(("left", site.index))
        for values in self.data.written(site, draft.values):
            for way in self.data.chosen(site, values, draft.bits):
                yield self.follow(draft.fork(), site, way)

    def follow(self, draft: Draft, site: Site, way: Chosen) -> Draft:
        draft.values = way.values
        if way.free:
            draft.labels.append(("chosen", site.index))
        for out in way.outs:
            draft.ready.append((out.target, out.slot if out.slot >= 0 else PASSED))
        draft.current = -1
        if not way.outs:
            self.settle(draft, site.scope)
        return draft

    def settle(self, draft: Draft, number: int) -> None:
        """Ends a scope that has no token left."""
        scope = self.scopes[number]
        if draft.bits & scope.live or any(self.sites[s].scope == number for s, _ in draft.ready):
            return
        if draft.current >= 0 and self.sites[draft.current].scope == number:
            return
        if scope.host < 0:
            draft.bits = self.net.ended
            draft.ready.clear()
        elif self.sites[scope.host].node.triggered:
            self.forget(draft, self.sites[scope.host])
            self.take(draft, scope.host)
            draft.labels.append(("left", scope.host))
            self.settle(draft, self.sites[scope.host].scope)
        elif (scope.host, DONE) not in draft.ready:
            draft.ready.append((scope.host, DONE))

    # -- marks --------------------------------------------------------------------------------------------------------
    def put(self, draft: Draft, mark: int) -> bool:
        """One token more on a mark. False when it holds two already: then the step is given up."""
        if not draft.bits >> mark & 1:
            draft.bits |= 1 << mark
            return True
        number = self.net.site_of_mark[mark]
        if draft.bits >> (mark + self.net.size) & 1:
            # Handlers of non-interrupting events come again and again; two at a time show all they can do.
            self.overflowed = self.overflowed or not self.sites[number].beside
            return False
        draft.bits |= 1 << (mark + self.net.size)
        draft.labels.append(("twice", number))
        return True

    def take(self, draft: Draft, mark: int) -> None:
        twin = 1 << (mark + self.net.size)
        draft.bits &= ~(twin if draft.bits & twin else 1 << mark)

    def unspend(self, draft: Draft, event: Site) -> None:
        if event.spent >= 0:
            draft.bits &= ~(1 << event.spent)

    def begin(self, draft: Draft, site: Site) -> None:
        """Tokens at the start of an inlined composite."""
        entries = self.scopes[site.body].entries
        draft.ready.extend((number, PASSED) for number in entries)
        if not entries:
            self.settle(draft, site.body)

    def forget(self, draft: Draft, site: Site) -> None:
        """Clears what is left of the body of a composite, spent events included."""
        if site.body >= 0:
            draft.bits &= ~self.scopes[site.body].all

    def clear(self, draft: Draft, number: int, keep: bool = False) -> None:
        """Cancels everything in a scope; `keep`: the acting token goes on."""
        scope = self.scopes[number]
        gone = draft.bits & scope.all & ((1 << len(self.sites)) - 1)
        while gone:
            low = gone & -gone
            gone ^= low
            draft.labels.append(("cancelled", low.bit_length() - 1))
        draft.bits &= ~scope.all
        draft.ready = [entry for entry in draft.ready if self.sites[entry[0]].scope not in scope.inside]
        if not keep and draft.current >= 0 and self.sites[draft.current].scope in scope.inside:
            draft.current = -1

    def cancel(self, draft: Draft, site: Site) -> None:
        """Takes an active site away with everything in it."""
        draft.labels.append(("cancelled", site.index))
        if site.body >= 0:
            self.clear(draft, site.body)
        draft.ready = [entry for entry in draft.ready if entry != (site.index, DONE)]
        self.take(draft, site.index)
        if not draft.bits >> site.index & 1:
            for number in site.boundary:
                self.unspend(draft, self.sites[number])
        elif site.role == "host":
            self.begin(draft, site)

    # -- events -------------------------------------------------------------------------------------------------------
    def alive(self, number: int, bits: int) -> bool:
        """Whether a scope is running."""
        scope = self.scopes[number]
        return bool(bits & scope.live) if scope.host < 0 else bool(bits >> scope.host & 1)

    def armed(self, event: Site, bits: int) -> bool:
        """Whether an event of an active host (or a running scope) still waits."""
        if event.node.triggered and bits >> event.index & 1:
            return False
        return event.spent < 0 or not bits >> event.spent & 1

    def free(self, event: Site, bits: int) -> bool:
        """Whether an event may come from outside at any time it is awaited."""
        kind = event.trigger.kind
        if kind == "signal":
            name = event.trigger.name
            return name in self.net.outside or bool(bits & self.net.throwers.get(name, 0))
        if kind in ("error", "escalation", "cancel", "compensate"):
            # Raised by what is inside; a task has no inside that this net knows.
            if event.node.kind != "boundaryEvent":
                return False
            host = self.sites[event.host]
            return kind in ("error", "escalation") and host.node.kind not in COMPOSITE
        return True

    def fire(self, draft: Draft, host: Site, event: Site) -> None:
        """A boundary event takes effect."""
        draft.labels.append(("fired", event.index))
        if event.spent < 0:
            self.cancel(draft, host)
        else:
            draft.bits |= 1 << event.spent
        draft.ready.append((event.index, PASSED))

    def win(self, draft: Draft, race: Site, target: Site) -> Draft:
        """The first event of an event-based gateway takes its token."""
        self.take(draft, race.index)
        draft.labels += [("left", race.index), ("fired", target.index)]
        self.put(draft, target.index)
        draft.ready.append((target.index, DONE))
        return draft

    def begin_event(self, draft: Draft, event: Site) -> None:
        """An event sub-process begins; an interrupting one ends everything else in its scope first."""
        draft.labels.append(("fired", event.index))
        if event.spent < 0:
            self.clear(draft, event.scope)
            for number in self.scopes[event.scope].events:
                if self.sites[number].spent >= 0:
                    draft.bits |= 1 << self.sites[number].spent
        else:
            draft.bits |= 1 << event.spent
        self.put(draft, event.index)
        if event.role == "host":
            self.begin(draft, event)

    def thrown_in(self, draft: Draft, number: int, kind: str, code: str) -> None:
        """An error or escalation thrown in a scope goes up to the nearest event that catches it."""
        scope = self.scopes[number]
        for wanted in (code, ""):
            for event in (self.sites[n] for n in scope.events):
                if event.trigger.kind == kind and event.trigger.name == wanted and self.armed(event, draft.bits):
                    self.begin_event(draft, event)
                    return
        if scope.host >= 0:
            self.thrown_at(draft, self.sites[scope.host], kind, code)
            return
        self.escaped.add((kind, code))
        if kind == "error":
            self.clear(draft, 0)
            draft.bits = self.net.ended
            draft.ready.clear()

    def thrown_at(self, draft: Draft, host: Site, kind: str, code: str) -> None:
        """The same, out of a composite: its boundary first, then the scope around it."""
        for wanted in (code, ""):
            for event in (self.sites[n] for n in host.boundary):
                if event.trigger.kind == kind and event.trigger.name == wanted:
                    if self.armed(event, draft.bits):
                        self.fire(draft, host, event)
                    return
        around = self.scopes[host.scope]
        if host.node.triggered and around.host >= 0:
            self.thrown_at(draft, self.sites[around.host], kind, code)
        elif host.node.triggered:
            self.escaped.add((kind, code))
            if kind == "error":
                self.clear(draft, 0)
                draft.bits = self.net.ended
                draft.ready.clear()
        else:
            self.thrown_in(draft, host.scope, kind, code)

    def signal(self, draft: Draft, name: str) -> None:
        """A signal reaches everything that waits for it now (BPMN 10.5.6)."""
        rest = draft.bits & ((1 << len(self.sites)) - 1)
        hit: list[tuple[Site, Site]] = []
        while rest:
            low = rest & -rest
            rest ^= low
            site = self.sites[low.bit_length() - 1]
            waiting = [self.sites[out.target] for out in site.outs] if site.role == "race" else [site]
            waiting += [self.sites[number] for number in site.boundary]
            hit += [(site, w) for w in waiting if w.trigger.kind == "signal" and w.trigger.name == name]
        for host, event in hit:
            if not draft.bits >> host.index & 1:
                continue
            if event is host:
                if (host.index, DONE) not in draft.ready:
                    draft.ready.append((host.index, DONE))
            elif host.role == "race":
                self.win(draft, host, event)
            elif self.armed(event, draft.bits):
                self.fire(draft, host, event)
        for scope in self.scopes:
            for event in (self.sites[n] for n in scope.events):
                awaited = event.trigger.kind == "signal" and event.trigger.name == name
                acting = draft.current >= 0 and self.sites[draft.current].scope in scope.inside
                if awaited and (acting or self.alive(scope.index, draft.bits)) and self.armed(event, draft.bits):
                    self.begin_event(draft, event)

    # -- inclusive joins ----------------------------------------------------------------------------------------------
    def releasable(self, site: Site, bits: int) -> bool:
        """Whether an inclusive join has a token and nothing elsewhere can still fill an empty flow (BPMN 13.4.3)."""
        filled = empty = 0
        own = held = 0
        for slot, upstream in zip(site.slots, site.upstream, strict=True):
            own |= 1 << slot | 1 << (slot + self.net.size)
            if bits >> slot & 1:
                filled |= upstream
                held = 1
            else:
                empty |= upstream
        return bool(held) and not bits & empty & ~filled & ~own

    def release(self, draft: Draft, site: Site) -> Iterator[Draft]:
        for slot in site.slots:
            if draft.bits >> slot & 1:
                self.take(draft, slot)
        draft.current = site.index
        draft.labels.append(("entered", site.index))
        yield from self.leave(draft, site)
