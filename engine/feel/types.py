"""FEEL types for `instance of` and for parameters: a test made from the written type (DMN 1.5, 10.3.2.9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from engine.feel.run import Run
from engine.feel.values import Function, Range, kind_of

TypeTest = Callable[[object, Run], bool]

SIMPLE = frozenset(
    {
        "Any", "boolean", "context", "date", "date and time", "days and time duration", "function", "list", "Null",
        "null", "number", "range", "string", "time", "years and months duration", "day and time duration",
        "year and month duration", "dayTimeDuration", "yearMonthDuration", "dateTime",
    }
)  # fmt: skip
_ALIASES = {
    "day and time duration": "days and time duration",
    "dayTimeDuration": "days and time duration",
    "year and month duration": "years and months duration",
    "yearMonthDuration": "years and months duration",
    "dateTime": "date and time",
    "Null": "null",
}


def simple(name: str) -> TypeTest | None:
    """The test of a type named alone; None for an unknown name."""
    if name not in SIMPLE:
        return None
    kind = _ALIASES.get(name, name)
    if kind == "Any":
        return lambda value, run: value is not None
    if kind == "date":
        return lambda value, run: isinstance(value, date) and not isinstance(value, datetime)
    return lambda value, run: kind_of(value) == kind


def list_of(item: TypeTest) -> TypeTest:
    """`list<item>`: every item fits; null items fit any type."""

    def test(value: object, run: Run) -> bool:
        if not isinstance(value, list):
            return False
        run.charge(len(value))
        return all(one is None or item(one, run) for one in value)

    return test


def range_of(end: TypeTest) -> TypeTest:
    """`range<end>`: both ends fit."""

    def test(value: object, run: Run) -> bool:
        return isinstance(value, Range) and all(one is None or end(one, run) for one in (value.start, value.end))

    return test


def context_of(members: tuple[tuple[str, TypeTest], ...]) -> TypeTest:
    """`context<name: type, ...>`: has every named entry, of its type or null."""

    def test(value: object, run: Run) -> bool:
        if not isinstance(value, dict):
            return False
        run.charge(len(members))
        for name, fits in members:
            if name not in value:
                return False
            found = run.entry(value, name)
            if found is not None and not fits(found, run):
                return False
        return True

    return test


def function_of(parameters: int) -> TypeTest:
    """`function<a, b> -> c`: takes that many arguments; parameter and result types are not known before a call."""
    return lambda value, run: isinstance(value, Function) and len(value.parameters) == parameters
