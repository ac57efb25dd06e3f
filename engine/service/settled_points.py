"""待明确事项 as they stand: the gaps that a bundle lists, and what the leaders have written about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection

from engine.definitions.bundle import Bundle

from . import register_records
from .clauses import OpenPoint, open_points
from .register_records import Record

REGISTER: Final = "point"
State = Literal["approved", "changed", "open"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A gap with the last record about it, None before the first.

    `state`: approved; changed: another default was approved than the one that the bundle chooses now; open: nobody has
    approved, or the approval was taken back.
    """

    point: OpenPoint
    record: Record | None

    @property
    def state(self) -> State:
        if self.record is None or self.record.values["state"] == "open":
            return "open"
        return "approved" if self.record.values["chosen"] == self.point.chosen else "changed"


def standing(conn: Connection, bundle: Bundle) -> tuple[Standing, ...]:
    """The gaps in the order of the profile. One statement."""
    records = register_records.newest_by(conn, REGISTER, "point")
    return tuple(Standing(point, records.get(point.id)) for point in open_points(bundle))
