"""Reading people: who somebody is at an instant, and the directory of units, lines and persons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, func, literal, or_, select, union_all

from engine.domain.codec import instant_text, parse_instant
from engine.domain.organisation import POSTS, Absence, Actor, Standing, actor_of, substituted_by

from . import people_kept
from .people_tables import absences, duty_roster, lines, person_roles, persons, unit_posts, units

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Person:
    user_id: str
    name: str
    unit_id: str
    unit_name: str
    title: str
    phone: str
    active: bool
    must_change: bool
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """`posts`: post -> login of its holder; a post that nobody active holds is left out."""

    unit_id: str
    name: str
    kind: str
    district: str
    line_id: str
    active: bool
    position: int
    posts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    line_id: str
    name: str
    leader: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything that pickers offer: active units by position, lines by id, active persons by unit and name."""

    units: tuple[Unit, ...]
    lines: tuple[Line, ...]
    persons: tuple[Person, ...]

    def name_of(self, user_id: str) -> str:
        """The name shown for a login; the login itself when it is not active any more."""
        return next((person.name for person in self.persons if person.user_id == user_id), user_id)


@dataclass(frozen=True, slots=True)
class AbsenceRow:
    absence_id: int
    user_id: str
    name: str
    substitute: str
    substitute_name: str
    start_at: str
    end_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class DutyRow:
    duty_id: int
    on_date: str
    shift: str
    part: str
    user_id: str
    name: str
    phone: str


def actor(conn: Connection, user_id: str, now: datetime) -> Actor | None:
    """The active person `user_id` with every group he speaks for at `now`, or None."""
    substituted = substituted_by(user_id, _absences(conn, now), now)
    found = _standings(conn, (user_id, *substituted))
    if user_id not in found:
        return None
    return actor_of(found[user_id], [found[absent] for absent in substituted if absent in found])


def speakers(conn: Connection, groups: Iterable[str], now: datetime) -> dict[str, tuple[str, ...]]:
    """group -> logins of all who speak for it at `now`, sorted: its own people and those who act for them."""
    wanted = frozenset(groups)
    everybody = conn.execute(select(persons.c.user_id).where(persons.c.active)).scalars().all()
    found = _standings(conn, everybody)
    away = _absences(conn, now)
    heard: dict[str, list[str]] = {group: [] for group in wanted}
    for user_id in sorted(found):
        absent = [found[one] for one in substituted_by(user_id, away, now) if one in found] if away else []
        for group in actor_of(found[user_id], absent).groups & wanted:
            heard[group].append(user_id)
    return {group: tuple(users) for group, users in heard.items()}


_RUNNING: Final = select(absences).where(
    absences.c.cancelled_at == "", absences.c.start_at <= bindparam("at"), absences.c.end_at > bindparam("at")
)


def _absences(conn: Connection, now: datetime) -> list[Absence]:
    return [
        Absence(row.user_id, row.substitute, parse_instant(row.start_at), parse_instant(row.end_at))
        for row in conn.execute(_RUNNING, {"at": instant_text(now)})
    ]


_WANTED: Final[BindParameter[str]] = bindparam("wanted", expanding=True)
_STANDINGS: Final = union_all(
    select(literal("person").label("what"), persons.c.user_id, persons.c.name.label("one"), persons.c.unit_id)
    .where(persons.c.user_id.in_(_WANTED), persons.c.active),
    select(literal("role"), person_roles.c.user_id, person_roles.c.role, literal(""))
    .where(person_roles.c.user_id.in_(_WANTED)),
    select(literal("post"), unit_posts.c.user_id, unit_posts.c.unit_id, unit_posts.c.post)
    .where(unit_posts.c.user_id.in_(_WANTED)),
    select(literal("line"), lines.c.leader, lines.c.line_id, literal("")).where(lines.c.leader.in_(_WANTED)),
)  # fmt: skip
"""In one statement, built once: every request asks who its person is."""


def _standings(conn: Connection, user_ids: Iterable[str]) -> dict[str, Standing]:
    """Standings of the active ones among `user_ids`."""
    people: dict[str, tuple[str, str]] = {}
    roles: dict[str, set[str]] = {}
    posts: dict[str, set[tuple[str, str]]] = {}
    led: dict[str, set[str]] = {}
    for what, user_id, one, other in conn.execute(_STANDINGS, {"wanted": tuple(user_ids)}):
        if what == "person":
            people[user_id] = (one, other)
        elif what == "role":
            roles.setdefault(user_id, set()).add(one)
        elif what == "post":
            posts.setdefault(user_id, set()).add((one, other))
        else:
            led.setdefault(user_id, set()).add(one)
    return {
        user_id: Standing(
            user_id,
            name,
            unit_id,
            frozenset(roles.get(user_id, ())),
            frozenset(posts.get(user_id, ())),
            frozenset(led.get(user_id, ())),
        )
        for user_id, (name, unit_id) in people.items()
    }


def unit_name(conn: Connection, unit_id: str) -> str:
    """The unit's full name, or '' when there is none."""
    return conn.execute(select(units.c.name).where(units.c.unit_id == unit_id)).scalar_one_or_none() or ""


def names(conn: Connection, user_ids: Iterable[str]) -> dict[str, str]:
    """login -> name, for those that exist (also the disabled ones: old cases show them)."""
    rows = conn.execute(select(persons.c.user_id, persons.c.name).where(persons.c.user_id.in_(tuple(user_ids))))
    return {row.user_id: row.name for row in rows}


