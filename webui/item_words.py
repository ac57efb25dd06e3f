"""Words and choices around items: their sources, kinds, routes and states, and what a form starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask.sansio.app import App

from engine.domain.codec import JSON
from engine.service import case_view, items, people
from engine.service.items import Item
from engine.service.items_tables import KINDS, SOURCE_TYPES

from . import form_pages
from .catalogue import t
from .formats import local
from .guards import current_actor, reading, services

BODY: Final = 5000
"""Characters of the registration form's summary; the item keeps all of it."""
_HOW: Final = {"hotline": "hotline", "feed": "alert", "api": "alert", "csv": "alert", "xlsx": "alert", "mail": "alert"}
"""Route of an item -> how it was discovered, in the words of the registration form."""


def source_types() -> list[tuple[str, str]]:
    return [(one, t(f"item.source.{one}")) for one in SOURCE_TYPES]


def kinds() -> list[tuple[str, str]]:
    return [(one, t(f"item.kind.{one}")) for one in KINDS]


def districts() -> list[str]:
    """Those that the registration form of the live bundle offers; none while nothing is deployed."""
    offered = [process for process, _ in case_view.start_processes(services())]
    view = case_view.start_view(services(), offered[0]) if offered else None
    schema = getattr(view, "schema", None)
    chosen = [one for one in form_pages.components(schema) if one.get("key") == "district"]
    return [str(option["value"]) for one in chosen for option in one.get("values") or ()]


def registration(item: Item, known: frozenset[str]) -> dict[str, JSON]:
    """Values of the registration form for an item, of the fields in `known`; a person reads and sends them."""
    body = item.body if len(item.body) >= 5 else f"{item.title}\n{item.body}".strip()
    values: dict[str, JSON] = {
        "title": item.title[:100],
        "body": body[:BODY],
        "source_type": item.source_type,
        "source_type_other": t("item.source.other") if item.source_type == "other" else "",
        "source_name": item.source_name,
        "url": item.url[:500],
        "item_kind": item.item_kind,
        "district": item.district if item.district in districts() else "",
        "is_comment": item.parent_id is not None,
        "parent_item": _parent_words(item),
        "published_at": _minute(item.published_at),
        "captured_at": _minute(item.captured_at),
        "discovered_at": _minute(item.discovered_at),
        "discovered_by": _how(item),
        "reporter": _reporter(item),
    }
    return {name: value for name, value in values.items() if value not in ("", False) and name in known}


def attachment_files(item: Item) -> dict[str, list[dict[str, JSON]]]:
    """The item's files as the registration form's filepicker holds them; {} for none."""
    return {f"files::item-{item.item_id}": [dict(fact) for fact in item.attachments]} if item.attachments else {}


def _how(item: Item) -> str:
    if item.source_type == "superior":
        return "superior"
    if item.route in _HOW:
        return _HOW[item.route]
    return "patrol" if item.unit == current_actor().unit else "unit"


def _reporter(item: Item) -> str:
    if ":" in item.entered_by:
        return ""
    with reading() as conn:
        return people.names(conn, [item.entered_by]).get(item.entered_by, "")


def _parent_words(item: Item) -> str:
    if item.parent_id is None:
        return ""
    with reading() as conn:
        parent = items.get(conn, item.parent_id)
    return "" if parent is None else f"{parent.title} {parent.url}".strip()[:200]


def _minute(at: Any) -> str:
    return local(at).replace(second=0, microsecond=0).isoformat(timespec="minutes") if at else ""


def install(app: App) -> None:
    """Adds the filter `masked` (names and numbers as lists show them) and `entered(by, names)`."""
    app.jinja_env.filters.update(masked=items.masked, entered=entered)


def entered(by: str, names: Any, machines: Mapping[str, str] = {}) -> str:
    """Who brought an item in: a person's name, or what kind of machine."""
    kind, _, number = by.partition(":")
    return t(f"item.by.{kind}", number=number) if number and kind in ("token", "feed", "system") else names.person(by)
