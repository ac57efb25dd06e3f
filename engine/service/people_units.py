"""Changing units, lines of responsibility, absences and the duty roster; all of it logged.

The system admin's work; the roster is the office's too (`edit_duty`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.domain.codec import instant_text
from engine.domain.organisation import DISTRICTS, LEADER, POSTS, SEPARATED_ROLES, UNIT_KINDS, Actor
from engine.domain.rejection import FieldFault, Rejection

from . import people, people_log
from .people_admin import NAME_LENGTH, changed, clean, refusal
from .people_tables import absences, duty_roster, lines, persons, unit_posts, units

IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9_]{1,31}")
SHIFTS: Final = ("day", "night")
PARTS: Final = ("leader", "officer")


@dataclass(frozen=True, slots=True)
class UnitForm:
    """What the admin typed about a unit. `posts`: post -> login, '' for nobody."""

    unit_id: str
    name: str
    kind: str
    district: str
    line_id: str = ""
    active: bool = True
    position: int = 0
    posts: Mapping[str, str] = field(default_factory=dict)


def save_unit(conn: Connection, by: Actor, now: datetime, form: UnitForm, *, new: bool) -> Rejection | None:
    """Adds or changes a unit and the holders of its posts."""
    before = next((unit for unit in people.all_units(conn) if unit.unit_id == form.unit_id), None)
    if not new and before is None:
        return Rejection("not_found", "people.no_unit")
    refused = refusal(by, "admin_people") or _unit_faults(conn, form, before if not new else None, new)
    if refused is not None:
        return refused
    values: dict[str, object] = {
        "name": clean(form.name), "kind": form.kind, "district": form.district, "line_id": form.line_id or None,
        "active": form.active, "position": form.position,
    }  # fmt: skip
    if before is None:
        conn.execute(insert(units).values(unit_id=form.unit_id, **values))
    else:
        conn.execute(update(units).where(units.c.unit_id == form.unit_id).values(**values))
    _save_posts(conn, form)
    old: dict[str, object] = {}
    if before is not None:
        old = {name: getattr(before, name) for name in values} | {"posts": dict(before.posts)}
        old["line_id"] = before.line_id or None
    fresh = values | {"posts": {post: holder for post, holder in form.posts.items() if holder}}
    if old != fresh:
        was, became = changed(old, fresh)
        action = "unit_created" if before is None else "unit_edited"
        people_log.record(conn, now, by.user_id, action, f"unit:{form.unit_id}", was if before else None, became)
    return None


def save_line(
    conn: Connection, by: Actor, now: datetime, line_id: str, name: str, leader: str, *, new: bool
) -> Rejection | None:
    """Adds or changes a line of responsibility; its leader must hold the role `leader` (R26)."""
    before = next((line for line in people.all_lines(conn) if line.line_id == line_id), None)
    if not new and before is None:
        return Rejection("not_found", "people.no_line")
    refused = refusal(by, "admin_people")
    if refused is not None:
        return refused
    faults: list[FieldFault] = []
    if new and not IDENTIFIER.fullmatch(line_id):
        faults.append(FieldFault("line_id", "people.id_form"))
    elif new and before is not None:
        faults.append(FieldFault("line_id", "people.id_taken"))
    faults += _name_faults(name)
    in_charge = people.person(conn, leader) if leader else None
    if leader and (in_charge is None or not in_charge.active or LEADER not in in_charge.roles):
        faults.append(FieldFault("leader", "people.not_a_leader"))
    if faults:
        return Rejection("invalid", "entry.refused", fields=tuple(faults))
    values: dict[str, object] = {"name": clean(name), "leader": leader}
    if before is None:
        conn.execute(insert(lines).values(line_id=line_id, **values))
        people_log.record(conn, now, by.user_id, "line_created", f"line:{line_id}", None, values)
    elif {"name": before.name, "leader": before.leader} != values:
        conn.execute(update(lines).where(lines.c.line_id == line_id).values(**values))
        was, became = changed({"name": before.name, "leader": before.leader}, values)
        people_log.record(conn, now, by.user_id, "line_edited", f"line:{line_id}", was, became)
    return None


def add_absence(
    conn: Connection, by: Actor, now: datetime, *, user_id: str, substitute: str, start_at: datetime | None,
    end_at: datetime | None, reason: str,
) -> Rejection | None:  # fmt: skip
    """Writes that a person is away from `start_at` to `end_at` (aware) and who acts for him.

    The substitute must be active and neither of the two may hold a separated role: those are not handed on.
    """
    refused = refusal(by, "admin_people")
    if refused is not None:
        return refused
    faults: list[FieldFault] = []
    for path, login in (("user_id", user_id), ("substitute", substitute)):
        found = people.person(conn, login)
        if found is None or not found.active:
            faults.append(FieldFault(path, "people.no_person"))
        elif frozenset(found.roles) & frozenset(SEPARATED_ROLES):
            faults.append(FieldFault(path, "people.no_substitution"))
    if user_id == substitute:
        faults.append(FieldFault("substitute", "people.substitute_self"))
    if start_at is None or end_at is None or start_at >= end_at:
        faults.append(FieldFault("end_at", "people.absence_order"))
    elif end_at <= now:
        faults.append(FieldFault("end_at", "people.absence_past"))
    if len(reason) > NAME_LENGTH:
        faults.append(FieldFault("reason", "entry.too_long", {"maximum": NAME_LENGTH}))
    if faults or start_at is None or end_at is None:
        return Rejection("invalid", "entry.refused", fields=tuple(faults))
    values: dict[str, object] = {
        "user_id": user_id, "substitute": substitute, "start_at": instant_text(start_at),
        "end_at": instant_text(end_at), "reason": clean(reason),
    }  # fmt: skip
    conn.execute(insert(absences).values(**values, cancelled_at=""))
    people_log.record(conn, now, by.user_id, "absence_added", f"person:{user_id}", None, values)
    return None


def cancel_absence(conn: Connection, by: Actor, now: datetime, absence_id: int) -> Rejection | None:
    """Ends an absence now. The row stays: it says who acted for whom until now."""
    refused = refusal(by, "admin_people")
    row = conn.execute(
        select(absences).where(absences.c.absence_id == absence_id, absences.c.cancelled_at == "")
    ).one_or_none()
    if refused is not None or row is None:
        return refused or Rejection("not_found", "people.no_absence")
    at = instant_text(now)
    conn.execute(update(absences).where(absences.c.absence_id == absence_id).values(cancelled_at=at))
    was = {"substitute": row.substitute, "start_at": row.start_at, "end_at": row.end_at}
    people_log.record(conn, now, by.user_id, "absence_cancelled", f"person:{row.user_id}", was, {"cancelled_at": at})
    return None


def add_duty(
    conn: Connection, by: Actor, now: datetime, *, on_date: date | None, shift: str, part: str, user_id: str
) -> Rejection | None:
    """Puts a person on duty for one shift of one day (Asia/Shanghai)."""
    refused = refusal(by, "edit_duty")
    if refused is not None:
        return refused
    faults: list[FieldFault] = []
    if on_date is None:
        faults.append(FieldFault("on_date", "entry.required"))
    if shift not in SHIFTS:
        faults.append(FieldFault("shift", "entry.unknown_option"))
    if part not in PARTS:
        faults.append(FieldFault("part", "entry.unknown_option"))
    found = people.person(conn, user_id)
    if found is None or not found.active:
        faults.append(FieldFault("user_id", "people.no_person"))
    if faults or on_date is None:
        return Rejection("invalid", "entry.refused", fields=tuple(faults))
    values: dict[str, object] = {"on_date": on_date.isoformat(), "shift": shift, "part": part, "user_id": user_id}
    try:
        with conn.begin_nested():
            conn.execute(insert(duty_roster).values(**values))
    except IntegrityError:
        return Rejection("conflict", "people.duty_twice")
    people_log.record(conn, now, by.user_id, "duty_added", f"duty:{values['on_date']}", None, values)
    return None


def remove_duty(conn: Connection, by: Actor, now: datetime, duty_id: int) -> Rejection | None:
    """Takes one line off the roster; the log keeps it."""
    refused = refusal(by, "edit_duty")
    row = conn.execute(select(duty_roster).where(duty_roster.c.duty_id == duty_id)).one_or_none()
    if refused is not None or row is None:
        return refused or Rejection("not_found", "people.no_duty")
    conn.execute(delete(duty_roster).where(duty_roster.c.duty_id == duty_id))
    was = {"on_date": row.on_date, "shift": row.shift, "part": row.part, "user_id": row.user_id}
    people_log.record(conn, now, by.user_id, "duty_removed", f"duty:{row.on_date}", was, None)
    return None


def _save_posts(conn: Connection, form: UnitForm) -> None:
    conn.execute(delete(unit_posts).where(unit_posts.c.unit_id == form.unit_id))
    for post, user_id in form.posts.items():
        if user_id:
            conn.execute(insert(unit_posts).values(unit_id=form.unit_id, post=post, user_id=user_id))


def _name_faults(name: str) -> list[FieldFault]:
    if not clean(name):
        return [FieldFault("name", "entry.required")]
    if len(name) > NAME_LENGTH:
        return [FieldFault("name", "entry.too_long", {"maximum": NAME_LENGTH})]
    return []


def _unit_faults(conn: Connection, form: UnitForm, before: people.Unit | None, new: bool) -> Rejection | None:
    faults = _name_faults(form.name)
    others = {unit.unit_id: unit.name for unit in people.all_units(conn)}
    if new and not IDENTIFIER.fullmatch(form.unit_id):
        faults.append(FieldFault("unit_id", "people.id_form"))
    elif new and form.unit_id in others:
        faults.append(FieldFault("unit_id", "people.id_taken"))
    if clean(form.name) in {name for unit_id, name in others.items() if unit_id != form.unit_id}:
        faults.append(FieldFault("name", "people.name_taken"))
    if form.kind not in UNIT_KINDS:
        faults.append(FieldFault("kind", "entry.unknown_option"))
    if form.district not in DISTRICTS:
        faults.append(FieldFault("district", "entry.unknown_option"))
    if form.line_id and form.line_id not in {line.line_id for line in people.all_lines(conn)}:
        faults.append(FieldFault("line_id", "people.no_line"))
    if not form.active and before is not None and before.active and _people_in(conn, form.unit_id):
        faults.append(FieldFault("active", "people.unit_has_people"))
    for post, user_id in form.posts.items():
        holder = people.person(conn, user_id) if user_id else None
        if post not in POSTS or (user_id and (holder is None or not holder.active)):
            faults.append(FieldFault(post, "people.no_person"))
        elif holder is not None and frozenset(holder.roles) & frozenset(SEPARATED_ROLES):
            faults.append(FieldFault(post, "people.separated_has_no_post"))
    return Rejection("invalid", "entry.refused", fields=tuple(faults)) if faults else None


def _people_in(conn: Connection, unit_id: str) -> int:
    count = select(func.count()).select_from(persons).where(persons.c.unit_id == unit_id, persons.c.active)
    return conn.execute(count).scalar_one()
