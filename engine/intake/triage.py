"""An item assessed: candidates, relevance, criteria and facts. What follows is for the tables and for people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from .criteria import Criteria, criteria, is_official
from .echoes import Echo
from .item import NO_FACTS, Facts, Item
from .known import Candidate, Known
from .majors import majors
from .reading import Reading, read
from .relevance import Relevance, relevance
from .subject import SubjectFacts, subject_facts

CLOSE: Final = 0.5
"""Likeness from which other items count as spread that a person may confirm."""
NEAR: Final = 0.3
"""Likeness from which an item is not put aside beside a major topic."""
M5_OUTLETS: Final = 5
"""As the parameter of that name; here only for the hint that unconfirmed candidates may reach it."""

__all__ = ["Assessment", "Candidate", "Known", "assess"]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is suggested of one item. `outlets`: media of its confirmed topic within 24 hours; `echo`: the text of
    ours that it passes on, None if none."""

    item: Item
    candidates: tuple[Candidate, ...]
    relevance: Relevance
    criteria: Criteria
    facts: SubjectFacts
    outlets: tuple[str, ...] = ()
    echo: Echo | None = None
    little_text: bool = False


def assess(item: Item, known: Known | None = None, facts: Facts = NO_FACTS, topic: str = "") -> Assessment:
    """The item, seen beside what is known. `facts`: what a person has set; `topic`: the one a person confirmed."""
    return assess_reading(read(item), known, facts, topic)


def assess_reading(reading: Reading, known: Known | None, facts: Facts, topic: str = "") -> Assessment:
    """As `assess`, for an item that has been read already."""
    item = reading.item
    own = reading.own >= 1 or facts.relevant is True
    found = majors(reading.text, reading.ground, own)
    judged = criteria(reading, found)
    relevant = relevance(reading, found, bool(judged.words or judged.doubtful), is_official(item))
    candidates: tuple[Candidate, ...] = ()
    outlets: tuple[str, ...] = ()
    echo: Echo | None = None
    if known is not None:
        candidates = known.candidates(item, reading=reading)
        echo = known.echo_of(reading)
        if topic:
            outlets = known.outlets_around(item, topic)
        relevant = _beside(relevant, known, candidates)
        # What is elsewhere's, or our own words, spreads nothing of ours.
        if relevant.value is not False and (echo is None or not echo.mere):
            judged = _with_spread(judged, known, item, candidates, topic)
    relevant = _as_set(relevant, facts)
    if echo is not None:
        judged = replace(judged, unsure=(*judged.unsure, echo.reason))
    return Assessment(item, candidates, relevant, judged, subject_facts(reading, facts), outlets, echo, reading.little)


def _beside(found: Relevance, known: Known, candidates: tuple[Candidate, ...]) -> Relevance:
    """What may belong to a major topic is not put aside by its words alone: people write of it in passing."""
    if found.value is not False:
        return found
    major = [one.topic for one in candidates if one.score >= NEAR and known.major_of(one.topic)]
    if not major:
        return found
    told = f"可能与重大专题 {'、'.join(major[:3])} 同一事件，请人工判断"
    return Relevance(None, None, (*found.reasons, told))


def _as_set(found: Relevance, facts: Facts) -> Relevance:
    if facts.relevant is not None:
        direct = facts.directly_related if facts.directly_related is not None else facts.relevant
        return Relevance(facts.relevant, direct, (*found.reasons, "由人认定"))
    if facts.directly_related is not None:
        return replace(found, directly_related=facts.directly_related, reasons=(*found.reasons, "由人认定"))
    return found


def _with_spread(judged: Criteria, known: Known, item: Item, candidates: tuple[Candidate, ...], topic: str) -> Criteria:
    """What the topic adds: media of close candidates, and majors of the topic or of close candidates. Until a person
    has confirmed that they are one event, it makes the suggestion unsure and no more."""
    if any(name.startswith("m") for name in judged.words):
        return judged
    close = [topic] if topic else [one.topic for one in candidates if one.score >= CLOSE]
    doubtful, unsure = dict(judged.doubtful), list(judged.unsure)
    names = dict.fromkeys(name for one in close for name in known.outlets_around(item, one))
    if not topic and len(names) >= M5_OUTLETS and not {"p1", "p2"} & judged.words.keys():
        doubtful["m5"] = tuple(names)
        unsure.append(f"候选专题24小时内已有{len(names)}家媒体，如属同一事件即达集中炒作的门槛")
    major = [(one, name) for one in close for name in known.major_of(one)]
    if major and not judged.old:
        told = "、".join(dict.fromkeys(f"{one} {name.upper()}" for one, name in major[:3]))
        unsure.append(f"{'所属' if topic else '候选'}专题已符合重大标准（{told}），等级以专题为准，请人工判断")
    return replace(judged, doubtful=doubtful, unsure=tuple(unsure))
