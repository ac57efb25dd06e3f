"""Items as they might come to a bureau, day by day: a seed goes in, arrivals come out, and nothing else is asked.

A day follows from the seed and its date alone: days can be made one by one or from any day on, and a change in one
place of the model leaves other days as they were. What people then do with an arrival is in load_office.py.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from engine.domain.calendar import ZONE, midnight
from engine.domain.codec import JSON

from .chance import Chance
from .load_parameters import DAYS_OF_A_MONTH, USUAL, Parameters
from .load_texts import (
    ELSEWHERE,
    GOOD_NEWS,
    HOT,
    MATTERS,
    PLACES_OF_SOURCES,
    SUDDEN,
    UNITS_OF_DISTRICTS,
    Matter,
)

Grade = Literal["positive", "ordinary_negative", "major_negative", "elsewhere"]
COUNTIES = tuple(district for district in UNITS_OF_DISTRICTS if district not in ("经开区", "东城区", "示范区"))
"""Whose governments answer letters; the other three are functional zones (R11)."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happens on the way of a case, as far as chance has decided it beforehand."""

    returned_assignment: bool = False
    returned_opinion: bool = False
    returned_reply: bool = False
    oral_instruction: bool = False
    demanded_papers: bool = False
    promised: bool = False
    late_does_harm: bool = False
    supervised: bool = False
    regrade_to: str = ""
    regrade_after_minutes: float = 0.0
    slowness: float = 1.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """One item. Instants are aware, UTC. `number` counts from 1 in the order of registration.

    `topic`: name of the hot topic it belongs to, "" for none; `of_topic`: it is the n-th item of it, from 1. `screen`:
    what the office finds when it screens the item, fields of that form. `lead_unit`, `co_units`: who will handle it.
    """

    number: int
    published_at: datetime
    discovered_at: datetime
    registered_at: datetime
    title: str
    body: str
    source: str
    source_name: str
    url: str
    kind: str
    district: str
    grade: Grade
    line: str
    screen: dict[str, JSON]
    lead_unit: str = ""
    co_units: tuple[str, ...] = ()
    topic: str = ""
    of_topic: int = 0
    course: Course = field(default_factory=Course)


def days(seed: int, first: date, count: int, parameters: Parameters = USUAL) -> Iterator[Arrival]:
    """The items of `count` days (Asia/Shanghai) from `first` on, in the order of registration. Later items of a hot
    topic may be published up to some days after the last one."""
    waiting: list[tuple[datetime, int, Arrival]] = []
    drawn, numbers = itertools.count(), itertools.count(1)
    for day in (first + timedelta(days=n) for n in range(count)):
        for arrival in _day(Chance(seed, day.isoformat()), day, parameters):
            heapq.heappush(waiting, (arrival.registered_at, next(drawn), arrival))
        tomorrow = midnight(day + timedelta(days=1)) if day < first + timedelta(days=count - 1) else None
        while waiting and (tomorrow is None or waiting[0][0] < tomorrow):
            yield replace(heapq.heappop(waiting)[2], number=next(numbers))


def month(seed: int, first: date, cases: int, parameters: Parameters = USUAL) -> Iterator[Arrival]:
    """Exactly `cases` items, coming at the rate of so many in a middling month."""
    wanted = parameters.at_rate(cases)
    return itertools.islice(days(seed, first, 20 * DAYS_OF_A_MONTH, wanted), cases)


def expected(day: date, parameters: Parameters) -> float:
    """Mean number of items that are published on a day, hot topics left out."""
    weekday = 6 if day in parameters.holidays else day.weekday()
    workday = sum(parameters.by_weekday[:5]) / 5
    season = parameters.by_month[day.month - 1] * 12 / sum(parameters.by_month)
    return parameters.items_a_day * season * parameters.by_weekday[weekday] / workday


def _day(chance: Chance, day: date, parameters: Parameters) -> Iterator[Arrival]:
    for number in range(chance.child("items").poisson(expected(day, parameters))):
        yield _single(chance.child("item", number), day, parameters)
    for number in range(chance.child("topics").poisson(parameters.hot_topics_a_month / DAYS_OF_A_MONTH)):
        yield from _hot(chance.child("topic", number), f"{day.isoformat()}/{number}", day, parameters)


def _single(chance: Chance, day: date, parameters: Parameters) -> Arrival:
    grade: Grade = chance.weighted(parameters.grades)  # type: ignore[arg-type]
    line = chance.weighted(parameters.lines)
    district = chance.weighted(parameters.districts)
    because = chance.weighted(parameters.major_because)
    matter = _matter(chance, grade, line, because)
    arrival = _written(chance, _published(chance, day, parameters), matter, district, parameters)
    arrival = replace(arrival, grade=grade, line=line, kind="publicity" if grade == "positive" else arrival.kind)
    if grade == "elsewhere":
        return replace(arrival, screen=_not_ours(chance))
    screen: dict[str, JSON] = {"business_line": line, "n1": False}
    if grade == "positive":
        return replace(arrival, screen={**screen, "p1": True, "screen_note": "市级层面工作报道。"})
    screen |= _criteria(chance, because, parameters) if grade == "major_negative" else _shortcomings(chance)
    return _placed(chance, replace(arrival, screen=screen), parameters)


