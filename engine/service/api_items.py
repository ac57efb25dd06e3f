"""Items that vendors and the 12345 hotline send over HTTP: all of a request or none of it, and the same request twice
gets the same answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from engine.domain.codec import JSON, instant_text
from engine.domain.rejection import FieldFault, Rejection

from . import item_fields, items
from .api_tokens import Token
from .item_fields import FIELDS, NewItem
from .items import Item
from .items_tables import api_answers
from .items_tables import items as table

MOST: Final = 500
"""Items of one request."""
STATES: Final = {"new": "received", "linked": "in_hand", "opened": "in_hand", "irrelevant": "not_ours"}
"""What a sender is told of the state of an item. Nothing of a case (R71)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`index`: of the item in the list; `field`: "" for the item as a whole."""

    index: int
    field: str
    key: str
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """`again`: the request came before, and this is what it was answered then."""

    status: int
    body: Mapping[str, JSON]
    again: bool = False


def checked(services: Any, token: Token, sent: Sequence[JSON]) -> list[NewItem] | list[Fault]:
    """The items of a request, or everything that is wrong with them."""
    now = services.clock.now()
    made: list[NewItem] = []
    faults: list[Fault] = []
    for index, values in enumerate(sent):
        if not isinstance(values, dict):
            faults.append(Fault(index, "", "api.fault.no_object", {}))
            continue
        unknown = sorted(set(values) - set(FIELDS))
        faults += [Fault(index, name[:60], "api.fault.unknown_field", {}) for name in unknown]
        given = {"source_type": token.source_type, "source_name": token.name, **_said(values)}
        found = item_fields.checked(given, now, route="api", entered_by=token.user)
        if isinstance(found, Rejection):
            faults += [_fault(index, fault) for fault in found.fields]
        else:
            made.append(found)
    return faults or made


def take(services: Any, conn: Connection, token: Token, new: Sequence[NewItem], key: str, body: bytes) -> Answer:
    """Keeps the items, in a writing transaction; `key`: the request's Idempotency-Key, "" for none."""
    now = services.clock.now()
    added = items.add_all(conn, now, new)
    if not all(one.repeated for one in added):
        items.ask_for_triage(services, conn)
    told = [{"item": one.item_id, "status": "repeated" if one.repeated else "created"} for one in added]
    answer = Answer(201 if any(not one.repeated for one in added) else 200, {"items": told})
    if key:
        conn.execute(
            insert(api_answers).values(
                token_id=token.token_id, key=key, request_hash=_hash(body), status=answer.status,
                answer=json.dumps(answer.body), at=instant_text(now),
            )
        )  # fmt: skip
    return answer


def answered_before(conn: Connection, token: Token, key: str, body: bytes) -> Answer | Rejection | None:
    """The first answer to a request with this key; a Rejection (`conflict`) where the body was another one then."""
    mine = api_answers.c.token_id == token.token_id, api_answers.c.key == key
    row = conn.execute(select(api_answers).where(*mine)).first() if key else None
    if row is None:
        return None
    if row.request_hash != _hash(body):
        return Rejection("conflict", "api.fault.key_used")
    return Answer(row.status, json.loads(row.answer), again=True)


def own(conn: Connection, token: Token, item_id: int) -> Item | None:
    """An item that came with this token; None for every other one."""
    row = conn.execute(select(table).where(table.c.item_id == item_id, table.c.entered_by == token.user)).first()
    return None if row is None else items.read(row)


def status(item: Item) -> dict[str, JSON]:
    """What a sender may know of an item of his."""
    return {"item": item.item_id, "status": STATES[item.state], "received_at": instant_text(item.received_at)}


def _said(values: Mapping[str, JSON]) -> dict[str, JSON]:
    """What is said: a field that is null or empty is not."""
    kept: dict[str, JSON] = {name: value for name, value in values.items() if value not in (None, "")}
    if isinstance(kept.get("callback"), bool):
        kept["callback"] = "1" if kept["callback"] else ""
    return kept


def _fault(index: int, fault: FieldFault) -> Fault:
    return Fault(index, fault.path, fault.key, fault.params)


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
