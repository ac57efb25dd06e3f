"""Lists that forms offer from outside the case: units, lines, people, usual words of an instruction (批示)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.definitions.bundle import Bundle
from engine.definitions.form_options import OUTSIDE_LISTS
from engine.domain.codec import JSON, texts
from engine.domain.organisation import SEPARATED_ROLES
from engine.journal.store import SqlTransaction

from . import people, people_kept, phrases
from .people_tables import RECEIVES_WORK, lines, persons, units

NAMES = OUTSIDE_LISTS
MOST_KEPT: Final = 200
"""Versions, drafts too, of which is known whether they offer the usual words."""
_OFFERING: dict[str, bool] = {}
LONGEST: Final = 200
"""Characters of a value that may be one of a list; what is longer was typed, not chosen."""


def options(conn: Connection, bundle: Bundle) -> dict[str, JSON]:
    """Every list in full, as `valuesKey` wants them: `[{"label", "value"}]`. Shared, not to be changed."""
    lists = people_kept.kept(conn, "options", _from_tables)
    # No shipped form offers them (the page of an instruction shows them beside the form): then nothing is read.
    words = phrases.offered(conn, bundle) if _offers_phrases(bundle) else phrases.shipped(bundle)
    return {**lists, "instruction_phrases": list(words)}


def _offers_phrases(bundle: Bundle) -> bool:
    """Whether some form of the bundle asks for the usual words; looked up once for a version."""
    if bundle.version not in _OFFERING:
        if len(_OFFERING) > MOST_KEPT:
            _OFFERING.clear()
        _OFFERING[bundle.version] = any("instruction_phrases" in form.input_names() for form in bundle.forms.values())
    return _OFFERING[bundle.version]


def _from_tables(conn: Connection) -> dict[str, JSON]:
    directory, separated = people.directory(conn), frozenset(SEPARATED_ROLES)
    return {
        "units_options": [{"label": unit.name, "value": unit.unit_id} for unit in directory.units],
        "lines_options": [{"label": line.name, "value": line.line_id} for line in directory.lines],
        "people_options": [
            {"label": f"{person.name}（{person.unit_name}）", "value": person.user_id}
            for person in directory.persons
            if not separated.intersection(person.roles)
        ],
    }


class ChosenOptions:
    """What the lists offer of the values that a submission chose: enough to judge it, little to keep."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], frozenset[str]] = {}

    def __call__(self, tx: SqlTransaction, bundle: Bundle, form: str, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        wanted = self._lists(bundle, form)
        chosen = sorted({text for text in texts(values) if len(text) <= LONGEST}) if wanted else []
        return {name: FINDERS[name](tx.connection, bundle, chosen) for name in sorted(wanted)}

    def _lists(self, bundle: Bundle, form: str) -> frozenset[str]:
        key = (bundle.version, form)
        if key not in self._read:
            found = bundle.forms.get(form)
            self._read[key] = frozenset() if found is None else NAMES & found.input_names()
        return self._read[key]


def _offered(conn: Connection, value: Any, label: Any, chosen: list[str], *where: Any) -> list[JSON]:
    rows = conn.execute(select(value, label).where(value.in_(chosen), *where).order_by(value))
    return [{"label": row[1], "value": row[0]} for row in rows]


def _phrases(conn: Connection, bundle: Bundle, chosen: list[str]) -> list[JSON]:
    return [phrase for phrase in phrases.offered(conn, bundle) if phrase in chosen]


FINDERS: Mapping[str, Callable[[Connection, Bundle, list[str]], list[JSON]]] = {
    "units_options": lambda conn, _, chosen: _offered(conn, units.c.unit_id, units.c.name, chosen, units.c.active),
    "lines_options": lambda conn, _, chosen: _offered(conn, lines.c.line_id, lines.c.name, chosen),
    "people_options": lambda conn, _, chosen: _offered(
        conn, persons.c.user_id, persons.c.name, chosen, persons.c.active, RECEIVES_WORK
    ),
    "instruction_phrases": _phrases,
}
"""Of each list, the options whose value was chosen."""
