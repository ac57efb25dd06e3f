"""What an event log for process mining holds: events and the objects they are about, before any file format.

Names follow XES (IEEE 1849) and OCEL 2.0; what each field says is in docs/mining.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from .catalogue import sentence

Value = str | int | float | bool | datetime
"""What an attribute can hold; a datetime is aware."""

TYPES: Final[Mapping[type, str]] = {str: "string", int: "int", float: "float", bool: "boolean", datetime: "date"}
"""Type of a value -> element of XES that holds it."""

EVENT_FIELDS: Final[Mapping[str, str]] = {
    "kind": "string",
    "element": "string",
    "seq": "int",
    "unit": "string",
    "grade": "string",
    "assignee": "string",
    "candidates": "string",
    "on_behalf_of": "string",
    "due": "date",
    "clauses": "string",
    "limit": "string",
    "deadline": "date",
    "mark": "string",
    "late_seconds": "float",
    "cause": "string",
    "decision": "string",
    "rules": "string",
    "stage": "string",
    "outcome": "string",
    "document": "string",
    "media_type": "string",
    "size": "int",
    "agree": "boolean",
    "withdraws": "int",
    "incident": "int",
    "text": "string",
}
"""Own attributes of events -> their XES type. `text`: words of a person, with names only."""

CASE_FIELDS: Final[Mapping[str, str]] = {
    "status": "string",
    "outcome": "string",
    "grade": "string",
    "district": "string",
    "business_line": "string",
    "source_type": "string",
    "lead_unit": "string",
    "units": "string",
    "process": "string",
    "bundle": "string",
    "opened_at": "date",
    "closed_at": "date",
    "published_at": "date",
    "discovered_at": "date",
    "breaches": "int",
    "entries": "int",
    "title": "string",
    "source_name": "string",
    "url": "string",
}
"""Own attributes of cases -> their XES type. The last three are words of people, with names only."""

OBJECT_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "case": {
        name: CASE_FIELDS[name]
        for name in ("status", "outcome", "grade", "stage", "district", "business_line", "lead_unit", "process",
                     "bundle", "title")
        if name in CASE_FIELDS
    }
    | {"stage": "string"},
    "document": {"document": "string", "element": "string"},
    "file": {"media_type": "string", "size": "int", "name": "string"},
    "item": {
        "source_type": "string",
        "published_at": "date",
        "discovered_at": "date",
        "source_name": "string",
        "url": "string",
    },
    "limit": {
        "limit": "string",
        "element": "string",
        "deadline": "date",
        "clauses": "string",
        "state": "string",
        "late_seconds": "float",
    },
    "person": {"name": "string"},
    "task": {
        "element": "string",
        "label": "string",
        "process": "string",
        "form": "string",
        "due": "date",
        "priority": "int",
        "state": "string",
        "assignee": "string",
    },
    "unit": {"name": "string", "kind": "string", "district": "string"},
}  # fmt: skip
"""Object type of OCEL -> its attributes and their types in the words of XES."""


class Sink(Protocol):
    """Where a file goes as it is written."""

    def write(self, data: bytes, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Mined:
    """One event of a case. `n`: its place in the entry `seq`. `activity`: what was done, in words.

    `transition`: of the lifecycle extension (schedule, assign, reassign, start, suspend, resume, complete, withdraw,
    ate_abort); what has no duration has `complete` alone. `instance`: which of several visits of the activity.
    `resource`: who did it, a pseudonym unless names were asked for. `role`: role whose work it is, "" if none.
    `fields`: own attributes by their names in EVENT_FIELDS. `objects`: (object id, qualifier).
    """

    case_id: str
    seq: int
    n: int
    at: datetime
    kind: str
    activity: str
    element: str
    transition: str
    instance: str
    resource: str
    role: str
    fields: Mapping[str, Value]
    objects: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        return f"{self.case_id}/{self.seq}.{self.n}"

    @property
    def type(self) -> str:
        """Event type of OCEL, which has no lifecycle of its own: the activity alone is its completion."""
        return self.activity if self.transition == "complete" else f"{self.activity} · {self.transition}"


@dataclass(slots=True)
class MinedObject:
    """An object of OCEL. `changes`: (attribute, value, since when), the last ones `now`; `related`: (id, qualifier)."""

    id: str
    type: str
    changes: list[tuple[str, Value, datetime]] = field(default_factory=list)
    related: list[tuple[str, str]] = field(default_factory=list)
    now: dict[str, Value] = field(default_factory=dict)

    def set(self, name: str, value: Value | None, at: datetime) -> None:
        """Notes a value from `at` on, unless it is nothing or as before."""
        if value is not None and value != self.now.get(name, ""):
            self.now[name] = value
            self.changes.append((name, value, at))


@dataclass(frozen=True, slots=True)
class MinedCase:
    """A case with everything that an export says of it. `fields`: own attributes by their names in CASE_FIELDS."""

    case_id: str
    fields: Mapping[str, Value]
    events: tuple[Mined, ...]
    objects: tuple[MinedObject, ...]


def called(field: str, language: str) -> str:
    """What people call a field of an event or a case, or a column."""
    return sentence(f"mining.field.{field}", {}, language)
