"""Measures suggestions on labelled items: lines as `triage` reads them, with labels that it must not look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.service import triage_command

ITEMS = Path(__file__).parents[1] / "intake" / "items.jsonl"
LABELS = ("half", "group", "relevant", "directly_related", "grade", "response_subject", "person_facts", "reason")
Line = dict[str, Any]


@dataclass(slots=True)
class Measured:
    """Shares are of all items, but `found` of those with an earlier one of their group."""

    items: int = 0
    repeats: int = 0
    found_repeats: int = 0
    right: int = 0
    unsure: int = 0
    wrong: list[str] = field(default_factory=list)
    lost_majors: list[str] = field(default_factory=list)
    subjects: int = 0
    longest_list: int = 0

    @property
    def found(self) -> float:
        return self.found_repeats / self.repeats

    @property
    def acceptable(self) -> float:
        return (self.right + self.unsure) / self.items

    @property
    def subject(self) -> float:
        return self.subjects / self.items


def labelled(half: str) -> list[Line]:
    lines = [json.loads(line) for line in ITEMS.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["half"] == half]


def run(folder: Path, items: Sequence[Line], facts: Mapping[str, Any] | None = None, confirm: str = "") -> list[Line]:
    """What the command prints for the items."""
    path = folder / "items.jsonl"
    path.write_text("\n".join(json.dumps(item, ensure_ascii=False) for item in items), encoding="utf-8")
    given = None
    if facts is not None:
        given = folder / "facts.json"
        given.write_text(json.dumps(facts, ensure_ascii=False), encoding="utf-8")
    lines: list[Line] = []
    asked = triage_command.Asked(path, confirm, given)
    assert triage_command.triage(asked, lambda text: lines.append(json.loads(text)), print) == 0
    return lines


def measure(folder: Path, items: Sequence[Line]) -> Measured:
    """The figures of the aims: without any facts for topics and grades, with a person's facts for the subject."""
    plain = {line["id"]: line for line in run(folder, items)}
    facts = {item["id"]: person_facts(item) for item in items}
    told = {line["id"]: line for line in run(folder, items, facts)}
    found, before = Measured(items=len(items)), dict[str, set[str]]()
    for item in sorted(items, key=lambda one: one["discovered_at"]):
        line = plain[item["id"]]
        found.longest_list = max(found.longest_list, len(line["candidates"]))
        if item["group"]:
            earlier = before.setdefault(item["group"], set())
            if earlier:
                found.repeats += 1
                found.found_repeats += any(one["topic"] in earlier for one in line["candidates"])
            earlier.add(item["id"])
        suggested = line["grade"]["suggestion"]
        if suggested == "unsure":
            found.unsure += 1
        elif suggested == item["grade"]:
            found.right += 1
        else:
            found.wrong.append(f"{item['id']} {item['title']}: {suggested}, not {item['grade']}")
        if item["grade"] == "major_negative" and suggested in (None, "positive"):
            found.lost_majors.append(item["id"])
        found.subjects += set(told[item["id"]]["subject"]["value"]) == set(item["response_subject"])
    return found


def person_facts(item: Line) -> dict[str, Any]:
    """What a person would have set of the item: what the label holds, in the words of the form."""
    grade = {} if item["grade"] is None else {"grade": item["grade"]}
    return {**item["person_facts"], "relevant": item["relevant"], **grade}
