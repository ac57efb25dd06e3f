"""Names of people and groups for one page; tables are read when the first name of their kind is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from flask import Flask
from sqlalchemy import Connection

from engine.domain.organisation import ROLES
from engine.domain.rejection import Rejection
from engine.service import people

from .case_words import said
from .catalogue import t
from .formats import minute

_LOGINS = frozenset({"by", "from_user", "owner", "to", "user", "users"})
"""Blanks of refusals that hold logins."""


class Names:
    """In templates also as filters: `groups | map("group_name", names)`, `logins | map("person_name", names)`.

    Requires that `conn` stays open until the last name was read: call `load` before leaving it.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._people: dict[str, str] = {}

    def load(self, logins: Iterable[str], groups: Iterable[str] = ()) -> Names:
        """Reads the names of these people and of everybody and every unit in `groups`; returns itself."""
        wanted = set(logins) | {group[5:] for group in groups if group.startswith("user:")}
        wanted -= {"", *self._people}
        if wanted:
            self._people |= people.names(self._conn, wanted)
        if any(group.startswith(("unit:", "head:")) for group in groups):
            _ = self.units
        if any(group.startswith("line:") for group in groups):
            _ = self.lines
        return self

    @cached_property
    def units(self) -> Mapping[str, str]:
        return {unit.unit_id: unit.name for unit in people.all_units(self._conn)}

    @cached_property
    def lines(self) -> Mapping[str, str]:
        return {line.line_id: line.name for line in people.all_lines(self._conn)}

    def person(self, login: str) -> str:
        """The name for a login; the login itself when it is unknown, the program's name for `system:...`."""
        return t("people.system") if login.startswith("system:") else self._people.get(login, login)

    def unit(self, unit_id: str) -> str:
        return self.units.get(unit_id, unit_id) if unit_id else ""

    def group(self, group: str) -> str:
        """`办公室` for a role, a unit's name, `…负责人` for its head, `分管…的局领导` for a line, a person's name."""
        kind, _, ident = group.partition(":")
        if kind == "user":
            return self.person(ident)
        if kind == "unit":
            return self.unit(ident)
        if kind == "head":
            return t("group.head", unit=self.unit(ident))
        if kind == "line":
            return t("group.line", line=self.lines.get(ident, ident))
        return t(f"role.{group}") if group in ROLES else group

    def sentence(self, rejection: Rejection) -> str:
        """A refusal in words, people by their names."""
        details: dict[str, object] = dict(rejection.details)
        logins = {name: str(value).split(", ") for name, value in details.items() if name in _LOGINS}
        self.load([login for found in logins.values() for login in found])
        for name, found in logins.items():
            details[name] = "、".join(self.person(login) for login in found)
        if isinstance(details.get("at"), str):
            details["at"] = minute(str(details["at"]))
        return said(rejection.key, details)


def install(app: Flask) -> None:
    app.jinja_env.filters["group_name"] = lambda group, names: names.group(group)
    app.jinja_env.filters["unit_name"] = lambda unit, names: names.unit(unit)
    app.jinja_env.filters["person_name"] = lambda login, names: names.person(login)
