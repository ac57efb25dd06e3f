"""Whom a page lets one choose: active people who do case work, by unit; and units as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from engine.domain.organisation import WORK_ROLES
from engine.service import people
from engine.service.people import Person


@dataclass(frozen=True, slots=True)
class Picker:
    """`groups`: (unit name, its people); `units`: (id, name) of every unit."""

    groups: tuple[tuple[str, tuple[Person, ...]], ...]
    units: tuple[tuple[str, str], ...]

    @property
    def logins(self) -> frozenset[str]:
        return frozenset(person.user_id for _, found in self.groups for person in found)

    @property
    def as_groups(self) -> frozenset[str]:
        """What a copy may be sent to."""
        return frozenset({f"unit:{unit_id}" for unit_id, _ in self.units} | {f"user:{login}" for login in self.logins})


def picker(conn: Connection, but: str) -> Picker:
    """Everybody who may work on cases, without the login `but`, in the order of the units."""
    directory = people.directory(conn)
    by_unit: dict[str, list[Person]] = {}
    for person in directory.persons:
        if person.user_id != but and not frozenset(WORK_ROLES).isdisjoint(person.roles):
            by_unit.setdefault(person.unit_name, []).append(person)
    return Picker(
        tuple((unit, tuple(found)) for unit, found in by_unit.items()),
        tuple((unit.unit_id, unit.name) for unit in directory.units),
    )
