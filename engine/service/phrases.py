"""Usual words of a leader's 批示: the office's own list, or the profile's until the office has one.

The office's list is a record of the register `phrases`: journaled in the stream `_registers`, each earlier one kept.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle
from engine.domain.organisation import Actor
from engine.domain.rejection import FieldFault, Rejection

from . import register_records
from .register_records import Record

REGISTER: Final = "phrases"


def offered(conn: Connection, bundle: Bundle) -> list[str]:
    """The phrases in their order. Reads one row."""
    return of(register_records.latest(conn, REGISTER)) or shipped(bundle)


def of(record: Record | None) -> list[str]:
    """The phrases of a record; none for one that went back to those of the profile."""
    return [str(one) for one in record.values.get(REGISTER, ())] if record is not None else []


def shipped(bundle: Bundle) -> list[str]:
    """Those of the bundle's profile, `instruction_phrases`."""
    return [str(one) for one in bundle.regulation.get("instruction_phrases", ())]


def keep(services: Any, actor: Actor, text: str, after: int) -> Record | Rejection:
    """Takes the lines of `text` as the phrases. `after`: number of the record whose list the person changed, 0 for the
    profile's.

    Rejections: forbidden; invalid (none, too many, too long, one twice) with the fault of field `phrases`; conflict
    when somebody else changed them meanwhile.
    """
    if not text.strip():
        return Rejection("invalid", "form.refused", {"count": 1}, (FieldFault(REGISTER, "form.required"),))
    return register_records.add(services, actor, REGISTER, {REGISTER: text}, after=after)


def go_back(services: Any, actor: Actor, after: int) -> Record | Rejection:
    """Takes the profile's phrases again. Rejections as of `keep`."""
    return register_records.add(services, actor, REGISTER, {REGISTER: []}, after=after)
