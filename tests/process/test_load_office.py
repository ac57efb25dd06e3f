"""The office of the load model on the shipped bundle: nothing it writes is refused, and its cases come to an end."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from engine.domain.calendar import ZONE
from engine.domain.clock import FixedClock
from engine.readmodels import schema
from engine.service import load_forms, load_history, load_model
from engine.service.demo import Stuck, walker
from engine.service.load_office import Office
from engine.service.load_parameters import Parameters
from engine.service.verify import Asked, verify

MONDAY = date(2026, 3, 2)
BEGINNING = datetime(2026, 3, 2, tzinfo=ZONE)
# Everything that is rare in an ordinary month happens often: the forms of rare roads are filled in too.
EVENTFUL = Parameters(
    items_a_day=4.0,
    grades=(("ordinary_negative", 50), ("major_negative", 30), ("positive", 10), ("elsewhere", 10)),
    hot_topics_a_month=6.0,
    hot_topic_items=7.0,
    returned_assignment=0.4,
    returned_opinion=0.4,
    returned_reply=0.4,
    oral_instruction=0.4,
    several_places=0.3,
    county_matter=0.6,
    several_departments=0.4,
    upgraded=0.3,
    downgraded=0.5,
    demanded_papers=0.5,
    promised=0.5,
    supervised=0.6,
    slow_unit=0.3,
    late_does_harm=0.6,
)


def office(world, seed: int, parameters: Parameters = EVENTFUL) -> Office:
    walk = walker(world.services, BEGINNING)
    assert isinstance(walk.clock, FixedClock)
    return Office(walk, seed, parameters)


def play_eventful(world, seed: int, days: int):
    played = office(world, seed).run(load_model.days(seed, MONDAY, days, EVENTFUL))
    with world.services.engine.connect() as conn:
        left = conn.scalar(select(func.count()).where(schema.cases.c.status == "open"))
        incidents = conn.scalar(select(func.sum(schema.cases.c.open_incidents)))
    return played, left, incidents


def test_nothing_that_the_office_writes_is_refused_and_every_case_ends(world):
    seed = 11  # printed by pytest with a failure

    played, left, incidents = play_eventful(world, seed, 2)

    assert played.arrivals >= 4
    assert (left, incidents) == (0, 0)
    assert played.fired >= played.arrivals, "limits and tracking periods run out"
    assert verify(world.services, Asked(parts=("chains", "replays"))).faults == 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_the_office_writes_is_refused_for_long(world, seed: int):
    played, left, incidents = play_eventful(world, seed, 12)

    assert (left, incidents) == (0, 0)
    rare = {
        "Task_reassign", "Task_county_letter", "Task_local_reply", "Task_consistency", "Task_decide_upgrade",
        "Task_decide_downgrade", "Task_promise", "Task_late_disposal", "Task_draft_deliverables", "Task_supervise",
    }  # fmt: skip
    assert len(rare & set(played.tasks)) >= 8, sorted(rare - set(played.tasks))


def test_the_same_seed_plays_the_same_cases_and_twice_on_one_database_changes_nothing(world):
    quiet = Parameters(items_a_day=3.0)
    until = BEGINNING + timedelta(hours=20)

    def play():
        office(world, 5, quiet).run(load_model.days(5, MONDAY, 1, quiet), until)
        with world.services.journal.reading() as tx:
            return [entry.hash for stream in tx.streams() if stream[0] != "_" for entry in tx.read(stream)]

    first = play()

    assert first
    assert play() == first


def test_what_lies_after_the_end_is_not_done(world):
    until = BEGINNING + timedelta(hours=14)

    played = office(world, 11).run(load_model.days(11, MONDAY, 1, EVENTFUL), until)

    with world.services.engine.connect() as conn:
        latest = conn.scalar(select(func.max(schema.cases.c.updated_at)))
        left = conn.scalar(select(func.count()).where(schema.cases.c.status == "open"))
    assert played.arrivals
    assert left
    assert datetime.fromisoformat(latest) <= until


def test_a_form_that_the_bundle_refuses_stops_the_model(world, monkeypatch):
    monkeypatch.setitem(load_forms._SPECIAL, "Task_screen", lambda now: {"authenticity": "no such value"})

    with pytest.raises(Stuck, match="Task_screen"):
        office(world, 11).run(load_model.days(11, MONDAY, 1, EVENTFUL))


def test_a_demo_with_days_has_a_past_that_ends_now_and_verifies(world):
    world.clock.set(datetime(2026, 3, 4, 15, 0, tzinfo=ZONE))
    said: list[str] = []

    played = load_history.play(world.services, 2, said.append)

    with world.services.engine.connect() as conn:
        opened = conn.scalars(select(schema.cases.c.opened_at)).all()
        broken = conn.scalar(select(func.sum(schema.cases.c.open_incidents)))
    assert len(opened) == played.arrivals >= 3
    assert all("2026-03-02T07:00" <= at <= "2026-03-04T07:00" for at in opened)
    assert broken == 0
    assert said == [f"已生成 2 天的案件：{played.arrivals} 件，{sum(played.commands.values())} 步"]
    assert verify(world.services, Asked(parts=("chains",))).faults == 0


@pytest.mark.parametrize("count", [0, -1, load_history.MOST_DAYS + 1])
def test_a_past_of_no_days_or_of_more_than_a_year_is_refused(world, count: int):
    with pytest.raises(ValueError, match="days"):
        load_history.play(world.services, count, str)
