"""Names for the reader of a package: the people, units and lines that its entries mention, and nothing else of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Column, Connection, insert, select

from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry

from .people_tables import lines, persons, units

BATCH: Final = 500
"""Values in one query: below what either database takes."""
NO_PASSWORD: Final = "!"
"""No hash has this form, so nobody signs in with it."""


def mentioned(entries: Iterable[StoredEntry]) -> set[str]:
    """Every text in the entries that may be a login, unit or line, and what follows the colon of a group."""
    found: set[str] = set()
    for entry in entries:
        for text in _texts([entry.actor, entry.on_behalf_of, entry.command, list(entry.events)]):
            if len(text) <= 80:
                found.update((text, text.rpartition(":")[2]))
    return found


def directory(conn: Connection, texts: set[str]) -> dict[str, JSON]:
    """Names of those that exist here; a person's unit and a unit's line come with them. No phone, no role."""
    people = _rows(conn, persons.c.user_id, texts)
    wanted = texts | {row.unit_id for row in people}
    places = _rows(conn, units.c.unit_id, wanted)
    wanted |= {row.line_id for row in places if row.line_id}
    return {
        "persons": [
            {"user_id": row.user_id, "name": row.name, "unit_id": row.unit_id, "title": row.title} for row in people
        ],
        "units": [
            {
                "unit_id": row.unit_id, "name": row.name, "kind": row.kind, "district": row.district,
                "line_id": row.line_id or "", "position": row.position,
            }
            for row in places
        ],
        "lines": [{"line_id": row.line_id, "name": row.name} for row in _rows(conn, lines.c.line_id, wanted)],
    }  # fmt: skip


def take_in(conn: Connection, people: dict[str, Any], at: str) -> int:
    """Adds those that are not here, so that an imported case can be read by name; returns how many.

    They are inactive: they cannot sign in, get no tasks and are offered nowhere. What is here already stays as it is.
    """
    rows = [
        *(
            (lines, "line_id", {"line_id": one["line_id"], "name": one["name"], "leader": ""})
            for one in people["lines"]
        ),
        *((units, "unit_id", _unit(conn, one)) for one in people["units"]),
        *((persons, "user_id", _person(one, at)) for one in people["persons"]),
    ]
    added = 0
    for table, key, row in rows:
        if conn.execute(select(table.c[key]).where(table.c[key] == row[key])).first() is None:
            conn.execute(insert(table).values(**row))
            added += 1
    return added


def _unit(conn: Connection, one: dict[str, Any]) -> dict[str, JSON]:
    taken = conn.execute(select(units.c.unit_id).where(units.c.name == one["name"])).scalar()
    name = one["name"] if taken in (None, one["unit_id"]) else f"{one['name']}（{one['unit_id']}）"
    return {**one, "name": name, "line_id": one["line_id"] or None, "active": False}


def _person(one: dict[str, Any], at: str) -> dict[str, JSON]:
    return {
        **one, "phone": "", "active": False, "password_hash": NO_PASSWORD, "password_at": at, "must_change": False,
        "demo_password": False, "created_at": at,
    }  # fmt: skip


def _rows(conn: Connection, key: Column[str], wanted: set[str]) -> Sequence[Any]:
    keys = sorted(wanted)
    found: list[Any] = []
    for start in range(0, len(keys), BATCH):
        found += conn.execute(select(key.table).where(key.in_(keys[start : start + BATCH])).order_by(key))
    return found


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
