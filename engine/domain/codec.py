"""Commands and events as plain JSON objects and back; the shape that the journal keeps."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

JSON = Any
"""None, bool, int, float (finite), str, list of JSON, dict with str keys."""


class Record(Protocol):
    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


R = TypeVar("R", bound=Record)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def canonical(value: JSON) -> bytes:
    """JSON with sorted keys, no spaces, UTF-8, finite numbers: the only form that is ever hashed."""
    return _CANONICAL(value).encode()


def copied(value: JSON) -> JSON:
    """A copy that shares no list and no dict with `value`; what is neither is taken over.

    copy.deepcopy takes ten times as long, to be ready for what JSON cannot hold.
    """
    if type(value) is dict:
        return {name: copied(item) if isinstance(item, dict | list) else item for name, item in value.items()}
    if type(value) is list:
        return [copied(item) if isinstance(item, dict | list) else item for item in value]
    return copy.deepcopy(value) if isinstance(value, dict | list) else value


def instant_text(at: datetime) -> str:
    """ISO 8601 in UTC with six decimals and `Z`: equal instants give equal text and text sorts by time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 text with offset. Raises ValueError when the offset is missing."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"expected an instant with an offset, got {text!r}")
    return at.astimezone(UTC)


def to_json(record: Record) -> dict[str, JSON]:
    """`{"kind": ..., field: value}`; fields that hold their default are left out, so that a field added in a
    later release does not change what an old record hashes to."""
    out: dict[str, JSON] = {"kind": record.kind}
    for name, default in _fields(type(record)):
        value = getattr(record, name)
        if value != default:
            out[name] = list(value) if isinstance(value, tuple) else value
    return out


@cache
def _fields(cls: type[Record]) -> tuple[tuple[str, JSON], ...]:
    """(name, default) of each field; a field without default has one that equals nothing."""
    return tuple((f.name, f.default_factory() if f.default_factory is not MISSING else f.default) for f in fields(cls))


def from_json(kinds: dict[str, type[R]], data: dict[str, JSON]) -> R:
    """The record of a stored object. Raises KeyError for an unknown kind, TypeError for unknown fields."""
    body = dict(data)
    cls = kinds[body.pop("kind")]
    for f in fields(cls):
        if f.name in body and isinstance(body[f.name], list) and str(f.type).startswith("tuple"):
            body[f.name] = tuple(body[f.name])
    return cls(**body)


def texts(value: JSON) -> Iterator[str]:
    """Every text in a JSON value, at any depth, in order; the names of its fields are none."""
    if isinstance(value, str):
        yield value
        return
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for one in inner:
        yield from texts(one)
