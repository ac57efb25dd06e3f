"""Items as lines of a long list: what a list shows of each, without the words of the posts and what triage said of
them, which are most of a row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, select

from engine.domain.organisation import Actor
from engine.readmodels.page import instant

from .items import Asked, wanted
from .items_tables import items


@dataclass(frozen=True, slots=True)
class Line:
    """Instants are aware, None where unknown. `assessed`: triage has looked at it; `echo`: it found nothing but our own
    words in it, and nobody has decided yet."""

    item_id: int
    title: str
    source_type: str
    source_name: str
    url: str
    author: str
    district: str
    route: str
    comment: bool
    callback: bool
    state: str
    assessed: bool
    echo: bool
    grade_hint: str
    relevance_hint: str
    topic_id: int | None
    published_at: datetime | None
    discovered_at: datetime | None
    received_at: datetime | None
    entered_by: str


def lines(conn: Connection, actor: Actor, asked: Asked, most: int) -> list[Line]:
    """The newest `most` of all pages of the list that `items.listed` gives a page of; one statement."""
    column = items.c
    found = select(
        column.item_id, column.title, column.source_type, column.source_name, column.url, column.author,
        column.district, column.route, column.parent_id, column.callback, column.state, column.assessed_at,
        column.grade_hint, column.relevance_hint, column.topic_id, column.published_at, column.discovered_at,
        column.received_at, column.entered_by, case((column.state == "new", column.assessment), else_="").label("told"),
    ).where(*wanted(conn, actor, asked)).order_by(column.item_id.desc()).limit(most)  # fmt: skip
    return [
        Line(
            row.item_id, row.title, row.source_type, row.source_name, row.url, row.author, row.district, row.route,
            row.parent_id is not None, bool(row.callback), row.state, bool(row.assessed_at), _echo(row.told),
            row.grade_hint, row.relevance_hint, row.topic_id, instant(row.published_at), instant(row.discovered_at),
            instant(row.received_at), row.entered_by,
        )
        for row in conn.execute(found)
    ]  # fmt: skip


def _echo(assessment: str) -> bool:
    # Most say nothing of an echo; only those that do are read as a whole.
    return '"echo"' in assessment and bool((json.loads(assessment).get("echo") or {}).get("mere"))
