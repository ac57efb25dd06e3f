"""What people and machines say of an item, checked once for every way in: form, file, HTTP, feed, mail."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from engine.domain.calendar import ZONE
from engine.domain.codec import JSON, instant_text, parse_instant
from engine.domain.rejection import FieldFault, Rejection

from .items_tables import KINDS, ROUTES, SOURCE_TYPES

TEXTS: Final[Mapping[str, int]] = {
    "title": 200, "body": 20_000, "source_name": 100, "url": 1000, "author": 100, "contact": 40, "district": 40,
    "parent_url": 1000,
}  # fmt: skip
"""Fields that are text, each with the characters it may have."""
ASKED_INSTANTS: Final = ("published_at", "captured_at", "discovered_at")
FIELDS: Final = (*TEXTS, "source_type", "item_kind", "callback", *ASKED_INSTANTS)
"""What may be said of an item from outside; the other two instants are what happens here."""
AHEAD: Final = timedelta(minutes=5)
"""By which clocks elsewhere may be ahead of ours."""
FIRST_WORDS: Final = 40
"""Characters of a body that stand for a missing title."""
_WEB: Final = re.compile(r"https?://[^\s<>\"]+")
_SPELLED: Final = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?[T\s]*(\d{1,2})\s*[::时]\s*(\d{1,2})"
    r"(?:\s*[::分]\s*(\d{1,2})?(?:\.\d+)?\s*秒?)?"
)
_SOURCE_WORDS: Final[Mapping[str, str]] = {
    "门户网站": "portal", "网站": "portal", "新闻": "portal", "新闻网站": "portal", "媒体": "portal", "报刊": "portal",
    "论坛": "forum", "贴吧": "forum", "社区": "forum", "微博": "weibo", "微信": "wechat", "公众号": "wechat",
    "微信公众号": "wechat", "热线电话": "hotline", "热线": "hotline", "12345": "hotline", "市长热线": "hotline",
    "新闻跟贴": "news_comment", "新闻跟帖": "news_comment", "跟贴": "news_comment", "跟帖": "news_comment",
    "评论": "news_comment", "短视频": "short_video", "视频": "short_video", "抖音": "short_video",
    "快手": "short_video", "领导留言板": "leader_board",
    "留言板": "leader_board", "人民网留言板": "leader_board", "上级转办": "superior",
    "转办": "superior", "其他": "other", "其它": "other",
}  # fmt: skip
_KIND_WORDS: Final[Mapping[str, str]] = {
    "诉求": "appeal", "意见": "opinion", "建议": "suggestion", "咨询": "inquiry", "举报": "tip_off",
    "宣传": "publicity",
}  # fmt: skip
_YES: Final = frozenset({"1", "true", "yes", "on", "y", "是", "需要", "要"})
_NO: Final = frozenset({"", "0", "false", "no", "off", "n", "否", "不需要", "不要"})


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item that is to be kept. Instants are text (`instant_text`), "" where unknown. `parent_url`: of the item it
    comments on, where `parent_id` is not known."""

    title: str
    body: str
    source_type: str
    source_name: str
    route: str
    entered_by: str
    url: str = ""
    author: str = ""
    contact: str = ""
    callback: bool = False
    item_kind: str = ""
    district: str = ""
    parent_id: int | None = None
    parent_url: str = ""
    published_at: str = ""
    captured_at: str = ""
    discovered_at: str = ""
    unit: str = ""
    attachments: tuple[Mapping[str, JSON], ...] = field(default=())

    @property
    def content_hash(self) -> str:
        """sha256 of the words of title and body: equal for exact repeats, whatever stands between the words."""
        return hashlib.sha256(words(f"{self.title}\n{self.body}").encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Equal for what is the same item: source and address; without an address, or for one of many comments under
        one address, source and words and who said them when."""
        told = self.content_hash, self.author, self.published_at, words(self.contact)
        by = (self.url, *told) if self.parent_id or self.parent_url or not self.url else (self.url,)
        return hashlib.sha256("\x1f".join((words(self.source_name), *by)).encode()).hexdigest()


def words(text: str) -> str:
    """The letters and digits of a text, in one form: no white space, punctuation, width or case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if unicodedata.category(c)[0] in "LN")


