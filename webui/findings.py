"""Findings of the checks in words: which file, element and line, what is wrong, what to do; and by file for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Final

from .case_words import said
from .catalogue import t

SEVERITIES: Final = ("error", "warning", "info")
WAY: Final = " → "
"""Between the steps of a counter-example (blank `way` of a finding)."""
CAUSES: Final = frozenset({"bpmn.unsupported", "bpmn.no_id", "bpmn.duplicate_id"})
"""An element that is not read leaves a hole; what hangs on it is then found fault with too:"""
EFFECTS: Final = frozenset({"bpmn.unreachable", "bpmn.flow_end", "bpmn.dead_end", "bpmn.boundary_host"})


@dataclass(frozen=True, slots=True)
class FindingLine:
    """A finding as shown. `name`: of the element, "" if it has none. `todo`: what to do, "" if nothing is known.

    `path`: the steps by which a case gets there, by name. `follows`: most likely gone once the other findings of its
    file are mended.
    """

    severity: str
    file: str
    line: int
    element: str
    name: str
    text: str
    todo: str
    path: tuple[str, ...] = ()
    follows: bool = False


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """The findings about one file, the worst first. `counts`: severity -> how many, without those that are none."""

    file: str
    lines: tuple[FindingLine, ...]
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        return len(self.lines)


def lines(findings: Iterable[Any]) -> list[FindingLine]:
    """Findings, fresh ones or as a deployment kept them, in words."""
    facts: list[Mapping[str, Any]] = [
        asdict(one) if is_dataclass(one) and not isinstance(one, type) else one for one in findings
    ]
    holed = {fact["file"] for fact in facts if fact["key"] in CAUSES}
    found = []
    for fact in facts:
        key, details = str(fact["key"]), dict(fact.get("details") or {})
        path = tuple(str(details["way"]).split(WAY)) if details.get("way", "-") != "-" else ()
        if path:
            details["way"] = t("deploy.way_below")
        todo = said(f"{key}.todo", details)
        found.append(
            FindingLine(
                str(fact["severity"]),
                str(fact["file"]),
                int(fact.get("line") or 0),
                str(fact["element"]),
                str(fact["name"]),
                said(key, details),
                "" if todo == f"{key}.todo" else todo,
                path,
                key in EFFECTS and fact["file"] in holed,
            )
        )
    return found


def grouped(shown: Iterable[FindingLine]) -> list[FindingGroup]:
    """By file: those with errors first, then by path; what concerns the whole bundle before all."""
    by_file: dict[str, list[FindingLine]] = {}
    for one in shown:
        by_file.setdefault(one.file, []).append(one)
    found = []
    for file, rows in by_file.items():
        rows.sort(key=lambda one: (SEVERITIES.index(one.severity), one.line, one.element))
        counted = {name: sum(one.severity == name for one in rows) for name in SEVERITIES}
        found.append(FindingGroup(file, tuple(rows), {name: count for name, count in counted.items() if count}))
    return sorted(found, key=lambda group: (group.file != "", "error" not in group.counts, group.file))


def folded(findings: Iterable[FindingLine], asked: bool = False) -> dict[str, list[FindingGroup]]:
    """For the template: what matters in `shown`; `following` and `notes` (unless `asked` for) are folded below it."""
    found = list(findings)
    notes = [] if asked else [one for one in found if one.severity == "info" and not one.follows]
    following = [one for one in found if one.follows]
    rest = [one for one in found if one not in notes and not one.follows]
    return {"shown": grouped(rest), "following": grouped(following), "notes": grouped(notes)}
