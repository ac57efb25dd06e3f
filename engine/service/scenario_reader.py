"""Scenarios (测试情形): tests of a bundle that lie in it as `tests/*.scenario.toml`.

    title = "一般负面舆情，按时办结"
    process = "opinion_case"
    at = 2026-03-02T09:00:00+08:00      # when the case is opened

    [data]                              # what the start form is given
    title = "网友反映耕地被占用"

    [[step]]
    after = "PT10M"                     # or at = <instant>: the clock moves first, limits run out on the way
    complete = "甄别"                   # a verb of engine.service.play_script with its own keys
    by = "wangfang"
    fields = { relevant = true }        # instants as TOML instants; "@now" is the instant of the step
    expect = { waiting = ["定级"], limits = [{ limit = "triage", due = 2026-03-02T09:30:00+08:00 }] }

A step may have a clock, a verb and an expectation, in that order; each may be missing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from engine.definitions.bundle import SCENARIO
from engine.definitions.model import Finding
from engine.domain.codec import JSON, instant_text

from .play_script import ALLOWED, EXPECTED, Step

NOW: Final = "@now"
"""Stands for the instant of the step."""
MAX_STEPS: Final = 500
VERBS: Final = tuple(verb for verb in ALLOWED if verb not in ("start", "advance", "advance_to", "expect"))
"""What a step may do; the clock and expectations have keys of their own."""
CLOCKS: Final = ("at", "after")
_TOP: Final = frozenset({"title", "process", "start", "at", "by", "data", "step"})
_DURATION: Final = re.compile(r"P(?=\w)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?")
_STEP: Final = re.compile(r"\s*\[\[\s*step\s*\]\]")
_AT_LINE: Final = re.compile(r"at line (\d+)")


@dataclass(frozen=True, slots=True)
class Stage:
    """One `[[step]]`. `moves`: the clock first, then what is done and expected. `line`: where it begins, from 1."""

    line: int
    moves: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A readable scenario. `data`: values of the start form; `at`: aware; `by`: who opens the case."""

    file: str
    title: str
    process: str
    start: str
    at: datetime
    by: str
    data: Mapping[str, JSON]
    stages: tuple[Stage, ...]


