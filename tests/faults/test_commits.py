"""A store that fails before and after commits: what was acknowledged is there once, and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.domain.commands import AddComment
from engine.journal.schema import entries
from engine.kernel.replay import rebuild
from engine.service.verify import Asked, verify
from tests.support.faulty_store import FaultyCommits
from tests.support.stubborn import StubbornWorld
from tests.support.walks import assign, give_opinion, graded, graded_major
from tests.support.world import CaseView

RUNS = [pytest.param(3, 0.06, id="some"), pytest.param(150, 0.02, id="many", marks=pytest.mark.long)]
"""Cases walked, and the share of commits that fail (half before, half after: 1 % each in the long run)."""
SEED = 20260302


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StubbornWorld]:
    made = StubbornWorld(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    made.acknowledged = {}
    yield made
    made.services.engine.dispose()


def walk(world: StubbornWorld, number: int) -> CaseView:
    case = (graded_major if number % 3 == 2 else graded)(world)
    assign(case)
    give_opinion(case)
    for comment in range(5):
        world.do("wangfang", AddComment(f"第{comment}次查看"), case.id)
    return case


def recorded(world: StubbornWorld) -> Counter[str]:
    """How often each command of a person stands in the journal."""
    with world.services.engine.connect() as conn:
        ids = conn.scalars(select(entries.c.command_id).where(entries.c.command_id.like("test-%")))
        return Counter(ids)


@pytest.mark.parametrize(("cases", "rate"), RUNS)
def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(world, cases, rate):
    faults = FaultyCommits(world.services.engine, rate, SEED)
    walked = [walk(world, number) for number in range(cases)]
    live = {case.id: case.live.digest() for case in walked}
    faults.stop()

    found = recorded(world)
    assert faults.seen["before"] > 0 and faults.seen["after"] > 0, (SEED, faults.seen, world.told)
    assert found.keys() == world.acknowledged.keys(), "none lost, none done that was not acknowledged"
    assert set(found.values()) == {1}, "none twice"
    report = verify(world.services, Asked(parts=("chains", "tree", "replays", "models", "numbers")))
    assert report.faults == 0, report.as_json()
    with world.services.journal.reading() as tx:
        loader = world.services.application.live.loader(tx)
        assert {name: rebuild(tx.read(name), loader).digest() for name in live} == live, "the cache was not poisoned"


def test_a_commit_whose_confirmation_was_lost_is_answered_with_what_it_did(world):
    case = graded(world)
    faults = FaultyCommits(world.services.engine, 0.0, SEED)
    faults.rate = 2.0
    faults._random.random = lambda: 1.0  # type: ignore[method-assign] # every commit, after it

    answer = world.services.application.handle(
        AddComment("一次"), world.actor("wangfang"), case_id=case.id, command_id="once"
    )
    faults.stop()

    assert faults.seen["after"] >= 1
    assert answer.events[0]["kind"] == "CommentAdded"  # type: ignore[union-attr]
    assert len(case.kinds("CommentAdded")) == 1


def test_who_ignores_the_command_id_does_it_twice(world):
    """Negative control: the faults above really leave commits that their sender believes failed."""
    case = graded(world)
    app = world.services.application
    faults = FaultyCommits(world.services.engine, 1.0, SEED)
    faults._random.random = lambda: 1.0  # type: ignore[method-assign]
    app._after_outage = lambda command_id: None  # type: ignore[method-assign]

    for number in range(2):
        try:
            app.handle(AddComment("一次"), world.actor("wangfang"), case_id=case.id, command_id=f"again-{number}")
        except Exception as error:
            world._only_outages(error)
    faults.stop()

    assert len(case.kinds("CommentAdded")) == 2
