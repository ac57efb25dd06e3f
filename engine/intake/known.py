"""What is known so far: items by topic, found again by what they say. Nothing here joins two items; a person does.

An item is its own topic until somebody confirms another (`confirm`). Candidates are offered with their reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .compare import Compared, Print, compare, print_of, prior_words
from .echoes import Echo, Replies
from .item import Item
from .majors import majors
from .reading import Reading, read
from .similar import Query, Weights

LISTED: Final = 5
"""Candidates that a person is shown."""
OFFERED: Final = 0.18
"""Likeness from which a topic is offered at all; decides about the list only, never about a merge."""
COMPARED: Final = 25
"""Known items that are compared closely; the index finds them."""
M5_WINDOW: Final = timedelta(hours=24)
_NO_OUTLET: Final = re.compile(r"匿名|网友|群聊|截图|路人|个人|市民|业主|村民|来电|12345|热线")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topic that the item may belong to. `score`: 0..1; `items`: ids, the likest first."""

    topic: str
    items: tuple[str, ...]
    score: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a topic has spread. `outlets`: distinct media by name; `per_hour`: items in the busiest hour."""

    items: int
    outlets: tuple[str, ...]
    per_hour: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Kept:
    reading: Reading
    print: Print
    major: tuple[str, ...]
    norm: float


class Known:
    """Items and topics, in the order in which they were added. Not safe to share between threads while it grows."""

    def __init__(self) -> None:
        self._items: dict[str, _Kept] = {}
        self._topics: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._echoes: set[str] = set()
        self._replies = Replies()
        self._weights = Weights(prior_words())
        self._postings: dict[str, list[str]] = {}
        self._last: tuple[Reading, Print] | None = None

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Item, topic: str = "", reading: Reading | None = None, *, echo: bool = False) -> None:
        """Keeps an item; `topic`: the one it was confirmed to be of, "" for one of its own; `echo`: it only passes on
        our own words, which spread nothing."""
        reading = reading or read(item)
        found = majors(reading.text, reading.ground, reading.own > 0).sure
        mine = self._print(reading)
        self._weights.add(mine.vector)
        kept = _Kept(reading, mine, tuple(found), Query(mine.vector, self._weights).norm)
        if item.id in self._items:
            self._forget(item.id)
        self._items[item.id] = kept
        for mark in kept.print.marks:
            self._postings.setdefault(mark, []).append(item.id)
        self._place(item.id, topic or item.id)
        self.echoes(item.id, echo)

    def echoes(self, item_id: str, echo: bool) -> None:
        """Whether an item only passes on our own words: found here, or said by a person."""
        (self._echoes.add if echo else self._echoes.discard)(item_id)

    def confirm(self, item_id: str, topic: str) -> None:
        """Moves an item to a topic, as a person decided. Raises KeyError for an unknown item."""
        if item_id not in self._items:
            raise KeyError(item_id)
        self._members[self._topics[item_id]].remove(item_id)
        self._place(item_id, topic)

    def topic_of(self, item_id: str) -> str | None:
        """The topic of an item, None when the item is not known."""
        return self._topics.get(item_id)

    def reply(self, ident: str, text: str, at: datetime | None = None) -> None:
        """Keeps what we have published ourselves, so that what passes it on is told as an echo."""
        self._replies.keep(ident, text, at)

    def forget_reply(self, ident: str) -> None:
        """Leaves one of our texts out again: its publication was withdrawn, or is long ago."""
        self._replies.forget(ident)

    def echo_of(self, reading: Reading) -> Echo | None:
        """The text of ours that an item passes on, with what it says beside it; None if none."""
        return self._replies.echo(reading, self._print(reading).shingles) if len(self._replies) else None

    def candidates(self, item: Item, limit: int = LISTED, reading: Reading | None = None) -> tuple[Candidate, ...]:
        """Topics that the item may belong to, the likest first; itself left out."""
        reading = reading or read(item)
        mine = self._print(reading)
        query = Query(mine.vector, self._weights)
        by_topic: dict[str, list[tuple[Compared, str]]] = {}
        for ident in self._likely(mine, item):
            if ident == item.id:
                continue
            kept = self._items[ident]
            found = compare(reading, mine, query, kept.reading, kept.print, kept.norm)
            if item.parent_id and item.parent_id == ident:
                found = Compared(1.0, ("是该条的跟帖", *found.reasons))
            by_topic.setdefault(self._topics[ident], []).append((found, ident))
        offered = []
        for topic, found_items in by_topic.items():
            found_items.sort(key=lambda one: (-one[0].score, one[1]))
            best = found_items[0][0]
            score = min(1.0, best.score + 0.01 * min(len(found_items) - 1, 5))
            if score >= OFFERED:
                close = tuple(ident for one, ident in found_items if one.score >= OFFERED)
                offered.append(Candidate(topic, close or (found_items[0][1],), round(score, 3), best.reasons))
        offered.sort(key=lambda one: (-one.score, one.topic))
        return tuple(offered[:limit])

    def spread(self, topic: str) -> Spread:
        """How far a topic has spread; of an unknown one nothing."""
        return spread(self._spreading(topic))

    def outlets_around(self, item: Item, topic: str) -> tuple[str, ...]:
        """Media of a confirmed topic within 24 hours before the item, and its own (R48)."""
        at = item.published_at or item.discovered_at
        near = [
            one
            for one in self._spreading(topic)
            if at is None or (when := one.published_at or one.discovered_at) is None or abs(at - when) <= M5_WINDOW
        ]
        return outlets([*near, item])

    def major_of(self, topic: str) -> tuple[str, ...]:
        """Major criteria that items of a topic meet by their words, each once (the grade is the topic's: R48)."""
        return tuple(dict.fromkeys(one for ident in self._members.get(topic, ()) for one in self._items[ident].major))

    def items_of(self, topic: str) -> tuple[str, ...]:
        """Ids of a topic's items in the order in which they came."""
        return tuple(self._members.get(topic, ()))

    def item(self, item_id: str) -> Item:
        """A known item. Raises KeyError."""
        return self._items[item_id].reading.item

    def _spreading(self, topic: str) -> list[Item]:
        """The items of a topic without echoes of our own words."""
        members = self._members.get(topic, ())
        return [self._items[ident].reading.item for ident in members if ident not in self._echoes]

    def _print(self, reading: Reading) -> Print:
        """The print of a reading; that of the last one is kept, as an item is looked at before it is added."""
        if self._last is None or self._last[0] is not reading:
            self._last = (reading, print_of(reading))
        return self._last[1]

    def _place(self, item_id: str, topic: str) -> None:
        self._topics[item_id] = topic
        self._members.setdefault(topic, []).append(item_id)

    def _forget(self, item_id: str) -> None:
        for mark in self._items[item_id].print.marks:
            self._postings[mark].remove(item_id)
        self._members[self._topics[item_id]].remove(item_id)

    def _likely(self, mine: Print, item: Item) -> list[str]:
        """Known items that share the most telling marks, at most COMPARED of them."""
        points: dict[str, float] = {}
        most = max(50, len(self._items) // 5)
        for mark, weight in mine.marks.items():
            found = self._postings.get(mark, ())
            if not found or (len(found) > most and weight < 2):
                continue
            worth = weight / (1 + len(found)) ** 0.5
            for ident in found:
                points[ident] = points.get(ident, 0.0) + worth
        likely = sorted(points, key=lambda ident: (-points[ident], ident))[:COMPARED]
        if item.parent_id in self._items and item.parent_id not in likely:
            likely.append(item.parent_id)
        return likely


def outlets(items: list[Item]) -> tuple[str, ...]:
    """Names of distinct media among the sources; netizens and hotlines are none."""
    names = (one.source_name.strip() for one in items)
    return tuple(dict.fromkeys(name for name in names if name and not _NO_OUTLET.search(name)))


def spread(items: list[Item]) -> Spread:
    """How far some items have spread."""
    instants = sorted(when for one in items if (when := one.published_at or one.discovered_at) is not None)
    busiest = max(
        (sum(1 for other in instants if start <= other < start + timedelta(hours=1)) for start in instants), default=0
    )
    return Spread(
        len(items), outlets(items), busiest, instants[0] if instants else None, instants[-1] if instants else None
    )


Topics = Mapping[str, tuple[str, ...]]
