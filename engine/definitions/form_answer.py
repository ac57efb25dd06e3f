"""A submission laid over the server's own data: which row continues which, and what was sent for which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from engine.definitions.form_javascript import equal
from engine.definitions.form_model import Component, FormLimits, Path, descend, dotted
from engine.definitions.form_state import MISSING, get, initialise, new_row, put
from engine.domain.codec import JSON, copied

Fault = tuple[str, Mapping[str, object]]
_NOTHING: Final[Mapping[str, JSON]] = {}
READONLY_WEIGHT: Final = 1_000
"""Weight of an equal readonly value when rows are matched: it outweighs any number of other equal values."""


@dataclass(slots=True)
class Answer:
    """`base`: own data in the shape of the submission (rows added, removed). `given`: what was sent, by path.

    `faults`: what is wrong with the shape, by path, with the component or None for a name the form does not know.
    `rows`: list path -> own row index for each row, None for a new one.
    """

    own: dict[str, JSON]
    base: dict[str, JSON]
    given: dict[Path, JSON] = field(default_factory=dict)
    faults: list[tuple[Path, Component | None, Fault]] = field(default_factory=list)
    rows: dict[Path, tuple[int | None, ...]] = field(default_factory=dict)

    def own_path(self, path: Path) -> Path | None:
        """Where the value at `path` stands in the own data; None within a new row."""
        out: list[str | int] = []
        for at, key in enumerate(path):
            if isinstance(key, int):
                kept = self.rows[path[:at]][key]
                if kept is None:
                    return None
                key = kept
            out.append(key)
        return tuple(out)


def read_answer(
    components: tuple[Component, ...], submitted: Mapping[str, JSON], data: Mapping[str, JSON], limits: FormLimits
) -> Answer:
    """The submission, split by field. `data`: the own data that the form was shown with."""
    own = initialise(components, data)
    answer = Answer(own, copied(own))
    _Reading(answer, data, limits).scope(components, submitted, answer.base, ())
    return answer


@dataclass(slots=True)
class _Reading:
    answer: Answer
    data: Mapping[str, JSON]
    limits: FormLimits
    unknown: int = 0

    def scope(
        self, components: tuple[Component, ...], sent: Mapping[str, JSON], base: dict[str, JSON], path: Path
    ) -> None:
        """One scope: the root or a list row; `path` leads to it."""
        known: dict[str, JSON] = {}
        self.fields(components, sent, base, path, (), known)
        self.strangers(sent, known, path)

    def fields(
        self,
        components: tuple[Component, ...],
        sent: Mapping[str, JSON],
        base: dict[str, JSON],
        scope: Path,
        prefix: Path,
        known: dict[str, JSON],
    ) -> None:
        """`known` collects the names that the scope may hold, as nested dicts ending in None."""
        for component in components:
            local = prefix + component.segments
            if component.keyed:
                put(known, local, None)
                value = get(sent, local)
                if value is not MISSING:
                    self.answer.given[scope + local] = value
            elif component.repeated and component.segments:
                put(known, local, None)
                self.rows(component, get(sent, local), base, scope, local)
            elif component.children:
                if component.segments and not isinstance(get(known, local), dict):
                    put(known, local, {})
                self.fields(component.children, sent, base, scope, local, known)
            elif isinstance(component.attributes.get("key"), str) and component.attributes["key"]:
                known.setdefault(component.attributes["key"], None)  # a presented component: may be echoed, is dropped

    def strangers(self, sent: Mapping[str, JSON], known: Mapping[str, JSON], path: Path) -> None:
        for name, value in sent.items():
            here = (*path, str(name))
            if name not in known:
                self.unknown += 1
                if self.unknown <= self.limits.unknown:
                    shown = dotted(here)[:200].encode("utf-8", "replace").decode()
                    self.answer.faults.append(((shown,), None, ("form.unknown_field", {"name": shown})))
            elif isinstance(inner := known[name], Mapping):
                if isinstance(value, Mapping):
                    self.strangers(value, inner, here)
                elif value is not None:
                    self.answer.faults.append((here, None, ("form.not_an_object", {"name": dotted(here)})))

    def rows(self, component: Component, sent: object, base: dict[str, JSON], scope: Path, local: Path) -> None:
        path = scope + local
        own = get(base, local)
        own_rows: list[JSON] = own if isinstance(own, list) else []
        rows = self.sent_rows(component, sent, len(own_rows), path)
        if rows is None:
            kept: tuple[int | None, ...] = tuple(range(len(own_rows)))
            rows = [_NOTHING] * len(own_rows)
        elif component.open_ended:
            kept = _matched(component, rows, own_rows)
        else:
            kept = tuple(range(len(own_rows)))
            rows = [*rows, *[_NOTHING] * (len(own_rows) - len(rows))]
        self.answer.rows[path] = kept
        new = [copied(own_rows[index]) if index is not None else new_row(component, self.data) for index in kept]
        put(base, local, new)
        for number, (row, target) in enumerate(zip(rows, new, strict=True)):
            self.scope(component.children, row, target, (*path, number))

    def sent_rows(
        self, component: Component, sent: object, own_count: int, path: Path
    ) -> list[Mapping[str, JSON]] | None:
        """The rows that were sent; None: take the own rows, because nothing usable was sent.

        The viewer sends no list at all when the last row was removed, and a hole (null) for a row without values.
        """
        if sent is MISSING or sent is None:
            writes = any(
                one.keyed and not one.disabled and one.type != "expression" for one in descend(component.children)
            )
            return [] if component.open_ended and writes else None
        fault: Fault | None = None
        if not isinstance(sent, list):
            fault = ("form.not_a_list", {})
        elif len(sent) > self.limits.rows and len(sent) > own_count:
            fault = ("form.too_many_rows", {"limit": self.limits.rows, "got": len(sent)})
        elif not component.open_ended and len(sent) > own_count:
            fault = ("form.rows_fixed", {"expected": own_count, "got": len(sent)})
        else:
            bad = [number for number, row in enumerate(sent) if row is not None and not isinstance(row, Mapping)]
            self.answer.faults += [
                ((*path, number), component, ("form.not_an_object", {"name": dotted((*path, number))}))
                for number in bad
            ]
            return [row if isinstance(row, Mapping) else _NOTHING for row in sent]
        self.answer.faults.append((path, component, fault))
        return None


def _matched(component: Component, rows: list[Mapping[str, JSON]], own: list[JSON]) -> tuple[int | None, ...]:
    """For each sent row the own row that it most likely continues, or None for a new one.

    The viewer removes rows and appends new ones but never reorders, so continuing rows stand in the order of the own
    ones. Among such pairings the one with the most equal values is taken; a row whose readonly values differ is never
    paired, nor one that has nothing in common.
    """
    fields = _row_fields(component.children, ())
    facts = [[get(row, path) for path, _ in fields] for row in rows]
    own_facts = [[get(row, path) for path, _ in fields] for row in own]
    components = [one for _, one in fields]
    same = 0  # most rows are as they were: those at the start need no comparing with all others
    while same < min(len(rows), len(own)) and _unchanged(components, facts[same], own_facts[same]):
        same += 1
    gains = [[_likeness(components, row, one) for one in own_facts[same:]] for row in facts[same:]]
    return (*range(same), *(None if at is None else at + same for at in _best_pairing(gains, len(own) - same)))


def _best_pairing(gains: list[list[int]], columns: int) -> list[int | None]:
    """For each row of `gains` the column it is paired with, in rising order, so that the sum is the greatest."""
    best: list[list[int]] = [[0] * (columns + 1) for _ in range(len(gains) + 1)]
    for i in range(len(gains) - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            paired = best[i + 1][j + 1] + gains[i][j] if gains[i][j] else 0
            best[i][j] = max(paired, best[i][j + 1], best[i + 1][j])
    pairs: list[int | None] = [None] * len(gains)
    i = j = 0
    while i < len(gains) and j < columns:
        if best[i][j] == best[i][j + 1]:
            j += 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            pairs[i] = j
            i, j = i + 1, j + 1
    return pairs


def _unchanged(components: list[Component], sent: list[object], own: list[object]) -> bool:
    return _likeness(components, sent, own) > 0 and all(
        one is MISSING or equal(one, stored) for one, stored in zip(sent, own, strict=True)
    )


def _likeness(components: list[Component], row: list[object], own: list[object]) -> int:
    """How much speaks for a sent row being a stored one; 0: nothing, or a readonly value speaks against it."""
    total = 0
    for component, sent, stored in zip(components, row, own, strict=True):
        same = sent is not MISSING and stored is not MISSING and equal(sent, stored)
        if component.attributes.get("readonly") is True:
            if sent is not MISSING and not same:
                return 0
            total += READONLY_WEIGHT * same
        elif same and sent != component.own_empty():
            total += 1
    return total


def _row_fields(components: tuple[Component, ...], prefix: Path) -> list[tuple[Path, Component]]:
    out: list[tuple[Path, Component]] = []
    for component in components:
        path = prefix + component.segments
        if component.keyed and component.type not in ("expression", "filepicker"):
            out.append((path, component))
        elif component.repeated:
            continue
        elif component.children:
            out += _row_fields(component.children, path)
    return out
