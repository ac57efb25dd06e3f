"""Writes a scenario as the file that scenario_reader reads; the same scenario gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from engine.domain.calendar import ZONE
from engine.domain.codec import JSON

_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?[+-]\d{2}:\d{2}")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
WIDTH: Final = 110


@dataclass(slots=True)
class Written:
    """A step to be written. `at` or `after`: how the clock moves first. `verb`, `subject`: what is done, "" for
    nothing. `note`: what a reader should know."""

    at: datetime | None = None
    after: str = ""
    verb: str = ""
    subject: str = ""
    note: str = ""
    more: Mapping[str, JSON] = field(default_factory=dict)
    expect: Mapping[str, JSON] = field(default_factory=dict)


def text(
    title: str,
    process: str,
    at: datetime,
    by: str,
    data: Mapping[str, JSON],
    steps: Sequence[Written],
    notes: str = "",
    *,
    start: str = "",
) -> str:
    """The file. `notes`: comment lines at the top."""
    lines = [f"# {note}" for note in notes.splitlines()]
    lines += [f"title = {_value(title)}", f"process = {_value(process)}", f"at = {instant(at)}"]
    if start:
        lines.append(f"start = {_value(start)}")
    if by:
        lines.append(f"by = {_value(by)}")
    lines += ["", "[data]", *_pairs(data)]
    for step in steps:
        lines += ["", "[[step]]"]
        if step.at is not None:
            lines.append(f"at = {instant(step.at)}")
        if step.after:
            lines.append(f"after = {_value(step.after)}")
        if step.verb:
            lines.append(f"{step.verb} = {_value(step.subject)}" + (f"  # {step.note}" if step.note else ""))
        lines += _pairs({name: value for name, value in step.more.items() if name != "fields"})
        fields = step.more.get("fields") or {}
        if step.expect:
            lines.append(f"expect = {_value(dict(step.expect))}")
        if fields:
            lines += ["[step.fields]", *_pairs(fields)]
    return "\n".join(lines) + "\n"


def instant(at: datetime) -> str:
    """An instant of the file, in Asia/Shanghai, whole seconds."""
    return at.astimezone(ZONE).replace(microsecond=0).isoformat()


def _pairs(values: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_value(value)}" for name, value in values.items() if value is not None]


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _quoted(name)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        if _INSTANT.fullmatch(value):
            return value if value[16] == ":" else f"{value[:16]}:00{value[16:]}"
        return _quoted(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
        return f"{{ {inside} }}" if inside else "{}"
    parts = [_value(one) for one in value if one is not None]
    flat = f"[{', '.join(parts)}]"
    return flat if len(flat) <= WIDTH else "[\n  " + ",\n  ".join(parts) + ",\n]"
