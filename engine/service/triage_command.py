"""`triage FILE`: what is suggested for each item of a file, in the order of discovery, knowing only those before it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.codec import JSON
from engine.feel import FeelEvaluationError
from engine.intake.item import NO_FACTS, BadItem, Facts, Item, facts_from, item_from
from engine.intake.known import Known
from engine.intake.reading import read

from . import bundle_folder, cast
from .grading_help import Suggestion, suggest

SHIPPED: Final = Path(__file__).parents[2]
TABLES: Final = ("grading", "response_subject", "subject_precedence", "routing")
MAX_BYTES: Final = 200_000_000
UNIT_NAMES: Final = {unit[0]: unit[1] for unit in cast.UNITS}
GRADES: Final = {
    "positive": "正面",
    "ordinary_negative": "普通负面",
    "major_negative": "重大负面",
    "unsure": "不确定",
    None: "不定级",
}


class Unusable(Exception):
    """The file, the facts or the bundle cannot be read at all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of a call. `confirm`: name of a field whose value a person's confirmation stands in for, "" when
    nobody confirms. `facts`: JSON lines `{"id": ..., facts}` or one object by id. `bundle`: folder or zip. `replies`:
    what the bureau has published, in lines like those of items."""

    path: Path
    confirm: str = ""
    facts: Path | None = None
    bundle: Path | None = None
    table: bool = False
    replies: Path | None = None


@dataclass(slots=True)
class _Line:
    """One good line of the file."""

    number: int
    item: Item
    facts: Facts
    group: str
    at: datetime | None = field(default=None)


def triage(asked: Asked, write: Callable[[str], None], warn: Callable[[str], None]) -> int:
    """Writes a line for each item; says which lines of the file are bad. Returns 0, or 1 when there were bad ones.
    Raises Unusable."""
    bundle = _bundle(asked.bundle)
    given = _facts(asked.facts)
    lines: list[_Line] = []
    bad = 0
    for number, text in _lines(asked.path):
        try:
            lines.append(_line(number, text, given, asked.confirm))
        except BadItem as error:
            bad += 1
            warn(f"第 {number} 行: {error}")
    seen: dict[str, int] = {}
    if asked.table:
        write("编号\t相关\t建议等级\t标准\t回应主体\t报送\t候选专题")
    known = Known()
    for reply in _replies(asked.replies):
        known.reply(reply.id, f"{reply.title}\n{reply.body}".strip(), reply.published_at or reply.discovered_at)
    for line in sorted(lines, key=lambda one: (one.at is None, one.at.timestamp() if one.at else 0.0, one.number)):
        if line.item.id in seen:
            bad += 1
            warn(f"第 {line.number} 行: id: 与第 {seen[line.item.id]} 行重复 / same id as line {seen[line.item.id]}")
            continue
        seen[line.item.id] = line.number
        topic = f"{asked.confirm}:{line.group}" if line.group else ""
        reading = read(line.item)
        # The confirmation comes after the suggestion: only a topic that is known already can be meant.
        confirmed = topic if topic and known.items_of(topic) else ""
        try:
            suggestion = suggest(bundle, reading, known, line.facts, confirmed)
        except FeelEvaluationError as error:
            raise Unusable(f"{error.message_key} {error.details}") from error
        write(_row(suggestion) if asked.table else json.dumps(line_of(suggestion), ensure_ascii=False, allow_nan=False))
        echo = suggestion.assessment.echo
        known.add(line.item, topic, reading, echo=not topic and echo is not None and echo.mere)
    return 1 if bad else 0


def line_of(suggestion: Suggestion) -> dict[str, JSON]:
    """The suggestion as the command prints it, with units by the names of the shipped organisation."""
    out = suggestion.as_json()
    out["route"]["units"] = [UNIT_NAMES.get(unit, unit) for unit in suggestion.units]
    return out


def _row(one: Suggestion) -> str:
    relevant = {True: "是", False: "否", None: "待定"}[one.relevant]
    criteria = " ".join(f"{name.upper()}({'、'.join(words[:3])})" for name, words in one.criteria.items())
    found = " ".join(f"{candidate.topic}={candidate.score:.2f}" for candidate in one.candidates)
    cells = [
        one.assessment.item.id,
        relevant,
        GRADES.get(one.grade, str(one.grade)),
        criteria,
        "+".join(one.subject),
        one.leader,
        found,
    ]
    return "\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in cells)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Unusable(f"{path}: 超过 {MAX_BYTES // 1_000_000} MB")
        data = path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    for number, text in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if text.strip():
            yield number, text


def _line(number: int, text: bytes, given: Mapping[str, Facts], confirm: str) -> _Line:
    values = _object(text)
    item = item_from(values)
    facts = given.get(item.id)
    if facts is None:
        facts = facts_from(values["facts"]) if values.get("facts") is not None else NO_FACTS
    group = values.get(confirm) if confirm else None
    return _Line(number, item, facts, "" if group is None else str(group), item.discovered_at or item.published_at)


def _object(text: bytes) -> Mapping[str, JSON]:
    try:
        values = json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise BadItem("行", "不是 UTF-8 / not UTF-8") from None
    except (ValueError, RecursionError):
        raise BadItem("行", "不是 JSON / not JSON") from None
    if not isinstance(values, Mapping):
        raise BadItem("行", "应为 JSON 对象 / expected an object")
    return values


def _facts(path: Path | None) -> dict[str, Facts]:
    """Facts by item id. Raises Unusable, naming the line."""
    if path is None:
        return {}
    found: dict[str, Facts] = {}
    for number, text in _lines(path):
        try:
            values = _object(text)
            if "id" in values:
                found[str(values["id"])] = facts_from(values.get("facts", values))
            else:
                found.update({str(ident): facts_from(one) for ident, one in values.items()})
        except BadItem as error:
            raise Unusable(f"{path} 第 {number} 行: {error}") from error
    return found


def _replies(path: Path | None) -> list[Item]:
    """What the bureau has published. Raises Unusable, naming the line."""
    found: list[Item] = []
    for number, text in _lines(path) if path is not None else ():
        try:
            found.append(item_from(_object(text)))
        except BadItem as error:
            raise Unusable(f"{path} 第 {number} 行: {error}") from error
    return found


def _bundle(path: Path | None) -> Bundle:
    """The bundle with the four tables: the shipped one unless another is named. Only its tables are read."""
    try:
        files = bundle_folder.collect([path or SHIPPED], None)
    except bundle_folder.Unusable as error:
        raise Unusable(str(error)) from error
    bundle = read_bundle({name: data for name, data in files.items() if name.endswith((".dmn", ".toml"))})
    missing: Sequence[str] = [name for name in TABLES if not bundle.has_decision(name)]
    if missing:
        raise Unusable(f"流程包缺少决策表 {', '.join(missing)} / tables missing")
    return bundle
