"""One item as the intake sees it, and the facts that a person has set about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from engine.domain.codec import JSON, parse_instant

MAX_TEXT: Final = 20_000
"""Characters of a title or body that are read; the rest of a novel says nothing more about its first pages."""


class BadItem(ValueError):
    """A field that an item needs is missing or cannot be read. `field` names it, `why` says what was expected."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


@dataclass(frozen=True, slots=True)
class Item:
    """A post, report, call or comment. Instants are aware, UTC. `district`: what the source or the one who noted it
    down said, "" if nothing; `parent_id`: the item under which it is a comment."""

    id: str
    title: str
    body: str = ""
    source_type: str = ""
    source_name: str = ""
    url: str = ""
    published_at: datetime | None = None
    discovered_at: datetime | None = None
    district: str = ""
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a person has decided about an item; None where nobody has. Names are those of the form `screen`.

    `places`: districts of Xuchang, () for a matter of the city itself. `departments`: other departments concerned.
    """

    places: tuple[str, ...] | None = None
    county_matter: bool | None = None
    other_city: bool | None = None
    city_policy: bool | None = None
    multi_department: bool | None = None
    departments: tuple[str, ...] | None = None
    relevant: bool | None = None
    directly_related: bool | None = None
    grade: str | None = None


NO_FACTS: Final = Facts()
_FLAGS: Final = ("county_matter", "other_city", "city_policy", "multi_department", "relevant", "directly_related")
_TEXTS: Final = ("source_type", "source_name", "url", "district", "parent_id")


def item_from(values: Mapping[str, JSON]) -> Item:
    """The item that `values` describe; unknown names are passed over. Raises BadItem."""
    ident = values.get("id")
    if isinstance(ident, int) and not isinstance(ident, bool):
        ident = str(ident)
    if not isinstance(ident, str) or not ident.strip():
        raise BadItem("id", "缺少编号 / expected a text")
    title, body = _text(values, "title"), _text(values, "body")
    if not title.strip() and not body.strip():
        raise BadItem("title", "标题和正文都为空 / title and body are empty")
    return Item(
        id=ident.strip(),
        title=title[:MAX_TEXT],
        body=body[:MAX_TEXT],
        published_at=_instant(values, "published_at"),
        discovered_at=_instant(values, "discovered_at"),
        **{name: _text(values, name) for name in _TEXTS},
    )


def facts_from(values: JSON) -> Facts:
    """The facts in an object of field names; `districts` is taken for `places`, and a name or a list of names of
    another city for a yes to `other_city`. Raises BadItem for a value of the wrong kind."""
    if not isinstance(values, Mapping):
        raise BadItem("facts", "应为对象 / expected an object")
    found = Facts()
    places = values.get("places", values.get("districts"))
    if places is not None:
        found = replace(found, places=_names("districts", places))
    departments = values.get("departments")
    if departments is not None:
        found = replace(found, departments=_names("departments", departments))
    flags: dict[str, Any] = {}
    for name in _FLAGS:
        value = values.get(name)
        if name == "other_city" and isinstance(value, str | list):
            value = bool(value)
        if value is None:
            continue
        if not isinstance(value, bool):
            raise BadItem(name, "应为 true 或 false / expected true or false")
        flags[name] = value
    found = replace(found, **flags)
    grade = values.get("grade")
    if grade is not None:
        if grade not in ("positive", "ordinary_negative", "major_negative"):
            raise BadItem("grade", "未知等级 / unknown grade")
        found = replace(found, grade=grade)
    return found


def set_names(facts: Facts) -> tuple[str, ...]:
    """Names of what a person has set."""
    return tuple(one.name for one in fields(facts) if getattr(facts, one.name) is not None)


def _text(values: Mapping[str, JSON], name: str) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadItem(name, "应为文字 / expected a text")
    return value


def _instant(values: Mapping[str, JSON], name: str) -> datetime | None:
    value = values.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadItem(name, "缺少时区 / expected an offset")
        return value
    if not isinstance(value, str):
        raise BadItem(name, "应为时间 / expected an instant")
    try:
        return parse_instant(value)
    except (ValueError, OverflowError):
        raise BadItem(name, "应为带时区的时间, 如 2026-03-02T10:05:00+08:00 / expected ISO 8601 with offset") from None


def _names(field: str, value: JSON) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value] if value else []
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise BadItem(field, "应为名称的列表 / expected a list of names")
    return tuple(one.strip() for one in value if one.strip())
