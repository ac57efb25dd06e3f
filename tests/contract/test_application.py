"""The service on both databases: several processes on one database, repeated commands, incidents, restarts."""

import threading
from collections.abc import Callable, Iterator

import pytest

from engine.domain.commands import AddComment, ClaimTask, FireTimer, ResolveIncident, SubmitTask
from engine.domain.rejection import Rejection
from engine.journal.chain import verify_chain
from engine.journal.store import SqlTransaction
from engine.kernel.faults import KernelFault
from engine.kernel.specs import NodeSpec
from engine.service.application import Done
from engine.service.bootstrap import build
from engine.service.verify import Asked, verify
from engine.worker.timers import TimerRunner
from tests.support.world import World


@pytest.fixture(params=["sqlite", "postgres"])
def world(request, tmp_path) -> Iterator[World]:
    made = World(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield made
    report = verify(made.services, Asked(parts=("chains", "tree", "replays", "models", "numbers")))
    assert report.faults == 0, report.as_json()
    made.services.engine.dispose()


@pytest.fixture
def second(world) -> Iterator[World]:
    """Another process on the same database."""
    other = object.__new__(World)
    other.settings, other.clock, other.numbers = world.settings, world.clock, iter(range(10_000, 99_999))
    other.services = build(world.settings, world.clock)
    yield other
    other.services.engine.dispose()


def test_a_second_process_sees_what_the_first_did_and_goes_on_from_there(world, second):
    case = world.open()
    twin = second.case(case.id)
    twin.fill("Task_screen")

    case.fill("Task_grade")
    twin.fill("Task_instruct_vice")

    assert "Task_assign" in case.open
    assert case.live.digest() == twin.live.digest()


def test_of_two_processes_that_submit_the_same_task_one_is_told_who_was_first(world, second):
    case = world.open()
    command = SubmitTask(case.task("Task_screen"), {})
    world.do("wangfang", ClaimTask(command.task), case.id)

    refused = second.ask("lina", ClaimTask(command.task), case.id)

    assert isinstance(refused, Rejection)
    assert (refused.code, refused.key, refused.details) == ("conflict", "task.held", {"by": "wangfang"})


def test_eight_threads_in_two_processes_commenting_at_once_lose_nothing(world, second):
    case = world.open()
    outcomes: list[object] = []

    def write(which: World, number: int) -> None:
        answer = which.services.application.handle(
            AddComment(f"第{number}条"), which.actor("wangfang"), case_id=case.id, command_id=f"comment-{number}"
        )
        outcomes.append(answer)

    threads = [threading.Thread(target=write, args=((world, second)[n % 2], n)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    done = [o for o in outcomes if isinstance(o, Done)]
    with world.services.journal.reading() as tx:
        entries = tx.read(case.id)
    assert len(done) + sum(isinstance(o, Rejection) and o.key == "case.busy" for o in outcomes) == 16
    assert len(entries) == 1 + len(done)
    assert verify_chain(entries) == []
    assert len(done) >= 8


def test_an_entry_committed_between_two_looks_at_the_journal_does_not_break_the_chain(world, second, monkeypatch):
    """PostgreSQL shows a transaction what others commit meanwhile: found as a broken chain under load."""
    case = world.open()
    world.services.application.live.clear()
    whole = SqlTransaction.head
    meanwhile = iter([True])

    def head(self, case_id):
        found = whole(self, case_id)
        if next(meanwhile, False) and self.connection.dialect.name == "postgresql":
            second.do("lina", AddComment("抢先一步"), case.id)
        return found

    monkeypatch.setattr(SqlTransaction, "head", head)
    world.do("wangfang", AddComment("后到"), case.id)

    with world.services.journal.reading() as tx:
        assert verify_chain(tx.read(case.id)) == []


def test_the_same_command_id_is_carried_out_once_and_answered_as_the_first_time(world):
    case = world.open()
    actor = world.actor("wangfang")
    app = world.services.application

    first = app.handle(AddComment("一次"), actor, case_id=case.id, command_id="once")
    again = app.handle(AddComment("一次"), actor, case_id=case.id, command_id="once")

    assert first == again
    assert len(case.kinds("CommentAdded")) == 1


def test_a_timer_is_fired_once_by_two_workers(world, second):
    case = world.open()
    world.clock.advance(minutes=31)

    runners = [TimerRunner(world.services), TimerRunner(second.services)]
    threads = [threading.Thread(target=runner.run_once) for runner in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["triage"]


def test_nobody_but_the_system_fires_timers(world):
    case = world.open()

    refused = world.ask("wangfang", FireTimer("x#1"), case.id)

    assert isinstance(refused, Rejection)
    assert refused.code == "forbidden"


def test_a_case_survives_a_restart_with_nothing_in_memory(world):
    case = world.open()
    case.fill("Task_screen")
    before = case.live.digest()

    world.services.engine.dispose()
    world.start()

    assert case.live.digest() == before
    case.fill("Task_grade")


@pytest.fixture
def break_next(monkeypatch) -> Callable[[], None]:
    """Makes the next element that is left fail, once: as a guard or an expression would."""
    whole = NodeSpec.chosen
    armed: list[bool] = []

    def chosen(self, token):
        if armed:
            armed.clear()
            raise KernelFault(self.bpmn_id, "incident.expression", {"reason": "test"})
        return whole(self, token)

    monkeypatch.setattr(NodeSpec, "chosen", chosen)
    return lambda: armed.append(True)


def test_a_fault_in_a_step_leaves_the_case_as_it_was_with_an_incident(world, break_next):
    case = world.open()
    before = case.open

    break_next()
    with pytest.raises(AssertionError, match=r"case\.incident"):
        case.fill("Task_screen")

    assert case.open == before
    assert [(e["key"], e["element"]) for e in case.kinds("IncidentRaised")] == [("incident.expression", "Task_screen")]
    case.fill("Task_screen")
    world.do("wangfang", ResolveIncident(1, "图已改正"), case.id)


def test_a_timer_that_fails_is_set_aside_until_somebody_resolves_the_incident(world, break_next):
    case = world.open()
    world.clock.advance(minutes=31)

    break_next()
    world.work()
    assert len(case.kinds("IncidentRaised")) == 1
    world.work()
    assert case.kinds("LimitMet") == []
    tried = [e for e in case.events if e["kind"] == "IncidentRaised"]
    assert len(tried) == 1, "no hot loop"

    world.do("wangfang", ResolveIncident(1, "图已改正"), case.id)
    world.work()
    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["triage"]


def test_a_case_that_does_not_exist_or_is_not_for_me_is_not_found(world):
    case = world.open(district="禹州市")

    for login, case_id in (
        ("wangfang", "WQ-2026-999999"),
        ("zhouwei", case.id),
        ("sunli", case.id),
        ("qianjin", case.id),
    ):
        refused = world.ask(login, AddComment("x"), case_id)
        assert isinstance(refused, Rejection), login
        assert (refused.code, refused.key) == ("not_found", "case.unknown"), login