def directory(conn: Connection) -> Directory:
    """Active units, all lines, active persons; one query while nobody was changed, five else."""
    return people_kept.kept(conn, "directory", _directory)


def _directory(conn: Connection) -> Directory:
    return Directory(
        tuple(unit for unit in all_units(conn) if unit.active),
        all_lines(conn),
        tuple(person for person in _people(conn) if person.active),
    )


def all_units(conn: Connection) -> tuple[Unit, ...]:
    """Every unit by position, with the active holders of its posts. Kept like the directory."""
    return people_kept.kept(conn, "units", _all_units)


def _all_units(conn: Connection) -> tuple[Unit, ...]:
    held: dict[str, dict[str, str]] = {}
    holders = (
        select(unit_posts.c.unit_id, unit_posts.c.post, unit_posts.c.user_id)
        .join(persons, persons.c.user_id == unit_posts.c.user_id)
        .where(persons.c.active)
    )
    for unit_id, post, user_id in conn.execute(holders):
        held.setdefault(unit_id, {})[post] = user_id
    rows = conn.execute(select(units).order_by(units.c.position, units.c.unit_id))
    return tuple(
        Unit(
            row.unit_id, row.name, row.kind, row.district, row.line_id or "", row.active, row.position,
            {post: held[row.unit_id][post] for post in POSTS if post in held.get(row.unit_id, {})},
        )
        for row in rows
    )  # fmt: skip


def all_lines(conn: Connection) -> tuple[Line, ...]:
    """Every line of responsibility, by id."""
    rows = conn.execute(select(lines).order_by(lines.c.line_id))
    return tuple(Line(row.line_id, row.name, row.leader) for row in rows)


def person(conn: Connection, user_id: str) -> Person | None:
    """One person, active or not."""
    found = _people(conn, persons.c.user_id == user_id)
    return found[0] if found else None


def people_page(conn: Connection, query: str = "", unit_id: str = "", page: int = 1) -> tuple[tuple[Person, ...], int]:
    """One page of persons (active first, then by unit and name) and the number of pages."""
    where = []
    if query:
        where.append(
            or_(persons.c.name.contains(query, autoescape=True), persons.c.user_id.contains(query, autoescape=True))
        )
    if unit_id:
        where.append(persons.c.unit_id == unit_id)
    count = conn.execute(select(func.count()).select_from(persons).where(*where)).scalar_one()
    return _people(conn, *where, page=max(1, page)), max(1, -(-count // PAGE_SIZE))


def _people(conn: Connection, *where: object, page: int = 0) -> tuple[Person, ...]:
    query = (
        select(persons, units.c.name.label("unit_name"))
        .join(units, units.c.unit_id == persons.c.unit_id)
        .where(*where)  # type: ignore[arg-type]
        .order_by(persons.c.active.desc(), units.c.position, persons.c.name, persons.c.user_id)
    )
    if page:
        query = query.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)
    rows = conn.execute(query).all()
    roles: dict[str, list[str]] = {}
    held = select(person_roles.c.user_id, person_roles.c.role).order_by(person_roles.c.role)
    if len(rows) <= PAGE_SIZE:
        held = held.where(person_roles.c.user_id.in_([row.user_id for row in rows]))
    for user_id, role in conn.execute(held):
        roles.setdefault(user_id, []).append(role)
    return tuple(
        Person(
            row.user_id, row.name, row.unit_id, row.unit_name, row.title, row.phone, row.active, row.must_change,
            tuple(roles.get(row.user_id, ())),
        )
        for row in rows
    )  # fmt: skip


def standing_absences(conn: Connection, now: datetime) -> tuple[AbsenceRow, ...]:
    """Absences that run or are to come, by their start."""
    away, acting = persons.alias("away"), persons.alias("acting")
    query = (
        select(absences, away.c.name.label("name"), acting.c.name.label("substitute_name"))
        .join(away, away.c.user_id == absences.c.user_id)
        .join(acting, acting.c.user_id == absences.c.substitute)
        .where(absences.c.cancelled_at == "", absences.c.end_at > instant_text(now))
        .order_by(absences.c.start_at, absences.c.absence_id)
    )
    return tuple(
        AbsenceRow(
            row.absence_id, row.user_id, row.name, row.substitute, row.substitute_name, row.start_at, row.end_at,
            row.reason,
        )
        for row in conn.execute(query)
    )  # fmt: skip


def duty(conn: Connection, first: date, last: date, most: int | None = None) -> tuple[DutyRow, ...]:
    """Who is on duty from `first` to `last` (days in Asia/Shanghai, both included), leaders before officers; the first
    `most` lines where that is given."""
    query = (
        select(duty_roster, persons.c.name, persons.c.phone)
        .join(persons, persons.c.user_id == duty_roster.c.user_id)
        .where(duty_roster.c.on_date >= first.isoformat(), duty_roster.c.on_date <= last.isoformat())
        .order_by(duty_roster.c.on_date, duty_roster.c.shift, duty_roster.c.part, persons.c.name)
        .limit(most)
    )
    return tuple(
        DutyRow(row.duty_id, row.on_date, row.shift, row.part, row.user_id, row.name, row.phone)
        for row in conn.execute(query)
    )
