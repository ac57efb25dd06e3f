"""What the bureau has published itself: unified replies, statements and press releases of cases, so that triage knows
their echoes.

Only cases that changed since the last look are read again, and of them only the entries up to a publication.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON, instant_text, parse_instant
from engine.journal.entry import StoredEntry
from engine.journal.store import SqlTransaction
from engine.readmodels.schema import cases, tasks

REMEMBERED: Final = timedelta(days=90)
"""Since its publication; who passes on older words is looked at like any other post."""
MOST: Final = 500
"""Publications kept, the newest: a prefecture's bureau publishes fewer in 90 days."""
OVERLAP: Final = timedelta(minutes=2)
"""What was committed late may carry an earlier instant: so much is looked at again."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Fields of a publication: its text, its instant, where it can be seen. `rows`: list whose first row tells that;
    `agreed`: field that must say `approve`."""

    name: str
    text: str
    at: str = ""
    place: str = ""
    rows: str = ""
    agreed: str = ""


FORMS: Final = {
    "reply_publish": _Kind("reply", "reply_text", "reply_published_at", "place", "publications"),
    "statement_publish": _Kind("statement", "statement_text", "statement_published_at", "statement_url"),
    "deliverables_review": _Kind("press", "doc_press", agreed="deliverables_decision"),
}
"""Forms by which a publication is filed (R35, R49), or a press release is approved (R58): media get it from then on."""


@dataclass(frozen=True, slots=True)
class OwnReply:
    """A text of ours that was published. `kind`: reply, statement or press; `place`: address or proof as filed, ""."""

    ident: str
    case_id: str
    kind: str
    text: str
    at: datetime
    place: str


def changed(conn: Connection, now: datetime, since: datetime | None) -> tuple[frozenset[str], tuple[OwnReply, ...]]:
    """(cases that changed since `since`, their publications that stand now), newest first and at most MOST; without
    `since` of the last REMEMBERED. A withdrawn publication is none."""
    horizon = instant_text(now - REMEMBERED)
    begin = horizon if since is None else max(horizon, instant_text(since - OVERLAP))
    touched = cases.c.status.in_(("open", "closed")), cases.c.updated_at >= begin
    ids = frozenset(conn.scalars(select(cases.c.case_id).where(*touched)))
    if not ids:
        return ids, ()
    done = (tasks.c.state == "done", tasks.c.form.in_(tuple(FORMS)), tasks.c.completed_at >= horizon)
    columns = (tasks.c.case_id, tasks.c.form, tasks.c.completed_seq, tasks.c.completed_at)
    found = select(*columns).join(cases, cases.c.case_id == tasks.c.case_id).where(*touched, *done)
    rows = conn.execute(found.order_by(tasks.c.completed_at.desc(), tasks.c.case_id).limit(MOST)).all()
    reader = SqlTransaction(conn)
    told = (
        _reply(reader.read(row.case_id, upto=row.completed_seq), row.case_id, FORMS[row.form], row.completed_seq)
        for row in rows
    )
    return ids, tuple(one for one in told if one is not None)


def _reply(entries: Iterable[StoredEntry], case_id: str, kind: _Kind, seq: int) -> OwnReply | None:
    said: dict[str, JSON] = {}
    at: datetime | None = None
    for entry in entries:
        at = entry.at
        for event in entry.events:
            if event["kind"] == "DataWritten":
                said.update(event["values"])
    text = said.get(kind.text)
    if not isinstance(text, str) or not text.strip() or at is None:
        return None
    if kind.agreed and said.get(kind.agreed) != "approve":
        return None
    place = said.get(kind.place)
    rows = said.get(kind.rows) if kind.rows else None
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        place = rows[0].get(kind.place)
    return OwnReply(f"{case_id}#{seq}", case_id, kind.name, text, _instant(said.get(kind.at), at), str(place or ""))


def _instant(value: JSON, otherwise: datetime) -> datetime:
    """When it was published as filed; never after the filing itself."""
    try:
        return min(parse_instant(value), otherwise) if isinstance(value, str) else otherwise
    except ValueError:
        return otherwise
