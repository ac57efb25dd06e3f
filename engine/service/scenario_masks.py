"""What people wrote, replaced by placeholders: free texts, people, contacts. Choices, numbers and instants stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from engine.definitions.forms import Form
from engine.domain.codec import JSON
from engine.journal.entry import StoredEntry

WRITTEN: Final = frozenset({"textfield", "textarea"})
KEPT: Final = frozenset({"select", "radio", "checklist", "taglist", "checkbox", "number", "datetime", "filepicker"})
OTHERS: Final = (
    "示例{label}（占位内容，请勿当真）", "https://example.org/1", "0374-2960000", "13800000000", "a@example.org",
    "示例〔2026〕1号", "1",
)  # fmt: skip
"""Tried one after another where a form refuses the plain placeholder."""


class Masks:
    """The masks of one case: the same person is the same placeholder throughout."""

    def __init__(self, entries: Sequence[StoredEntry], *, keep: bool) -> None:
        self.keep = keep
        self._people: dict[str, str] = {}
        for entry in entries:
            offered = entry.command.get("options") or {}
            chosen = [str(one["value"]) for one in offered.get("people_options", []) if isinstance(one, dict)]
            for login in (entry.actor, *chosen):
                if login and not login.startswith("system:"):
                    self._people.setdefault(login, f"person-{len(self._people) + 1}")

    def person(self, login: str) -> str:
        return login if self.keep else self._people.get(login, login)

    def values(self, form: Form | None, values: Mapping[str, JSON]) -> Tried:
        """Values of a submission under masks, without what was left empty."""
        labels = dict(_components(form.schema.get("components", []))) if form is not None else {}
        tried = Tried()
        tried.values = {
            name: self._masked(value, name, name, labels, tried)
            for name, value in values.items()
            if value is not None and value != "" and value != []
        }
        return tried

    def _masked(self, value: Any, key: str, path: str, labels: Mapping[str, tuple[str, str]], tried: Tried) -> Any:
        if isinstance(value, dict):
            return {k: self._masked(v, k, f"{path}.{k}", labels, tried) for k, v in value.items() if v is not None}
        if isinstance(value, list):
            return [self._masked(one, key, f"{path}.{n}", labels, tried) for n, one in enumerate(value)]
        if self.keep or not isinstance(value, str) or value.startswith("files::"):
            return value
        if value in self._people:
            return self._people[value]
        kind, label = labels.get(key, ("", key))
        if kind in KEPT:
            return value
        tried.masked[path] = label
        return f"示例{label}"


@dataclass(slots=True)
class Tried:
    """Masked values. `masked`: path -> label of what was replaced."""

    values: dict[str, JSON] = field(default_factory=dict)
    masked: dict[str, str] = field(default_factory=dict)
    _next: dict[str, int] = field(default_factory=dict)

    def another(self, paths: Iterable[str]) -> bool:
        """Puts the next placeholder where the form refused one; False when there is none left to try."""
        changed = False
        for path in paths:
            place = self._next.get(path, 0)
            if path in self.masked and place < len(OTHERS):
                self._next[path] = place + 1
                _put(self.values, path.split("."), OTHERS[place].format(label=self.masked[path]))
                changed = True
        return changed


def _put(values: Any, path: Sequence[str], value: str) -> None:
    for name in path[:-1]:
        values = values[int(name)] if isinstance(values, list) else values[name]
    if isinstance(values, list):
        values[int(path[-1])] = value
    else:
        values[path[-1]] = value


def _components(components: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """key -> (type, label) of every component of a form, at any depth."""
    for one in components if isinstance(components, list) else ():
        if isinstance(one, dict):
            if isinstance(one.get("key"), str):
                yield one["key"], (str(one.get("type", "")), str(one.get("label") or one["key"]))
            yield from _components(one.get("components", []))
