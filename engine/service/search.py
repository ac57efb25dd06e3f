"""Full-text search over cases, items and documents, within what a person may see (R53, R71)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, intersect, or_, select

from engine.domain.organisation import Actor
from engine.readmodels.cases import readable
from engine.readmodels.page import offset
from engine.readmodels.schema import cases

from . import case_snapshot, document_lookup, items
from .documents_tables import made_documents
from .items_tables import items as items_table
from .search_tables import search_grams, search_texts
from .search_words import excerpt, grams, words

KINDS: Final = ("case", "item", "document")
PER_PAGE: Final = 20
MOST_COUNTED: Final = 1_000
"""Hits counted; of more, the page says that there are more."""


@dataclass(frozen=True, slots=True)
class Hit:
    """`before`, `found`, `after`: the place in the text."""

    kind: str
    ref: str
    case_id: str
    title: str
    at: str
    before: str
    found: str
    after: str


@dataclass(frozen=True, slots=True)
class Found:
    """One page of hits, newest first. `total` is at most MOST_COUNTED."""

    hits: tuple[Hit, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PER_PAGE))


def find(conn: Connection, actor: Actor, query: str, kind: str = "", page: int = 1) -> Found:
    """What contains every word of `query` and may be seen by `actor`. `kind`: one of KINDS, "" for all."""
    wanted = words(query)
    if not wanted:
        return Found((), 0, 1)
    where = [_contains(word) for word in wanted]
    where.append(or_(*(_seen(actor, one) for one in ((kind,) if kind in KINDS else KINDS))))
    chosen = select(search_texts).where(and_(*where))
    total = conn.scalar(select(func.count()).select_from(chosen.limit(MOST_COUNTED).subquery())) or 0
    ordered = chosen.order_by(search_texts.c.at.desc(), search_texts.c.number.desc())
    rows = conn.execute(ordered.limit(PER_PAGE).offset(offset(page, PER_PAGE)))
    return Found(tuple(_hit(row, wanted) for row in rows), total, max(1, page))


def _contains(word: str) -> ColumnElement[bool]:
    """The pairs narrow, the text decides. A single character is looked up by the pairs that begin with it."""
    pairs = sorted(pair for pair in grams(word) if len(pair) == 2)
    texts = search_texts.c.plain.contains(word, autoescape=True)
    if not pairs:
        first = search_grams.c.gram.startswith(word, autoescape=True)
        return and_(search_texts.c.number.in_(select(search_grams.c.number).where(first)), texts)
    # Three pairs far apart narrow as well as all of them.
    few = dict.fromkeys((pairs[0], pairs[len(pairs) // 2], pairs[-1]))
    holding = [select(search_grams.c.number).where(search_grams.c.gram == pair) for pair in few]
    return and_(search_texts.c.number.in_(holding[0] if len(holding) == 1 else intersect(*holding)), texts)


def _seen(actor: Actor, kind: str) -> ColumnElement[bool]:
    of_kind = search_texts.c.kind == kind
    if kind == "case":
        if case_snapshot.sees_all(actor):
            return of_kind
        mine = select(cases.c.case_id).where(readable(actor.groups))
        return and_(of_kind, search_texts.c.case_id.in_(mine))
    if kind == "item":
        own = items.mine(actor)
        if own is None:
            return of_kind
        return and_(of_kind, exists().where(items_table.c.item_id == _number(), own))
    return and_(of_kind, exists().where(made_documents.c.number == _number(), document_lookup.readable_to(actor)))


def _number() -> ColumnElement[Any]:
    return search_texts.c.ref.cast(items_table.c.item_id.type)


def _hit(row: Row[Any], wanted: list[str]) -> Hit:
    before, found, after = excerpt(row.body, wanted)
    return Hit(row.kind, row.ref, row.case_id, row.title, row.at, before, found, after)