def _hot(chance: Chance, topic: str, day: date, parameters: Parameters) -> Iterator[Arrival]:
    """A topic: one item, then others, most within hours, each found to be a duplicate of the first."""
    line, matter = chance.one_of(HOT)
    district = chance.weighted(parameters.districts)
    first = _published(chance, day, parameters)
    more = 1 + chance.poisson(max(0.0, parameters.hot_topic_items - 2))
    times = sorted(first + timedelta(hours=chance.exponential(parameters.hot_topic_hours)) for _ in range(more))
    for number, published in enumerate((first, *times), start=1):
        own = chance.child("item", number)
        arrival = _written(own, published, matter, district, parameters)
        found: dict[str, JSON] = {"business_line": line, "n1": False, "n4": True, "authenticity": "unclear"}
        arrival = replace(arrival, grade="ordinary_negative", line=line, topic=topic, of_topic=number, screen=found)
        # Whichever of them is registered first becomes the case: each must be fit to be one.
        yield _placed(own, arrival, parameters)


def _written(chance: Chance, published: datetime, matter: Matter, district: str, parameters: Parameters) -> Arrival:
    """Who wrote where, and when it was found and registered."""
    source = chance.weighted(parameters.sources)
    number = 3 + chance.below(90)
    words = {"place": district, "number": number}
    found = published + _minutes(chance, parameters.minutes_to_discovery.wait, parameters)
    registered = found + _minutes(chance, parameters.minutes_to_registration.wait, parameters)
    return Arrival(
        number=0,
        published_at=published.astimezone(UTC),
        discovered_at=found.astimezone(UTC),
        registered_at=registered.astimezone(UTC),
        title=matter[0].format_map(words),
        body=matter[1].format_map(words),
        source=source,
        source_name=PLACES_OF_SOURCES[source],
        url=f"https://{source.replace('_', '-')}.example/{published:%Y%m%d}/{chance.below(10**6)}",
        kind=chance.weighted(parameters.kinds),
        district=district,
        grade="ordinary_negative",
        line="",
        screen={},
    )


def _published(chance: Chance, day: date, parameters: Parameters) -> datetime:
    hour = int(chance.weighted([(str(hour), weight) for hour, weight in enumerate(parameters.by_hour)]))
    return midnight(day) + timedelta(hours=hour, minutes=chance.below(60))


def _minutes(chance: Chance, median: float, parameters: Parameters) -> timedelta:
    return timedelta(minutes=round(chance.lognormal(median, parameters.spread)))


def _matter(chance: Chance, grade: Grade, line: str, because: str) -> Matter:
    if grade == "positive":
        return chance.one_of(GOOD_NEWS)
    if grade == "elsewhere":
        return chance.one_of(ELSEWHERE)
    return SUDDEN[because] if grade == "major_negative" else chance.one_of(MATTERS[line])


def _not_ours(chance: Chance) -> dict[str, JSON]:
    related = chance.happens(0.3)
    return {"relevant": related, "directly_related": False, "screen_note": "与本局职责无直接关系。"}


def _criteria(chance: Chance, because: str, parameters: Parameters) -> dict[str, JSON]:
    found: dict[str, JSON] = {because: True}
    if because == "m4":
        found["crowd_size"] = 20 + chance.below(150)
    if because == "m5":
        found |= {"outlet_count": parameters.outlets_of_a_major + chance.below(8), "hot_list": chance.happens(0.4)}
    return found


def _shortcomings(chance: Chance) -> dict[str, JSON]:
    """The criteria of R42 to R44: what is wrong, whom it touches, what may be misread."""
    which = chance.weighted((("n1", 55.0), ("n2", 27.0), ("n4", 13.0), ("neutral", 5.0)))
    return {which: True}


def _placed(chance: Chance, arrival: Arrival, parameters: Parameters) -> Arrival:
    """Where it belongs, who handles it, and what will happen on its way."""
    screen, units = dict(arrival.screen), [arrival.line]
    elsewhere = [county for county in COUNTIES if county != arrival.district]
    if arrival.district in COUNTIES and chance.happens(parameters.several_places):
        other = chance.one_of(elsewhere)
        screen |= {"places": [arrival.district, other], "county_matter": True}
        units = [arrival.line, UNITS_OF_DISTRICTS[arrival.district], UNITS_OF_DISTRICTS[other]]
    elif arrival.district in COUNTIES and chance.happens(parameters.county_matter):
        screen |= {"places": [arrival.district], "county_matter": True}
        units = [UNITS_OF_DISTRICTS[arrival.district]]
    elif chance.happens(parameters.another_unit):
        units.append("zhifa" if arrival.line != "zhifa" else "gengbao")
    if chance.happens(parameters.several_departments):
        screen["multi_department"] = True
    return replace(
        arrival,
        screen=screen,
        lead_unit=units[0],
        co_units=tuple(units[1:]),
        course=_course(chance.child("course"), arrival.grade, parameters),
    )


def _course(chance: Chance, grade: Grade, parameters: Parameters) -> Course:
    major = grade == "major_negative"
    regraded = chance.happens(parameters.downgraded if major else parameters.upgraded)
    return Course(
        returned_assignment=chance.happens(parameters.returned_assignment),
        returned_opinion=chance.happens(parameters.returned_opinion),
        returned_reply=chance.happens(parameters.returned_reply),
        oral_instruction=chance.happens(parameters.oral_instruction),
        demanded_papers=not major and chance.happens(parameters.demanded_papers),
        promised=chance.happens(parameters.promised),
        late_does_harm=chance.happens(parameters.late_does_harm),
        supervised=chance.happens(parameters.supervised),
        regrade_to=("ordinary_negative" if major else "major_negative") if regraded else "",
        regrade_after_minutes=chance.lognormal(120.0, parameters.spread),
        slowness=parameters.slow_factor if chance.happens(parameters.slow_unit) else 1.0,
    )


def local_day(at: datetime) -> date:
    """The day in Asia/Shanghai that an aware instant lies in."""
    return at.astimezone(ZONE).date()
