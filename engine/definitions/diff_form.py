"""What differs between two form files, field by field. A field is the same when it has the same key, else the same id
(its key was changed); its order among its neighbours counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .diff_matching import merged, moved, pairs
from .diff_model import Change, Effect, Kind, Subject
from .diff_values import differences, written

TECHNICAL: Final = frozenset({"id", "schemaVersion", "exporter", "executionPlatform", "executionPlatformVersion"})
LAYOUT: Final = frozenset({"layout", "showOutline", "verticalAlignment", "appearance"})
TEXTS: Final = frozenset({"label", "description", "text", "dateLabel", "timeLabel"})
"""Words on the form. What a field takes, requires, offers and when it is shown is the form itself."""
Path = tuple[str, ...]


@dataclass(slots=True)
class Field:
    """One component. `parent`: the key of the group or list around it, "" for the form; `place`: among its siblings."""

    name: str
    parent: str
    place: int
    said: dict[str, Any]
    around: Path = field(default=())

    @property
    def subject(self) -> Subject:
        said = self.said
        label = next((str(said[n]) for n in ("label", "dateLabel", "text") if said.get(n)), "")
        return Subject(self.name, label.strip("# *\n").partition("\n")[0][:60], str(said.get("type", "")), self.around)


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as both versions have it, to be painted: `old`, `new`: the component, None where it is not."""

    state: str
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    name: str
    label: str


class Unreadable(ValueError):
    """The bytes are not a form file."""


def diff(before: bytes, after: bytes) -> list[Change]:
    """All differences. Raises Unreadable when one of the two is no JSON object."""
    old, new = _load(before), _load(after)
    forms = Subject(str(old.get("id", "")), "", "form"), Subject(str(new.get("id", "")), "", "form")
    found = []
    for kind, path, a, b in differences(_without(old), _without(new)):
        # Tasks name a form by its id.
        effect: Effect = "form" if path == ("id",) else "technical" if path[0] in TECHNICAL else "form"
        found.append(Change(kind, effect, *forms, path, a, b))
    olds, news = fields(old), fields(new)
    matched = _match(olds, news)
    found += _fields(olds, news, matched)
    return found


def rows(before: bytes, after: bytes) -> list[FieldRow]:
    """The fields of both versions as one list, in the order of the newer one. Raises Unreadable."""
    olds, news = fields(_load(before)), fields(_load(after))
    matched = _match(olds, news)
    order = _moved(olds, news, matched)
    made = []
    for i, j in merged(len(olds), len(news), matched):
        one, other = None if i is None else olds[i], None if j is None else news[j]
        known = other or one
        assert known is not None
        if one is None or other is None:
            state = "added" if one is None else "removed"
        elif written(one.said) != written(other.said) or one.parent != other.parent:
            state = "changed"
        else:
            state = "moved" if (i, j) in order else "same"
        said = (None if one is None else one.said), (None if other is None else other.said)
        made.append(FieldRow(state, *said, known.name, known.subject.label))
    return made


def fields(form: Mapping[str, Any]) -> list[Field]:
    """Every component, groups before what is in them."""
    found: list[Field] = []

    def walk(holder: Mapping[str, Any], parent: str, around: Path) -> None:
        components = holder.get("components")
        for place, one in enumerate(components if isinstance(components, list) else []):
            said = one if isinstance(one, Mapping) else {"type": "", "value": one}
            name = str(said.get("key") or said.get("path") or said.get("id") or "")
            made = Field(name, parent, place, _without(said), around)
            found.append(made)
            walk(said, name, (*around, made.subject.label))

    walk(form, "", ())
    return found


def _load(data: bytes) -> dict[str, Any]:
    try:
        loaded = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(loaded, dict):
        raise Unreadable("not an object")
    return loaded


def _without(holder: Mapping[str, Any]) -> dict[str, Any]:
    """A form or group without what is told field by field."""
    inside = holder.get("components")
    return {name: value for name, value in holder.items() if name != "components" or not isinstance(inside, list)}


def _match(olds: list[Field], news: list[Field]) -> list[tuple[int, int]]:
    return pairs(
        olds,
        news,
        lambda one: (one.name, one.said.get("id"), one.parent, written(one.said)),
        lambda one: (one.name, one.said.get("id"), one.parent),
        lambda one: (one.name, one.parent) if one.name else None,
        lambda one: one.name or None,
        lambda one: one.said.get("id") or None,
        lambda one: written({n: v for n, v in one.said.items() if n not in ("id", "layout")}),
    )


def _moved(olds: list[Field], news: list[Field], matched: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Pairs whose order among their siblings is another one."""
    found: set[tuple[int, int]] = set()
    for parent in {one.parent for one in olds}:
        here = [(i, j) for i, j in matched if olds[i].parent == parent == news[j].parent]

        def label(pair: tuple[int, int]) -> str:
            return repr(sorted((olds[pair[0]].name, news[pair[1]].name)))

        found |= moved(here, label)
    return found


def _fields(olds: list[Field], news: list[Field], matched: list[tuple[int, int]]) -> Iterator[Change]:
    kept_old, kept_new = {i for i, _ in matched}, {j for _, j in matched}
    for i, one in enumerate(olds):
        if i not in kept_old:
            yield Change("removed", _weight(one), one.subject, None, (), written(one.said), None)
    for j, one in enumerate(news):
        if j not in kept_new:
            yield Change("added", _weight(one), None, one.subject, (), None, written(one.said))
    order = _moved(olds, news, matched)
    for i, j in matched:
        one, other = olds[i], news[j]
        if one.parent != other.parent:
            yield Change("moved", "form", one.subject, other.subject, ("@group",), one.parent, other.parent)
        if (i, j) in order:
            before, after = str(one.place + 1), str(other.place + 1)
            yield Change("moved", "form", one.subject, other.subject, ("@place",), before, after)
        for kind, path, a, b in differences(one.said, other.said):
            yield Change(_kind(kind, path), _effect(path), one.subject, other.subject, path, a, b)


def _kind(kind: Kind, path: Path) -> Kind:
    return "renamed" if path == ("key",) and kind == "changed" else kind


def _effect(path: Path) -> Effect:
    if path[0] in LAYOUT:
        return "layout"
    if path == ("id",):
        return "technical"
    return "text" if path[0] in TEXTS or path[-1] == "label" else "form"


def _weight(one: Field) -> Effect:
    return "text" if one.said.get("type") in ("text", "spacer", "separator", "image", "html") else "form"
