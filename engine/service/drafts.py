"""Drafts: what a person has typed into a form and not sent yet. Not part of any case; forgotten once sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Connection, Engine, Table, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.clock import Clock
from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.rejection import Rejection
from engine.journal.schema import metadata

from .transactions import writing

MAX_BYTES: Final = 512 * 1024
"""Of one draft as ASCII JSON, where a Chinese character takes six: some 87,000 of them."""
KEPT: Final = timedelta(days=90)
"""Older drafts go when their owner saves another one: their task was done by somebody else, or never will be."""

drafts = Table(
    "drafts",
    metadata,
    Column(
        "user_id",
        Text,
        primary_key=True,
        comment="login of who typed it; read by him, and by who is asked to co-sign it",
    ),
    Column("form", Text, primary_key=True, comment="task:<case>/<task>, start:<process> or message:<case>/<message>"),
    Column("content", Text, nullable=False, comment="JSON object {values, files} as the form had it, unchecked"),
    Column("saved_at", Text, nullable=False, comment="instant of the last saving, UTC"),
    comment="Forms under way, one row a person and form; not in the journal",
)


@dataclass(frozen=True, slots=True)
class Draft:
    """`values`: as typed, unchecked. `files`: data path -> what the page keeps of files already uploaded."""

    values: Mapping[str, JSON]
    files: Mapping[str, JSON]
    saved_at: datetime


class Drafts:
    """Drafts of everybody. `form` names what a draft is for: see the table's column."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def get(self, user_id: str, form: str) -> Draft | None:
        query = select(drafts.c.content, drafts.c.saved_at).where(drafts.c.user_id == user_id, drafts.c.form == form)
        with self._engine.connect() as conn:
            row = conn.execute(query).one_or_none()
        if row is None:
            return None
        content = json.loads(row.content)
        return Draft(content["values"], content["files"], parse_instant(row.saved_at))

    def put(
        self, user_id: str, form: str, values: Mapping[str, JSON], files: Mapping[str, JSON] | None = None
    ) -> datetime | Rejection:
        """Saves the draft over an earlier one and returns when; `invalid` when it is larger than MAX_BYTES."""
        # ASCII: half of a surrogate pair, which a browser may send, can't be stored as text.
        content = json.dumps({"values": values, "files": files or {}}, allow_nan=False)
        if len(content) > MAX_BYTES:
            return Rejection("invalid", "draft.too_large", {"limit": MAX_BYTES // 1024})
        now = self._clock.now()
        with writing(self._engine) as conn:
            conn.execute(
                delete(drafts).where(drafts.c.user_id == user_id, drafts.c.saved_at < instant_text(now - KEPT))
            )
            _upsert(conn, user_id, form, content, instant_text(now))
        return now

    def delete(self, user_id: str, form: str) -> None:
        """Forgets the draft; nothing happens when there is none."""
        with writing(self._engine) as conn:
            conn.execute(delete(drafts).where(drafts.c.user_id == user_id, drafts.c.form == form))


def _upsert(conn: Connection, user_id: str, form: str, content: str, at: str) -> None:
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    row = dialect.insert(drafts).values(user_id=user_id, form=form, content=content, saved_at=at)
    newer = {"content": content, "saved_at": at}
    conn.execute(row.on_conflict_do_update(index_elements=["user_id", "form"], set_=newer))


def task_form(case_id: str, task: str) -> str:
    """The draft's name for a task's form."""
    return f"task:{case_id}/{task}"


def start_form(process: str) -> str:
    return f"start:{process}"


def message_form(case_id: str, message: str) -> str:
    return f"message:{case_id}/{message}"
