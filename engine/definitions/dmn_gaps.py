"""Gaps and overlaps of decision tables whose cells are literals, lists, ranges and comparisons.

1. For each column take representatives: every literal its cells mention, a value between and beyond neighbouring
   numbers and dates, one text that no cell mentions; those the column's allowed values refuse are dropped.
2. For each representative note, as a bit set, the rules whose cell accepts it: cells are asked, not interpreted again.
3. Walk the product of the columns, and-ing bit sets; an empty set is a gap, more than one rule may be an overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from engine.definitions.dmn_model import Decision, Input, Rule, Table
from engine.feel import Environment, FeelEvaluationError, from_json, to_json
from engine.feel.json_values import Json
from engine.feel.lexer import tokenize
from engine.feel.temporal import parse_temporal

MAX_COMBINATIONS = 100_000
"""Steps of the walk: inputs that meet the same rules in the same columns are walked once."""
MAX_FINDINGS = 20
"""Of each kind; a table with more is better redrawn than read through."""
NOWHEN = Environment(now=datetime(1970, 1, 1, tzinfo=UTC))
_OTHER_TEXT = "…"
_COMPUTES = frozenset({"NAME", "DOT", "IF", "FOR", "SOME", "EVERY", "FUNCTION", "LBRACE", "PLUS", "STAR", "SLASH"})
_LITERAL_CALLS = frozenset({"not", "date", "date and time", "duration"})
"""`not(...)` around a cell is asked as a whole; `date("...")` is a literal in other words."""
_TEXT_CALLS = frozenset({"contains", "starts with", "ends with", "?"})
_LIST_CALLS = frozenset({"list contains", "?"})
"""Questions about the value that its literals decide."""


@dataclass(frozen=True, slots=True)
class GapFinding:
    """`gap`: no rule fits `example`. `overlap`: the numbered rules fit it together although the policy wants one.
    `never`: the rule fires for no input, because its cells exclude each other or rules before it take all it fits.

    `not_analysed`: `reason` is a catalogue key (`dmn.gaps.column`, with the column's label, or `dmn.gaps.too_large`).
    """

    kind: Literal["gap", "overlap", "never", "not_analysed"]
    decision_id: str
    rules: tuple[int, ...] = ()
    example: tuple[tuple[str, Json], ...] = ()
    reason: str = ""
    column: str = ""


def gaps_and_overlaps(decision: Decision, constants: Mapping[str, object] | None = None) -> tuple[GapFinding, ...]:
    """Findings for a decision table, each with an example input; nothing for a literal expression.

    `constants`: names with a fixed value that cells may read (parameters of the regulation profile).

    Overlaps are findings for UNIQUE, and for ANY where outputs differ in their text; gaps where a rule must fit (not in
    tables that collect) and no default covers them.
    """
    table = decision.logic
    if not isinstance(table, Table):
        return ()
    columns: list[list[tuple[object, int]]] = []
    known = constants or {}
    for place, column in enumerate(table.inputs):
        values = _representatives(table, place, column, known)
        if values is None:
            return (GapFinding("not_analysed", decision.id, reason="dmn.gaps.column", column=column.label),)
        columns.append([(value, _accepting(table.rules, place, value, known)) for value in values])
    try:
        return tuple(_Walk(decision, table, columns).findings())
    except _TooLarge:
        return (GapFinding("not_analysed", decision.id, reason="dmn.gaps.too_large"),)


class _TooLarge(Exception):
    """The walk has more steps than MAX_COMBINATIONS."""


def _accepting(rules: Sequence[Rule], place: int, value: object, known: Mapping[str, object]) -> int:
    """Bit n is set when rule n accepts `value` in that column."""
    bits = 0
    for index, rule in enumerate(rules):
        tests = [test for column, test in rule.tests if column == place]
        if all(test.matches(value, known, NOWHEN) is True for test in tests):
            bits |= 1 << index
    return bits


def _representatives(table: Table, place: int, column: Input, known: Mapping[str, object]) -> list[object] | None:
    """Values that between them meet every cell of the column in every way; None for cells beyond literals."""
    cells = [test for rule in table.rules for number, test in rule.tests if number == place]
    texts = [cell.text for cell in cells] + ([column.allowed.text] if column.allowed else [])
    if any(cell.names - {column.variable} - known.keys() or cell.inner_names for cell in cells):
        return None
    literals: list[object] = []
    listed = any("list contains" in text for text in texts)
    for text in texts:
        found = _literals(text, known, _LIST_CALLS if listed else _TEXT_CALLS)
        if found is None:
            return None
        literals += found
    values = _lists(literals) if listed else list(_around(literals, column.type))
    if column.allowed is not None:
        allowed = column.allowed
        values = [value for value in values if allowed.matches(value, {}, NOWHEN) is True]
    try:
        for value in values:
            for cell in cells:
                cell.matches(value, known, NOWHEN)
    except FeelEvaluationError:
        return None
    return values or [None]


def _lists(literals: Sequence[object]) -> list[object]:
    """Lists that hold none, one, another and all of some values."""
    values = list(dict.fromkeys(value for value in literals if isinstance(value, str | Decimal)))
    return [[], *([value] for value in values), [_OTHER_TEXT], values]


def _literals(text: str, known: Mapping[str, object], calls: frozenset[str]) -> list[object] | None:
    """The literals a cell mentions; None when it calls or computes, so that they alone do not decide."""
    literals: list[object] = []
    sign = 1
    for token in tokenize(text):
        if token.type == "NUMBER":
            literals.append(sign * Decimal(str(token)))
        elif token.type in ("STRING", "AT"):
            literals.append(str(token) if token.type == "STRING" else parse_temporal(str(token)))
        elif token.type in ("TRUE", "FALSE"):
            literals.append(token.type == "TRUE")
        elif token.type == "NAME" and str(token) in known:
            literals.append(from_json(known[str(token)]))
        elif token.type in _COMPUTES and str(token) not in _LITERAL_CALLS | calls:
            return None
        sign = -1 if token.type == "MINUS" else 1
    return literals


def _around(literals: Sequence[object], type_name: str) -> Iterator[object]:
    """Each literal once, and values between and beyond them, in a fixed order."""
    texts = sorted({value for value in literals if isinstance(value, str)})
    numbers = sorted({value for value in literals if isinstance(value, Decimal)})
    days = sorted({value for value in (_day(value) for value in literals) if value is not None})
    if type_name == "boolean" or any(isinstance(value, bool) for value in literals):
        yield from (True, False)
    if numbers or type_name in ("number", "integer", "long", "double"):
        yield from _numbers_around(numbers or [Decimal(0)], type_name in ("integer", "long"))
    elif days and (type_name in ("date", "dateTime") or len(days) == len(texts) or not texts):
        yield from _days_around(days)
    elif texts or type_name == "string":
        yield from [*texts, _OTHER_TEXT]


def _day(value: object) -> date | None:
    found = parse_temporal(value) if isinstance(value, str) else value
    if isinstance(found, datetime):
        return found.date()
    return found if isinstance(found, date) else None


def _numbers_around(numbers: Sequence[Decimal], whole: bool) -> Iterator[Decimal]:
    yield numbers[0] - 1
    for low, high in zip(numbers, [*numbers[1:], numbers[-1] + 2], strict=True):
        yield low
        middle = (low + high) / 2
        if not whole or (middle := middle.to_integral_value()) not in (low, high):
            yield middle


def _days_around(days: Sequence[date]) -> Iterator[date]:
    for day in days:
        yield from (day - timedelta(days=1), day, day + timedelta(days=1))


class _Walk:
    """The walk over all combinations of representatives."""

    def __init__(self, decision: Decision, table: Table, columns: Sequence[Sequence[tuple[object, int]]]) -> None:
        self.decision, self.table, self.columns = decision, table, columns
        self.gaps: list[GapFinding] = []
        self.overlaps: dict[tuple[int, ...], GapFinding] = {}
        collects = table.hit_policy in ("COLLECT", "RULE ORDER", "OUTPUT ORDER")
        self.covered = collects or any(output.default is not None for output in table.outputs)
        self.firing = 0
        self.last = [max((place for place, _ in rule.tests), default=-1) for rule in table.rules]
        """The last column that each rule asks."""
        self.steps = 0
        self.whole: set[tuple[int, int]] = set()
        """(column, rules left) below which there is no gap: met again, nothing new is found there."""

    def findings(self) -> list[GapFinding]:
        everything = (1 << len(self.table.rules)) - 1
        self._walk(0, everything, ())
        idle = [rule for index, rule in enumerate(self.table.rules) if not self.firing >> index & 1]
        never = [GapFinding("never", self.decision.id, (rule.number,)) for rule in idle]
        return [*self.gaps[:MAX_FINDINGS], *list(self.overlaps.values())[:MAX_FINDINGS], *never[:MAX_FINDINGS]]

    def _walk(self, place: int, bits: int, example: tuple[object, ...]) -> None:
        if not bits:
            # Whatever the remaining columns hold, no rule is left: one finding stands for all of them.
            if not self.covered and len(self.gaps) < MAX_FINDINGS:
                self.gaps.append(GapFinding("gap", self.decision.id, (), self._example(example)))
        elif place == len(self.columns):
            # With FIRST only the topmost rule fires.
            self.firing |= bits & -bits if self.table.hit_policy == "FIRST" else bits
            self._overlap(bits, example)
        else:
            if (place, bits) in self.whole:
                return
            lowest = bits & -bits
            if self.table.hit_policy == "FIRST" and self.last[lowest.bit_length() - 1] < place:
                # It fires whatever the remaining columns hold.
                self.firing |= lowest
                return
            gaps = len(self.gaps)
            for value, accepting in self.columns[place]:
                self.steps += 1
                if self.steps > MAX_COMBINATIONS:
                    raise _TooLarge
                self._walk(place + 1, bits & accepting, (*example, value))
            if len(self.gaps) == gaps:
                self.whole.add((place, bits))

    def _example(self, values: tuple[object, ...]) -> tuple[tuple[str, Json], ...]:
        return tuple((column.label, to_json(value)) for column, value in zip(self.table.inputs, values, strict=False))

    def _overlap(self, bits: int, example: tuple[object, ...]) -> None:
        rules = [rule for index, rule in enumerate(self.table.rules) if bits >> index & 1]
        if len(rules) < 2 or self.table.hit_policy not in ("UNIQUE", "ANY"):
            return
        texts = {tuple(output.text if output else "" for output in rule.outputs) for rule in rules}
        if self.table.hit_policy == "ANY" and len(texts) == 1:
            return
        numbers = tuple(rule.number for rule in rules)
        if numbers not in self.overlaps and len(self.overlaps) < MAX_FINDINGS:
            self.overlaps[numbers] = GapFinding("overlap", self.decision.id, numbers, self._example(example))
