"""What every query shares: pages, search words, and instants and lists as they come out of text columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, and_, or_
from sqlalchemy.sql.elements import KeyedColumnElement

from engine.domain.codec import JSON, parse_instant

from .schema import NO_DUE

T = TypeVar("T")
MAX_WORDS = 8
"""Search words looked at; each costs a scan."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `page` counts from 1, `total` counts all rows on all pages."""

    rows: tuple[T, ...]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.per_page))


def offset(page: int, per_page: int) -> int:
    """Rows before `page`; pages below 1 are the first."""
    return (max(1, page) - 1) * per_page


def matches(conn: Connection, q: str, columns: Iterable[KeyedColumnElement[Any]]) -> ColumnElement[bool] | None:
    """Every word of `q` occurs in at least one column, in any case of letters; None when `q` has no word.

    `%` and `_` stand for themselves.
    """
    words = q.split()[:MAX_WORDS]
    if not words:
        return None
    columns = tuple(columns)
    # SQLite's LIKE takes letters in any case already; lower() on every row would double the time of a search.
    like = ColumnElement.contains if conn.dialect.name == "sqlite" else ColumnElement.icontains
    return and_(*(or_(*(like(column, word, autoescape=True) for column in columns)) for word in words))


def instant(text: str) -> datetime | None:
    """Aware UTC of a column's instant; None for "" and NO_DUE."""
    return None if not text or text == NO_DUE else parse_instant(text)


def texts(column: str) -> tuple[str, ...]:
    """A JSON list of texts."""
    return tuple(json.loads(column))


def value(column: str) -> JSON:
    return json.loads(column)
