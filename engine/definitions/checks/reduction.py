"""Which orders of independent steps need not be tried: persistent sets on the sites of a net.

In a settled state it is enough to try the moves of one active site W alone, if none of them can be noticed or hindered
by anybody else (strong stubborn sets, A. Valmari):

1. What W's moves touch before they settle holds no terminate, error, escalation, cancel or signal throw, no inclusive
   join that could be waited for, writes no guard, and is watched by nobody.
2. Nothing that the other active sites can ever come to takes W away, signals to it, or writes a guard that W's step
   reads. No event around W can interrupt it.

This keeps every deadlock, and where the end can be reached from every state of the reduced space it can from every
state there is; then every element that can be reached at all is reached ("Stop It, and Be Stubborn!", 2017). Shortest
paths and second tokens are not kept; the earliest site is taken as W, which in practice lets second tokens meet.
"""

from __future__ import annotations

from collections.abc import Iterator

from .data import Data, Values, read_by
from .moves import Draft, Game
from .net import Net, Site

THROWN = frozenset(("error", "escalation", "signal", "terminate", "cancel"))


class Reduction:
    """Masks of one net: bit n stands for site n."""

    def __init__(self, net: Net, data: Data, watch: frozenset[str], ending: bool = False) -> None:
        """`ending`: whether somebody looks at the end of the case."""
        self.net = net
        self.sites = net.sites
        self.ending = ending
        self.only_sites = (1 << len(net.sites)) - 1
        self.visible = self._visible(watch)
        self.throws = _mask(s for s in net.sites if _throws(s))
        self.joins = _mask(s for s in net.sites if s.role == "or")
        self.writers = _mask(s for s in net.sites if data.writes(s))
        self.readers = _mask(s for s in net.sites if read_by(s.outs) & data.of_name.keys())
        self.lazy = any(guard.lazy for guard in data.guards)
        inside = {event.trigger.name for event in net.sites if _throws(event) and event.trigger.kind == "signal"}
        self.signals = inside | net.throwers.keys()
        self.step = [self._closure(self._first(site), False) for site in net.sites]
        self.future = [self._closure(self._first(site), True) for site in net.sites]
        self.shielded = [not self._reachable_by_events(site) for site in net.sites]
        self.rank = self._ranks()

    def ample(self, game: Game, bits: int, values: Values) -> Iterator[Draft]:
        """Enough of the moves of a settled state: those of one site, or all."""
        active = []
        rest = bits & self.only_sites
        while rest:
            low = rest & -rest
            rest ^= low
            active.append(low.bit_length() - 1)
        if len(active) > 1 and not any(
            game.releasable(self.sites[j], bits) for scope in self.net.scopes for j in scope.joins
        ):
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
        if touched & (self.visible | self.throws | self.joins | self.writers) or self.future[number] & self.joins:
            return False
        reads = touched & self.readers
        if reads and self.lazy:
            return False
        around = self._around(site)
        for other in active:
            if other == number:
                continue
            ahead = self.future[other]
            if reads and ahead & self.writers:
                return False
            if ahead & self.throws and self._hits(ahead & self.throws, site):
                return False
            if other in around and any(self.sites[b].spent < 0 for b in self.sites[other].boundary):
                return False
        return True

    def _touched(self, site: Site, bits: int) -> int | None:
        """Sites that the moves of a site may touch before they settle; None: they may end what is looked at."""
        touched = self.step[site.index] | 1 << site.index
        net = self.net
        scope = net.scopes[site.scope]
        twin = 1 << (site.index + net.size)
        while not bits & scope.live & ~(1 << site.index | (0 if bits & twin else twin)):
            # The last token of its scope: what comes after the scope belongs to the step.
            if scope.host < 0:
                return None if self.ending else touched
            host = self.sites[scope.host]
            touched |= self.step[host.index] | 1 << host.index
            if host.repeats:
                touched |= self._closure(list(scope.entries), False)
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
            if kind == "signal" and not self._catchers(event.node.event.name, site):
                continue
            return True
        return False

    def _catchers(self, name: str, site: Site) -> bool:
        """Whether a signal may move the site or take away what is around it."""
        around = [self.sites[n] for n in self._around(site)]
        events = [self.sites[b] for host in around for b in host.boundary]
        events += [self.sites[n] for s in self.net.scopes if site.scope in s.inside for n in s.events]
        return any(e.trigger.kind == "signal" and e.trigger.name == name for e in events)

    def _reachable_by_events(self, site: Site) -> bool:
        """Whether an interrupting event sub-process may end the site, a signal of this net move it, or a signal be
        thrown from inside it."""
        for scope in self.net.scopes:
            if site.scope in scope.inside and any(self.sites[n].spent < 0 for n in scope.events):
                return True
        awaited = {s.trigger.name for s in self.sites if s.trigger.kind == "signal" and not _throws(s)}
        if any(self.net.throwers[name] >> site.index & 1 for name in awaited & self.net.throwers.keys()):
            return True
        waiting = [site, *(self.sites[b] for b in site.boundary), *(self.sites[o.target] for o in site.outs)]
        return any(e.trigger.kind == "signal" and e.trigger.name in self.signals for e in waiting)

    def _around(self, site: Site) -> set[int]:
        """Inlined composites around a site."""
        found = set()
        host = self.net.scopes[site.scope].host
        while host >= 0:
            found.add(host)
            host = self.net.scopes[self.sites[host].scope].host
        return found

    def _first(self, site: Site) -> list[int]:
        """Where a token at the site may go next."""
        found = [out.target for out in site.outs] + list(site.boundary)
        if site.role == "race":
            found += [out.target for number in list(found) for out in self.sites[number].outs]
        return found

    def _closure(self, first: list[int], beyond: bool) -> int:
        """Sites reached from `first`; `beyond`: also through those where a token waits."""
        seen = 0
        todo = list(first)
        while todo:
            number = todo.pop()
            if seen >> number & 1:
                continue
            seen |= 1 << number
            site = self.sites[number]
            if site.role == "host":
                todo.extend(self.net.scopes[site.body].entries)
                if beyond:
                    todo.extend(n for n in self.net.scopes[site.body].events)
            if beyond or site.role in ("pass", "and") or site.skips:
                todo.extend(self._first(site))
        return seen

    def _visible(self, watch: frozenset[str]) -> int:
        found = 0
        for site in self.sites:
            if site.node.id not in watch:
                continue
            found |= 1 << site.index
            if site.host >= 0:
                found |= 1 << site.host
            host = self.net.scopes[site.scope].host
            if site.node.triggered and host >= 0:
                found |= 1 << host
            for race in self.sites:
                if race.role == "race" and any(out.target == site.index for out in race.outs):
                    found |= 1 << race.index
        return found

    def _ranks(self) -> list[int]:
        """The breadth-first distance from the beginning, so that the earliest site comes first."""
        rank = [len(self.sites)] * len(self.sites)
        todo = [n for scope in self.net.scopes for n in (*scope.entries, *scope.others, *scope.events)]
        for number in todo:
            rank[number] = 0
        for number in todo:
            for after in self._first(self.sites[number]):
                if rank[after] > rank[number] + 1 and after not in todo:
                    rank[after] = rank[number] + 1
                    todo.append(after)
        return rank


def _throws(site: Site) -> bool:
    return site.node.kind in ("endEvent", "intermediateThrowEvent") and site.node.event.kind in THROWN


def _mask(sites: Iterator[Site]) -> int:
    return sum(1 << site.index for site in sites)
