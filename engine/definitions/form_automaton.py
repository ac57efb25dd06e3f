"""Runs a pattern of form_pattern as a non-deterministic automaton: no backtracking, so no pattern can hang."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from engine.definitions.form_pattern import (
    MAX_STATES,
    MAX_STEPS,
    WORD,
    Assertion,
    Choice,
    Look,
    Node,
    PatternBudget,
    PatternUnsupported,
    Repeat,
    Sequence_,
    Units,
    parse_pattern,
    utf16_units,
)


@dataclass(slots=True)
class State:
    """`test` None: a free move to `targets`. Units: takes one unit. Assertion or an Automaton: a condition."""

    test: Units | Assertion | Automaton | None
    targets: list[int]
    wanted: bool = True


@dataclass(slots=True)
class Automaton:
    """`states[0]` begins, `final` is reached when the pattern matches."""

    states: list[State] = field(default_factory=list)
    final: int = 0

    def add(self, test: Units | Assertion | Automaton | None, wanted: bool = True) -> int:
        if len(self.states) >= MAX_STATES:
            raise PatternUnsupported("too_large", 0)
        self.states.append(State(test, [], wanted))
        return len(self.states) - 1

    def link(self, node: Node, begin: int) -> int:
        """Adds `node` behind state `begin`; returns the state that stands behind it."""
        match node:
            case Units() | Assertion():
                at = self.add(node)
            case Look(body, wanted):
                at = self.add(automaton_of(body), wanted)
            case Sequence_(parts):
                for part in parts:
                    begin = self.link(part, begin)
                return begin
            case Choice(options):
                end = self.add(None)
                for option in options:
                    self.states[self.link(option, self.behind(begin))].targets.append(end)
                return end
            case Repeat(body, least, most):
                return self.repeat(body, least, most, begin)
        self.states[begin].targets.append(at)
        return self.behind(at)

    def behind(self, at: int) -> int:
        new = self.add(None)
        self.states[at].targets.append(new)
        return new

    def repeat(self, body: Node, least: int, most: int | None, begin: int) -> int:
        for _ in range(least):
            begin = self.link(body, begin)
        end = self.add(None)
        self.states[begin].targets.append(end)
        if most is None:
            again = self.behind(begin)
            after = self.link(body, again)
            self.states[after].targets += [again, end]
            return end
        for _ in range(most - least):
            begin = self.link(body, begin)
            self.states[begin].targets.append(end)
        return end


def automaton_of(node: Node) -> Automaton:
    automaton = Automaton()
    begin = automaton.add(None)
    automaton.final = automaton.link(node, begin)
    return automaton


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Automaton:
    """The automaton of a JavaScript pattern. Raises PatternUnsupported, also for one that needs too many states."""
    return automaton_of(parse_pattern(pattern))


def matches(pattern: str, text: str) -> bool:
    """What `new RegExp(pattern).test(text)` says. Raises PatternUnsupported, PatternBudget."""
    return _Search(utf16_units(text)).found(compile_pattern(pattern), 0, anywhere=True)


class _Search:
    """One text being searched; `steps` is shared by the pattern and its look-aheads."""

    def __init__(self, units: tuple[int, ...]) -> None:
        self.units = units
        self.steps = 0
        self.looked: dict[tuple[int, int], bool] = {}

    def found(self, automaton: Automaton, start: int, *, anywhere: bool) -> bool:
        active: set[int] = set()
        for at in range(start, len(self.units) + 1):
            begin = [0] if anywhere or at == start else []
            active = self.closure(automaton, [*active, *begin], at)
            if automaton.final in active:
                return True
            if at == len(self.units) or (not active and not anywhere):
                return False
            code = self.units[at]
            following: set[int] = set()
            for number in active:
                state = automaton.states[number]
                if isinstance(state.test, Units) and any(low <= code <= high for low, high in state.test.ranges):
                    following.update(state.targets)
            active = following
        return False

    def closure(self, automaton: Automaton, begin: list[int], at: int) -> set[int]:
        """Every state reachable at this place without taking a unit."""
        seen: set[int] = set()
        waiting = begin
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise PatternBudget
            state = automaton.states[number]
            if isinstance(state.test, Units) or not self.holds(state, at):
                continue
            waiting.extend(state.targets)
        return seen

    def holds(self, state: State, at: int) -> bool:
        match state.test:
            case Assertion("^"):
                return at == 0
            case Assertion("$"):
                return at == len(self.units)
            case Assertion(kind):
                return (self.is_word(at - 1) != self.is_word(at)) == (kind == "b")
            case Automaton() as look:
                known = (id(look), at)
                if known not in self.looked:
                    self.looked[known] = self.found(look, at, anywhere=False)
                return self.looked[known] == state.wanted
        return True

    def is_word(self, at: int) -> bool:
        return 0 <= at < len(self.units) and any(low <= self.units[at] <= high for low, high in WORD)
