"""The two append-only logs: changes of people and roles, and what happened at the door. Written here, nowhere else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, or_, select

from engine.domain.codec import instant_text

from .people_tables import people_log, security_log

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class LogLine:
    """One row as shown. `what`: action or event; `facts`: (before, after) or (detail,), each a JSON value."""

    at: str
    who: str
    what: str
    subject: str
    ip: str
    facts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    lines: tuple[LogLine, ...]
    page: int
    pages: int


def record(
    conn: Connection,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    """Adds one change to `people_log`. `before`/`after` hold the changed facts only, never a password or its hash."""
    row = {"at": instant_text(at), "actor": actor, "action": action, "subject": subject}
    conn.execute(insert(people_log).values(**row, before=_json(before), after=_json(after)))


def security(
    conn: Connection, at: datetime, event: str, subject: str, ip: str, detail: Mapping[str, object] | None = None
) -> None:
    """Adds one event to `security_log`."""
    row = {"at": instant_text(at), "event": event, "subject": subject, "ip": ip[:64]}
    conn.execute(insert(security_log).values(**row, detail=_json(detail or {})))


def people_changes(conn: Connection, query: str = "", page: int = 1) -> LogPage:
    """Newest first; `query` matches the person who did it, the subject or the action."""
    where = _matching(query, people_log.c.actor, people_log.c.subject, people_log.c.action)
    rows, number, pages = _rows(conn, people_log, where, page)
    lines = (
        LogLine(row.at, row.actor, row.action, row.subject, "", (json.loads(row.before), json.loads(row.after)))
        for row in rows
    )
    return LogPage(tuple(lines), number, pages)


def security_events(conn: Connection, query: str = "", page: int = 1) -> LogPage:
    """Newest first; `query` matches the login, the event or the address."""
    where = _matching(query, security_log.c.subject, security_log.c.event, security_log.c.ip)
    rows, number, pages = _rows(conn, security_log, where, page)
    lines = (LogLine(row.at, row.subject, row.event, row.subject, row.ip, (json.loads(row.detail),)) for row in rows)
    return LogPage(tuple(lines), number, pages)


def _json(value: Mapping[str, object] | None) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _matching(query: str, *columns: Any) -> Any:
    return or_(*(column.contains(query, autoescape=True) for column in columns)) if query else None


def _rows(conn: Connection, table: Table, where: Any, page: int) -> tuple[Any, int, int]:
    count = select(func.count()).select_from(table)
    rows = select(table).order_by(table.c.log_id.desc())
    if where is not None:
        count, rows = count.where(where), rows.where(where)
    pages = max(1, -(-conn.execute(count).scalar_one() // PAGE_SIZE))
    number = min(max(1, page), pages)
    return conn.execute(rows.limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)).all(), number, pages
