"""FEEL values as text: what `string(x)` gives and how a value would be written as a literal (DMN 1.5, table 74)."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from engine.feel import temporal
from engine.feel.run import Run
from engine.feel.values import Range, YearsDuration


def number_text(number: Decimal) -> str:
    """Plain decimal writing without exponent or trailing zeros: `0.1`, `1200`."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def text_of(value: object, run: Run) -> str | None:
    """`string(value)`: a string is itself, everything else as it would be written; null for null and functions."""
    if isinstance(value, str):
        return value
    text = literal(value, run)
    if text is not None:
        run.room_for_text(len(text))
    return text


def literal(value: object, run: Run) -> str | None:
    """`value` as FEEL text; strings quoted."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, datetime):
        return temporal.date_time_text(value)
    if isinstance(value, date):
        return temporal.date_text(value)
    if isinstance(value, time):
        return temporal.time_text(value)
    if isinstance(value, timedelta):
        return temporal.days_text(value)
    if isinstance(value, YearsDuration):
        return temporal.years_text(value)
    return _structure(value, run)


def _structure(value: object, run: Run) -> str | None:
    run.enter()
    text: str | None = None
    if isinstance(value, list):
        text = f"[{', '.join(_parts(value, run))}]"
    elif isinstance(value, dict):
        texts = _parts([run.entry(value, key) for key in value], run)
        keys = [str(key) if _plain(key) else json.dumps(key, ensure_ascii=False) for key in value]
        pairs = [f"{key}: {part}" for key, part in zip(keys, texts, strict=True)]
        text = f"{{{', '.join(pairs)}}}"
    elif isinstance(value, Range):
        text = range_text(value, run)
    run.leave()
    return text


def _plain(key: object) -> bool:
    return all(part.isidentifier() for part in str(key).split(" ")) and bool(key)


def _parts(values: list[object], run: Run) -> list[str]:
    parts: list[str] = []
    size = 0
    for value in values:
        run.charge(1)
        part = literal(value, run)
        parts.append("null" if part is None else part)
        size += len(parts[-1])
        # Checked as it grows: shared parts can make the text exponentially longer than the value.
        run.room_for_text(size)
    return parts


def range_text(interval: Range, run: Run) -> str:
    """`[1 .. 5)`, or `> 5` for one written as a comparison."""

    def end_text(value: object) -> str:
        text = literal(value, run)
        return "null" if text is None else text

    if interval.unary and interval.start is interval.end:
        return f"{'=' if interval.start_included else '!='} {end_text(interval.end)}"
    if interval.unary and interval.start is None:
        return f"{'<=' if interval.end_included else '<'} {end_text(interval.end)}"
    if interval.unary and interval.end is None:
        return f"{'>=' if interval.start_included else '>'} {end_text(interval.start)}"
    opening = "[" if interval.start_included else "("
    closing = "]" if interval.end_included else ")"
    return f"{opening}{end_text(interval.start)}..{end_text(interval.end)}{closing}"
