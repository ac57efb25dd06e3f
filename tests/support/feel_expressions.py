"""Random FEEL expressions of a wanted kind, mostly well typed, from a seed.

The words are those of case data: Chinese names, grades, units, instants as ISO text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

VARIABLES: dict[str, Any] = {
    "n": 7,
    "m": -2.5,
    "零": 0,
    "grade": "重大",
    "title": "绿地 舆情-2026",
    "late": True,
    "done": False,
    "nothing": None,
    "numbers": [3, 1, 2, 3],
    "units": ["耕保科", "禹州局", "执法支队"],
    "empty": [],
    "case": {
        "等级": "重大",
        "read": 12000,
        "at": "2026-11-20T08:30:00+08:00",
        "read_at": "2026-11-20T08:30:00+08:00",
        "inner": {"k": 1},
    },
    "reports": [
        {"unit": "禹州局", "count": 3, "late": True},
        {"unit": "耕保科", "count": 5, "late": False},
        {"unit": "执法支队", "count": 3, "late": None},
    ],
}
KINDS = ("number", "text", "truth", "numbers", "texts", "context", "date", "moment", "time", "days", "months", "range")

_NUMBER_TEXTS = ('"1.5"', '"7"', '"x"')
_JOINTS = ('"、"', '""', '"-"')
_PATTERNS = ('"[a-c]"', '"大"', '"\\\\d+"', '"^[a-z]+$"', '"重|普"')
_CUTS = ('","', '"[,;]"', '"-"')
_ROUNDINGS = ("round up", "round down", "round half up", "round half down")
_FILTERS = ("late", "count > 3", "late = true", "unit = grade", "count = 3")
_WHOLE_DAYS = ('duration("P1D")', 'duration("P40D")')


class Grammar:
    """Draws from one Random; `expression(kind, depth)` gives text whose parts are parenthesised where needed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.parts: dict[str, tuple[str, ...]] = {}
        """Each expression made -> the expressions it is directly made of."""
        self._open: list[list[str]] = []

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.random.randrange(len(choices))]

    def any(self, depth: int) -> str:
        return self.expression(self.pick(KINDS), depth)

    def expression(self, kind: str, depth: int) -> str:
        """Text of that kind; one in twelve parts is of another kind, as people's mistakes are."""
        self._open.append([])
        text = self._made(kind, depth)
        self.parts[text] = tuple(self._open.pop())
        if self._open:
            self._open[-1].append(text)
        return text

    def _made(self, kind: str, depth: int) -> str:
        if self.random.random() < 1 / 12:
            kind = self.pick((*KINDS, "null"))
        if depth <= 0:
            return self._leaf(kind)
        makers: dict[str, Callable[[int], str]] = {
            "number": self._number,
            "text": self._text,
            "truth": self._truth,
            "numbers": self._numbers,
            "texts": self._texts,
            "context": self._context,
            "date": self._date,
            "moment": self._moment,
            "days": self._days,
            "months": self._months,
        }
        if kind not in makers or self.random.random() < 0.15:
            return self._leaf(kind)
        if self.random.random() < 0.08:
            kind_text = [self.expression(kind, depth - 1) for _ in range(2)]
            return f"(if {self.expression('truth', depth - 1)} then {kind_text[0]} else {kind_text[1]})"
        return makers[kind](depth - 1)

    def _leaf(self, kind: str) -> str:
        leaves: dict[str, Sequence[str]] = {
            "number": ("0", "1", "2", "7", "10", "0.5", "3.25", "100", "n", "m", "零", "case.read", "case.inner.k"),
            "text": ('"重大"', '"普通"', '""', '"abc"', '"禹州局"', '"a,b;c"', "grade", "title", "case.等级"),
            "truth": ("true", "false", "late", "done", "n > 5", "nothing = null", 'grade = "重大"'),
            "numbers": ("[1, 2, 3]", "[]", "numbers", "[5]", "reports.count", "[2, null, 1]"),
            "texts": ('["a", "b", "a"]', "units", "reports.unit", "[]", '["重大"]'),
            "context": ("case", "{a: 1, b: 2}", '{"x y": 1}', "{}", "reports[1]", "case.inner"),
            "date": ('date("2026-11-20")', 'date("2024-02-29")', "date(2026, 1, 31)", '@"2025-12-31"'),
            "moment": (
                'date and time("2026-11-20T08:30:00+08:00")',
                'date and time("2026-11-20T23:59:59")',
                '@"2026-01-01T00:00:00Z"',
                "date and time(case.at)",
            ),
            "time": ('time("08:30:00")', '@"18:00:00+08:00"', "time(14, 30, 0)"),
            "days": ('duration("PT8H")', 'duration("P1D")', 'duration("-PT30M")', '@"P2DT3H"', 'duration("PT0S")'),
            "months": ('duration("P1M")', 'duration("P1Y6M")', '@"-P2M"'),
            "range": ("[1..5]", "(1..5)", "]1..5]", "[n..10[", '["a".."c"]', "[2..3]"),
            "null": ("null", "nothing", "case.absent"),
        }
        return str(self.pick(leaves[kind]))

    def _pick_of(self, makers: Sequence[Callable[[], str]]) -> str:
        return str(self.pick(makers)())

    def _number(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('number', d)} {self.pick('+-*/+-*')} {e('number', d)})",
                lambda: f"({e('number', d)} ** {self.pick('0123')})",
                lambda: f"-{e('number', d)}",
                lambda: f"{self.pick(('abs', 'floor', 'ceiling', 'abs'))}({e('number', d)})",
                lambda: f"modulo({e('number', d)}, {e('number', d)})",
                lambda: f"decimal({e('number', d)}, {self.pick('012')})",
                lambda: f"{self.pick(_ROUNDINGS)}({e('number', d)}, 1)",
                lambda: f"{self.pick(('count', 'sum', 'min', 'max', 'mean', 'median', 'product'))}({e('numbers', d)})",
                lambda: f"string length({e('text', d)})",
                lambda: f"count({e('texts', d)})",
                lambda: f"{e('numbers', d)}[{self.pick(('1', '2', '-1', '9', '0'))}]",
                lambda: f"number({self.pick(_NUMBER_TEXTS)})",
                lambda: f"{e('date', d)}.{self.pick(('year', 'month', 'day', 'weekday'))}",
                lambda: f"{e('moment', d)}.{self.pick(('year', 'hour', 'minute', 'second'))}",
                lambda: f"{e('days', d)}.{self.pick(('days', 'hours', 'minutes', 'seconds'))}",
                lambda: f"{e('context', d)}.{self.pick('abk')}",
                lambda: f"({e('days', d)} / {e('days', d)})",
            ]
        )

    def _text(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('text', d)} + {e('text', d)})",
                lambda: f"substring({e('text', d)}, {self.pick(('1', '2', '-2', '3, 2'))})",
                lambda: f"{self.pick(('upper case', 'lower case'))}({e('text', d)})",
                lambda: f"{self.pick(('substring before', 'substring after'))}({e('text', d)}, {self._leaf('text')})",
                lambda: f"string({e('number', d)})",
                lambda: f"string join({e('texts', d)}, {self.pick(_JOINTS)})",
                lambda: f"replace({e('text', d)}, {self.pick(_PATTERNS)}, " + '"x")',
                lambda: f"{e('texts', d)}[1]",
                lambda: f"day of week({e('date', d)})",
                lambda: f"month of year({e('date', d)})",
            ]
        )

    def _truth(self, d: int) -> str:
        e, kind = self.expression, self.pick(("number", "text", "date", "moment", "days", "months"))
        return self._pick_of(
            [
                lambda: f"({e(kind, d)} {self.pick(('=', '!=', '<', '<=', '>', '>='))} {e(kind, d)})",
                lambda: f"({e('number', d)} {self.pick(('=', '<', '>='))} {e('number', d)})",
                lambda: f"({e('text', d)} {self.pick(('=', '!='))} {e('text', d)})",
                lambda: f"({e('truth', d)} {self.pick(('and', 'or'))} {e('truth', d)})",
                lambda: f"not({e('truth', d)})",
                lambda: f"({e('number', d)} between {e('number', d)} and {e('number', d)})",
                lambda: f"({e('number', d)} in {e('range', d)})",
                lambda: f"({e('number', d)} in ({self._leaf('number')}, > {self._leaf('number')}))",
                lambda: f"({e('text', d)} in ({self._leaf('text')}, {self._leaf('text')}))",
                lambda: f"({e('number', d)} in {e('numbers', d)})",
                lambda: f"list contains({e('texts', d)}, {e('text', d)})",
                lambda: f"{self.pick(('contains', 'starts with', 'ends with'))}({e('text', d)}, {e('text', d)})",
                lambda: f"matches({e('text', d)}, {self.pick(_PATTERNS)})",
                lambda: f"(some x in {e('numbers', d)} satisfies x {self.pick('<>=')} {e('number', d)})",
                lambda: f"(every x in {e('numbers', d)} satisfies x {self.pick('<>=')} {e('number', d)})",
                lambda: f"{self.pick(('all', 'any'))}([{e('truth', d)}, {e('truth', d)}])",
                lambda: f"({self.any(d)} = null)",
                lambda: f"({self.any(d)} instance of {self.pick(('number', 'string', 'boolean', 'date'))})",
                lambda: f"{self.pick(('odd', 'even'))}({e('number', d)})",
                lambda: f"{self.pick(('before', 'after'))}({e('number', d)}, {e('range', d)})",
                lambda: f"{self.pick(('overlaps', 'meets', 'coincides'))}({e('range', d)}, {e('range', d)})",
                lambda: f"includes({e('range', d)}, {e('number', d)})",
            ]
        )

    def _numbers(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"[{e('number', d)}, {e('number', d)}]",
                lambda: f"(for x in {e('numbers', d)} return x {self.pick('+*-')} {e('number', d)})",
                lambda: f"(for x in {self.pick('12')}..{self.pick('45')} return x * {e('number', d)})",
                lambda: f"{e('numbers', d)}[item {self.pick('<>=')} {e('number', d)}]",
                lambda: f"reports[{self.pick(_FILTERS)}].count",
                lambda: f"{self.pick(('reverse', 'distinct values', 'flatten', 'sort'))}({e('numbers', d)})",
                lambda: f"sort({e('numbers', d)}, function(a, b) a {self.pick('<>')} b)",
                lambda: f"append({e('numbers', d)}, {e('number', d)})",
                lambda: f"concatenate({e('numbers', d)}, {e('numbers', d)})",
                lambda: f"union({e('numbers', d)}, {e('numbers', d)})",
                lambda: f"sublist({e('numbers', d)}, {self.pick(('1', '2', '-1', '1, 2'))})",
                lambda: f"remove({e('numbers', d)}, {self.pick('12')})",
                lambda: f"insert before({e('numbers', d)}, {self.pick('12')}, {e('number', d)})",
                lambda: f"index of({e('numbers', d)}, {e('number', d)})",
            ]
        )

    def _texts(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"[{e('text', d)}, {e('text', d)}]",
                lambda: f"split({e('text', d)}, {self.pick(_CUTS)})",
                lambda: f"(for u in {e('texts', d)} return u + {e('text', d)})",
                lambda: f"{e('texts', d)}[item = {e('text', d)}]",
                lambda: f"{self.pick(('reverse', 'distinct values', 'sort'))}({e('texts', d)})",
                lambda: f"reports[count {self.pick('<>=')} {e('number', d)}].unit",
            ]
        )

    def _context(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"{{a: {self.any(d)}, b: {self.any(d)}}}",
                lambda: f"{{a: {e('number', d)}, k: a + 1}}",
                lambda: f"context put({e('context', d)}, " + f'"k", {self.any(d)})',
                lambda: f"context merge([{e('context', d)}, {e('context', d)}])",
                lambda: f"reports[count = {e('number', d)}][1]",
            ]
        )

    def _date(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('date', d)} {self.pick('+-')} {e('months', d)})",
                lambda: f"({e('date', d)} {self.pick('+-')} {self.pick(_WHOLE_DAYS)})",
                lambda: f"date({e('moment', d)})",
            ]
        )

    def _moment(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('moment', d)} {self.pick('+-')} {e('days', d)})",
                lambda: f"({e('moment', d)} {self.pick('+-')} {e('months', d)})",
                lambda: f"date and time({e('date', d)}, {self._leaf('time')})",
            ]
        )

    def _days(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('days', d)} {self.pick('+-')} {e('days', d)})",
                lambda: f"({e('date', d)} - {e('date', d)})",
                lambda: f"({e('moment', d)} - {e('moment', d)})",
                lambda: f"-{e('days', d)}",
                lambda: f"abs({e('days', d)})",
            ]
        )

    def _months(self, d: int) -> str:
        e = self.expression
        return self._pick_of(
            [
                lambda: f"({e('months', d)} {self.pick('+-')} {e('months', d)})",
                lambda: f"years and months duration({e('date', d)}, {e('date', d)})",
            ]
        )


def expressions(seed: int, count: int, depth: int = 3) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """`count` different expressions, always the same for a seed, and what each and each part is directly made of."""
    grammar, found = Grammar(Random(seed)), dict[str, None]()
    while len(found) < count:
        text = grammar.any(grammar.random.randint(1, depth))
        if len(text) <= 400:
            found.setdefault(text)
    return list(found), grammar.parts
