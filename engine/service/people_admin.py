"""Changing persons and roles: the system admin keeps persons, the security admin grants roles; all of it is logged."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from engine.domain.access import may
from engine.domain.codec import instant_text
from engine.domain.organisation import (
    ROLES,
    SECURITY_ADMIN,
    SEPARATED_ROLES,
    SYSTEM_ADMIN,
    Actor,
    role_conflict,
)
from engine.domain.rejection import FieldFault, Rejection

from . import passwords, people, people_log, people_sessions
from .people_tables import person_roles, persons, units
from .system import new_id

LOGIN: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")
NAME_LENGTH: Final = 40
NEEDED_ROLES: Final = (SYSTEM_ADMIN, SECURITY_ADMIN)
"""Somebody active must always hold these, or nobody could let anybody in again."""


@dataclass(frozen=True, slots=True)
class PersonForm:
    """What the admin typed about a person."""

    user_id: str
    name: str
    unit_id: str
    title: str = ""
    phone: str = ""


def create_person(conn: Connection, by: Actor, now: datetime, form: PersonForm) -> str | Rejection:
    """Adds a person without roles; returns the first password, to be handed over once and changed at first sign-in."""
    refused = refusal(by, "admin_people") or _faults(conn, form, new=True)
    if refused is not None:
        return refused
    first = first_password()
    conn.execute(
        insert(persons).values(
            **_columns(form), user_id=form.user_id, active=True, must_change=True, demo_password=False,
            password_hash=passwords.hash_password(first), password_at=instant_text(now), created_at=instant_text(now),
        )
    )  # fmt: skip
    people_log.record(conn, now, by.user_id, "person_created", f"person:{form.user_id}", None, _columns(form))
    return first


def edit_person(conn: Connection, by: Actor, now: datetime, form: PersonForm) -> Rejection | None:
    """Changes name, unit, title and phone."""
    before = people.person(conn, form.user_id)
    if before is None:
        return Rejection("not_found", "people.no_person")
    refused = refusal(by, "admin_people") or _faults(conn, form, new=False)
    if refused is not None:
        return refused
    old = {"name": before.name, "unit_id": before.unit_id, "title": before.title, "phone": before.phone}
    new = _columns(form)
    if old != new:
        conn.execute(update(persons).where(persons.c.user_id == form.user_id).values(**new))
        people_log.record(conn, now, by.user_id, "person_edited", f"person:{form.user_id}", *changed(old, new))
    return None


def set_active(conn: Connection, by: Actor, now: datetime, user_id: str, active: bool) -> Rejection | None:
    """Lets a person in again, or disables him and ends his sessions. Never oneself, never the last admin of a kind."""
    person = people.person(conn, user_id)
    if person is None:
        return Rejection("not_found", "people.no_person")
    refused = refusal(by, "admin_people")
    if refused is None and user_id == by.user_id:
        refused = Rejection("forbidden", "people.not_oneself")
    if refused is None and not active:
        refused = _last_one(conn, user_id, frozenset(person.roles))
    if refused is not None or person.active == active:
        return refused
    conn.execute(update(persons).where(persons.c.user_id == user_id).values(active=active))
    if not active:
        people_sessions.end_sessions(conn, now, user_id, "disabled")
    action = "person_enabled" if active else "person_disabled"
    people_log.record(conn, now, by.user_id, action, f"person:{user_id}", {"active": not active}, {"active": active})
    return None


def reset_password(conn: Connection, by: Actor, now: datetime, user_id: str) -> str | Rejection:
    """A new first password; ends the person's sessions.

    Whoever sets a password could sign in with it. So the holders of separated roles are reset by the security admin
    alone (never by himself), and everybody else by the system admin.
    """
    person = people.person(conn, user_id)
    if person is None:
        return Rejection("not_found", "people.no_person")
    separated = bool(frozenset(person.roles) & frozenset(SEPARATED_ROLES))
    refused = refusal(by, "admin_roles" if separated else "admin_people")
    if refused is not None:
        return Rejection("forbidden", "people.reset_by_other") if may(by, "reset_password") else refused
    if user_id == by.user_id:
        return Rejection("forbidden", "people.not_oneself")
    first = first_password()
    conn.execute(
        update(persons)
        .where(persons.c.user_id == user_id)
        .values(
            password_hash=passwords.hash_password(first),
            password_at=instant_text(now),
            must_change=True,
            demo_password=False,
        )
    )
    people_sessions.end_sessions(conn, now, user_id, "password_reset")
    people_log.record(conn, now, by.user_id, "password_reset", f"person:{user_id}", None, None)
    return first


def set_roles(conn: Connection, by: Actor, now: datetime, user_id: str, roles: Collection[str]) -> Rejection | None:
    """Makes `roles` the roles of the person and ends his sessions. Never one's own; never a set that conflicts."""
    person = people.person(conn, user_id)
    if person is None:
        return Rejection("not_found", "people.no_person")
    refused = refusal(by, "admin_roles")
    if refused is None and user_id == by.user_id:
        refused = Rejection("forbidden", "people.own_roles")
    wanted, held = frozenset(roles), frozenset(person.roles)
    if refused is None and not wanted <= frozenset(ROLES):
        refused = Rejection("invalid", "people.unknown_role")
    clash = role_conflict(wanted)
    if refused is None and clash is not None:
        refused = Rejection("invalid", "people.role_conflict", {"first": clash[0], "second": clash[1]})
    if refused is None:
        refused = _last_one(conn, user_id, held - wanted)
    if refused is not None or wanted == held:
        return refused
    try:
        with conn.begin_nested():
            _replace_roles(conn, by, now, user_id, wanted, held)
    except IntegrityError:  # another admin granted a conflicting role at the same moment: the database said no
        return Rejection("conflict", "people.changed_meanwhile")
    people_sessions.end_sessions(conn, now, user_id, "roles_changed")
    people_log.record(
        conn, now, by.user_id, "roles_changed", f"person:{user_id}", {"roles": sorted(held)}, {"roles": sorted(wanted)}
    )
    return None


