"""How far and how fast a topic spreads, and whether that makes its case a major one (R48, M5).

The thresholds stand in the regulation profile of the live bundle: `[parameters] m5_outlets`, and where they are given
`[spread] hours`, `media` (names of central and provincial media, one of which is enough).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, select

from engine.domain.codec import JSON
from engine.readmodels import dossier
from engine.readmodels.schema import cases

from . import topics
from .item_fields import words
from .items import Item
from .topics import Topic

HOURS: Final = 24
OUTLETS: Final = 5
"""Of R48's "众多媒体", which names no number (G-8); used where the profile gives none."""
MEDIA: Final = (
    "人民日报", "人民网", "新华社", "新华网", "央视", "中央电视台", "央视网", "中央广播电视总台", "光明日报", "光明网",
    "经济日报", "中国青年报", "中国新闻网", "中新网", "中新社", "法治日报", "工人日报", "农民日报", "中国自然资源报",
    "河南日报", "大河网", "大河报", "河南广播电视台", "映象网", "顶端新闻", "河南卫视",
)  # fmt: skip
"""Central and provincial (Henan) media, by the beginning of their name; where the profile names none."""
_ASKED: Final = "regrade"
"""The message by which a case is asked to change its grade (bpmn/case_round.bpmn)."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    outlets: int = OUTLETS
    hours: int = HOURS
    media: tuple[str, ...] = MEDIA


@dataclass(frozen=True, slots=True)
class Spread:
    """`outlets`: distinct sources within the last `hours`; `most_outlets`: within any span so long; `per_hour`,
    `outlets_per_hour`: over the time from the first to the last item, at least one hour. `big`: central or provincial
    media among the sources. `criterion`: m5_outlets, m5_media, or "" when none is reached."""

    items: int
    outlets: int
    most_outlets: int
    hours: int
    per_hour: float
    outlets_per_hour: float
    first_at: datetime | None
    last_at: datetime | None
    big: tuple[str, ...]
    criterion: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A case that should be asked whether it is major now; `message`: by which, "" while the case does not await it."""

    case_id: str
    topic: Topic
    spread: Spread
    message: str


def thresholds(regulation: Mapping[str, Any]) -> Thresholds:
    """Those of a profile; a default where it says nothing usable."""
    told = regulation.get("spread") if isinstance(regulation.get("spread"), Mapping) else {}
    outlets = (regulation.get("parameters") or {}).get("m5_outlets")
    hours, media = (told or {}).get("hours"), (told or {}).get("media")
    return Thresholds(
        outlets if isinstance(outlets, int) and outlets > 0 else OUTLETS,
        hours if isinstance(hours, int) and hours > 0 else HOURS,
        tuple(str(one) for one in media) if isinstance(media, list) and media else MEDIA,
    )


def measured(found: Sequence[Item], now: datetime, limits: Thresholds) -> Spread:
    """The spread of items of one event. Our own replies and their echoes spread nothing. An item counts from when it
    was published, where that is not known from when it was found."""
    counted = sorted(((_at(one), one.source_name) for one in found if not one.own_reply), key=lambda pair: pair[0])
    if not counted:
        return Spread(0, 0, 0, limits.hours, 0.0, 0.0, None, None, (), "")
    first, last = counted[0][0], counted[-1][0]
    span = timedelta(hours=limits.hours)
    recent = {words(name) for at, name in counted if at > now - span}
    most = _most(counted, span)
    long = max(1.0, (last - first).total_seconds() / 3600)
    big = tuple(sorted({name for _, name in counted if _is_big(name, limits.media)}))
    criterion = "m5_media" if big else "m5_outlets" if most >= limits.outlets else ""
    distinct = len({words(name) for _, name in counted})
    return Spread(
        len(counted), len(recent), most, limits.hours, len(counted) / long, distinct / long, first, last, big, criterion
    )


def of_topic(services: Any, conn: Connection, topic_id: int) -> Spread:
    return measured(topics.members(conn, topic_id, 5000), services.clock.now(), _of_live(services))


def proposal(services: Any, conn: Connection, topic: Topic) -> Proposal | None:
    """The proposal to ask for a higher grade: the topic has an open case that is not major, and a criterion is met."""
    if not topic.case_id:
        return None
    case = conn.execute(select(cases.c.grade, cases.c.status).where(cases.c.case_id == topic.case_id)).first()
    if case is None or case.status != "open" or case.grade == "major_negative":
        return None
    spread = of_topic(services, conn, topic.topic_id)
    if not spread.criterion:
        return None
    awaited = {row.message for row in dossier.messages_awaited_of(conn, topic.case_id)}
    return Proposal(topic.case_id, topic, spread, _ASKED if _ASKED in awaited else "")


def request(proposal: Proposal) -> dict[str, JSON]:
    """Values of the form `regrade_request` for a proposal: the person reads, changes and sends them."""
    spread = proposal.spread
    why = f"{spread.hours}小时内{spread.most_outlets}家媒体（来源）发布同一事件信息，共{spread.items}条"
    if spread.big:
        why += f"；其中有中央或省级媒体：{'、'.join(spread.big)}"
    return {"regrade_to": "major_negative", "regrade_criteria": ["m5"], "regrade_reason": f"{why}。"}


def _of_live(services: Any) -> Thresholds:
    try:
        return thresholds(services.deployments.bundle().regulation)
    except KeyError:
        return Thresholds()


def _at(item: Item) -> datetime:
    return item.published_at or item.discovered_at or item.received_at


def _most(counted: Sequence[tuple[datetime, str]], span: timedelta) -> int:
    """Most distinct sources within any span that begins with an item."""
    best = begin = 0
    inside: dict[str, int] = {}
    for at, name in counted:
        inside[words(name)] = inside.get(words(name), 0) + 1
        while counted[begin][0] <= at - span:
            left = words(counted[begin][1])
            inside[left] -= 1
            if not inside[left]:
                del inside[left]
            begin += 1
        best = max(best, len(inside))
    return best


def _is_big(name: str, media: Sequence[str]) -> bool:
    plain = words(name)
    return any(plain.startswith(words(one)) for one in media)
