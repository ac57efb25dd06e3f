"""Elements that bear another id on another version of a bundle: what commands of a record say of them, said anew.

Names of tasks and timers are made of element ids (`Call_units#1[0]/Task_sign#1`), so a renamed element is all that
keeps an otherwise equal case from going on. Who knows the change gives the mapping; nothing is guessed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from engine.domain.commands import Command

from .record import Entry

NO_MAPPING: Final[Mapping[str, str]] = {}
NAMED: Final = ("task", "timer")
"""Fields of commands that hold the name of a task or timer."""
_IDS: Final = re.compile(r"(?:^|(?<=/))[^/#\[!]+")


def renamed_text(name: str, mapping: Mapping[str, str]) -> str:
    """A name of a task, timer or scope with its elements under their other ids."""
    return _IDS.sub(lambda found: mapping.get(found[0], found[0]), name) if mapping and name else name


def element_of(name: str) -> str:
    """Id of the element that a task's or timer's name ends with; "" for none."""
    return name.rpartition("/")[2].partition("#")[0]


def renamed(command: Command, mapping: Mapping[str, str]) -> Command:
    """The command about the same elements under their other ids."""
    if not mapping:
        return command
    said: dict[str, Any] = {
        name: renamed_text(value, mapping) for name in NAMED if isinstance(value := getattr(command, name, None), str)
    }
    return replace(command, **said) if said else command


def renamings(entries: Sequence[Entry], mapping: Mapping[str, str]) -> list[Mapping[str, str]]:
    """For each entry, how what it names is called on the version that `mapping` leads to. An entry speaks the language
    of the version its case was on before it; each migration in the record has its own mapping."""
    found: list[Mapping[str, str]] = [NO_MAPPING] * len(entries)
    later = dict(mapping)
    for position in range(len(entries) - 1, -1, -1):
        found[position] = later
        command = entries[position].command
        if command["kind"] == "MigrateCase" and command.get("mapping"):
            later = composed(command["mapping"], later)
    return found


def composed(first: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str]:
    """What an id becomes that is renamed twice; ids that come out as they went in are left out."""
    both = {old: then.get(new, new) for old, new in first.items()}
    both |= {old: new for old, new in then.items() if old not in first and old not in first.values()}
    return {old: new for old, new in both.items() if old != new}


def inverse(mapping: Mapping[str, str]) -> dict[str, str]:
    """The way back. Requires that no two elements got the same id."""
    return {new: old for old, new in mapping.items()}
