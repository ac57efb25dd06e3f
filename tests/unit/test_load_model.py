"""The load model: what a seed gives, and that its shares are those that its parameters name."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from engine.domain.calendar import ZONE
from engine.service import load_model, load_people
from engine.service.chance import Chance
from engine.service.load_parameters import Parameters, origins

MONDAY = date(2026, 3, 2)
SEED = 20260302
BUSY = Parameters(items_a_day=40.0)
SIGMAS = 4.5
"""How far a count may lie from its mean: one of some hundred thousand would by chance."""


def near(count: int, total: int, share: float) -> bool:
    return abs(count - total * share) <= SIGMAS * math.sqrt(total * share * (1 - share)) + 1


@pytest.fixture(scope="module")
def year() -> list[load_model.Arrival]:
    return list(load_model.days(SEED, date(2026, 1, 1), 365, BUSY))


def singles(year: list[load_model.Arrival]) -> list[load_model.Arrival]:
    return [one for one in year if not one.topic]


# --- chance ---------------------------------------------------------------------------------------------------------


def test_a_stream_of_chance_is_the_same_on_every_machine_and_release():
    assert [Chance(1, "a").below(1000) for _ in range(2)] == [935, 935]
    assert [Chance(7).child("x", 3).share() for _ in range(2)] == [Chance(7, "x", 3).share()] * 2


def test_a_child_does_not_depend_on_what_was_drawn_before():
    used, fresh = Chance(5), Chance(5)
    for _ in range(100):
        used.share()

    assert used.child("later").share() == fresh.child("later").share()


def test_streams_of_different_names_are_unlike():
    assert len({Chance(5).child(number).share() for number in range(1000)}) == 1000
    assert Chance(5, "a", "b").share() != Chance(5, "ab").share()


def test_shares_are_spread_evenly_and_distributions_have_their_means():
    chance, count = Chance(SEED, "means"), 20_000

    tenths = Counter(int(chance.share() * 10) for _ in range(count))
    assert all(near(tenths[tenth], count, 0.1) for tenth in range(10))
    normal = [chance.normal() for _ in range(count)]
    assert abs(math.fsum(normal) / count) < SIGMAS / math.sqrt(count)
    assert abs(math.fsum(x * x for x in normal) / count - 1) < SIGMAS * math.sqrt(2 / count)
    assert abs(math.fsum(chance.exponential(3.0) for _ in range(count)) / count - 3) < 3 * SIGMAS / math.sqrt(count)
    poisson = [chance.poisson(2.5) for _ in range(count)]
    assert abs(sum(poisson) / count - 2.5) < SIGMAS * math.sqrt(2.5 / count)
    above = sum(chance.lognormal(10.0, 0.8) > 10 for _ in range(count))
    assert near(above, count, 0.5)
    weighted = Counter(chance.weighted((("a", 1.0), ("b", 0.0), ("c", 3.0))) for _ in range(count))
    assert near(weighted["c"], count, 0.75)
    assert weighted["b"] == 0


# --- arrivals -------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_days_and_another_seed_others():
    first, again, other = (list(load_model.days(seed, MONDAY, 3, BUSY)) for seed in (SEED, SEED, SEED + 1))

    assert first == again
    assert first != other


def test_a_day_is_the_same_from_wherever_one_begins():
    whole = [one for one in load_model.days(SEED, MONDAY, 5, BUSY) if not one.topic]
    part = [one for one in load_model.days(SEED, MONDAY + timedelta(days=2), 3, BUSY) if not one.topic]
    since = datetime(2026, 3, 4, tzinfo=ZONE)

    def plain(arrivals):
        return [replace(one, number=0) for one in arrivals if one.published_at >= since]

    assert plain(whole) == plain(part)


def test_items_come_in_the_order_of_registration_and_none_is_found_before_it_is_published(year):
    assert [one.number for one in year] == list(range(1, len(year) + 1))
    assert all(a.registered_at <= b.registered_at for a, b in itertools.pairwise(year))
    assert all(one.published_at <= one.discovered_at <= one.registered_at for one in year)
    assert {one.published_at.tzinfo for one in year} == {UTC}


def test_a_year_has_as_many_items_as_its_days_are_expected_to_have(year):
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    mean = math.fsum(load_model.expected(day, BUSY) for day in days)

    assert abs(len(singles(year)) - mean) < SIGMAS * math.sqrt(mean)


@pytest.mark.parametrize(
    ("field", "parameter"),
    [("source", "sources"), ("district", "districts"), ("grade", "grades")],
)
def test_shares_are_those_of_the_parameters(year, field: str, parameter: str):
    found, weights = Counter(getattr(one, field) for one in singles(year)), dict(getattr(BUSY, parameter))
    total, whole = found.total(), sum(weights.values())

    assert set(found) <= set(weights)
    assert [name for name, weight in weights.items() if not near(found[name], total, weight / whole)] == []


def test_hours_weekdays_and_months_are_those_of_the_parameters(year):
    local = [one.published_at.astimezone(ZONE) for one in singles(year)]
    hours, total = Counter(at.hour for at in local), len(local)

    assert all(near(hours[hour], total, share / sum(BUSY.by_hour)) for hour, share in enumerate(BUSY.by_hour))
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    mean = math.fsum(load_model.expected(day, BUSY) for day in days)
    for key in (lambda day: day.weekday(), lambda day: day.month):
        found = Counter(key(at.date()) for at in local)
        for which in {key(day) for day in days}:
            own = math.fsum(load_model.expected(day, BUSY) for day in days if key(day) == which)
            assert near(found[which], total, own / mean), which


def test_what_chance_decides_about_a_case_has_the_shares_of_the_parameters(year):
    handled = [one for one in singles(year) if one.lead_unit]
    courses = [one.course for one in handled]

    assert near(sum(c.slowness > 1 for c in courses), len(courses), BUSY.slow_unit)
    assert near(sum(c.returned_assignment for c in courses), len(courses), BUSY.returned_assignment)
    assert near(sum(c.promised for c in courses), len(courses), BUSY.promised)
    ordinary = [one.course for one in handled if one.grade == "ordinary_negative"]
    assert near(sum(c.regrade_to == "major_negative" for c in ordinary), len(ordinary), BUSY.upgraded)
    places = Counter(len(one.screen.get("places", [])) for one in handled if one.district in load_model.COUNTIES)
    assert near(places[2], places.total(), BUSY.several_places)


def test_a_hot_topic_is_a_burst_of_items_about_the_same(year):
    bursts: dict[str, list[load_model.Arrival]] = {}
    for one in year:
        if one.topic:
            bursts.setdefault(one.topic, []).append(one)
    mean = BUSY.hot_topics_a_month * 365 / 30
    sizes = [len(burst) for burst in bursts.values()]

    assert abs(len(bursts) - mean) <= SIGMAS * math.sqrt(mean)
    assert abs(sum(sizes) / len(sizes) - BUSY.hot_topic_items) < SIGMAS * math.sqrt(BUSY.hot_topic_items / len(sizes))
    for burst in bursts.values():
        assert len({(one.district, one.line) for one in burst}) == 1
        assert all(one.lead_unit for one in burst), "each may be the one that becomes the case"
        assert max(one.published_at for one in burst) - min(one.published_at for one in burst) < timedelta(days=5)


def test_a_major_case_meets_a_criterion_and_what_is_not_ours_has_no_unit(year):
    for one in singles(year):
        if one.grade == "major_negative":
            assert any(one.screen.get(criterion) for criterion in ("m1", "m2", "m3", "m4", "m5"))
        if one.grade == "elsewhere":
            assert not one.lead_unit
            assert one.screen["directly_related"] is False


def test_a_month_of_n_items_has_n_items_and_takes_about_a_month():
    april = list(load_model.month(SEED, date(2026, 4, 1), 2_000))
    took = april[-1].registered_at - april[0].registered_at

    assert len(april) == 2_000
    assert timedelta(days=24) < took < timedelta(days=36)


def test_the_rate_that_is_asked_for_is_the_one_that_is_expected():
    assert Parameters().at_rate(700.0).expected_in(30) == pytest.approx(700.0)


def test_every_parameter_says_where_it_comes_from():
    said = origins()

    assert len(said) >= 30
    assert {origin for origin, _ in said.values()} == {"stated", "assumed"}
    assert [name for name, (_, why) in said.items() if len(why) < 15] == []


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-02 07:00", "2026-03-02 08:00"),
        ("2026-03-02 09:30", "2026-03-02 09:30"),
        ("2026-03-02 12:10", "2026-03-02 14:30"),
        ("2026-03-06 18:00", "2026-03-09 08:00"),
        ("2026-02-13 20:00", "2026-02-24 08:00"),
    ],
)
def test_desk_work_waits_for_office_hours(at: str, expected: str):
    spring_festival = frozenset(date(2026, 2, 15) + timedelta(days=n) for n in range(9))
    hours = load_people.Hours(Parameters().hours_of_work, workdays=True)
    when, then = (datetime.fromisoformat(f"{text}+08:00") for text in (at, expected))

    assert load_people.at_work(when, hours, spring_festival) == then


def test_everybody_does_one_thing_at_a_time_and_pressing_things_first():
    agenda, done = [], []
    clock = [datetime(2026, 3, 2, 9, 0, tzinfo=ZONE)]
    desks = load_people.Desks(Parameters(spread=0.0), lambda at, act: agenda.append((at, act)), lambda: clock[0])

    for element in ("Task_compose_reply", "Task_archive", "Task_screen"):
        desks.give(
            ("wangfang",),
            lambda login, element=element: done.append((element, clock[0])),
            element=element, major=element != "Task_archive", slowness=1.0, chance=Chance(element),
        )  # fmt: skip
    while agenda:
        soonest = min(range(len(agenda)), key=lambda n: agenda[n][0])
        at, act = agenda.pop(soonest)
        clock[0] = max(clock[0], at)
        act()

    pace = Parameters().pace
    first, second, third = (at for _, at in done)
    assert [element for element, _ in done] == ["Task_screen", "Task_compose_reply", "Task_archive"]
    assert second - first >= timedelta(minutes=pace("Task_compose_reply").work)
    assert third - second >= timedelta(minutes=pace("Task_archive").work)


def test_a_task_offered_to_nobody_of_the_cast_is_an_error_and_not_lost():
    with pytest.raises(LookupError):
        load_people.who(("unit:nowhere",), Chance(1))
