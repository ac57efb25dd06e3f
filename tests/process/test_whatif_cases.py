"""Issue 6: eight hours drawn as six. What-if lists exactly the cases that would have been late; then the version is
deployed, running cases move with their anchors kept, and come back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from engine import cli
from engine.domain.codec import parse_instant
from engine.domain.rejection import Rejection
from engine.kernel.replay import replay
from engine.service import migrations, whatif, whatif_replay, whatif_sample, whatif_simulation
from engine.service.long_jobs import Cancelled
from engine.service.transactions import writing
from tests.process.test_many_migrations import (
    bundle_of,
    carry_out,
    due,
    learn,
    look,
    make_live,
    rows,
    tick,
    with_hours,
    with_the_unit,
)
from tests.support.world import CaseView, World, shipped_files

REST = ("Task_verify", "Task_opinion", "Task_confirm")


def answered_after(world: World, hours: float) -> CaseView:
    """A case whose unit had its opinion confirmed so many hours after delivery."""
    case = with_the_unit(world)
    world.wait(hours=hours)
    case.fill_all(*REST)
    return case


def tried(world: World, version: str, work=whatif.work, **filters: str) -> whatif.Run:
    """A run of what-if, done as a worker would."""
    with writing(world.services.engine) as conn:
        run = whatif.start(world.services, conn, "sunli", version, "6小时", filters)
    work(world.services, {"run": run}, tick)
    with world.services.engine.connect() as conn:
        found = whatif.get(conn, run)
    assert found is not None
    return found


def cases_of(world: World, run: whatif.Run, **narrowed: str) -> dict[str, whatif.RunCase]:
    with world.services.engine.connect() as conn:
        return {row.case_id: row for row in whatif.listed(conn, run.run_id, **narrowed)[0]}


def test_with_six_hours_what_if_lists_exactly_the_late_cases_and_running_ones_move_and_come_back(world):
    in_time, late, late_anyhow = (answered_after(world, hours) for hours in (5, 7, 9))
    running = with_the_unit(world)
    first, state, before = bundle_of(world, running), running.live.digest(), due(running)
    delivered = parse_instant(next(r.anchor_at for r in running.live.limits.values() if r.plan.limit == "eight_hours"))

    version = learn(world, with_hours(6))
    run = tried(world, version)
    found = cases_of(world, run)
    deployed = world.services.deployments.deploy(with_hours(6), "sunli", "缩短时限", "deploy-6")
    batch = look(world, version)
    carry_out(world, batch, migrations.move, "时限改为6小时")
    moved = due(running)
    carry_out(world, batch, migrations.back)

    assert {case for case, row in found.items() if row.verdict == "breach"} == {late.id}
    assert {found[one.id].verdict for one in (in_time, late_anyhow, running)} == {"same"}
    assert [one["limit"] for one in found[late.id].outcome["would"]] == ["eight_hours"]
    assert not isinstance(deployed, Rejection) and deployed[1].version == version
    assert moved == [str(delivered + timedelta(hours=6))]
    assert rows(world, batch)[running.id].state == "back"
    assert due(running) == before == [str(delivered + timedelta(hours=8))]
    assert (bundle_of(world, running), running.live.digest()) == (first, state)


def test_counts_and_costs_are_kept_with_the_run_and_the_version(world):
    late = answered_after(world, 7)
    version = learn(world, with_hours(6))

    run = tried(world, version)

    assert run.ended and run.version == version
    assert run.summary["verdicts"] == {"breach": 1, "stuck": 0, "other": 0, "same": 0}
    assert run.summary["grades"] == {"ordinary_negative": {"breach": 1}}
    assert run.summary["units"]["gengbao"] == {"breach": 1}
    assert run.summary["limits"] == {"eight_hours": {"would": 1}}
    assert (run.summary["cases"], run.summary["entries"]) == (1, late.live.seq)
    with world.services.engine.connect() as conn:
        assert [one.run_id for one in whatif.newest(conn, version)] == [run.run_id]
        assert whatif.newest(conn, "0" * 64) == []


def test_the_sample_is_narrowed_by_state_limit_and_number_and_the_list_by_verdict_grade_and_unit(world):
    late, fresh = answered_after(world, 7), world.open()
    version = learn(world, with_hours(6))

    assert set(cases_of(world, tried(world, version, limit="eight_hours"))) == {late.id}
    assert set(cases_of(world, tried(world, version, most="1"))) == {fresh.id}
    assert set(cases_of(world, tried(world, version, status="closed"))) == set()
    run = tried(world, version)
    assert set(cases_of(world, run, verdict="same", grade="-")) == {fresh.id}
    assert set(cases_of(world, run, unit="gengbao")) == {late.id}
    assert set(cases_of(world, run, unit="engbao")) == set()


def test_processes_of_their_own_find_the_same_as_this_one(world, monkeypatch):
    late, fresh = answered_after(world, 7), world.open()
    version = learn(world, with_hours(6))
    here = cases_of(world, tried(world, version))
    monkeypatch.setattr(whatif_sample, "APART_FROM", 1)
    monkeypatch.setattr(whatif_sample, "CHUNK", 1)

    run = tried(world, version)

    assert run.summary["processes"] in (1, 2)
    assert cases_of(world, run) == here and set(here) == {late.id, fresh.id}


def test_a_child_that_fails_ends_the_run_and_says_why(world, monkeypatch):
    world.open()
    version = learn(world, with_hours(6))
    monkeypatch.setattr(whatif_sample, "APART_FROM", 1)
    monkeypatch.setattr(whatif_sample, "MODULE", "engine.service.no_such_module")

    with pytest.raises((whatif_sample.Failed, BrokenPipeError)):
        tried(world, version)


def test_a_run_that_is_cancelled_ends_its_children_and_keeps_no_result(world, monkeypatch):
    world.open()
    version = learn(world, with_hours(6))
    started = []
    real = whatif_sample._child
    monkeypatch.setattr(whatif_sample, "APART_FROM", 1)
    monkeypatch.setattr(whatif_sample, "_child", lambda task: started.append(real(task)) or started[-1])

    def stop(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with writing(world.services.engine) as conn:
        run = whatif.start(world.services, conn, "sunli", version, "6小时", {})
    with pytest.raises(Cancelled):
        whatif.work(world.services, {"run": run}, stop)

    assert started and all(one.poll() is not None for one in started)
    with world.services.engine.connect() as conn:
        found = whatif.get(conn, run)
    assert found is not None and not found.ended


def test_the_command_line_tells_what_would_be_late_and_moves_all_running_cases(world, monkeypatch, capsys):
    late, running = answered_after(world, 7), with_the_unit(world)
    monkeypatch.setenv("OPINION_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(world.settings.data_dir))
    version = learn(world, with_hours(6))

    codes = [cli.main(["whatif", version[:12], "--json"]), cli.main(["whatif", "cafe"])]
    told = json.loads(capsys.readouterr().out.rpartition("}")[0] + "}")
    make_live(world, with_hours(6))
    move = ["migrate", "--all", "--reason", "时限改为6小时", "--actor", "sunli"]
    codes += [cli.main([*move, "--dry-run"]), cli.main(move), cli.main([*move, "--case", running.id])]

    assert codes == [1, 2, 0, 0, 2]
    # The command has the machine's clock, by which the running case is late as well.
    assert [row["case_id"] for row in told["differ"]] == [late.id, running.id] and told["verdicts"]["breach"] == 2
    said = capsys.readouterr().out
    assert f"可以迁移 {running.id}" in said and f"已迁移 {running.id}" in said and "共 2 件，2 件已迁移" in said
    world.start()
    assert bundle_of(world, running) == version


def test_side_by_side_shows_both_ways_and_marks_the_first_difference(world):
    late = answered_after(world, 7)
    run = tried(world, learn(world, with_hours(6)))

    both = whatif_replay.pair(world.services, run, late.id)

    assert both is not None and both.then.faithful and both.now.faithful
    assert both.stuck is None
    first = both.acts[both.first_difference - 1]
    theirs = [both.now.frames[step - 1] for step in first.now]
    assert [event["limit"] for frame in theirs for event in frame.breaches] == ["eight_hours"]
    assert not any(both.then.frames[step - 1].breaches for step in first.then)
    assert all(act.same for act in both.acts[: both.first_difference - 1])


def test_what_the_candidate_did_replays_like_any_record(world):
    case = answered_after(world, 7)
    version = learn(world, with_hours(6))
    with world.services.journal.reading() as tx:
        load = world.services.application.live.loader(tx)
        written, origin, stuck = whatif_replay.as_if(tx.read(case.id), load, version, world.clock.now())
        again = list(replay(written, load))

    assert stuck is None and again[-1].divergence is None
    assert len(again) == len(written) == len(origin) > case.live.seq


def test_a_bundle_that_can_not_be_run_is_refused_and_one_that_only_the_checks_forbid_is_not(world):
    broken = {**shipped_files(), "bpmn/unit_handling.bpmn": b"<xml/>"}
    forbidden = with_hours(9)
    with world.services.journal.writing() as tx:
        for version, files in (("b" * 64, broken), ("a" * 64, forbidden)):
            world.services.deployments.store(tx, version, files)

    assert isinstance(refused := whatif.candidate(world.services, "b" * 64), Rejection)
    assert refused.key == "whatif.unreadable"
    assert isinstance(missing := whatif.candidate(world.services, "cafe"), Rejection) and missing.code == "not_found"
    found = whatif.candidate(world.services, "a" * 64)
    assert not isinstance(found, Rejection) and len(found[0]) == 64


def test_a_simulation_plays_the_same_items_on_both_versions(world, monkeypatch):
    monkeypatch.setitem(whatif_simulation.DAYS, "3", 1)
    version = learn(world, with_hours(1))
    with writing(world.services.engine) as conn:
        run = whatif_simulation.start(world.services, conn, "sunli", version, "1小时", {"days": "3", "size": "usual"})

    whatif_simulation.work(world.services, {"run": run}, tick)

    with world.services.engine.connect() as conn:
        found = whatif.get(conn, run)
    assert found is not None and found.ended
    live, candidate = found.summary["live"], found.summary["candidate"]
    assert (live["stuck"], candidate["stuck"]) == ("", "")
    assert live["cases"] == candidate["cases"] == found.summary["items"] > 0
    assert candidate["limits"]["eight_hours"]["broken"] > live["limits"]["eight_hours"]["broken"]
    assert live["units"] and live["roles"]
