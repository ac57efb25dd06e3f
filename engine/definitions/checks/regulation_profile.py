"""The rules of `regulation.toml`: `[checking]` and `[[checks]]`, read into plain values.

See docs/regulation_checks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as make
from fnmatch import fnmatchcase
from typing import Any

from .regulation_values import compiled

KINDS = frozenset(("limit", "must", "before", "who", "person", "table"))
EXPRESSIONS = ("starts", "until", "unless", "require", "given", "each", "recuse")
TEXTS = (*EXPRESSIONS, "at_most", "clause", "kind", "says", "says_en", "field", "decision")


@dataclass(frozen=True, slots=True)
class What:
    """Elements by what they do. `writes`: a person fills in one of these fields; `script`: the flow itself writes one;
    `topic`: a service; `outcome`: an end with that result; `task`: a user task; `notify`: a notification counts too.
    `only`: all whom it turns to are of these groups; `some`: one of them is."""

    writes: tuple[str, ...] = ()
    script: tuple[str, ...] = ()
    topic: str = ""
    outcome: str = ""
    task: bool = False
    notify: bool = False
    only: tuple[str, ...] = ()
    some: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. All expressions are FEEL over case fields; which fields mean what is explained in the docs."""

    number: int
    clause: str
    kind: str
    says: str = ""
    says_en: str = ""
    starts: str = ""
    until: str = ""
    unless: str = ""
    require: str = ""
    given: str = ""
    each: str = ""
    recuse: str = ""
    at_most: str = ""
    field: str = ""
    decision: str = ""
    at: What = What()
    reaches: What = What()
    by: Mapping[str, tuple[str, ...]] = make(default_factory=dict)
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    taken_from: tuple[str, ...] = ()
    expect: tuple[Mapping[str, Any], ...] = ()

    @property
    def expressions(self) -> list[str]:
        return [text for name in EXPRESSIONS if (text := str(getattr(self, name)))]


@dataclass(frozen=True, slots=True)
class Breach:
    """What a broken limit must reach, each within its own thread."""

    leader: tuple[str, ...] = ()
    office: tuple[str, ...] = ()
    report: str = ""


@dataclass(slots=True)
class Profile:
    """`lanes`: name of a lane -> groups, of which a task in it has one.
    `problems`: (rule number from 1, what is wrong with it); a rule with a problem is not checked."""

    root: str = ""
    steady: frozenset[str] = frozenset()
    fresh: str = ""
    breach: Breach = Breach()
    lanes: dict[str, tuple[str, ...]] = make(default_factory=dict)
    rules: list[Rule] = make(default_factory=list)
    problems: list[tuple[int, str]] = make(default_factory=list)


def matches(group: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(group, pattern) for pattern in patterns)


def read_profile(regulation: Mapping[str, Any]) -> Profile | None:
    """The profile's rules; None when it has no `[[checks]]`, as for a single foreign diagram."""
    rows = regulation.get("checks")
    if not isinstance(rows, list) or not rows:
        return None
    general = _table(regulation.get("checking"))
    breach = _table(general.get("breach"))
    profile = Profile(
        root=str(general.get("root", "")),
        steady=frozenset(_texts(general.get("steady"))),
        fresh=str(general.get("round", "")),
        lanes={str(name): _texts(groups) for name, groups in _table(general.get("lanes")).items()},
        breach=Breach(_texts(breach.get("leader")), _texts(breach.get("office")), str(breach.get("report", ""))),
    )
    for number, row in enumerate(rows, 1):
        rule, problem = _rule(number, _table(row))
        if problem:
            profile.problems.append((number, problem))
        else:
            profile.rules.append(rule)
    return profile


def _rule(number: int, row: Mapping[str, Any]) -> tuple[Rule, str]:
    texts = {name: str(row[name]) for name in TEXTS if name in row}
    rule = Rule(
        number,
        at=_what(row.get("at")),
        reaches=_what(row.get("reaches")),
        by={str(name): _texts(groups) for name, groups in _table(row.get("by")).items()},
        only=_texts(row.get("only")),
        never=_texts(row.get("never")),
        choices=_texts(row.get("choices")),
        taken_from=_texts(row.get("taken_from")),
        expect=tuple(one for one in row.get("expect", ()) if isinstance(one, Mapping)),
        **{"clause": "", "kind": "", **texts},
    )
    return rule, _problem(rule, row)


def _problem(rule: Rule, row: Mapping[str, Any]) -> str:
    known = {*TEXTS, "at", "reaches", "by", "only", "never", "choices", "taken_from", "expect"}
    if unknown := sorted(set(row) - known):
        return ", ".join(unknown)
    if rule.kind not in KINDS:
        return f"kind = {rule.kind}"
    if not rule.clause:
        return "clause"
    for text in [*rule.expressions, rule.at_most]:
        if text and compiled(text) is None:
            return text
    needed = {
        "limit": rule.starts and rule.until and rule.at_most,
        "must": rule.until or rule.reaches != What(),
        "before": rule.at != What() and (rule.require or rule.by),
        "who": rule.at != What() and (rule.only or rule.never or rule.recuse),
        "person": rule.field,
        "table": rule.decision,
    }
    return "" if needed[rule.kind] else f"kind = {rule.kind}: ?"


def _what(value: object) -> What:
    row = _table(value)
    return What(
        _texts(row.get("writes")),
        _texts(row.get("script")),
        str(row.get("topic", "")),
        str(row.get("outcome", "")),
        row.get("task") is True,
        row.get("notify") is True,
        _texts(row.get("only")),
        _texts(row.get("some")),
    )


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()
