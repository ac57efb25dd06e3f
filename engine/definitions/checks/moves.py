"""The token game: every state that may follow a state of a net (BPMN 2.0 chapter 13, run as the kernel runs it).

A state that has tokens ready to act is expanded at its first ready token only, in the kernel's order, because nothing
from outside can come between; where none is ready, an inclusive join that nothing can reach any more fires; else
everything that may come from outside is tried: a task or atomic composite ends, an armed timer fires, an awaited
message comes. Untimed: whatever is armed may come at any time while its host is active.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .data import Chosen, Values
from .happenings import Happenings
from .net import Site
from .tokens import DONE, PASSED, Draft

MOST_READY = 4
"""Tokens on one flow within a step: more are a round that multiplies them."""
CATCHING = ("intermediateCatchEvent", "receiveTask")


class Game(Happenings):
    """The moves of one net."""

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
        mail = self.delivered(ready, bits) if self.net.mail else None
        if mail is not None:
            for host, event in mail[1]:
                draft = Draft(list(ready), bits, values, [])
                self.take(draft, mail[0])
                self.trigger(draft, host, event)
                yield draft
            return
        if ready:
            # Who throws a signal lets all others move first, so that whoever can wait for it waits.
            first = next((n for n, (site, how) in enumerate(ready) if not self.broadcasts[site]), 0)
            draft = Draft([*ready[:first], *ready[first + 1 :]], bits, values, [])
            yield from self.act(draft, *ready[first])
            return
        if bits == self.net.ended:
            return
        join = self.released(bits)
        if join is not None:
            yield from self.release(Draft([], bits, values, []), join)
            return
        yield from self.outside(bits, values)

    def settled(self, ready: Sequence[tuple[int, int]], bits: int) -> bool:
        """Whether only people, clocks and messages can move a token."""
        return not ready and self.released(bits) is None and self.delivered(ready, bits) is None

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
        elif site.role == "wait" and (site.node.kind not in CATCHING or self.free(site, bits)):
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
            if not self.net.shared:
                yield from self.at_once(draft, site)
            yield draft
            return
        yield from self.pass_through(draft, site)

    def at_once(self, draft: Draft, site: Site) -> Iterator[Draft]:
        """The conditional events of a site that has just become active: their conditions may be true already."""
        if site.role == "race":
            for target in (self.sites[out.target] for out in site.outs):
                if target.trigger.kind == "conditional":
                    yield self.win(draft.fork(), site, target)
        elif site.node.kind == "intermediateCatchEvent" and site.trigger.kind == "conditional":
            fork = draft.fork()
            fork.ready.append((site.index, DONE))
            yield fork

    def pass_through(self, draft: Draft, site: Site) -> Iterator[Draft]:
        """An element that acts at once: its effect, then its flows."""
        node = site.node
        throws = node.kind in ("endEvent", "intermediateThrowEvent")
        if node.event.kind == "message" and (throws or node.kind == "sendTask"):
            self.post(draft, node.event.name)
        elif throws and node.event.kind == "signal":
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
        if site.node.kind == "sendTask" and site.node.event.kind == "message":
            self.post(draft, site.node.event.name)
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
        if site.index in self.fixed:
            ways = self.fixed[site.index]
        else:
            written = self.data.written(site, draft.values)
            ways = [way for values in written for way in self.data.chosen(site, values, draft.bits)]
        if len(ways) == 1:
            if self.follow(draft, site, ways[0]):
                yield draft
            return
        for way in ways:
            fork = draft.fork()
            if self.follow(fork, site, way):
                yield fork

    def follow(self, draft: Draft, site: Site, way: Chosen) -> bool:
        """Puts a token on each chosen flow. False when one holds too many that have not acted yet: given up."""
        draft.values = way.values
        if way.free:
            draft.labels.append(("chosen", site.index))
        for out in way.outs:
            entry = (out.target, out.slot if out.slot >= 0 else PASSED)
            if draft.ready.count(entry) >= MOST_READY:
                self.give_up(out.target)
                return False
            draft.ready.append(entry)
            self.reached.add(out.target)
        draft.current = -1
        if not way.outs:
            self.settle(draft, site.scope)
        return True

    # -- inclusive joins ----------------------------------------------------------------------------------------------
    def released(self, bits: int) -> Site | None:
        """The inclusive join that fires next, outermost scope first; None if none can."""
        for number in self.joins:
            if self.releasable(self.sites[number], bits):
                return self.sites[number]
        return None

    def releasable(self, site: Site, bits: int) -> bool:
        """Whether an inclusive join has a token and nothing elsewhere can still fill an empty flow (BPMN 13.4.3)."""
        if not bits & site.own:
            return False
        filled = empty = 0
        for slot, upstream in zip(site.slots, site.upstream, strict=True):
            if bits >> slot & 1:
                filled |= upstream
            else:
                empty |= upstream
        return not bits & empty & ~filled & ~site.own

    def release(self, draft: Draft, site: Site) -> Iterator[Draft]:
        for slot in site.slots:
            if draft.bits >> slot & 1:
                self.take(draft, slot)
        draft.current = site.index
        draft.labels.append(("entered", site.index))
        yield from self.leave(draft, site)
