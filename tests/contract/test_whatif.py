"""What-if and migration on both databases: the same sums, the same rows, in processes of their own too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.service import migrations, whatif, whatif_sample
from tests.process.test_many_migrations import bundle_of, carry_out, learn, look, rows, with_hours, with_the_unit
from tests.process.test_whatif_cases import REST, cases_of, tried
from tests.support.world import World


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request, tmp_path) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")()
    made = World(tmp_path, url)
    yield made
    made.services.engine.dispose()


def test_past_cases_are_judged_and_running_ones_move_and_come_back(world, monkeypatch):
    if world.settings.database_url.startswith("postgresql"):
        monkeypatch.setattr(whatif_sample, "APART_FROM", 1)
    late, running = with_the_unit(world), with_the_unit(world)
    first = bundle_of(world, running)
    version = learn(world, with_hours(6))
    world.wait(hours=5)
    in_time = with_the_unit(world)
    world.wait(hours=2)
    late.fill_all(*REST)

    run = tried(world, version, grade="ordinary_negative", limit="eight_hours")
    batch = look(world, version, filters={"unit": "gengbao"})
    carry_out(world, batch, migrations.move, "时限改为6小时")
    moved = {case: row.state for case, row in rows(world, batch).items()}
    with world.services.engine.connect() as conn:
        counted = migrations.counts(conn, batch), migrations.overdue(conn, batch), len(migrations.newest(conn))
        runs = [one.run_id for one in whatif.newest(conn, version)]
    carry_out(world, batch, migrations.back)

    assert run.summary["verdicts"] == {"breach": 2, "stuck": 0, "other": 0, "same": 1}
    assert set(cases_of(world, run, verdict="breach", unit="gengbao")) == {late.id, running.id}
    assert set(cases_of(world, run, verdict="same")) == {in_time.id}
    assert set(moved.values()) == {"moved"} and len(moved) == 3
    assert counted == (({"moves": 3}, {"moved": 3}), 0, 1) and runs == [run.run_id]
    assert bundle_of(world, running) == first
