"""Which orders of independent steps need not be tried: persistent sets on the sites of a net.

In a settled state it is enough to try the moves of one active site W alone, if none of them can be noticed or hindered
by anybody else (strong stubborn sets, A. Valmari):

1. What W's moves touch before they settle holds no terminate, error, escalation, cancel or signal throw, writes no
   guard, and is watched by nobody. An inclusive join ahead of W waits for W and for nobody else on that flow.
2. Nothing that the other active sites can ever come to takes W away, signals to it, or writes a guard that W's step
   reads. No event around W can interrupt it.

This keeps every deadlock, and where the end can be reached from every state of the reduced space it can from every
state there is; then every element that can be reached at all is reached ("Stop It, and Be Stubborn!", 2017). Shortest
paths and second tokens are not kept; the earliest site is taken as W, which in practice lets second tokens meet.
"""

from __future__ import annotations

from collections.abc import Iterator

from .data import Data, Values, read_by
from .moves import Game
from .net import Net, Site
from .net_builder import sends
from .reach import Reach, mask, throws
from .tokens import Draft


class Reduction:
    """Masks of one net: bit n stands for site n."""

    def __init__(self, net: Net, data: Data, watch: frozenset[str], ending: bool = False) -> None:
        """`ending`: whether somebody looks at the end of the case."""
        self.net = net
        self.sites = net.sites
        self.ending = ending
        self.only_sites = (1 << len(net.sites)) - 1
        # A conditional event that nobody outside serves lives on what all others do.
        self.watchful = not net.shared and any(s.trigger.kind == "conditional" for s in net.sites)
        reach = Reach(net)
        self.reach = reach
        self.step, self.future, self.rank = reach.step, reach.future, reach.rank
        self.visible = reach.visible(watch)
        self.throws = mask(s for s in net.sites if throws(s) or self._posts(s))
        self.joins = mask(s for s in net.sites if s.role == "or")
        self.writers = mask(s for s in net.sites if data.writes(s))
        self.readers = mask(s for s in net.sites if read_by(s.outs) & data.of_name.keys())
        self.lazy = any(guard.lazy for guard in data.guards)
        inside = {event.trigger.name for event in net.sites if throws(event) and event.trigger.kind == "signal"}
        self.signals = inside | net.throwers.keys()
        self.shielded = [not self._reachable_by_events(site) for site in net.sites]

    def ample(self, game: Game, bits: int, values: Values) -> Iterator[Draft]:
        """Enough of the moves of a settled state: those of one site, or all."""
        active = []
        rest = bits & self.only_sites
        while rest:
            low = rest & -rest
            rest ^= low
            active.append(low.bit_length() - 1)
        if len(active) > 1 and not self.watchful and game.released(bits) is None:
            for number in sorted(active, key=self.rank.__getitem__):
                if self.alone(number, active, bits):
                    drafts = list(game.host_moves(self.sites[number], bits, values))
                    if drafts:
                        yield from drafts
                        return
        yield from game.successors((), bits, values)

    def alone(self, number: int, active: list[int], bits: int) -> bool:
        """Whether the moves of an active site are enough."""
        site = self.sites[number]
        if site.role == "host" or not self.shielded[number]:
            return False
        touched = self._touched(site, bits)
        if touched is None:
            return False
        joins = self.future[number] & self.joins
        while joins:
            low = joins & -joins
            joins ^= low
            join = self.sites[low.bit_length() - 1]
            if not self._waits_for(join, site, bits):
                return False
            touched |= self.step[join.index]
        if touched & (self.visible | self.throws | self.writers):
            return False
        reads = touched & self.readers
        if reads and self.lazy:
            return False
        around = self._around(site)
        if any(n in around and any(self.sites[b].interrupts for b in self.sites[n].boundary) for n in active):
            return False
        others = [n for n in active if n != number]
        ahead = 0
        for other in others:
            ahead |= self.future[other]
        if not self._meets(ahead, site, bool(reads)):
            return True
        # Where it seems that others may hinder the site: can they come there while it stays where it is?
        return not self._meets(self._ahead_without(site, around, others, bits), site, bool(reads))

    def _meets(self, ahead: int, site: Site, reads: bool) -> bool:
        """Whether something in these sites may take the site away, wake it, or write what its step reads."""
        if reads and ahead & self.writers:
            return True
        return bool(ahead & self.throws) and self._hits(ahead & self.throws, site)

    def _ahead_without(self, site: Site, around: set[int], others: list[int], bits: int) -> int:
        """Sites that others can come to before the site moves: a parallel join that lacks its token holds them up, and
        so does the end of a composite that it is in."""
        seen = 0
        came = bits
        todo: list[int] = []
        for number in others:
            first = self.sites[number].boundary if number in around else self.reach.first(self.sites[number])
            came |= self._slots_to(self.sites[number], first)
            todo.extend(first)
        held: list[int] = []
        while todo:
            number = todo.pop()
            if seen >> number & 1:
                continue
            place = self.sites[number]
            if place.role == "and" and not all(came >> slot & 1 for slot in place.slots):
                held.append(number)
                continue
            seen |= 1 << number
            first = self.reach.first(place)
            if place.role == "host":
                scope = self.net.scopes[place.body]
                first = [*first, *scope.entries, *scope.events]
            before = came
            came |= self._slots_to(place, first)
            todo.extend(first)
            if came != before:
                todo.extend(held)
                held.clear()
        return seen

    def _slots_to(self, place: Site, first: list[int]) -> int:
        """Slots of joins that a token from the place may fill next."""
        found = 0
        for target in (place, *(self.sites[n] for n in first)):
            for out in target.outs if target is place or place.role == "race" else ():
                if out.slot >= 0:
                    found |= 1 << out.slot
        return found

    def _waits_for(self, join: Site, site: Site, bits: int) -> bool:
        """Whether an inclusive join can't fire before the site has moved, so that nobody can tell the order: it waits
        for one empty flow that the site alone can still fill."""
        if join.scope != site.scope:
            host = self.net.scopes[join.scope].host
            return host >= 0 and not bits >> host & 1
        ahead = [n for n, upstream in enumerate(join.upstream) if upstream >> site.index & 1]
        if len(ahead) != 1 or bits >> join.slots[ahead[0]] & 1:
            return False
        return not bits & join.upstream[ahead[0]] & ~(1 << site.index)

    def _touched(self, site: Site, bits: int) -> int | None:
        """Sites that the moves of a site may touch before they settle; None: they may end what
        somebody looks at or what an event waits on."""
        touched = self.step[site.index] | 1 << site.index
        net = self.net
        scope = net.scopes[site.scope]
        twin = 1 << (site.index + net.size)
        # Tokens that wait at a join may leave it within the step: they don't keep the scope alive.
        places = self.only_sites | self.only_sites << net.size
        while not bits & scope.live & places & ~(1 << site.index | (0 if bits & twin else twin)):
            # The last token of its scope: what comes after the scope belongs to the step, and no event of the scope or
            # of its host can come any more.
            if scope.events or (scope.host < 0 and self.ending):
                return None
            if scope.host < 0:
                return touched
            host = self.sites[scope.host]
            if host.boundary or self.future[host.index] & self.joins:
                return None
            touched |= self.step[host.index] | 1 << host.index
            if host.repeats:
                touched |= self.reach.closure(list(scope.entries), False)
            site, scope = host, net.scopes[host.scope]
            twin = 1 << (site.index + net.size)
        return touched

    def _hits(self, throwing: int, site: Site) -> bool:
        """Whether a throw among these sites may take the site away or wake it."""
        while throwing:
            low = throwing & -throwing
            throwing ^= low
            event = self.sites[low.bit_length() - 1]
            kind = event.node.event.kind
            if kind == "terminate" and site.scope not in self.net.scopes[event.scope].inside:
                continue
            if kind == "message" and not self._awaits(site):
                continue
            if kind == "signal" and not self._catchers(event.node.event.name, site):
                continue
            return True
        return False

    def _awaits(self, site: Site) -> bool:
        """Whether a message may take away what is around the site. One that it awaits itself: see `shielded`."""
        around = self._around(site)
        for mail in self.net.mail.values():
            for host, event in mail.waiting:
                scope = self.net.scopes[self.sites[event].scope]
                if host in around or (self.sites[event].node.triggered and site.scope in scope.inside):
                    return True
        return False

    def _catchers(self, name: str, site: Site) -> bool:
        """Whether a signal may move the site or take away what is around it."""
        around = [self.sites[n] for n in self._around(site)]
        events = [self.sites[b] for host in around for b in host.boundary]
        events += [self.sites[n] for s in self.net.scopes if site.scope in s.inside for n in s.events]
        return any(e.trigger.kind == "signal" and e.trigger.name == name for e in events)

    def _posts(self, site: Site) -> bool:
        """Whether a site sends a message to somebody in the net."""
        event = site.node.event
        return event.kind == "message" and event.name in self.net.mail and sends(site.node)

    def _reachable_by_events(self, site: Site) -> bool:
        """Whether an interrupting event sub-process may end the site, a signal of this net move it, or a signal be
        thrown from inside it."""
        for scope in self.net.scopes:
            if site.scope in scope.inside and any(self.sites[n].interrupts for n in scope.events):
                return True
        awaited = {s.trigger.name for s in self.sites if s.trigger.kind == "signal" and not throws(s)}
        if any(self.net.throwers[name] >> site.index & 1 for name in awaited & self.net.throwers.keys()):
            return True
        waiting = [site, *(self.sites[b] for b in site.boundary), *(self.sites[o.target] for o in site.outs)]
        return any(
            (e.trigger.kind == "signal" and e.trigger.name in self.signals)
            or (e.trigger.kind == "message" and e.trigger.name in self.net.mail)
            for e in waiting
        )

    def _around(self, site: Site) -> set[int]:
        """Inlined composites around a site."""
        found = set()
        host = self.net.scopes[site.scope].host
        while host >= 0:
            found.add(host)
            host = self.net.scopes[self.sites[host].scope].host
        return found
