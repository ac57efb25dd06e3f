"""The words of a printed report: names of people and groups, lines of the timeline, instants and spans, in Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.definitions.bundle import Bundle
from engine.domain.calendar import ZONE
from engine.domain.codec import parse_instant
from engine.domain.organisation import ROLES
from engine.readmodels.timeline import TimelineItem

from . import case_decisions, case_facts
from .catalogue import said, sentence
from .people_tables import lines, persons, units

_INSTANTS: Final = frozenset({"due_at", "deadline", "anchor_at", "at"})


def instant(at: datetime | str | None) -> str:
    """`2026-03-02 09:12:45` in Asia/Shanghai; "" for nothing, the text itself when it is no instant."""
    if not at:
        return ""
    try:
        found = parse_instant(at) if isinstance(at, str) else at
    except ValueError:
        return str(at)
    return f"{found.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"


def span(seconds: float) -> str:
    """A length of time in words."""
    whole = int(abs(seconds))
    if whole >= 86_400:
        return sentence("clock.days", {"days": whole // 86_400, "hours": whole % 86_400 // 3_600})
    if whole >= 3_600:
        return sentence("clock.hours", {"hours": whole // 3_600, "minutes": f"{whole % 3_600 // 60:02d}"})
    if whole >= 60:
        return sentence("clock.minutes", {"minutes": whole // 60})
    return sentence("clock.seconds", {"seconds": whole})


def one_of(family: str, value: str, otherwise: str) -> str:
    """What the catalogue calls one of a family (`grade.`, `limit.name.` ...), or `otherwise` where it has no word."""
    return known(f"{family}{value}", otherwise)


def known(key: str, otherwise: str) -> str:
    """The sentence of a key, or `otherwise` where the catalogue has none."""
    text = sentence(key, {})
    return otherwise if text == key else text


class Words:
    """Names and value words for the report of one case; `bundle`: the one that its last entry ran on."""

    def __init__(self, conn: Connection, bundle: Bundle) -> None:
        self.values = case_facts.words(conn)
        self.persons: dict[str, str] = {
            row.user_id: row.name for row in conn.execute(select(persons.c.user_id, persons.c.name))
        }
        self.units: dict[str, str] = {
            row.unit_id: row.name for row in conn.execute(select(units.c.unit_id, units.c.name))
        }
        self.lines: dict[str, str] = {
            row.line_id: row.name for row in conn.execute(select(lines.c.line_id, lines.c.name))
        }
        self.cells = {
            **case_decisions.value_notes(bundle),
            **case_facts.value_words(conn, bundle),
            **case_decisions.names(bundle),
        }

    def person(self, login: str) -> str:
        """The name; "系统" for the program itself, the login for somebody unknown here."""
        if login.startswith("system:"):
            return sentence("people.system", {})
        return self.persons.get(login, login)

    def unit(self, unit_id: str) -> str:
        return self.units.get(unit_id, unit_id)

    def group(self, group: str) -> str:
        """What people call a login or a group."""
        kind, _, ident = group.partition(":")
        if kind == "system":
            return self.person(group)
        if kind == "user":
            return self.person(ident)
        if kind == "unit":
            return self.unit(ident)
        if kind == "head":
            return sentence("group.head", {"unit": self.unit(ident)})
        if kind == "line":
            return sentence("group.line", {"line": self.lines.get(ident, ident)})
        return one_of("role.", group, group) if group in ROLES else self.person(group)

    def cell(self, value: Any) -> str:
        """A value of a decision table or of case data as people read it."""
        if isinstance(value, Mapping):
            return "；".join(
                f"{self.cells.get(key) or one_of('field.', key, key)} {self.cell(one)}" for key, one in value.items()
            )
        if isinstance(value, list | tuple):
            return "、".join(self.cell(one) for one in value) or "—"
        if value is None or value == "":
            return "—"
        if isinstance(value, bool) or value in ("true", "false"):
            return sentence("app.yes" if value in (True, "true") else "app.no", {})
        text = str(value).strip()
        try:
            inner = json.loads(text)
        except ValueError:
            inner = text
        text = inner if isinstance(inner, str) else text
        return self.cells.get(text) or one_of("grade.", text, text)

    def line(self, item: TimelineItem) -> str:
        """One line of the timeline in words, with somebody's own words after it."""
        params = {name: self._blank(name, value) for name, value in item.params.items()}
        if item.key == "timeline.notified":
            inner = {name: self._blank(name, value) for name, value in dict(item.params.get("params") or {}).items()}
            params["message"] = sentence(str(item.params["message"]), inner)
        if item.key == "timeline.incident_raised":
            params["message"] = said(str(item.params["message"]), dict(item.params.get("details") or {}))
        text = sentence(item.key, params)
        if item.params.get("due_at"):
            text += sentence("timeline.with_due", {"at": params["due_at"]})
        if item.params.get("unit"):
            text += sentence("timeline.with_unit", {"unit": item.params["unit"]})
        if item.params.get("cause"):
            text += sentence("timeline.with_cause", {"cause": sentence(str(item.params["cause"]), {})})
        own = [str(item.params[name]) for name in ("text", "reason", "comment", "note") if item.params.get(name)]
        own += ["；".join(map(str, item.params["notes"]))] if item.params.get("notes") else []
        return f"{text}　“{own[0]}”" if own else text

    def _blank(self, name: str, value: Any) -> Any:
        if name in _INSTANTS and isinstance(value, str):
            return instant(value)[:16]
        if name == "late_seconds":
            return span(float(value))
        if name == "outcome":
            return one_of("outcome.", value, str(value))
        if name == "limit":
            return one_of("limit.name.", value, str(value))
        if name == "mark":
            return mark(str(value))
        if name == "decision":
            return self.cells.get(str(value), value)
        if name == "rules":
            return "、".join(map(str, value))
        if name == "fields":
            return "、".join(one_of("field.", field, field) for field in value)
        if name == "result":
            return self.cell(value)
        return value


def mark(text: str) -> str:
    """When a warning comes, in words: `start`, `-PT30M`; `75%` and `18:00` speak for themselves."""
    if text == "start":
        return sentence("limit.mark.start", {})
    before = re.fullmatch(r"-PT(?:(\d+)H)?(?:(\d+)M)?", text)
    if before is None:
        return text
    return sentence("limit.mark.before", {"span": span(int(before[1] or 0) * 3600 + int(before[2] or 0) * 60)})