def _replace_roles(
    conn: Connection, by: Actor, now: datetime, user_id: str, wanted: frozenset[str], held: frozenset[str]
) -> None:
    gone, new = held - wanted, wanted - held
    if gone:
        conn.execute(delete(person_roles).where(person_roles.c.user_id == user_id, person_roles.c.role.in_(gone)))
    for role in sorted(new):
        conn.execute(
            insert(person_roles).values(user_id=user_id, role=role, granted_at=instant_text(now), granted_by=by.user_id)
        )


def refusal(by: Actor, action: str) -> Rejection | None:
    """The Rejection for an actor who may not do `action`, or None."""
    decision = may(by, action)
    return None if decision else Rejection("forbidden", decision.reason_key, dict(decision.params))


def changed(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """The differing entries of both sides: what the log keeps."""
    keys = [key for key in new if old.get(key) != new[key]]
    return {key: old.get(key) for key in keys}, {key: new[key] for key in keys}


def clean(text: str) -> str:
    """One line without control characters, trimmed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def first_password() -> str:
    """60 random bits in a form that can be read out: `Yq-1a2b3-4c5d6-7e8f9`."""
    digits = new_id()
    return f"Yq-{digits[:5]}-{digits[5:10]}-{digits[10:15]}"


def _columns(form: PersonForm) -> dict[str, object]:
    return {
        "name": clean(form.name),
        "unit_id": form.unit_id,
        "title": clean(form.title),
        "phone": clean(form.phone),
    }


def _faults(conn: Connection, form: PersonForm, *, new: bool) -> Rejection | None:
    faults: list[FieldFault] = []
    if new and not LOGIN.fullmatch(form.user_id):
        faults.append(FieldFault("user_id", "people.login_form"))
    elif new and people.person(conn, form.user_id) is not None:
        faults.append(FieldFault("user_id", "people.login_taken"))
    if not clean(form.name):
        faults.append(FieldFault("name", "entry.required"))
    for path, value in (("name", form.name), ("title", form.title), ("phone", form.phone)):
        if len(value) > NAME_LENGTH:
            faults.append(FieldFault(path, "entry.too_long", {"maximum": NAME_LENGTH}))
    known = select(units.c.unit_id).where(units.c.unit_id == form.unit_id, units.c.active)
    if conn.execute(known).first() is None:
        faults.append(FieldFault("unit_id", "people.no_unit"))
    return Rejection("invalid", "entry.refused", fields=tuple(faults)) if faults else None


def _last_one(conn: Connection, user_id: str, losing: frozenset[str]) -> Rejection | None:
    """A Rejection when taking `losing` from the person would leave a needed role without an active holder."""
    for role in NEEDED_ROLES:
        if role not in losing:
            continue
        others = (
            select(func.count())
            .select_from(person_roles)
            .join(persons, persons.c.user_id == person_roles.c.user_id)
            .where(person_roles.c.role == role, persons.c.active, persons.c.user_id != user_id)
        )
        if not conn.execute(others).scalar_one():
            return Rejection("conflict", "people.last_admin", {"role": role})
    return None
