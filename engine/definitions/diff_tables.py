"""Two versions of a decision table, rule by rule and column by column. Editors give rules new ids as they like: a rule
is the same when it says the same, then when it has the same id, then when it says nearly the same."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from .diff_effects import INNER
from .diff_matching import Pair, merged, moved, overlap, pairs
from .diff_model import Change, Effect, Kind, Subject
from .diff_xml import Part, describe, differences

ORDERED: Final = frozenset({"FIRST", "PRIORITY", "RULE ORDER", "OUTPUT ORDER", "COLLECT"})
"""Hit policies whose result depends on the order of the rules, or shows it."""
CELLS: Final = ("inputEntry", "outputEntry", "annotationEntry")
COLUMNS: Final = ("input", "output", "annotation")
_CLAUSE: Final = re.compile(r"\bR\d{2}\b")
State = Literal["same", "added", "removed", "changed", "moved"]


@dataclass(frozen=True, slots=True)
class Column:
    """`side`: input, output or annotation; a label is None where that version has no such column."""

    side: str
    old: str | None
    new: str | None

    @property
    def label(self) -> str:
        return (self.new if self.new is not None else self.old) or ""


@dataclass(frozen=True, slots=True)
class Row:
    """A rule as both versions have it: `old`, `new`: its number from 1, None where it is not; `cells`: per column the
    text before and after, None where the version has no such rule or column; `id`: of the newer one."""

    state: State
    old: int | None
    new: int | None
    cells: tuple[tuple[str | None, str | None], ...]
    id: str
    note: tuple[str, str] = ("", "")


class Tables:
    """Two versions of one table, aligned."""

    def __init__(self, old: Part, new: Part) -> None:
        self.old, self.new = old, new
        self._old = {side: _of(old, side) for side in (*COLUMNS, "rule")}
        self._new = {side: _of(new, side) for side in (*COLUMNS, "rule")}

    @cached_property
    def columns(self) -> dict[str, list[Pair]]:
        return {
            side: pairs(
                self._old[side],
                self._new[side],
                lambda one: (one.get("id") or None, _asks(one)),
                lambda one: one.get("id") or None,
                _asks,
                lambda one: _label(one) or None,
            )
            for side in COLUMNS
        }

    @cached_property
    def rules(self) -> list[Pair]:
        old, new = self._old["rule"], self._new["rule"]
        said = {id(rule): self._says(rule, "old") for rule in old} | {id(rule): self._says(rule, "new") for rule in new}
        return pairs(
            old,
            new,
            lambda rule: (rule.get("id"), said[id(rule)]),
            lambda rule: said[id(rule)],
            lambda rule: rule.get("id") or None,
            likeness=lambda one, other: overlap(_filled(said[id(one)]), _filled(said[id(other)])),
        )

    def _says(self, rule: Part, side: str) -> tuple[tuple[str, str], ...]:
        """(column, cell) of the columns that both versions have, in an order that both share, and the description."""
        said = []
        for kind, tag in zip(COLUMNS, CELLS, strict=True):
            cells = _of(rule, tag)
            said += [(self._shared(kind, i, j), _cell(cells, i if side == "old" else j)) for i, j in self.columns[kind]]
        return (*sorted(said), ("description", _note(rule)))

    def _shared(self, kind: str, i: int, j: int) -> str:
        """A name of a column that is the same from either side."""
        return f"{kind} {sorted((_label(self._old[kind][i]), _label(self._new[kind][j])))}"

    @cached_property
    def moved(self) -> set[Pair]:
        def label(pair: Pair) -> str:
            a, b = self._old["rule"][pair[0]], self._new["rule"][pair[1]]
            return repr(sorted((a.signature, b.signature)))

        return moved(self.rules, label)

    @property
    def policy(self) -> tuple[str, str]:
        """The hit policy before and after."""
        return _policy(self.old), _policy(self.new)

    def shape(self) -> list[tuple[str, int | None, int | None]]:
        """All columns of both versions: (kind, place in the old one, place in the new one)."""
        return [
            (kind, i, j)
            for kind in COLUMNS
            for i, j in merged(len(self._old[kind]), len(self._new[kind]), self.columns[kind])
        ]

    def view(self) -> tuple[tuple[Column, ...], tuple[Row, ...]]:
        """The two tables laid over one another, to be painted."""
        shape = self.shape()
        columns = tuple(
            Column(
                kind,
                None if i is None else _label(self._old[kind][i]),
                None if j is None else _label(self._new[kind][j]),
            )
            for kind, i, j in shape
        )
        old, new = self._old["rule"], self._new["rule"]
        rows = []
        for i, j in merged(len(old), len(new), self.rules):
            left, right = None if i is None else old[i], None if j is None else new[j]
            cells = tuple((_at(left, kind, a), _at(right, kind, b)) for kind, a, b in shape)
            notes = (_note(left), _note(right))
            known = right or left
            ident = known.get("id") if known is not None else ""
            rows.append(Row(self._state(i, j, cells, notes), _number(i), _number(j), cells, ident, notes))
        return columns, tuple(rows)

    def _state(
        self, i: int | None, j: int | None, cells: tuple[tuple[str | None, str | None], ...], notes: tuple[str, str]
    ) -> State:
        if i is None or j is None:
            return "added" if i is None else "removed"
        if notes[0] != notes[1] or any((a or "") != (b or "") for a, b in cells):
            return "changed"
        return "moved" if (i, j) in self.moved else "same"

    def changes(self, place: tuple[str, ...]) -> Iterator[Change]:
        """Every difference between the two tables. `place`: name of the decision."""
        table = [Subject(one.get("id"), "", "decisionTable", place) for one in (self.old, self.new)]
        for kind, path, before, after in differences(_frame(self.old), _frame(self.new)):
            effect: Effect = (
                "technical" if path[-1] in INNER else "layout" if path[-1] == "@preferredOrientation" else "decision"
            )
            if path[-1].startswith("@biodi:"):
                effect = "layout"
            yield Change(kind, effect, table[0], table[1], path, before, after)
        for kind_ in COLUMNS:
            yield from self._columns(kind_, place)
        yield from self._rules(place)

    def _columns(self, side: str, place: tuple[str, ...]) -> Iterator[Change]:
        old, new, found = self._old[side], self._new[side], self.columns[side]
        effect: Effect = "text" if side == "annotation" else "decision"
        kept_old, kept_new = {i for i, _ in found}, {j for _, j in found}
        for i, column in enumerate(old):
            if i not in kept_old:
                yield Change("removed", effect, _column(column, place), None, (), describe(column), None)
        for j, column in enumerate(new):
            if j not in kept_new:
                yield Change("added", effect, None, _column(column, place), (), None, describe(column))
        for i, j in found:
            for kind, path, before, after in differences(old[i], new[j]):
                what: Effect = (
                    "technical" if path[-1] in INNER else "layout" if path[-1].startswith("@biodi:") else effect
                )
                what = "text" if path == ("@label",) else what
                yield Change(kind, what, _column(old[i], place), _column(new[j], place), path, before, after)
        order = moved(found, lambda pair: repr(sorted((old[pair[0]].signature, new[pair[1]].signature))))
        for i, j in sorted(order):
            # The order of outputs ranks the results of some hit policies.
            what = "decision" if side == "output" else "layout"
            yield Change(
                "moved", what, _column(old[i], place), _column(new[j], place), ("@place",), str(i + 1), str(j + 1)
            )

    def _rules(self, place: tuple[str, ...]) -> Iterator[Change]:
        old, new = self._old["rule"], self._new["rule"]
        shape = self.shape()
        kept_old, kept_new = {i for i, _ in self.rules}, {j for _, j in self.rules}
        for i, rule in enumerate(old):
            if i not in kept_old:
                yield Change("removed", "decision", _rule(rule, i, place), None, (), _said(rule), None)
        for j, rule in enumerate(new):
            if j not in kept_new:
                yield Change("added", "decision", None, _rule(rule, j, place), (), None, _said(rule))
        matters = bool(ORDERED & set(self.policy))
        for i, j in self.rules:
            subjects = _rule(old[i], i, place), _rule(new[j], j, place)
            if (i, j) in self.moved:
                effect: Effect = "decision" if matters else "layout"
                yield Change("moved", effect, *subjects, ("@place",), str(i + 1), str(j + 1))
            yield from self._cells(old[i], new[j], subjects, shape)

    def _cells(
        self, old: Part, new: Part, subjects: tuple[Subject, Subject], shape: list[tuple[str, int | None, int | None]]
    ) -> Iterator[Change]:
        for kind, a, b in shape:
            before, after = _at(old, kind, a), _at(new, kind, b)
            named = {_label(self._old[kind][a])} if a is not None else set()
            named |= {_label(self._new[kind][b])} if b is not None else set()
            step = f"cell[{' / '.join(sorted(named))}]"
            if (before or "") != (after or ""):
                what: Kind = "added" if before is None else "removed" if after is None else "changed"
                effect: Effect = "text" if kind == "annotation" else "decision"
                yield Change(what, effect, *subjects, (step,), before, after)
            left, right = _entry(old, kind, a), _entry(new, kind, b)
            if left is not None and right is not None:
                for what, path, one, other in differences(_bare(left), _bare(right)):
                    effect = "technical" if path[-1] in INNER else "decision"
                    yield Change(what, effect, *subjects, (step, *path), one, other)
        for what, path, one, other in differences(_rest(old), _rest(new)):
            effect = "technical" if path[-1] in INNER else "text" if path[0] == "description" else "decision"
            yield Change(what, effect, *subjects, path, one, other)


def _of(part: Part, tag: str) -> list[Part]:
    return [child for child in part.children if child.tag == tag]


def _frame(table: Part) -> Part:
    """The table without its columns and rules."""
    return Part(table.tag, table.attributes, table.text, [c for c in table.children if c.tag not in (*COLUMNS, "rule")])


def _rest(rule: Part) -> Part:
    return Part(rule.tag, rule.attributes, rule.text, [child for child in rule.children if child.tag not in CELLS])


def _bare(entry: Part) -> Part:
    """A cell without its plain text, which is told as such."""
    inside = [
        Part(child.tag, child.attributes, "", child.children) if child.tag == "text" else child
        for child in entry.children
    ]
    return Part(entry.tag, entry.attributes, entry.text, inside)


def _asks(column: Part) -> str | None:
    """What a column is about: the expression of an input, the name of an output."""
    expression = column.first("inputExpression")
    text = expression.first("text") if expression is not None else None
    return (text.text.strip() if text is not None else column.get("name")) or None


def _label(column: Part) -> str:
    return column.get("label") or column.get("name") or _asks(column) or column.get("id")


def _entry(rule: Part | None, kind: str, place: int | None) -> Part | None:
    if rule is None or place is None:
        return None
    cells = _of(rule, CELLS[COLUMNS.index(kind)])
    return cells[place] if place < len(cells) else None


def _at(rule: Part | None, kind: str, place: int | None) -> str | None:
    """The text of a cell; None where there is no such rule or column."""
    if rule is None or place is None:
        return None
    return _cell(_of(rule, CELLS[COLUMNS.index(kind)]), place)


def _cell(cells: list[Part], place: int) -> str:
    text = cells[place].first("text") if place < len(cells) else None
    return text.text if text is not None else ""


def _filled(said: tuple[tuple[str, str], ...]) -> set[Hashable]:
    """What is written in a rule; cells that are empty make two rules no more alike."""
    return {cell for cell in said if cell[1].strip() not in ("", "-")}


def _note(rule: Part | None) -> str:
    note = rule.first("description") if rule is not None else None
    return note.text if note is not None else ""


def _number(place: int | None) -> int | None:
    return None if place is None else place + 1


def _policy(table: Part) -> str:
    return table.get("hitPolicy") or "UNIQUE"


def _said(rule: Part) -> str:
    """A rule in one line."""
    sides = [[_cell([cell], 0) or "-" for cell in _of(rule, tag)] for tag in CELLS[:2]]
    return f"{' | '.join(sides[0])} => {' | '.join(sides[1])}"


def _rule(rule: Part, place: int, decision: tuple[str, ...]) -> Subject:
    clauses = tuple(dict.fromkeys(_CLAUSE.findall(_note(rule))))
    return Subject(rule.get("id"), str(place + 1), "rule", decision, clauses)


def _column(column: Part, decision: tuple[str, ...]) -> Subject:
    return Subject(column.get("id"), _label(column), column.tag, decision)
