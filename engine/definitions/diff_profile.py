"""What differs between two regulation profiles (TOML), key by key; entries of lists by their id or what they say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from .diff_matching import moved, pairs
from .diff_model import Change, Effect, Subject
from .diff_values import differences, text_of, written

TABLES: Final[Mapping[str, Effect]] = {
    "limits": "limit", "parameters": "limit", "calendar": "limit", "checks": "regulation", "checking": "regulation",
    "clauses": "regulation", "profile": "text", "retention": "regulation", "start_forms": "form",
}  # fmt: skip
"""What a table of the profile is about; lists of choices and anything else are data of the forms."""
WORDS: Final = frozenset({"title", "title_en", "label", "says", "says_en", "rule_en", "note", "name", "name_en"})


_NAME: Final = re.compile(r"[A-Za-z_]\w*")


class Unreadable(ValueError):
    """The bytes are no TOML."""


def diff(before: bytes, after: bytes) -> list[Change]:
    """All differences in what the two say. Raises Unreadable."""
    old, new = _load(before), _load(after)
    found: list[Change] = []
    for table in sorted(old.keys() | new.keys()):
        one, other = old.get(table), new.get(table)
        if isinstance(one, list) and isinstance(other, list) and _tables(one) and _tables(other):
            found += _entries(table, one, other)
        elif isinstance(one, Mapping) and isinstance(other, Mapping):
            found += _keys(table, one, other, (_users(old), _users(new)))
        else:
            found += [_plain(table, kind, path, a, b) for kind, path, a, b in _value(table, old, new)]
    return found


def _load(data: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error


def _tables(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(value, Mapping) for value in values)


def _value(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Any]:
    return list(differences({n: v for n, v in old.items() if n == name}, {n: v for n, v in new.items() if n == name}))


def _plain(table: str, kind: Any, path: tuple[str, ...], a: str | None, b: str | None) -> Change:
    subject = Subject(table, "", "key")
    inside = path[1:]
    one = None if kind == "added" and not inside else subject
    other = None if kind == "removed" and not inside else subject
    return Change(kind, TABLES.get(table, "data"), one, other, inside, a, b)


def _users(profile: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Parameter -> clauses of the limits that are reckoned with it."""
    found: dict[str, list[str]] = {}
    limits = profile.get("limits", {})
    for limit in limits.values() if isinstance(limits, Mapping) else ():
        if isinstance(limit, Mapping):
            for name in set(_NAME.findall(str(limit.get("due", "")))):
                found.setdefault(name, []).extend(str(one) for one in limit.get("clauses", ()))
    return {name: tuple(sorted(set(clauses))) for name, clauses in found.items()}


def _keys(
    table: str, old: Mapping[str, Any], new: Mapping[str, Any], users: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> list[Change]:
    """A table of keys, each with a value or a table of its own: `limits.same_day`."""
    found = []
    for key in dict.fromkeys((*old, *new)):
        one = _subject(table, key, old[key], users[0]) if key in old else None
        other = _subject(table, key, new[key], users[1]) if key in new else None
        if one is None or other is None:
            before, after = (text_of(side[key]) if key in side else None for side in (old, new))
            kind: Any = "added" if one is None else "removed"
            found.append(Change(kind, _effect(table, ()), one, other, (), before, after))
            continue
        for kind, path, a, b in differences(old[key], new[key]):
            found.append(Change(kind, _effect(table, path), one, other, path, a, b))
    return found


def _entries(table: str, old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> list[Change]:
    """A list of tables: `[[business_lines]]` by id, `[[checks]]` by clause and what they say."""
    matched = pairs(
        old,
        new,
        written,
        lambda one: one.get("id"),
        lambda one: (one.get("clause"), one.get("says")) if one.get("says") else None,
        likeness=_likeness,
        least=0.4,
    )
    found: list[Change] = []
    kept_old, kept_new = {i for i, _ in matched}, {j for _, j in matched}
    for i, one in enumerate(old):
        if i not in kept_old:
            found.append(Change("removed", _effect(table, ()), _entry(table, i, one), None, (), written(one), None))
    for j, one in enumerate(new):
        if j not in kept_new:
            found.append(Change("added", _effect(table, ()), None, _entry(table, j, one), (), None, written(one)))
    for i, j in matched:
        subjects = _entry(table, i, old[i]), _entry(table, j, new[j])
        for kind, path, a, b in differences(old[i], new[j]):
            found.append(Change(kind, _effect(table, path), *subjects, path, a, b))
    order = moved(matched, lambda pair: repr(sorted((written(old[pair[0]]), written(new[pair[1]])))))
    for i, j in sorted(order):
        # The order of choices is seen on the forms; that of checks is nobody's concern.
        effect: Effect = "technical" if table == "checks" else _effect(table, ())
        subjects = _entry(table, i, old[i]), _entry(table, j, new[j])
        found.append(Change("moved", effect, *subjects, ("@place",), str(i + 1), str(j + 1)))
    return found


def _likeness(old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    if old.get("id") or new.get("id"):
        return 0.5 * (old.get("label") is not None and old.get("label") == new.get("label"))
    left = {(name, written(value)) for name, value in old.items()}
    right = {(name, written(value)) for name, value in new.items()}
    return len(left & right) / max(len(left), len(right), 1)


def _subject(table: str, key: str, value: Any, users: Mapping[str, Any]) -> Subject:
    name, clauses = "", [key] if table == "clauses" else list(users.get(key, ())) if table == "parameters" else []
    if isinstance(value, Mapping):
        name = next((str(value[n]) for n in ("label", "title", "rule", "says") if value.get(n)), "")
        given = value.get("clauses", [])
        clauses += [str(one) for one in given] if isinstance(given, list) else []
    return Subject(f"{table}.{key}", name[:60], "key", (), tuple(dict.fromkeys(clauses)))


def _entry(table: str, place: int, value: Mapping[str, Any]) -> Subject:
    name = next((str(value[n]) for n in ("label", "says", "name") if value.get(n)), "")
    clauses = (str(value["clause"]),) if value.get("clause") else ()
    own = str(value.get("id") or place + 1)
    return Subject(f"{table}.{own}", name[:60], "key", (), clauses)


def _effect(table: str, path: tuple[str, ...]) -> Effect:
    if path and path[-1] in WORDS:
        return "text"
    return TABLES.get(table, "data")
