"""What a thread knows of the case's fields, what expressions make of it, and how threads put together what they know.

A field's value is a small whole number of the store; STAR is "may be anything by now". An expression over STARs has
every outcome that their domains give, each with the data in which it has it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

from engine.definitions.bundle import Bundle

from .regulation_fields import BRANCH, EVERY, SIDE, Fields
from .regulation_places import Place, Places
from .regulation_values import LATER, MAX_OUTCOMES, NOW, NULL, STAR, Store, evaluated, instant

Data = tuple[int, ...]
END = -1
"""Place of the states in which the case has ended."""


class State:
    """A token at a place with what it knows. There is one object for each such pair, so identity is equality."""

    __slots__ = ("at", "data")

    def __init__(self, at: int, data: Data) -> None:
        self.at, self.data = at, data


class Knowledge:
    """Reading and changing the data of states."""

    def __init__(self, bundle: Bundle, places: Places, fields: Fields, steady: frozenset[str]) -> None:
        self.bundle, self.places, self.fields = bundle, places, fields
        self.steady = steady
        self.store = Store()
        self._live = [[bool(bits >> n & 1) for n in range(len(fields.names))] for bits in fields.live]
        self._known: dict[tuple[Any, ...], list[tuple[Any, tuple[tuple[int, int], ...]]]] = {}
        self._reads: dict[tuple[str, tuple[str, ...]], tuple[int, ...]] = {}
        self._questions: dict[str, tuple[Callable[[Data], Any], dict[Any, int]]] = {}
        self._domains = {
            n: [self.store.id(v) for v in fields.domains.values.get(name, [None])]
            for n, name in enumerate(fields.names)
        }
        self._side = fields.number[SIDE]
        self._every = fields.number.get(EVERY, -1)
        self._branch = fields.number[BRANCH]
        own = {n for names in fields.local.values() for n in names} | {EVERY, SIDE, BRANCH}
        self._apart = frozenset(fields.number[name] for name in own if name in fields.number)

    # -- reading states ------------------------------------------------------------------------------------------

    def data(self, state: State) -> dict[str, Any]:
        """The fields of a state that are not null and not STAR."""
        values = self.store.values
        return {name: values[v] for name, v in zip(self.fields.names, state.data, strict=True) if v > STAR}

    def place(self, state: State) -> Place:
        return self.places[state.at]

    def holds(self, text: str, state: State) -> bool:
        """Whether a condition holds whatever a STAR in it stands for."""
        return self.verdict(text, state.data) == 2

    def may_hold(self, text: str, state: State) -> bool:
        return self.verdict(text, state.data) > 0

    def question(self, text: str) -> tuple[Callable[[Data], Any], dict[Any, int]]:
        """What a condition reads of data, and the verdicts known for what was read."""
        asked = self._questions.get(text)
        if asked is None:
            numbers = [self.fields.number[n] for n in self.fields.names_read(text) if n in self.fields.number]
            pick: Callable[[Data], Any] = itemgetter(*numbers) if numbers else _nothing
            asked = self._questions[text] = (pick, {})
        return asked

    def verdict(self, text: str, data: Data) -> int:
        """2: the condition holds; 1: it depends on what a STAR stands for; 0: it does not hold."""
        pick, known = self.question(text)
        key = pick(data)
        found = known.get(key)
        if found is None:
            true = [value is True for value, _ in self.outcomes(text, data)]
            found = known[key] = 2 if all(true) else 1 if any(true) else 0
        return found

    # -- values --------------------------------------------------------------------------------------------------

    def outcomes(
        self, text: str, data: Data, place: Place | None = None, decides: bool = False
    ) -> list[tuple[Any, Data]]:
        """Every value that an expression can have, with the data in which it has it."""
        lists = self.fields.collecting(text, place) if place is not None else ()
        reads = self._reads.get((text, lists))
        if reads is None:
            numbers = self.fields.number
            names = self.fields.names_read(text, place)
            reads = self._reads[text, lists] = tuple(sorted(numbers[n] for n in names if n in numbers))
        key = (text, tuple(data[n] for n in reads), lists, decides)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = list(self._evaluate(text, reads, data, lists, decides))
        found = []
        for value, changes in known:
            if changes:
                new = list(data)
                for number, one in changes:
                    new[number] = one
                found.append((value, tuple(new)))
            else:
                found.append((value, data))
        return found

    def _evaluate(
        self, text: str, reads: tuple[int, ...], data: Data, lists: tuple[str, ...], decides: bool
    ) -> Iterator[tuple[Any, tuple[tuple[int, int], ...]]]:
        names, values = self.fields.names, self.store.values
        stars = [n for n in reads if data[n] == STAR and names[n] not in lists]
        plain = {names[n]: values[data[n]] for n in reads if data[n] > STAR}
        timed = decides and ("now()" in text or "today()" in text)
        options = [self._domains[n] for n in stars]
        for chosen in itertools.islice(itertools.product(*options), MAX_OUTCOMES):
            known = dict(plain)
            known.update({names[n]: values[v] for n, v in zip(stars, chosen, strict=True)})
            for name in lists:
                own = {n: v for n, v in known.items() if n != EVERY}
                known[name] = [own, {} if known.get(EVERY) is False else own]
            changes = tuple(zip(stars, chosen, strict=True))
            moments = (NOW, LATER) if timed else (NOW,)
            for value in {repr(v): v for v in (evaluated(text, known, m, self.bundle) for m in moments)}.values():
                yield value, changes

    def _set(self, data: Data, name: str, value: Any) -> Data:
        number = self.fields.number.get(name)
        if number is None:
            return data
        return self._put(data, name, self.store.id(value))

    def _put(self, data: Data, name: str, value: int) -> Data:
        number = self.fields.number.get(name)
        if number is None:
            return data
        return (*data[:number], value, *data[number + 1 :])

    def _clear(self, data: Data, names: frozenset[str]) -> Data:
        numbers = {self.fields.number[n] for n in names if n in self.fields.number}
        return tuple([NULL if n in numbers else v for n, v in enumerate(data)]) if numbers else data

    def _star(self, data: Data, names: frozenset[str]) -> Data:
        new = list(data)
        for name in names:
            number = self.fields.number.get(name)
            # A steady field is given once; from then on it is one scenario.
            if number is not None and (name not in self.steady or new[number] == NULL):
                new[number] = STAR
        return tuple(new)

    def _begin(self) -> Data:
        """What every case begins with; a round that begins anew must stand by itself."""
        data: Data = (NULL,) * len(self.fields.names)
        for name, value in self.bundle.parameters.items():
            data = self._set(data, str(name), value)
        return self._set(data, "opened_at", instant(NOW))

    # -- threads -------------------------------------------------------------------------------------------------

    def _branched(self, data: Data, fork: int, number: int) -> Data:
        """A thread that took one way of a fork; a fork met again in a loop begins anew."""
        way: list[list[int]] = self.store.values[data[self._branch]] or []
        before = list(itertools.takewhile(lambda one: one[0] != fork, way))
        return self._set(data, BRANCH, [*before, [fork, number]])

    def _beside(self, mine: Data, theirs: Data) -> int:
        """How many ways two threads share before they part at a fork; -1 for alternatives of one thread."""
        a = self.store.values[mine[self._branch]] or []
        b = self.store.values[theirs[self._branch]] or []
        for shared, (one, other) in enumerate(zip(a, b, strict=False)):
            if one != other:
                return shared if one[0] == other[0] else -1
        return -1

    def _outside(self, data: Data, scope: int) -> Data:
        """Data as they are after a body: the forks in it no longer tell threads apart."""
        way = self.store.values[data[self._branch]] or []
        return self._set(data, BRANCH, [one for one in way if self.places[one[0]].scope < scope] or None)

    def _agree(self, mine: Data, theirs: Data) -> bool:
        """Whether two threads can belong to the same case: what both know is the same."""
        for number, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if a != b and a != STAR and b != STAR and number not in self._apart:
                return False
        return True

    def _filled(self, data: Data, known: list[Data], target: int) -> list[Data]:
        """Data with each STAR that matters replaced by what the threads beside it know.

        Each of them is believed first once, then the others as far as they agree, in one order and in the other: so
        whatever one thread knows is met, though not every combination of three and more.
        """
        live = self._live[target] if target != END else [True] * len(data)
        distinct = list(dict.fromkeys(known))
        found: dict[Data, None] = {}
        for first in distinct:
            for order in (distinct, distinct[::-1]):
                one = self._told(data, first, live)
                for other in order:
                    if self._agree(one, other):
                        one = self._told(one, other, live)
                found[one] = None
        return list(found) or [data]

    def _told(self, mine: Data, theirs: Data, live: list[bool]) -> Data:
        return tuple([b if a == STAR and on else a for a, b, on in zip(mine, theirs, live, strict=True)])


def _nothing(data: Data) -> None:
    """What a condition without fields reads."""
