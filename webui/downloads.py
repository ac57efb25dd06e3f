"""Files that are taken out of the system: numbered, logged, marked with who and when (R71)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

from flask import make_response, request
from werkzeug.wrappers import Response

from engine.service import csv_file, exports, sheets
from engine.service.csv_file import Cell

from .catalogue import t
from .guards import current_actor, services

T = TypeVar("T")
CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_answer(kind: str, subject: str, name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A CSV file `name`. Logged before it is made, and again with its hash: what could not be logged is not sent."""
    return _answer(kind, subject, name, CSV, lambda mark: csv_file.written(mark, header, rows))


def xlsx_answer(
    kind: str, subject: str, name: str, parts: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]
) -> Response:
    """An Excel file `name` of sheets (title, header, rows), logged likewise."""
    return _answer(kind, subject, name, XLSX, lambda mark: sheets.book(mark, parts))


def up_to(
    found: Sequence[T], most: int, row: Callable[[T], Sequence[Cell]], key: str = "evidence.cut_off"
) -> Iterator[Sequence[Cell]]:
    """A row for each of the first `most`; where there are more, a last line that says so (the sentence `key` with
    `count`): a file must not look whole that is not."""
    yield from map(row, found[:most])
    if len(found) > most:
        yield [t(key, count=most)]


def _answer(kind: str, subject: str, name: str, media_type: str, made: Callable[[str], bytes]) -> Response:
    mark = exports.begin(services(), current_actor(), kind, subject, request.remote_addr or "")
    body = made(mark.text)
    exports.made(services(), mark.number, hashlib.sha256(body).hexdigest(), len(body))
    response = make_response(body)
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response
