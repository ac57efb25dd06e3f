"""What may be written in a register: each field of what was typed, checked and as it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.rejection import FieldFault

from .people_tables import RECEIVES_WORK, persons, units
from .registers import MOST_LINES, Field, Register

AHEAD: Final = timedelta(minutes=10)
"""An instant may lie so far in the future: clocks differ, and who writes while he patrols rounds up."""
MAY_LIE_AHEAD: Final = frozenset({"deadline_at"})
Checked = tuple[JSON, str, Mapping[str, object]]
"""(value, key of what is wrong or "", its facts)."""


def checked(
    conn: Connection, register: Register, typed: Mapping[str, JSON], now: datetime
) -> tuple[dict[str, JSON], list[FieldFault]]:
    """(field -> value, of those that hold something; what is wrong with the others)."""
    values: dict[str, JSON] = {}
    faults: list[FieldFault] = []
    known = _known(conn, register)
    for one in register.fields:
        value, key, facts = _value(one, typed.get(one.name), now, known)
        if key:
            faults.append(FieldFault(one.name, key, facts))
        elif value not in (None, "", []):
            values[one.name] = value
        elif one.required:
            faults.append(FieldFault(one.name, "form.required"))
    for one in register.fields:
        first, second = values.get(one.after), values.get(one.name)
        if one.after and isinstance(first, str) and isinstance(second, str) and second < first:
            faults.append(FieldFault(one.name, "register.before", {"other": one.after}))
    return values, faults


def _known(conn: Connection, register: Register) -> dict[str, frozenset[str]]:
    """Logins and units that may be named, read only where a field names some. Where naming gives access to a case:
    only who may receive a copy of one."""
    kinds = {one.kind for one in register.fields}
    found = {}
    if kinds & {"person", "people"}:
        named = select(persons.c.user_id).where(persons.c.active)
        found["person"] = frozenset(conn.scalars(named.where(RECEIVES_WORK) if register.gives_access else named))
    if "units" in kinds:
        found["units"] = frozenset(conn.scalars(select(units.c.unit_id).where(units.c.active)))
    return found


def _value(one: Field, typed: JSON, now: datetime, known: Mapping[str, frozenset[str]]) -> Checked:
    if one.kind in ("choices", "people", "units"):
        chosen = sorted({str(each) for each in typed}) if isinstance(typed, list) else []
        allowed: Iterable[str] = one.options or known["units" if one.kind == "units" else "person"]
        strange = sorted(set(chosen) - set(allowed))
        return (chosen, "", {}) if not strange else _not_offered(one, strange[0])
    if one.kind == "lines":
        return _lines(one, typed)
    text = typed.strip() if isinstance(typed, str) else ""
    if not text:
        return None, "", {}
    if one.kind in ("choice", "person"):
        return (text, "", {}) if text in (one.options or known["person"]) else _not_offered(one, text)
    if one.kind in ("instant", "date"):
        return _moment(one, text, now)
    if one.kind == "number":
        good = text.isascii() and text.isdigit() and len(text) <= 9
        return (int(text), "", {}) if good else (None, "register.number", {})
    if len(text) > one.most:
        return None, "register.long", {"most": one.most}
    if one.kind == "phone" and not all(char in "0123456789+-() 转" for char in text):
        return None, "form.phone", {}
    return text, "", {}


def _not_offered(one: Field, text: str) -> Checked:
    if one.kind in ("person", "people"):
        return None, "person.unknown", {"who": text[: one.most]}
    return None, "register.not_offered", {}


def _lines(one: Field, typed: JSON) -> Checked:
    """Lines of a text, or a list of them: blanks at the ends and what can't be seen are taken away, empty ones left
    out."""
    given = typed if isinstance(typed, list) else str(typed or "").splitlines()
    found = [" ".join("".join(filter(str.isprintable, str(line))).split()) for line in given]
    lines = [line for line in found if line]
    if len(lines) > MOST_LINES:
        return None, "register.many_lines", {"most": MOST_LINES, "count": len(lines)}
    for place, line in enumerate(lines, 1):
        if len(line) > one.most:
            return None, "register.long_line", {"line": place, "most": one.most}
        if line in lines[: place - 1]:
            return None, "register.same_line", {"line": place, "other": lines.index(line) + 1, "text": line}
    return list(lines), "", {}


def _moment(one: Field, text: str, now: datetime) -> Checked:
    try:
        if one.kind == "date":
            return date.fromisoformat(text).isoformat(), "", {}
        at = parse_instant(text)
    except ValueError:
        return None, "form.datetime_format" if one.kind == "instant" else "form.date_format", {}
    if at > now + AHEAD and one.name not in MAY_LIE_AHEAD:
        return None, "register.ahead", {}
    return instant_text(at), "", {}
