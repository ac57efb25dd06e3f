"""Duties over the states of a walk: from a state on, on every path, something comes, and a clock runs till then.

Greatest fixpoint of an AND/OR graph: a state fails if it is a failure itself, or if for one of its choices each token
that then runs side by side fails. A loop that never leaves is no failure; that it can be left is soundness.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .regulation_knowledge import END, State
from .regulation_places import Place
from .regulation_walk import Walk

Late = tuple[State, bool]
"""A state, and whether the limit has been broken on the way to it: then no clock is asked for any more."""


@dataclass(slots=True)
class Duty:
    """`done`: the duty is fulfilled in a state; `freed`: it no longer applies. `uncovered`: a state that waits without
    a clock; `broken`: places of interrupting limits, after which only the duty itself counts; `settled`: places where
    it is too late for the duty."""

    walk: Walk
    done: Callable[[State], bool]
    freed: Callable[[State], bool] = lambda state: False
    uncovered: Callable[[State], bool] = lambda state: False
    broken: frozenset[int] = frozenset()
    settled: frozenset[int] = frozenset()
    seen: dict[Late, list[tuple[Late, ...]]] = field(default_factory=dict)
    over: dict[State, bool] = field(default_factory=dict)

    def explore(self, starts: Iterable[State]) -> None:
        """Follows the duty from `starts` to where it is done or freed."""
        seen, broken, choices = self.seen, self.broken, self.walk.choices
        todo: list[Late] = [(state, False) for state in starts]
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            state, late = one
            if self._is_over(state) or state.at == END or state.at in self.settled:
                seen[one] = []
                continue
            seen[one] = found = [
                tuple([(target, late or target.at in broken) for target in choice]) for choice in choices[state]
            ]
            todo += [target for choice in found for target in choice if target not in seen]

    def _is_over(self, state: State) -> bool:
        known = self.over.get(state)
        if known is None:
            known = self.over[state] = self.done(state) or self.freed(state)
        return known

    def failures(self, starts: Iterable[State]) -> list[tuple[State, list[State], str]]:
        """For each start that fails, one shortest way to a failure: the states, and why.

        `ends`: the thread or the case ends; `waits`: it waits without a clock.
        """
        starts = list(starts)
        self.explore(starts)
        reason = {one: why for one, choices in self.seen.items() if (why := self._fails(one, choices))}
        if not reason:
            return []
        rank = dict.fromkeys(reason, 0)
        users: dict[Late, list[Late]] = {}
        for one, choices in self.seen.items():
            for choice in choices:
                for target in choice:
                    users.setdefault(target, []).append(one)
        todo = deque(reason)
        while todo:
            failed = todo.popleft()
            for user in users.get(failed, ()):
                if user not in rank and any(self._choice_fails(choice, rank) for choice in self.seen[user]):
                    rank[user] = rank[failed] + 1
                    todo.append(user)
        hopeful = self._hopeful(users)
        return [self._way((start, False), rank, reason, hopeful) for start in starts if (start, False) in rank]

    def _hopeful(self, users: dict[Late, list[Late]]) -> set[Late]:
        """States from which the duty can still be done: where several threads fail, one of these is to blame."""
        over = {one for one in self.seen if one[0].at != END and self._is_over(one[0])}
        # Done by its own act, not by hearing of it where threads meet.
        acted = {one for one in over if self.walk.place(one[0]).role == "node" and not _meets(self.walk.place(one[0]))}
        found = acted or over
        todo = list(found)
        while todo:
            for user in users.get(todo.pop(), ()):
                if user not in found:
                    found.add(user)
                    todo.append(user)
        return found

    def _fails(self, one: Late, choices: list[tuple[Late, ...]]) -> str:
        state, late = one
        if self._is_over(state):
            return ""
        if state.at == END or state.at in self.settled:
            return "ends"
        if not late and self.uncovered(state):
            return "waits"
        if choices:
            return ""
        place = self.walk.place(state)
        return "ends" if not place.outs and place.role != "arrive" and not _deaf(place) else ""

    def _choice_fails(self, choice: tuple[Late, ...], rank: dict[Late, int]) -> bool:
        if all(target in rank for target in choice):
            return True
        return any(target in rank and self._kills(target[0]) for target in choice)

    def _kills(self, state: State) -> bool:
        """Whether a token may clear its body, so that what runs beside it is not to be relied on."""
        places = self.walk.places
        scope = places[state.at].scope
        if not places.scopes[scope].killed:
            return False
        return any(
            places[p].scope == scope
            and places[p].node.kind == "endEvent"
            and places[p].node.event.kind in ("terminate", "error", "cancel")
            for p in places.reach([state.at])
        )

    def _way(
        self, start: Late, rank: dict[Late, int], reason: dict[Late, str], hopeful: set[Late]
    ) -> tuple[State, list[State], str]:
        way = [start]
        while way[-1] not in reason:
            here = way[-1]
            bad = [c for c in self.seen[here] if self._choice_fails(c, rank)]
            below = [[t for t in choice if t in rank and rank[t] < rank[here]] for choice in bad]
            # Of threads that run side by side the one that comes furthest; of choices the one that fails soonest.
            best = [min(threads, key=lambda t: (t not in hopeful, -rank[t])) for threads in below if threads]
            if not best:
                break
            way.append(min(best, key=lambda t: rank[t]))
        return start[0], [state for state, _ in way], reason.get(way[-1], "ends")


def _deaf(place: Place) -> bool:
    """A boundary event or catching event whose signal is never thrown: it stays where it is."""
    return place.node.event.kind == "signal" and place.node.kind != "endEvent"


def _meets(place: Place) -> bool:
    return place.node.kind.endswith("Gateway") and len(place.node.incoming) > 1
