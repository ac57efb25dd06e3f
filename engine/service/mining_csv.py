"""Writes an event log as CSV for office programs and simple tools: a row an event, Chinese headings."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from engine.domain.calendar import ZONE

from .catalogue import sentence
from .csv_file import guarded_text
from .mining_model import CASE_FIELDS, EVENT_FIELDS, Mined, MinedCase, Sink, Value, called

FIRST: Final = ("case_id", "row", "at", "activity", "transition", "instance", "resource", "role")
OF_CASE: Final = tuple(name for name in CASE_FIELDS if name != "grade")


def local(at: datetime) -> str:
    """`2026-03-02 09:12:45.120000` in Asia/Shanghai: read as an instant by office programs and mining tools."""
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M:%S.%f}"


def cell(value: Value | None) -> str:
    """A value as a cell; numbers need no guard."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return local(value)
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, int | float) else guarded_text(value)


def columns() -> tuple[str, ...]:
    """Columns by their names in `mining.field.*`: the event, its own fields, then those of its case."""
    return (*FIRST, *EVENT_FIELDS, *(f"case_{name}" for name in OF_CASE))


def heading(name: str, language: str) -> str:
    """`case_grade` is called as `grade`, with the word for a case before it."""
    if name.startswith("case_") and name != "case_id":
        inner = called(name.removeprefix("case_"), language)
        return sentence("mining.field.of_case", {"field": inner}, language)
    return called(name, language)


def write(cases: Iterable[MinedCase], out: Sink, watermark: str, languages: tuple[str, ...] = ("zh", "en")) -> None:
    """Writes the rows, UTF-8 with the mark that office programs look for. The heading of the last column, which is
    otherwise empty, says who took the file out. One case in memory."""
    out.write(codecs.BOM_UTF8)
    head = [" ".join(heading(name, language) for language in languages) for name in columns()]
    for row in _rows(cases, [*map(guarded_text, head), guarded_text(watermark)]):
        out.write(row)


def _rows(cases: Iterable[MinedCase], head: list[str]) -> Iterator[bytes]:
    held = io.StringIO(newline="")
    writer = csv.writer(held)
    writer.writerow(head)
    for case in cases:
        shared = [cell(case.fields.get(name)) for name in OF_CASE]
        for number, event in enumerate(case.events, 1):
            writer.writerow([*_first(event, number), *_own(event), *shared, ""])
        yield held.getvalue().encode()
        held.seek(0)
        held.truncate()
    yield held.getvalue().encode()


def _first(event: Mined, number: int) -> list[str]:
    texts = (event.activity, event.transition, event.instance, event.resource, event.role)
    return [guarded_text(event.case_id), str(number), local(event.at), *map(guarded_text, texts)]


def _own(event: Mined) -> list[str]:
    return [cell(event.fields.get(name)) for name in EVENT_FIELDS]
