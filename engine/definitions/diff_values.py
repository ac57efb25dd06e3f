"""What differs between two trees of names, lists and values, as JSON and TOML files hold them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, Final

from .diff_matching import moved, pairs
from .diff_model import Kind

Difference = tuple[Kind, tuple[str, ...], str | None, str | None]
NAMES: Final = ("key", "id", "value", "name", "label")
"""Members that tell one entry of a list from the others, the surest first."""


def text_of(value: Any) -> str:
    """The value as people read it: texts as they are, everything else as JSON. Not the same for two values of other
    types, but for a text that looks like one: `written` tells these apart."""
    return value if isinstance(value, str) else written(value)


def written(value: Any) -> str:
    """Equal exactly when two values are: 1 is not true, and not "1"."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_other)


def _other(value: object) -> str:
    return f"{type(value).__name__} {value.isoformat() if isinstance(value, (date, time)) else value!r}"


def differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """(kind, path, value before, value after) of all that differs."""
    if written(old) == written(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in dict.fromkeys((*old, *new)):
            if name not in new:
                yield "removed", (*path, name), text_of(old[name]), None
            elif name not in old:
                yield "added", (*path, name), None, text_of(new[name])
            else:
                yield from differences(old[name], new[name], (*path, name))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, path)
    elif text_of(old) == text_of(new):  # "1" became 1: only in quotes do they differ
        yield "changed", path, written(old), written(new)
    else:
        yield "changed", path, text_of(old), text_of(new)


def _lists(old: Sequence[Any], new: Sequence[Any], path: tuple[str, ...]) -> Iterator[Difference]:
    keys: list[Callable[[Any], Any]] = [written, *(_by(name) for name in NAMES)]
    found = pairs(old, new, *keys, likeness=_likeness, least=0.5)
    if not found and len(old) == len(new) == 1:
        found = [(0, 0)]
    for i, j in found:
        yield from differences(old[i], new[j], (*path, min(step(old[i], i), step(new[j], j))))
    kept_old, kept_new = {i for i, _ in found}, {j for _, j in found}
    for i, value in enumerate(old):
        if i not in kept_old:
            yield "removed", (*path, step(value, i)), text_of(value), None
    for j, value in enumerate(new):
        if j not in kept_new:
            yield "added", (*path, step(value, j)), None, text_of(value)
    for i, j in sorted(moved(found, lambda pair: repr(sorted((written(old[pair[0]]), written(new[pair[1]])))))):
        yield "moved", (*path, min(step(old[i], i), step(new[j], j))), str(i + 1), str(j + 1)


def step(value: Any, place: int) -> str:
    """An entry of a list in a path: `[its name]`, or its number from 1."""
    if isinstance(value, Mapping):
        named = next((value[name] for name in NAMES if isinstance(value.get(name), str) and value[name]), None)
        return f"[{named}]" if named is not None else f"#{place + 1}"
    return f"[{value}]" if isinstance(value, str) and len(value) <= 60 else f"#{place + 1}"


def _by(name: str) -> Callable[[Any], str | None]:
    def key(value: Any) -> str | None:
        return written(value[name]) if isinstance(value, Mapping) and value.get(name) not in (None, "") else None

    return key


def _likeness(old: Any, new: Any) -> float:
    """Of two entries without a name in common: the share of members that are the same."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return 0.0
    left = {(name, written(value)) for name, value in old.items()}
    right = {(name, written(value)) for name, value in new.items()}
    return len(left & right) / max(len(left), len(right), 1)