def checked(
    values: Mapping[str, Any], now: datetime, *, route: str, entered_by: str, unit: str = ""
) -> NewItem | Rejection:
    """The item that `values` describe, or the Rejection (`invalid`) with a fault for each field that is wrong.

    Blanks count as not said. What was discovered at an unknown instant counts as discovered now.
    """
    assert route in ROUTES, route
    faults: list[FieldFault] = []
    said: dict[str, Any] = dict(_texts(values, faults))
    if not said["title"] and not said["body"]:
        faults.append(FieldFault("title", "item.fault.no_words"))
    if not said["source_name"] and not any(fault.path == "source_name" for fault in faults):
        faults.append(FieldFault("source_name", "form.required"))
    for name in ("url", "parent_url"):
        if said[name] and not _WEB.fullmatch(said[name]):
            faults.append(FieldFault(name, "item.fault.url"))
    instants: dict[str, Any] = dict(_instants(values, now, faults))
    if instants["published_at"] and instants["discovered_at"] and _later(instants["published_at"], instants):
        faults.append(FieldFault("published_at", "item.fault.published_later"))
    source = _known(values, "source_type", _SOURCE_WORDS, SOURCE_TYPES, faults)
    if not source and not any(fault.path == "source_type" for fault in faults):
        faults.append(FieldFault("source_type", "form.required"))
    kind = _known(values, "item_kind", _KIND_WORDS, KINDS, faults)
    callback = _flag(values, "callback", faults)
    if faults:
        return Rejection("invalid", "form.refused", {"count": len(faults)}, tuple(faults))
    said["title"] = said["title"] or _first_words(said["body"])
    instants["discovered_at"] = instants["discovered_at"] or instant_text(now)
    return NewItem(
        **said, **instants, source_type=source, item_kind=kind, callback=callback, route=route,
        entered_by=entered_by, unit=unit,
    )  # fmt: skip


def instant(value: Any) -> datetime | None:
    """The aware instant that a cell, a form or a vendor meant: ISO 8601, or a date and time as people write them, which
    are Xuchang's; None for blank. Raises ValueError, also for a date without a time."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=ZONE)
    text = unicodedata.normalize("NFKC", str(value if value is not None else "")).strip()
    if not text:
        return None
    spelled = _SPELLED.fullmatch(text)
    if spelled:
        return datetime(*(int(part or 0) for part in spelled.groups()), tzinfo=ZONE)  # type: ignore[arg-type,misc]
    return parse_instant(text)


def _texts(values: Mapping[str, Any], faults: list[FieldFault]) -> Iterator[tuple[str, str]]:
    for name, most in TEXTS.items():
        value = values.get(name)
        if value is not None and not isinstance(value, str | int | float):
            faults.append(FieldFault(name, "item.fault.not_text"))
            value = ""
        text = _clean(str(value if value is not None else ""), lines=name == "body")
        if len(text) > most:
            faults.append(FieldFault(name, "item.fault.too_long", {"limit": most, "length": len(text)}))
            text = text[:most]
        yield name, text


def _clean(text: str, lines: bool) -> str:
    """Without control and direction characters; white space as it is in a body, single elsewhere."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return kept.strip() if lines else " ".join(kept.split())


def _instants(values: Mapping[str, Any], now: datetime, faults: list[FieldFault]) -> Iterator[tuple[str, str]]:
    for name in ASKED_INSTANTS:
        text = ""
        try:
            at = instant(values.get(name))
            text = "" if at is None else instant_text(at.astimezone(UTC))
        except (ValueError, OverflowError):
            faults.append(FieldFault(name, "item.fault.instant"))
        else:
            if at is not None and at > now + AHEAD:
                faults.append(FieldFault(name, "item.fault.future"))
        yield name, text


def _later(published: str, instants: Mapping[str, str]) -> bool:
    return parse_instant(published) > parse_instant(instants["discovered_at"]) + AHEAD


def _known(
    values: Mapping[str, Any],
    name: str,
    by_word: Mapping[str, str],
    known: tuple[str, ...],
    faults: list[FieldFault],
) -> str:
    text = str(values.get(name) if values.get(name) is not None else "").strip()
    found = by_word.get(text, text.lower())
    if not found or found in known:
        return found
    faults.append(FieldFault(name, "item.fault.not_known", {"value": text[:40]}))
    return ""


def _flag(values: Mapping[str, Any], name: str, faults: list[FieldFault]) -> bool:
    value = str(values.get(name) if values.get(name) is not None else "").strip().lower()
    if value not in _YES | _NO:
        faults.append(FieldFault(name, "item.fault.yes_no"))
    return value in _YES


def _first_words(body: str) -> str:
    line = " ".join(body.split())
    return line if len(line) <= FIRST_WORDS else f"{line[:FIRST_WORDS]}…"
