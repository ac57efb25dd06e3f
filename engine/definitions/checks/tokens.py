"""Tokens on a net: states, states under construction, and how marks are set and taken away."""

from __future__ import annotations

from typing import NamedTuple

from .data import Data, Values
from .net import Net, Site

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


class Board:
    """The marks of one net. `escaped`: errors and escalations seen to leave it: (kind, code). `reached`: sites
    that a token was on its way to, even if something ended it before it acted. `gave_up`: whether a step
    was given up for a third token since it was last set to False; `overflowed`: whether that ever hid anything."""

    def __init__(self, net: Net, data: Data) -> None:
        self.net = net
        self.data = data
        self.sites = net.sites
        self.scopes = net.scopes
        self.escaped: set[tuple[str, str]] = set()
        self.reached: set[int] = set()
        self.overflowed = False
        self.gave_up = False
        self.broadcasts = [
            s.node.event.kind == "signal" and s.node.kind in ("endEvent", "intermediateThrowEvent") for s in net.sites
        ]
        # Sites at which something may move that is not a conditional event.
        self.lively = sum(1 << s.index for s in net.sites if _moves(s, net))
        # Where no data is followed an element is always left in the same ways.
        self.fixed = {} if data.guards else {s.index: data.chosen(s, (), 0) for s in net.sites}
        self.joins = [number for scope in net.scopes for number in scope.joins]

    def put(self, draft: Draft, mark: int) -> bool:
        """One token more on a mark. False when it holds two already: then the step is given up."""
        if not draft.bits >> mark & 1:
            draft.bits |= 1 << mark
            return True
        number = self.net.site_of_mark[mark]
        if draft.bits >> (mark + self.net.size) & 1:
            self.give_up(number)
            return False
        draft.bits |= 1 << (mark + self.net.size)
        draft.labels.append(("twice", number))
        return True

    def give_up(self, number: int) -> None:
        """Notes that a step was given up for a third token. Handlers of non-interrupting events come again and again;
        two at a time show all they can do, so nothing is hidden there."""
        self.gave_up = True
        self.overflowed = self.overflowed or not self.sites[number].beside

    def take(self, draft: Draft, mark: int) -> None:
        twin = 1 << (mark + self.net.size)
        draft.bits &= ~(twin if draft.bits & twin else 1 << mark)

    def unspend(self, draft: Draft, event: Site) -> None:
        if event.spent >= 0:
            draft.bits &= ~(1 << event.spent)

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


def _moves(site: Site, net: Net) -> bool:
    """Whether anything but a conditional event may move an active site."""
    if site.role == "wait" and site.node.kind not in ("intermediateCatchEvent", "receiveTask"):
        return True
    waiting = [net.sites[out.target] for out in site.outs] if site.role == "race" else [site]
    waiting += [net.sites[number] for number in site.boundary]
    return any(one.trigger.kind in ("timer", "message", "signal") for one in waiting)
