"""The office's registers (台账): what each holds, who may see it and who may add to it.

One form for all of them: a register is a list of fields, a record is a row that is never changed; who amends writes a
later record of the same subject. Every record is an entry of the stream `_registers` too, so that the audit covers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from .items_tables import SOURCE_TYPES

Kind = Literal[
    "text", "long", "lines", "choice", "choices", "instant", "date", "person", "people", "units", "number", "phone"
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `options`: what `choice` and `choices` allow. `most`: characters of a text, or of each of the
    `lines`, of which there are no more than MOST_LINES and none twice. `after`: name of the field that it may not lie
    before."""

    name: str
    kind: Kind = "text"
    required: bool = False
    options: tuple[str, ...] = ()
    most: int = 200
    after: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """`see`, `add`: actions of engine.domain.access. `of_case`: each record belongs to a case, and only who sees the
    case sees it. `amends`: later records of a subject stand for it. `clauses`: what it is kept for. `gives_access`:
    whom a record names gets access to its case, see task_forces."""

    name: str
    clauses: tuple[str, ...]
    fields: tuple[Field, ...]
    see: str = "view_registers"
    add: str = "keep_registers"
    of_case: bool = False
    amends: bool = True
    gives_access: bool = False

    def field(self, name: str) -> Field:
        return next(one for one in self.fields if one.name == name)


ACCESS_TASK: Final = "case_access"
"""Name of the job that gives access to a case to those whom a record names."""
SKILLS: Final = ("analysis", "writing", "law", "media", "technical", "field")
MOST_LINES: Final = 12
LINKED: Final = ("petition", "enforcement", "hotline", "county_reply", "police")

_ALL: Final = (
    Register(
        "patrol",
        ("R18", "R17", "R23"),
        (
            Field("began_at", "instant", required=True),
            Field("ended_at", "instant", required=True, after="began_at"),
            Field("sources", "choices", required=True, options=SOURCE_TYPES),
            Field("result", "choice", required=True, options=("nothing", "found")),
            Field("found", "long", most=1000),
            Field("note", "long", most=1000),
        ),
        add="log_patrol",
        amends=False,
    ),
    Register(
        "media_contact",
        ("R65",),
        (
            Field("outlet", required=True),
            Field("person", required=True, most=50),
            Field("title", most=50),
            Field("phone", "phone"),
            Field("mail", most=100),
            Field("note", "long", most=500),
        ),
        see="keep_registers",
    ),
    Register(
        "media_inquiry",
        ("R65",),
        (
            Field("outlet", required=True),
            Field("person", most=50),
            Field("received_at", "instant", required=True),
            Field("question", "long", required=True, most=2000),
            Field("case_number", most=40),
            Field("deadline_at", "instant", after="received_at"),
            Field("answered_at", "instant", after="received_at"),
            Field("answer", "long", most=2000),
            Field("answered_by", "person"),
        ),
    ),
    Register(
        "team",
        ("R61",),
        (
            Field("person", "person", required=True),
            Field(
                "skill", "choice", required=True, options=("analysis", "writing", "law", "media", "technical", "field")
            ),
            Field("training", "long", most=500),
            Field("replacement", "person"),
            Field("from_date", "date", required=True),
            Field("to_date", "date", after="from_date"),
        ),
    ),
    Register(
        "leading_group",
        ("R59",),
        (
            Field("person", "person", required=True),
            Field("post", "choice", required=True, options=("head", "deputy", "member")),
            Field("from_date", "date", required=True),
            Field("to_date", "date", after="from_date"),
        ),
    ),
    Register(
        "task_force",
        ("R64",),
        (
            Field("lead", "person", required=True),
            Field("members", "people", required=True),
            Field("task", "long", required=True, most=1000),
            Field("began_at", "instant", required=True),
            Field("ended_at", "instant", after="began_at"),
        ),
        of_case=True,
        gives_access=True,
    ),
    Register(
        "judgement",
        ("R63", "R57"),
        (
            Field("trend", "choice", required=True, options=("rising", "steady", "falling")),
            Field("reach", "choice", required=True, options=("local", "city", "province", "nation")),
            Field("impact", "number"),
            Field("note", "long", required=True, most=2000),
        ),
        add="judge_case",
        of_case=True,
        amends=False,
    ),
    Register(
        "link",
        ("R70", "R21"),
        (
            Field(
                "to", "choice", required=True, options=("petition", "enforcement", "hotline", "county_reply", "police")
            ),
            Field("number", required=True, most=80),
            Field("state", "choice", required=True, options=("sent", "accepted", "answered", "closed")),
            Field("note", "long", most=1000),
        ),
        of_case=True,
    ),
    Register(
        "promise",
        ("R53",),
        (
            Field("promise", "long", required=True, most=1000),
            Field("made_to", most=100),
            Field("due_date", "date", required=True),
            Field("state", "choice", required=True, options=("open", "kept", "broken")),
            Field("proof", "long", most=1000),
        ),
        of_case=True,
    ),
    Register(
        "sharing",
        ("R22",),
        (
            Field("units", "units", required=True),
            Field("summary", "long", required=True, most=1000),
            Field("until_date", "date"),
        ),
        of_case=True,
    ),
    Register(
        "point",
        ("R01",),
        (
            Field("point", required=True, most=20),
            Field("chosen", "long", required=True, most=1000),
            Field("state", "choice", required=True, options=("approved", "open")),
            Field("note", "long", most=1000),
        ),
        add="settle_points",
        amends=False,
    ),
    Register(
        "phrases",
        ("R30",),
        (Field("phrases", "lines", most=60),),
        see="view_templates",
        add="edit_templates",
        amends=False,
    ),
)

REGISTERS: Final[Mapping[str, Register]] = MappingProxyType({one.name: one for one in _ALL})
"""Every register by name, in the order of the menu. Of promises `docs/registers.md` says why they stand beside
the step of tracking: one promise each, with a date."""

APART: Final = frozenset({"point", "phrases"})
"""Those with a page of their own."""
OF_CASES: Final = tuple(one.name for one in _ALL if one.of_case)
"""Those shown on the page of a case."""
