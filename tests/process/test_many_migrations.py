"""Running cases of the shipped bundle moved to another version and back, many at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cache

import pytest
from sqlalchemy import update

from engine.definitions.bundle import Bundle, read_bundle
from engine.domain.codec import parse_instant
from engine.domain.rejection import Rejection
from engine.journal.job_tables import long_jobs
from engine.kernel.compile import compile_bundle
from engine.kernel.program import Program
from engine.readmodels import cases
from engine.service import migration_jobs, migrations
from engine.service.bundle_check import Checked
from engine.service.transactions import writing
from tests.support.world import CaseView, World, shipped_files

TO_THE_UNIT = (
    "Task_screen", "Task_grade", "Task_contact", "Task_instruct_vice", "Task_confirm_subject", "Task_assign",
    "Task_sign",
)  # fmt: skip
DRAWN = b'=delivered_at + duration("PT8H")</bpmn:timeDate>'


def with_hours(hours: int) -> dict[str, bytes]:
    """The shipped bundle with another limit for the units' opinions, without the scenarios that hold it to eight hours:
    who changes the one changes the others."""
    files = {path: content for path, content in shipped_files().items() if not path.startswith("tests/")}
    text = files["bpmn/unit_handling.bpmn"]
    assert text.count(DRAWN) == 1
    files["bpmn/unit_handling.bpmn"] = text.replace(DRAWN, DRAWN.replace(b"8", str(hours).encode()))
    return files


def renamed(old: str, new: str) -> dict[str, bytes]:
    """The shipped bundle with another id for an element."""
    return {path: content.replace(old.encode(), new.encode()) for path, content in shipped_files().items()}


@cache
def compiled(files: tuple[tuple[str, bytes], ...]) -> tuple[Program, Bundle]:
    bundle = read_bundle(dict(files))
    return compile_bundle(bundle), bundle


def learn(world: World, files: Mapping[str, bytes]) -> str:
    """Makes a version known without the checks of a deployment, which take their time."""
    program, bundle = compiled(tuple(sorted(files.items())))
    with world.services.journal.writing() as tx:
        world.services.deployments.store(tx, bundle.version, files)
    world.services.deployments._loaded[bundle.version] = program, bundle
    return bundle.version


def make_live(world: World, files: Mapping[str, bytes]) -> str:
    """The same, and new cases run on it from now on."""
    version = learn(world, files)
    program, bundle = compiled(tuple(sorted(files.items())))
    world.services.deployments._checked[version] = Checked(bundle, program, ())
    done = world.services.deployments.deploy(files, "sunli", "缩短时限", f"deploy-{next(world.numbers)}")
    assert not isinstance(done, Rejection), done
    return version


def with_the_unit(world: World) -> CaseView:
    """A case that the unit has signed for: its eight hours run."""
    case = world.open()
    case.fill_all(*TO_THE_UNIT)
    return case


def due(case: CaseView, limit: str = "eight_hours") -> list[str]:
    return [str(record.deadline) for record in case.live.limits.values() if record.plan.limit == limit]


def look(world: World, version: str, **options) -> str:
    with writing(world.services.engine) as conn:
        batch = migrations.look(world.services, conn, "sunli", version, options.pop("filters", {}), **options)
    migration_jobs.look(world.services, {"batch": batch}, tick)
    finish(world, batch)
    return batch


def tick(done: int, total: int) -> None:
    assert 0 <= done <= total


def carry_out(world: World, batch: str, order, *args) -> None:
    """Asks for the job and does it as a worker would."""
    with writing(world.services.engine) as conn:
        job = order(world.services, conn, batch, "sunli", *args)
    assert not isinstance(job, Rejection), job
    with world.services.engine.connect() as conn:
        found = migrations.get(conn, batch)
    assert found is not None and found.job is not None
    work = {migrations.MOVE: migration_jobs.move, migrations.BACK: migration_jobs.back}[found.job.kind]
    work(world.services, found.job.args, tick)
    finish(world, batch)


def finish(world: World, batch: str) -> None:
    with writing(world.services.engine) as conn:
        conn.execute(update(long_jobs).values(status="done"))


def rows(world: World, batch: str) -> dict[str, migrations.BatchCase]:
    with world.services.engine.connect() as conn:
        return {row.case_id: row for row in migrations.listed(conn, batch)[0]}


def bundle_of(world: World, case: CaseView) -> str:
    with world.services.engine.connect() as conn:
        row = cases.get(conn, case.id)
    assert row is not None
    return row.bundle


def test_running_cases_move_with_their_anchors_and_come_back_as_they_were(world):
    moved, fresh = with_the_unit(world), world.open()
    first = bundle_of(world, moved)
    before, delivered = due(moved), parse_instant(moved.live.limits.copy().popitem()[1].anchor_at)
    state = moved.live.digest()
    version = learn(world, with_hours(6))
    world.wait(hours=1)

    batch = look(world, version)
    carry_out(world, batch, migrations.move, "时限改为6小时")

    assert rows(world, batch)[moved.id].state == "moved"
    assert due(moved) == [str(delivered + timedelta(hours=6))]
    assert before == [str(delivered + timedelta(hours=8))]
    assert bundle_of(world, moved) == bundle_of(world, fresh) == version
    carry_out(world, batch, migrations.back)
    assert due(moved) == before and moved.live.digest() == state
    assert bundle_of(world, moved) == bundle_of(world, fresh) == first
    assert [e["kind"] for e in moved.events if e["kind"] == "CaseMigrated"] == ["CaseMigrated"] * 2


def test_the_dry_run_tells_tasks_and_limits_before_and_after_and_changes_nothing(world):
    case = with_the_unit(world)
    state = case.live.digest()
    version = learn(world, with_hours(6))

    found = rows(world, look(world, version))[case.id]

    (limit,) = [one for one in found.judgement["limits"] if one["limit"] == "eight_hours"]
    assert (found.verdict, found.overdue, found.state) == ("moves", 0, "judged")
    assert parse_instant(limit["before"]) - parse_instant(limit["after"]) == timedelta(hours=2)
    assert limit["since"] and not limit["broken"]
    assert {task["label"] for task in found.judgement["tasks"]["after"]} >= {"核实研判"}
    assert not any(task["new"] for task in found.judgement["tasks"]["after"])
    assert case.live.digest() == state and not case.kinds("CaseMigrated")


def test_a_limit_that_would_be_overdue_at_once_is_told_before_and_broken_after(world):
    case = with_the_unit(world)
    version = learn(world, with_hours(6))
    world.wait(hours=7)

    batch = look(world, version)
    found = rows(world, batch)[case.id]
    carry_out(world, batch, migrations.move, "时限改为6小时")

    assert found.overdue == 1 and len(found.judgement["overdue"]) == 1
    assert [one["limit"] for one in case.kinds("LimitBreached")][-1:] == ["eight_hours"]


def test_a_case_that_became_overdue_since_the_dry_run_stays_and_says_so(world):
    case = with_the_unit(world)
    version = learn(world, with_hours(6))
    batch = look(world, version)
    world.wait(hours=7)

    carry_out(world, batch, migrations.move, "时限改为6小时")

    found = rows(world, batch)[case.id]
    assert (found.state, found.note["key"]) == ("failed", migration_jobs.NEWLY_OVERDUE)
    assert not case.kinds("CaseMigrated")


def test_a_case_that_went_on_since_the_dry_run_is_judged_again_and_moves(world):
    case = with_the_unit(world)
    version = learn(world, with_hours(6))
    batch = look(world, version)
    judged = rows(world, batch)[case.id].seq
    case.fill("Task_verify")

    carry_out(world, batch, migrations.move, "时限改为6小时")

    found = rows(world, batch)[case.id]
    assert found.state == "moved" and found.seq == judged + 1
    assert {task["label"] for task in found.judgement["tasks"]["after"]} >= {"提出意见"}


def test_a_renamed_element_needs_a_mapping_and_moves_and_comes_back_with_it(world):
    case = with_the_unit(world)
    state = case.live.digest()
    version = learn(world, renamed("Task_sign", "Task_receive"))
    found = rows(world, look(world, version))[case.id]

    batch = look(world, version, mapping={"Task_sign": "Task_receive"})
    carry_out(world, batch, migrations.move, "签收改名")
    after = rows(world, batch)[case.id]
    case.fill("Task_verify")
    carry_out(world, batch, migrations.back)

    assert (found.verdict, found.judgement["element"]) == ("mapping", "Task_sign")
    assert found.judgement["candidates"] == [["Task_receive", "签收"]]
    assert after.state == "moved"
    assert rows(world, batch)[case.id].state == "back"
    assert "Task_opinion" in case.open and case.live.digest() != state


def test_a_task_that_goes_to_others_is_told_before(world):
    case = with_the_unit(world)
    files = dict(shipped_files())
    drawn = files["bpmn/unit_opinion.bpmn"]
    verify = drawn.index(b'id="Task_verify"')
    unit = b'camunda:candidateGroups="=&#34;unit:&#34; + unit"'
    files["bpmn/unit_opinion.bpmn"] = drawn[:verify] + drawn[verify:].replace(
        unit, b'camunda:candidateGroups="office"', 1
    )
    version = learn(world, files)

    found = rows(world, look(world, version))[case.id]

    told = {task["label"]: task["others"] for task in found.judgement["tasks"]["after"]}
    assert found.verdict == "moves"
    assert [label for label, others in told.items() if others] == ["核实研判"] and len(told) > 1


def test_what_the_new_version_can_not_follow_stays_with_the_reason(world):
    case = with_the_unit(world)
    files = dict(shipped_files())
    screen = files["bpmn/triage.bpmn"]
    files["bpmn/triage.bpmn"] = screen.replace(b'camunda:formRef="screen"', b'camunda:formRef="contact"', 1)
    assert files["bpmn/triage.bpmn"] != screen
    version = learn(world, files)

    found = rows(world, look(world, version))[case.id]

    assert (found.verdict, found.judgement["key"]) == ("stays", "migrate.refused")
    assert found.judgement["params"]["seq"] == 2
    with writing(world.services.engine) as conn:
        refused = migrations.move(world.services, conn, "", "sunli", "试行")
        assert isinstance(refused, Rejection) and refused.code == "not_found"


@pytest.mark.parametrize("reason", ["", "  "])
def test_moving_needs_a_reason(world, reason):
    with writing(world.services.engine) as conn:
        refused = migrations.move(world.services, conn, "", "sunli", reason)

    assert isinstance(refused, Rejection) and refused.fields[0].path == "reason"


def test_a_batch_is_worked_on_once_at_a_time_and_an_order_is_carried_out_once(world):
    case = with_the_unit(world)
    version = learn(world, with_hours(6))
    batch = look(world, version)
    with writing(world.services.engine) as conn:
        job = migrations.move(world.services, conn, batch, "sunli", "时限改为6小时")
        again = migrations.move(world.services, conn, batch, "sunli", "时限改为6小时")
        found = migrations.get(conn, batch)
    assert found is not None and found.job is not None and found.job.id == job

    for _ in range(2):
        migration_jobs.move(world.services, found.job.args, tick)

    assert isinstance(again, Rejection) and again.key == "migrations.under_way"
    assert len(case.kinds("CaseMigrated")) == 1


def test_only_the_chosen_cases_move_and_the_filter_chooses_what_is_looked_at(world):
    chosen, left = with_the_unit(world), with_the_unit(world)
    other = world.open()
    version = learn(world, with_hours(6))
    batch = look(world, version, filters={"grade": "ordinary_negative"})

    carry_out(world, batch, migrations.move, "先迁一件", [chosen.id, other.id])

    assert set(rows(world, batch)) == {chosen.id, left.id}
    assert (bundle_of(world, chosen), bundle_of(world, left) == version) == (version, False)