class Unreadable(Exception):
    """A file is no scenario. `finding`: which line, what was expected."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.key)
        self.finding = finding


def files_of(files: Mapping[str, bytes]) -> list[str]:
    """Paths of the scenarios of a bundle, sorted."""
    return sorted(path for path in files if path.endswith(SCENARIO))


def read(path: str, content: bytes) -> Scenario:
    """The scenario of a file. Raises Unreadable at the first thing that is wrong."""
    reader = _Reader(path)
    try:
        text = content.decode()
        raw = tomllib.loads(text)
    except UnicodeDecodeError:
        raise reader.fault(0, "scenario.toml", message="UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        line = int(found[1]) if found else len(text.splitlines())  # else it ends too early
        raise reader.fault(line, "scenario.toml", message=str(error)[:200]) from None
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _STEP.match(line)]
    return reader.scenario(raw, lines)


def unreadable(files: Mapping[str, bytes]) -> list[Finding]:
    """What is wrong with the text of the scenarios among `files`."""
    found = []
    for path in files_of(files):
        try:
            read(path, files[path])
        except Unreadable as error:
            found.append(error.finding)
    return found


class _Reader:
    def __init__(self, path: str) -> None:
        self._path = path

    def fault(self, line: int, key: str, **details: object) -> Unreadable:
        return Unreadable(Finding("error", self._path, "", "", line, key, details))

    def scenario(self, raw: Mapping[str, Any], lines: list[int]) -> Scenario:
        if unknown := sorted(set(raw) - _TOP):
            raise self.fault(0, "scenario.unknown", names=", ".join(unknown), known=", ".join(sorted(_TOP)))
        for name in ("title", "process"):
            if not isinstance(raw.get(name), str) or not raw[name].strip():
                raise self.fault(0, "scenario.missing", name=name)
        at = raw.get("at")
        if not isinstance(at, datetime) or at.tzinfo is None:
            raise self.fault(0, "scenario.instant", name="at")
        steps = raw.get("step", [])
        if not isinstance(steps, list) or not steps or not all(isinstance(one, dict) for one in steps):
            raise self.fault(0, "scenario.no_steps")
        if len(steps) > MAX_STEPS:
            raise self.fault(0, "scenario.too_many", count=len(steps), limit=MAX_STEPS)
        data = raw.get("data", {})
        if not isinstance(data, dict):
            raise self.fault(0, "scenario.table", name="data")
        lines = lines + [0] * (len(steps) - len(lines))
        stages = [self._stage(number, lines[number - 1], one) for number, one in enumerate(steps, 1)]
        return Scenario(
            self._path,
            raw["title"].strip(),
            raw["process"],
            str(raw.get("start", "")),
            at,
            str(raw.get("by", "")),
            plain(data),
            tuple(stages),
        )

    def _stage(self, number: int, line: int, raw: Mapping[str, Any]) -> Stage:
        verbs = [name for name in raw if name in VERBS]
        if len(verbs) > 1 or not ({*verbs, *CLOCKS, "expect"} & set(raw)):
            raise self.fault(line, "scenario.verb", step=number, known=", ".join((*CLOCKS, *VERBS, "expect")))
        allowed = {*CLOCKS, "expect", *verbs, *(ALLOWED[verbs[0]] if verbs else ())}
        if unknown := sorted(set(raw) - allowed):
            raise self.fault(
                line, "scenario.unknown_here", step=number, names=", ".join(unknown), known=", ".join(sorted(allowed))
            )
        moves = [*self._clock(number, line, raw)]
        if verbs:
            moves.append(self._verb(number, line, verbs[0], raw))
        if "expect" in raw:
            moves.append(self._expectation(number, line, raw["expect"]))
        return Stage(line, tuple(moves))

    def _clock(self, number: int, line: int, raw: Mapping[str, Any]) -> list[Step]:
        if "at" in raw and "after" in raw:
            raise self.fault(line, "scenario.two_clocks", step=number)
        if "at" in raw:
            at = raw["at"]
            if not isinstance(at, datetime) or at.tzinfo is None:
                raise self.fault(line, "scenario.instant_here", step=number, name="at")
            return [Step("advance_to", instant_text(at))]
        if "after" in raw:
            if not isinstance(raw["after"], str) or not _DURATION.fullmatch(raw["after"]):
                raise self.fault(line, "scenario.duration", step=number, got=str(raw["after"])[:40])
            return [Step("advance", raw["after"])]
        return []

    def _verb(self, number: int, line: int, verb: str, raw: Mapping[str, Any]) -> Step:
        subject = raw[verb]
        more = {name: plain(raw[name]) for name in ALLOWED[verb] if name in raw}
        if verb != "auto" and (not isinstance(subject, str) or not subject):
            raise self.fault(line, "scenario.text", step=number, name=verb)
        if not isinstance(more.get("fields", {}), dict):
            raise self.fault(line, "scenario.table_here", step=number, name="fields")
        for name in set(more) - {"fields"}:
            if not isinstance(more[name], str):
                raise self.fault(line, "scenario.text", step=number, name=name)
        if verb in ("error", "escalation") and "at" not in raw:
            raise self.fault(line, "scenario.text", step=number, name="at")
        return Step(verb, subject, more)

    def _expectation(self, number: int, line: int, raw: Any) -> Step:
        if not isinstance(raw, dict) or not raw:
            raise self.fault(line, "scenario.table_here", step=number, name="expect")
        if unknown := sorted(set(raw) - EXPECTED):
            raise self.fault(
                line, "scenario.unknown_here", step=number, names=", ".join(unknown), known=", ".join(sorted(EXPECTED))
            )
        for name in ("open", "waiting", "messages", "signals", "trace", "passed", "not_passed", "limits", "breached"):
            if not isinstance(raw.get(name, []), list):
                raise self.fault(line, "scenario.list", step=number, name=name)
        for name in ("data", "fields"):
            if not isinstance(raw.get(name, {}), dict):
                raise self.fault(line, "scenario.table_here", step=number, name=name)
        return Step("expect", plain(raw))


def plain(value: Any) -> Any:
    """A TOML value as JSON: instants, days and times as ISO text, as forms give them."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds" if value.second else "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def filled(value: Any, now: datetime) -> Any:
    """`value` with NOW, or NOW and minutes after it (`@now-30`), as the instant of the step in its offset, at any
    depth."""
    if isinstance(value, str) and value.startswith(NOW):
        shift = value.removeprefix(NOW)
        if not shift or re.fullmatch(r"[+-]\d{1,6}", shift):
            return (now + timedelta(minutes=int(shift or 0))).isoformat(timespec="minutes")
    if isinstance(value, dict):
        return {name: filled(one, now) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, now) for one in value]
    return value
