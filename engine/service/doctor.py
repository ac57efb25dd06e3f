"""A look at an installation before it goes live, after a change, and when something is odd: what is wrong, what to do.

Each module `doctor_*` looks at one side and returns what it found. Nothing is changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from .bootstrap import Services

State = Literal["ok", "warn", "error"]
MARKS: Final = {"ok": "好", "warn": "注意", "error": "错误"}


@dataclass(frozen=True, slots=True)
class Found:
    """One thing looked at. `text`: what is, in Chinese; `todo`: what to do about it, "" when all is well."""

    name: str
    state: State
    text: str
    todo: str = ""


Look = Callable[["Services"], Iterable[Found]]


def examine(services: Services) -> list[Found]:
    """Every look in order. One that breaks down is itself a finding, and the others go on."""
    from . import doctor_clock, doctor_database, doctor_keys, doctor_machine, doctor_office

    looks: tuple[tuple[str, Look], ...] = (
        ("settings", doctor_machine.settings),
        ("versions", doctor_machine.versions),
        ("disk", doctor_machine.disks),
        ("clock", doctor_clock.look),
        ("database", doctor_database.look),
        ("keys", doctor_keys.look),
        ("bundle", doctor_office.bundle),
        ("processes", doctor_office.processes_seen),
        ("work", doctor_office.waiting),
    )
    return [found for name, look in looks for found in _safely(name, look, services)]


def _safely(name: str, look: Look, services: Services) -> Iterator[Found]:
    try:
        yield from look(services)
    except Exception as error:  # whatever is broken is what the doctor was asked about
        yield Found(name, "error", f"无法检查: {type(error).__name__}: {error}", "请先排除这个故障再运行 doctor")


def as_text(found: Sequence[Found]) -> str:
    """One line each, what to do beneath it; the sum in the last line."""
    lines = []
    for one in found:
        lines.append(f"{MARKS[one.state]} {one.text}")
        if one.todo:
            lines.append(f"   → {one.todo}")
    counted = Counter(one.state for one in found)
    lines.append(f"{counted['ok']} 项正常, {counted['warn']} 项注意, {counted['error']} 项错误")
    return "\n".join(lines)


def as_json(found: Sequence[Found]) -> str:
    """The same for machines: `[{name, state, text, todo}]`."""
    return json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1)


def exit_code(found: Sequence[Found]) -> int:
    """1 when anything is an error."""
    return int(any(one.state == "error" for one in found))
