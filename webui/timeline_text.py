"""Lines of a case's timeline in words, and what they are about, for its filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask.sansio.app import App

from engine.domain.organisation import ROLES
from engine.readmodels import timeline
from engine.readmodels.timeline import TimelineEntry, TimelineItem

from .catalogue import t
from .clock_text import span
from .formats import minute
from .names import Names

TOPICS: Final[Mapping[str, tuple[str, ...]]] = {
    "work": ("case_", "task_", "stage_", "cosign_", "message_", "withdrawn", "urged"),
    "clocks": ("limit_", "timer_"),
    "papers": ("document_", "file_", "decision_"),
    "talk": ("commented", "copied", "copy_read", "notified"),
    "trouble": ("incident_",),
}
"""What a reader may want to see alone -> how its keys begin, after `timeline.`."""
Words = Mapping[str, str]
"""What people call values and decisions of the bundle."""
NO_WORDS: Final[Words] = {}
_INSTANTS: Final = frozenset({"due_at", "deadline", "anchor_at"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Filters. `topic`: of TOPICS, "" for all; `who`: a login; `minor`: also what is of little weight."""

    topic: str = ""
    who: str = ""
    minor: bool = False


def told(entries: Iterable[Any], names: Names) -> tuple[TimelineEntry, ...]:
    """The timeline with people and units by name. The first pass only finds out whose names are needed."""
    entries = tuple(entries)
    asked: set[str] = set()

    def note(one: str) -> str:
        asked.add(one)
        return one

    timeline.build(entries, note)
    groups = {one for one in asked if one in ROLES or (":" in one and not one.startswith("system:"))}
    names.load(asked - groups, groups)
    return timeline.build(entries, lambda one: names.group(one) if one in groups else names.person(one))


def chosen(entries: Iterable[TimelineEntry], asked: Asked) -> list[tuple[TimelineEntry, tuple[TimelineItem, ...]]]:
    """Entries with the lines that the filters leave, newest first; entries without a line are left out."""
    found = []
    for entry in entries:
        weighty = (item for item in entry.items if asked.minor or not item.minor)
        items = tuple(item for item in weighty if asked.topic in ("", topic(item)))
        if items and asked.who in ("", entry.actor, entry.on_behalf_of):
            found.append((entry, items))
    return found[::-1]


def topic(item: TimelineItem) -> str:
    """Which of TOPICS a line belongs to; "" for none (data written, signals)."""
    short = item.key.removeprefix("timeline.")
    return next((name for name, starts in TOPICS.items() if short.startswith(starts)), "")


def sentence(item: TimelineItem, words: Words = NO_WORDS) -> str:
    """The line in words. Somebody's own words (`reason`, `note`, `comment`) are left to `remark`."""
    params = {name: _word(name, value, words) for name, value in item.params.items()}
    if item.key == "timeline.notified":
        inner = dict(item.params.get("params") or {})
        said = t(str(item.params["message"]), **{name: _word(name, value, words) for name, value in inner.items()})
        return t(item.key, to=item.params["to"], message=said)
    if item.key == "timeline.incident_raised":
        params["message"] = t(str(item.params["message"]), **dict(item.params.get("details") or {}))
    text = t(item.key, **params)
    due = item.params.get("due_at")
    if due:
        text += t("timeline.with_due", at=minute(str(due)))
    if item.params.get("unit"):
        text += t("timeline.with_unit", unit=item.params["unit"])
    if item.params.get("cause"):
        text += t("timeline.with_cause", cause=t(str(item.params["cause"])))
    return text


def remark(item: TimelineItem) -> str:
    """Somebody's own words in the line, "" when it has none."""
    for name in ("text", "reason", "comment", "note"):
        if item.params.get(name):
            return str(item.params[name])
    return "；".join(map(str, item.params.get("notes") or ()))


def _word(name: str, value: Any, words: Words) -> Any:
    if name in _INSTANTS and isinstance(value, str) and value:
        return minute(value)
    if name == "late_seconds":
        return span(float(value))
    if name == "outcome":
        return _known(f"outcome.{value}", str(value))
    if name == "limit":
        return _known(f"limit.name.{value}", str(value))
    if name == "mark":
        return mark(str(value))
    if name == "decision":
        return words.get(str(value), value)
    if name == "rules":
        return "、".join(map(str, value))
    if name == "fields":
        return "、".join(_known(f"field.{field}", field) for field in value)
    if name == "result":
        return cell(value, words)
    return value


def mark(text: str) -> str:
    """When a warning comes, in words: `start`, `-PT30M`; `75%` and `18:00` speak for themselves."""
    if text == "start":
        return t("limit.mark.start")
    before = re.fullmatch(r"-PT(?:(\d+)H)?(?:(\d+)M)?", text)
    if before is None:
        return text
    return t("limit.mark.before", span=span(int(before[1] or 0) * 3600 + int(before[2] or 0) * 60))


def cell(value: Any, words: Words = NO_WORDS) -> str:
    """A value of a decision table as people read it: quotes of FEEL texts away, known values in words."""
    if isinstance(value, Mapping):
        return "；".join(
            f"{words.get(key) or _known(f'field.{key}', key)} {cell(one, words)}" for key, one in value.items()
        )
    if isinstance(value, list):
        return "、".join(cell(one, words) for one in value)
    if isinstance(value, bool):
        return t("app.yes" if value else "app.no")
    if value is None:
        return "—"
    text = str(value).strip()
    if text in ("true", "false"):
        return t("app.yes" if text == "true" else "app.no")
    try:
        inner = json.loads(text)
    except ValueError:
        inner = text
    text = inner if isinstance(inner, str) else text
    return words.get(text) or _known(f"grade.{text}", text)


def _known(key: str, otherwise: str) -> str:
    text = t(key)
    return otherwise if text == key else text


def install(app: App) -> None:
    app.jinja_env.filters.update(line=sentence, remark=remark, cell=cell, topic=topic, mark=mark)
