"""What a token at a site may come to, as masks over the sites of a net: bit n stands for site n."""

from __future__ import annotations

from collections.abc import Iterable

from .net import Net, Site

THROWN = frozenset(("error", "escalation", "signal", "terminate", "cancel"))


class Reach:
    """`step[n]`: what a token at site n may touch before it waits again; `future[n]`: ever, within its scope and below;
    `rank[n]`: distance from the beginning of its scope."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.sites = net.sites
        self.step = [self.closure(self.first(site), False) for site in net.sites]
        self.future = [self.closure(self.first(site), True) for site in net.sites]
        self.rank = self.ranks()

    def first(self, site: Site) -> list[int]:
        """Where a token at the site may go next."""
        found = [out.target for out in site.outs] + list(site.boundary)
        if site.role == "race":
            found += [out.target for number in list(found) for out in self.sites[number].outs]
        return found

    def closure(self, first: list[int], beyond: bool) -> int:
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
                todo.extend(self.first(site))
        return seen

    def ranks(self) -> list[int]:
        """The breadth-first distance from the beginning, so that the earliest site comes first."""
        rank = [len(self.sites)] * len(self.sites)
        todo = [n for scope in self.net.scopes for n in (*scope.entries, *scope.others, *scope.events)]
        for number in todo:
            rank[number] = 0
        for number in todo:
            for after in self.first(self.sites[number]):
                if rank[after] > rank[number] + 1 and after not in todo:
                    rank[after] = rank[number] + 1
                    todo.append(after)
        return rank

    def visible(self, watch: frozenset[str]) -> int:
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


def throws(site: Site) -> bool:
    return site.node.kind in ("endEvent", "intermediateThrowEvent") and site.node.event.kind in THROWN


def mask(sites: Iterable[Site]) -> int:
    return sum(1 << site.index for site in sites)
