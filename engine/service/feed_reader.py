"""RSS and Atom read into plain entries: no markup, no addresses but http and https, no more than a page of them."""

from __future__ import annotations

import io
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final
from urllib.parse import urljoin

import feedparser

MOST_ENTRIES: Final = 200
_BREAKS: Final = frozenset({"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "blockquote"})
_UNSEEN: Final = frozenset({"script", "style"})


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    body: str
    url: str
    author: str
    published_at: datetime | None


class NoFeed(Exception):
    """The content is neither RSS nor Atom."""


def entries(content: bytes, content_type: str, url: str) -> list[Entry]:
    """The newest entries, as the feed has them. Raises NoFeed."""
    if b"<!ENTITY" in content.replace(b"\0", b""):  # they may expand to gigabytes, and no feed needs any
        raise NoFeed
    headers = {"content-location": url, **({"content-type": content_type} if content_type else {})}
    found = feedparser.parse(io.BytesIO(content), response_headers=headers)
    if not found.get("version") and not found.entries:
        raise NoFeed
    return [_entry(one, url) for one in found.entries[:MOST_ENTRIES]]


def _entry(one: Any, url: str) -> Entry:
    told = one.get("content") or []
    longest = max([one.get("summary", ""), *(part.get("value", "") for part in told)], key=len)
    link = urljoin(url, one.get("link", "") or "")
    return Entry(
        text_of(one.get("title", ""))[:200],
        text_of(longest)[:20_000],
        link if link.startswith(("http://", "https://")) and len(link) <= 1000 else "",
        text_of(one.get("author", ""))[:100],
        _instant(one.get("published_parsed") or one.get("updated_parsed")),
    )


def _instant(told: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(timegm(told), UTC) if told else None
    except (ValueError, OverflowError, OSError, TypeError):
        return None


def text_of(markup: str) -> str:
    """The words of a piece of HTML, a line a paragraph."""
    reader = _Text()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.words).splitlines())
    return "\n".join(line for line in lines if line)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.words.append(data)
