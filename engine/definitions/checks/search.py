"""The search itself: breadth first, chains of steps without an alternative taken at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from .exploration import Exploration, Invariant, View
from .reduction import Reduction
from .tokens import Draft, Label, State


@dataclass(frozen=True, slots=True)
class Budget:
    """`states`: kept at most; `steps`: moves of tokens at most, about 5 microseconds each."""

    states: int = 200_000
    steps: int = 1_500_000


class Search:
    """One breadth-first search."""

    CHECK_EVERY = 256

    def __init__(
        self,
        found: Exploration,
        invariants: dict[str, Invariant],
        budget: Budget,
        expired: Callable[[], bool] | None,
    ) -> None:
        self.found = found
        self.invariants = invariants
        self.budget = budget
        self.expired = expired
        self.index: dict[State, int] = {}
        self.todo: deque[int] = deque()
        self.reduction: Reduction | None = None
        self.hears = [
            [n for n, m in enumerate(found.monitors) if site.node.id in m.watch] for site in found.net.sites
        ]  # fmt: skip
        self.chain = 4 * len(found.net.sites) + 50

    def run(self) -> None:
        found = self.found
        initial = tuple(monitor.initial for monitor in found.monitors)
        for draft in found.game.beginnings():
            self.settle(draft, -1, initial)
        rounds = 0
        while self.todo:
            rounds += 1
            late = self.expired is not None and rounds % self.CHECK_EVERY == 1 and self.expired()
            if len(found.states) > self.budget.states or found.steps > self.budget.steps or late:
                found.complete = False
                return
            number = self.todo.popleft()
            state = found.states[number]
            before = len(found.edges[number])
            found.game.gave_up = False
            drafts = found.game.successors(state.ready, state.bits, state.values)
            if self.reduction is not None and not state.ready:
                drafts = self.reduction.ample(found.game, state.bits, state.values)
            for draft in drafts:
                self.settle(draft, number, state.watch)
            if len(found.edges[number]) == before and state.bits != found.net.ended:
                if state.ready:
                    # The data followed says that no flow can be taken (such a case does not exist), or a third token.
                    (found.dropped if found.game.gave_up else found.pruned).append(number)
                    continue
                found.stuck.append(number)

    def settle(self, draft: Draft, source: int, watch: tuple[int, ...]) -> None:
        """Lets a step run on while there is only one way on, then keeps the state."""
        found = self.found
        draft = self.run_on(draft, None) or self.run_on(draft, set()) or draft
        labels = tuple(draft.labels)
        for what, site in labels:
            if what in ("entered", "fired"):
                found.touched.add(site)
            elif what == "twice":
                found.twice.setdefault(site, (source, labels))
        state = State(tuple(draft.ready), draft.bits, draft.values, self.watched(labels, watch))
        number = self.index.get(state)
        if number is None:
            number = len(found.states)
            self.index[state] = number
            found.states.append(state)
            found.parents.append((source, labels))
            found.edges.append([])
            self.todo.append(number)
            if found.game.settled(state.ready, state.bits):
                self.examine(number, state)
        if source >= 0:
            found.edges[source].append(number)

    def run_on(self, draft: Draft, seen: set[tuple[object, ...]] | None) -> Draft | None:
        """The draft after all steps to which there is no alternative. None when they seem to have no end: with `seen`
        to remember them it stops where they begin to repeat."""
        length = 0
        while True:
            self.found.steps += 1
            length += 1
            if self.found.game.settled(draft.ready, draft.bits):
                return draft
            if seen is None and length > self.chain:
                return None
            if seen is not None:
                state = (tuple(draft.ready), draft.bits, draft.values)
                if state in seen:
                    return draft
                seen.add(state)
            ways = list(self.found.game.successors(tuple(draft.ready), draft.bits, draft.values))
            if len(ways) != 1:
                return draft
            ways[0].labels[:0] = draft.labels
            draft = ways[0]

    def watched(self, labels: tuple[Label, ...], watch: tuple[int, ...]) -> tuple[int, ...]:
        if not watch:
            return watch
        values = list(watch)
        for what, site in labels:
            for number in self.hears[site]:
                values[number] = self.found.monitors[number].update(values[number], what, self.found.net.sites[site])
        return tuple(values)

    def examine(self, number: int, state: State) -> None:
        if state.bits == self.found.net.ended:
            self.found.ended.append(number)
        view = View(self.found, state)
        for name, invariant in self.invariants.items():
            if name not in self.found.broken and not invariant(view):
                self.found.broken[name] = number
