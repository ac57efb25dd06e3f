"""Which lines each view of the inbox has, before the cases and tasks they name are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, case, func, literal_column, select
from sqlalchemy.sql.base import ColumnCollection, ReadOnlyColumnCollection

from .schema import cases, copies, copy_reads, cosigns, task_groups, tasks

View = Literal["mine", "unit", "role", "cosign", "copies", "done", "all"]
VIEWS: tuple[View, ...] = ("mine", "unit", "role", "cosign", "copies", "done", "all")

Groups = tuple[str, ...] | BindParameter[Any]
Columns = ReadOnlyColumnCollection[str, Any] | ColumnCollection[str, Any]

# Written into the statement, not bound: only then does SQLite see that a partial index fits.
_ASKED = cosigns.c.state == literal_column("'asked'")
_DONE = tasks.c.state == literal_column("'done'")
_NOTHING: ColumnElement[str] = literal_column("''")


@dataclass(frozen=True, slots=True)
class Reader:
    """Groups of one person by what they mean for the inbox. `users`: logins he acts for, his own and those he
    substitutes today; `own`: the same as groups."""

    user_id: str
    users: tuple[str, ...]
    own: tuple[str, ...]
    units: tuple[str, ...]
    roles: tuple[str, ...]
    everything: tuple[str, ...]

    @staticmethod
    def of(groups: frozenset[str], user_id: str) -> Reader:
        own = {group for group in groups if group.startswith("user:")} | {f"user:{user_id}"}
        units = {group for group in groups if group.startswith(("unit:", "head:"))}
        return Reader(
            user_id,
            tuple(sorted(group.removeprefix("user:") for group in own)),
            tuple(sorted(own)),
            tuple(sorted(units)),
            tuple(sorted(groups - own - units)),
            tuple(sorted(groups | own)),
        )


@dataclass(frozen=True, slots=True)
class Lines:
    """A view: `select` gives case_id, task and what to sort by. `case_id`, `due`: the columns it can be narrowed by;
    `keys`: names of the columns to sort by, each with whether downwards."""

    select: Select[Any]
    case_id: ColumnElement[str]
    due: ColumnElement[str]
    keys: tuple[tuple[str, bool], ...]
    joined: bool = False

    def order(self, columns: Columns) -> list[ColumnElement[Any]]:
        return [columns[name].desc() if down else columns[name] for name, down in self.keys]

    def of_cases(self, *where: ColumnElement[bool]) -> Lines:
        """Only lines of cases for which all of `where` holds."""
        return replace(self._with_cases(), select=self._with_cases().select.where(*where))

    def due_by(self, instant: str | BindParameter[str]) -> Lines:
        """Only lines due at that instant or before."""
        found = self._with_cases() if self.due is cases.c.next_due else self
        return replace(found, select=found.select.where(self.due <= instant))

    def _with_cases(self) -> Lines:
        if self.joined:
            return self
        return replace(self, select=self.select.join(cases, cases.c.case_id == self.case_id), joined=True)


_BY_DUE = (("next_due", False), ("case_id", False), ("task", False))
_STATES: Mapping[str, tuple[str, ...]] = {
    "mine": ("held", "offered"),
    "unit": ("offered",),
    "role": ("offered",),
    "all": ("held", "offered", "taken"),
}


def lines(reader: Reader, view: View, *, unread_only: bool = False) -> Lines:
    """The lines of a view; `unread_only` concerns copies."""
    if view == "copies":
        return _copies(reader.everything, reader.user_id, unread_only)
    if view == "cosign":
        return _cosigns(reader.users)
    if view == "done":
        found = select(tasks.c.case_id, tasks.c.task, tasks.c.completed_at.label("sorted_by"))
        found = found.where(_DONE, tasks.c.completed_by == reader.user_id)
        # All downwards: the index is read from its end, whatever was done at the same instant.
        order = (("sorted_by", True), ("case_id", True), ("task", True))
        return Lines(found, tasks.c.case_id, tasks.c.next_due, order)
    groups = {"mine": reader.own, "unit": reader.units, "role": reader.roles, "all": reader.everything}[view]
    return _offered(groups, _STATES[view], len(groups) > 1)


def counting(reader: Reader, due_by: str) -> tuple[Select[Any], Mapping[str, object]]:
    """The statement that counts mine, unit, role, cosign, unread copies and mine due by that instant, and its values.

    Every page with a mark beside the inbox asks for it: it is built once for each shape, not for each person.
    """
    values = {
        "own": reader.own, "units": reader.units, "roles": reader.roles, "users": reader.users,
        "everything": reader.everything, "user_id": reader.user_id, "due_by": due_by,
    }  # fmt: skip
    return _counting(len(reader.own) > 1, len(reader.units) > 1, len(reader.roles) > 1), values


@cache
def _counting(several_own: bool, several_units: bool, several_roles: bool) -> Select[Any]:
    def groups(name: str) -> BindParameter[Any]:
        return bindparam(name, expanding=True)

    mine = _offered(groups("own"), _STATES["mine"], several_own)
    counted = (
        mine,
        _offered(groups("units"), _STATES["unit"], several_units),
        _offered(groups("roles"), _STATES["role"], several_roles),
        _cosigns(groups("users")),
        _copies(groups("everything"), bindparam("user_id"), True),
        mine.due_by(bindparam("due_by")),
    )
    return select(*(select(func.count()).select_from(one.select.subquery()).scalar_subquery() for one in counted))


def _offered(groups: Groups, states: tuple[str, ...], several: bool) -> Lines:
    g = task_groups.c
    named = (g.case_id, g.task, g.next_due)
    found = select(*named).where(g.grp.in_(groups), g.state.in_(states))
    if several:
        found = found.group_by(*named)  # a task may be offered to several of his groups
    return Lines(found, g.case_id, g.next_due, _BY_DUE)


def _cosigns(users: Groups) -> Lines:
    found = (
        select(cosigns.c.case_id, cosigns.c.task, tasks.c.next_due.label("sorted_by"))
        .add_columns(cosigns.c.note, cosigns.c.asked_by.label("author"))
        .join(tasks, and_(tasks.c.case_id == cosigns.c.case_id, tasks.c.task == cosigns.c.task))
        .where(_ASKED, cosigns.c.user_id.in_(users), tasks.c.state == "open")
    )
    order = (("sorted_by", False), ("case_id", False), ("task", False))
    return Lines(found, cosigns.c.case_id, tasks.c.next_due, order)


def _copies(groups: Groups, user_id: str | BindParameter[str], unread_only: bool) -> Lines:
    """One line a case, however many of the reader's groups it was copied to: the latest copy counts."""
    latest = func.row_number().over(partition_by=copies.c.case_id, order_by=(copies.c.at.desc(), copies.c.grp))
    read_at = func.coalesce(copy_reads.c.read_at, _NOTHING)
    mine = (
        select(copies.c.case_id, copies.c.author, copies.c.note, copies.c.at)
        .add_columns(read_at.label("read_at"), latest.label("place"))
        .outerjoin(copy_reads, and_(copy_reads.c.case_id == copies.c.case_id, copy_reads.c.user_id == user_id))
        .where(copies.c.grp.in_(groups))
        .subquery("mine")
    )
    unread = case((mine.c.read_at < mine.c.at, 1), else_=0)
    found = select(mine.c.case_id, mine.c.author, mine.c.note, mine.c.at, mine.c.read_at, unread.label("unread"))
    found = found.where(mine.c.place == 1)
    if unread_only:
        found = found.where(unread == 1)
    order = (("unread", True), ("at", True), ("case_id", False))
    return Lines(found, mine.c.case_id, cases.c.next_due, order)
