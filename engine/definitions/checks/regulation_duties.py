"""Duties over the states of a walk: from a state on, on every path, something must come, and a clock must run till then.

Greatest fixpoint of an AND/OR graph: a state fails if it is a failure itself, or if for one of its choices each token
that then runs side by side fails. A loop that never leaves is no failure; that it can be left is soundness.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .regulation_places import Place
from .regulation_walk import END, State, Walk

Late = tuple[State, bool]
"""A state, and whether the limit has been broken on the way to it: then no clock is asked for any more."""


@dataclass(slots=True)
class Duty:
    """`done`: the duty is fulfilled in a state; `freed`: it no longer applies. `uncovered`: a state that waits without
    a clock; `broken`: places of interrupting limits, after which only the duty itself counts."""

    walk: Walk
    done: Callable[[State], bool]
    freed: Callable[[State], bool] = lambda state: False
    uncovered: Callable[[State], bool] = lambda state: False
    broken: frozenset[int] = frozenset()
    seen: dict[Late, list[tuple[Late, ...]]] = field(default_factory=dict)

    def explore(self, starts: Iterable[State]) -> None:
        """Follows the duty from `starts` to where it is done or freed."""
        todo: deque[Late] = deque((state, False) for state in starts)
        while todo:
            one = todo.popleft()
            if one in self.seen:
                continue
            self.seen[one] = found = []
            state, late = one
            if state[0] == END or self.done(state) or self.freed(state):
                continue
            for choice in self.walk.choices[state]:
                targets = tuple((target, late or target[0] in self.broken) for target in choice)
                found.append(targets)
                todo.extend(targets)

    def failures(self, starts: Iterable[State]) -> list[tuple[State, list[State], str]]:
        """For each start that fails, one shortest way to a failure: the states, and why.

        `ends`: the thread or the case ends; `waits`: it waits without a clock.
        """
        starts = list(starts)
        self.explore(starts)
        reason: dict[Late, str] = {}
        rank: dict[Late, int] = {}
        users: dict[Late, list[Late]] = {}
        for one, choices in self.seen.items():
            for choice in choices:
                for target in choice:
                    users.setdefault(target, []).append(one)
            why = self._fails(one)
            if why:
                reason[one], rank[one] = why, 0
        todo = deque(reason)
        while todo:
            failed = todo.popleft()
            for user in users.get(failed, ()):
                if user in rank:
                    continue
                if any(self._choice_fails(choice, rank) for choice in self.seen[user]):
                    rank[user] = rank[failed] + 1
                    todo.append(user)
        return [self._way((start, False), rank, reason) for start in starts if (start, False) in rank]

    def _fails(self, one: Late) -> str:
        state, late = one
        if self.done(state) or self.freed(state):
            return ""
        if state[0] == END:
            return "ends"
        if not late and self.uncovered(state):
            return "waits"
        place = self.walk.place(state)
        if not self.walk.choices[state] and not place.outs and place.role != "arrive" and not _deaf(place):
            return "ends"
        return ""

    def _choice_fails(self, choice: tuple[Late, ...], rank: dict[Late, int]) -> bool:
        if all(target in rank for target in choice):
            return True
        return any(target in rank and self._kills(target[0]) for target in choice)

    def _kills(self, state: State) -> bool:
        """Whether a token may clear its body, so that what runs beside it is not to be relied on."""
        places = self.walk.places
        scope = places[state[0]].scope
        if not places.scopes[scope].killed:
            return False
        return any(
            places[p].scope == scope
            and places[p].node.kind == "endEvent"
            and places[p].node.event.kind in ("terminate", "error", "cancel")
            for p in places.reach([state[0]])
        )

    def _way(
        self, start: Late, rank: dict[Late, int], reason: dict[Late, str]
    ) -> tuple[State, list[State], str]:
        way = [start]
        while way[-1] not in reason:
            here = way[-1]
            bad = [c for c in self.seen[here] if self._choice_fails(c, rank)]
            targets = [t for choice in bad for t in choice if t in rank and rank[t] < rank[here]]
            if not targets:
                break
            way.append(min(targets, key=lambda t: rank[t]))
        return start[0], [state for state, _ in way], reason.get(way[-1], "ends")


def _deaf(place: Place) -> bool:
    """A boundary event or catching event whose signal is never thrown: it stays where it is."""
    return place.node.event.kind == "signal" and place.node.kind != "endEvent"
