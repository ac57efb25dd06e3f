"""One case on its way into an event log: what has been told of it so far, and how an event is added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from engine.domain.codec import JSON, parse_instant
from engine.domain.organisation import ROLES
from engine.journal.entry import StoredEntry
from engine.readmodels.cases import CaseRow

from .catalogue import sentence
from .mining_model import Mined, MinedObject, Value
from .mining_people import People

Happened = Mapping[str, JSON]
CASE: Final = "case"
"""Stands for an element where an event is of the case as a whole."""


class Walk:
    """One case being told. `grade`, `lead_unit`: as last written. `objects`: by id, in order of appearance.

    `tasks`: task name -> its object's id; after a withdrawn submission the task that comes back is another one.
    `made`: object's id -> the event that made the task; `begun`: tasks that somebody has had -> running or suspended.
    `limits`: timer -> its limit's object; `labels`: task or timer -> what people call it; `messages`: likewise.
    `signing`: signature asked for -> how often.
    """

    def __init__(self, row: CaseRow, people: People) -> None:
        self.row = row
        self.people = people
        self.events: list[Mined] = []
        self.objects: dict[str, MinedObject] = {}
        self.tasks: dict[str, str] = {}
        self.labels: dict[str, str] = {}
        self.limits: dict[str, str] = {}
        self.messages: dict[str, str] = {}
        self.made: dict[str, Happened] = {}
        self.begun: dict[str, str] = {}
        self.signing: dict[str, int] = {}
        self.grade = ""
        self.lead_unit = ""
        self.entry: StoredEntry
        self.n = 0

    @property
    def at(self) -> datetime:
        return self.entry.at

    @property
    def case_id(self) -> str:
        return self.row.case_id

    def thing(self, ident: str, kind: str) -> MinedObject:
        """The object of this id, made when it is new."""
        return self.objects.setdefault(ident, MinedObject(ident, kind))

    def part(self, ident: str, kind: str, qualifier: str) -> MinedObject:
        """The same for a part of the case, which the case then names with `qualifier`."""
        if ident not in self.objects:
            self.objects[self.case_id].related.append((ident, qualifier))
        return self.thing(ident, kind)

    def unit(self, unit: str) -> str:
        """Id of a unit's object; its attributes are the directory's, added by who writes the file."""
        return self.thing(f"unit:{unit}", "unit").id

    def person(self, login: str) -> str:
        return self.thing(f"person:{self.people.person(login)}", "person").id

    def tell(
        self,
        event: Happened,
        key: str,
        words: Mapping[str, object] | None = None,
        *,
        label: str = "",
        element: str = CASE,
        transition: str = "complete",
        instance: str = "",
        role: str = "",
        objects: Iterable[tuple[str, str]] = (),
        **fields: Value | None,
    ) -> None:
        """Adds an event called `label`, or the sentence `key`. Fields that are None or "" are left out."""
        entry = self.entry
        acted = not entry.actor.startswith("system:")
        about = [(self.case_id, "case"), *objects, *([(self.person(entry.actor), "by")] if acted else [])]
        if entry.on_behalf_of:
            about.append((self.person(entry.on_behalf_of), "on behalf of"))
        unit = fields.get("unit")
        if unit:
            about.append((self.unit(str(unit)), "unit"))
        known = {
            "kind": event["kind"],
            "element": element,
            "seq": entry.seq,
            "grade": self.grade,
            "on_behalf_of": self.people.person(entry.on_behalf_of),
            **fields,
        }
        self.events.append(
            Mined(
                self.case_id,
                entry.seq,
                len(self.events) + 1,
                entry.at,
                event["kind"],
                label or sentence(key, words or {}),
                element,
                transition,
                instance or f"{self.case_id}/{entry.seq}.{self.n}",
                self.people.person(entry.actor),
                role,
                {name: value for name, value in known.items() if value is not None and value != ""},
                tuple(dict.fromkeys(about)),
            )
        )


Teller = Callable[[Walk, Happened], None]


def role_of(groups: Iterable[str]) -> str:
    """The first role among the groups that may take a task, "" if none."""
    return next((group for group in sorted(groups) if group in ROLES), "")


def instant(text: JSON) -> datetime | None:
    return parse_instant(text) if text else None
