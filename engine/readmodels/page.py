"""What every query shares: pages, search words, and instants and lists as they come out of text columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, func, or_, select
from sqlalchemy.sql.elements import KeyedColumnElement

from engine.domain.codec import JSON, parse_instant

from .schema import NO_DUE

T = TypeVar("T")
MAX_WORDS = 8
"""Search words looked at; each costs a scan."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `page` counts from 1, `total` counts all rows on all pages.

    `cut`: the count stopped at `total`, there are more, which the pages do not reach.
    """

    rows: tuple[T, ...]
    total: int
    page: int
    per_page: int
    cut: bool = False

    @property
    def pages(self) -> int:
        """Number of pages, at least 1."""
        return max(1, -(-self.total // self.per_page))


TOTAL: Final = "rows_in_all"
"""Column that `with_total` adds."""


def with_total(
    found: Select[Any],
    order: Sequence[ColumnElement[Any]],
    page: int,
    per_page: int,
    most: int | None = None,
) -> Subquery:
    """One page of `found` as a subquery, each row with the number of rows on all pages: one pass instead of two.

    `most`: for a list that grows with history: its rows in the order of an index, counted up to `most` + 1 only.
    """
    rows = per_page
    counted: ColumnElement[int] = func.count().over()
    if most is not None:
        rows = max(0, min(per_page, most - offset(page, per_page)))
        counted = select(func.count()).select_from(found.limit(most + 1).subquery("counted")).scalar_subquery()
    ordered = found.add_columns(counted.label(TOTAL)).order_by(*order)
    return ordered.limit(rows).offset(offset(page, per_page)).subquery("found")


def paged(
    conn: Connection,
    rows: Sequence[Row[Any]],
    made: Iterable[T],
    found: Select[Any],
    page: int,
    per_page: int,
    most: int | None = None,
) -> Page[T]:
    """The page of `rows`, which came from a `with_total`, as `made` of them. Counts `found` when there are none.

    `most`: as it was given to `with_total`.
    """
    if rows:
        total = rows[0]._mapping[TOTAL]
    elif page <= 1:
        total = 0
    else:
        counted = found if most is None else found.limit(most + 1)
        total = conn.execute(select(func.count()).select_from(counted.subquery())).scalar_one()
    if most is not None and total > most:
        return Page(tuple(made), most, max(1, page), per_page, cut=True)
    return Page(tuple(made), total, max(1, page), per_page)


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
