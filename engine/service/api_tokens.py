"""Tokens of the HTTP API: who may send items. Only a hash is kept; a token opens nothing but the sending of items and
what became of its own. Made and revoked by the system admin, each time with an entry of the journal."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.domain.codec import instant_text, parse_instant
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection
from engine.readmodels.page import instant

from .item_journal import Writing, decide
from .items_tables import SOURCE_TYPES, api_calls, api_tokens
from .people_admin import clean, refusal
from .system import new_id

PREFIX: Final = "opn_"
HINT: Final = 12
"""First characters of a token that are kept, to tell tokens apart: 32 random bits of 256."""
PER_MINUTE: Final = (1, 600)
DAYS: Final = (1, 730)


@dataclass(frozen=True, slots=True)
class Token:
    """`expires_at`, `created_at`: aware; `revoked_at`, `used_at`: None where not."""

    token_id: int
    name: str
    hint: str
    source_type: str
    per_minute: int
    created_by: str
    created_at: datetime | None
    expires_at: datetime | None
    revoked_by: str
    revoked_at: datetime | None
    used_at: datetime | None

    @property
    def user(self) -> str:
        """Who has entered what came with it."""
        return f"token:{self.token_id}"

    def valid(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at is not None and now < self.expires_at


def create(services: Any, actor: Actor, form: Mapping[str, str]) -> str | Rejection:
    """Makes a token and returns it: the only time that anybody sees it. `form`: name, source_type, per_minute, days."""
    refused = refusal(actor, "admin_tokens")
    if refused is not None:
        return refused
    name, source_type = clean(form.get("name", ""))[:100], form.get("source_type", "")
    per_minute, days = _number(form.get("per_minute", ""), PER_MINUTE), _number(form.get("days", ""), DAYS)
    faults = [
        *([] if name else [FieldFault("name", "form.required")]),
        *([] if source_type in SOURCE_TYPES else [FieldFault("source_type", "form.required")]),
        *([] if per_minute else [_range("per_minute", PER_MINUTE)]),
        *([] if days else [_range("days", DAYS)]),
    ]
    if faults:
        return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))
    token = f"{PREFIX}{new_id()}{new_id()}"

    def change(writing: Writing) -> str:
        expires = instant_text(writing.now + timedelta(days=days))
        row = {
            "name": name, "hash": _hash(token), "hint": token[:HINT], "source_type": source_type,
            "per_minute": per_minute, "created_by": actor.user_id, "created_at": instant_text(writing.now),
            "expires_at": expires, "revoked_by": "", "revoked_at": "", "used_at": "",
        }  # fmt: skip
        number = writing.conn.execute(insert(api_tokens).values(**row).returning(api_tokens.c.token_id)).scalar_one()
        writing.note("MakeToken", "TokenMade", token=number, name=name, hint=row["hint"], expires=expires)
        return token

    return decide(services, actor.user_id, change)


def revoke(services: Any, actor: Actor, token_id: int) -> Token | Rejection:
    """From now on the token opens nothing."""
    refused = refusal(actor, "admin_tokens")
    if refused is not None:
        return refused

    def change(writing: Writing) -> Token | Rejection:
        mine = api_tokens.c.token_id == token_id
        if writing.conn.execute(select(api_tokens.c.token_id).where(mine)).first() is None:
            return Rejection("not_found", "api.token.unknown")
        ended = {"revoked_by": actor.user_id, "revoked_at": instant_text(writing.now)}
        if writing.conn.execute(update(api_tokens).where(mine, api_tokens.c.revoked_at == "").values(**ended)).rowcount:
            writing.note("RevokeToken", "TokenRevoked", token=token_id)
        return _read(writing.conn.execute(select(api_tokens).where(mine)).one())

    return decide(services, actor.user_id, change)


def listed(conn: Connection) -> tuple[Token, ...]:
    """All tokens ever made, the newest first."""
    return tuple(_read(row) for row in conn.execute(select(api_tokens).order_by(api_tokens.c.token_id.desc())))


def owner(conn: Connection, token: str, now: datetime) -> Token | None:
    """The valid token that this is, else None. Takes as long for a token that is not as for one that is."""
    wanted = _hash(token)
    row = conn.execute(select(api_tokens).where(api_tokens.c.hash == wanted)).first()
    found = row is not None and hmac.compare_digest(str(row.hash), wanted)
    known = _read(row) if found and row is not None else None
    return known if known is not None and known.valid(now) else None


def count(conn: Connection, token: Token, now: datetime) -> bool:
    """Counts a request; whether it is within the token's limit of this minute. Requires a writing transaction."""
    dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
    minute = int(now.timestamp()) // 60
    counted = dialect.insert(api_calls).values(token_id=token.token_id, minute=minute, calls=1)
    counted = counted.on_conflict_do_update(
        index_elements=["token_id", "minute"], set_={"calls": api_calls.c.calls + bindparam("one", 1)}
    )
    calls: int = conn.execute(counted.returning(api_calls.c.calls)).scalar_one()
    if token.used_at is None or now - token.used_at >= timedelta(minutes=1):
        mine = update(api_tokens).where(api_tokens.c.token_id == token.token_id)
        conn.execute(mine.values(used_at=instant_text(now)))
    return calls <= token.per_minute


def _hash(token: str) -> str:
    # No salt and no slow hash: a token is 256 random bits, which nobody guesses.
    return hashlib.sha256(token.encode()).hexdigest()


def _number(text: str, between: tuple[int, int]) -> int:
    """The number, 0 for one out of range and for what is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if between[0] <= number <= between[1] else 0


def _range(path: str, between: tuple[int, int]) -> FieldFault:
    return FieldFault(path, "api.token.range", {"least": between[0], "most": between[1]})


def _read(row: Row[Any]) -> Token:
    return Token(
        row.token_id, row.name, row.hint, row.source_type, row.per_minute, row.created_by, instant(row.created_at),
        parse_instant(row.expires_at), row.revoked_by, instant(row.revoked_at), instant(row.used_at),
    )  # fmt: skip
