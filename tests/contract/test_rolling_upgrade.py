"""An old and a new program at work on one database while an upgrade rolls: their read models have different shapes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from engine.domain.commands import AddComment
from engine.domain.rejection import Rejection
from engine.journal.schema import readmodel_behind, readmodel_sets
from engine.readmodels import projector, sets, version
from engine.readmodels.schema import READ_MODELS, cases
from engine.service import case_work
from engine.service.application import Done
from engine.service.bootstrap import build, case_entries
from engine.service.outages import is_outage
from engine.service.verify import Asked, rebuild_read_models, verify
from engine.worker.readmodels import CatchUpRunner
from tests.support.walks import assign, give_opinion, graded
from tests.support.world import CaseView, World

MODELS = Asked(parts=("chains", "tree", "replays", "models", "numbers"))
Start = Callable[[World], World]


@pytest.fixture
def old(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, postgres_url)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def upgraded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts the new program beside the old one."""
    made: list[World] = []

    def start(old: World) -> World:
        monkeypatch.setattr(version, "PROJECTION", version.PROJECTION + 1)
        other = object.__new__(World)
        other.settings, other.clock, other.numbers = old.settings, old.clock, iter(range(10_000, 99_999))
        other.services = build(old.settings, old.clock)
        made.append(other)
        return other

    yield start
    for other in made:
        other.services.engine.dispose()


def rows(world: World) -> dict[str, list[Any]]:
    with world.services.engine.connect() as conn:
        return {table.name: sorted(map(tuple, conn.execute(select(table))), key=repr) for table in READ_MODELS}


def catch_up(world: World) -> int:
    """The background loop of a process, until nothing is missing."""
    runner = CatchUpRunner(world.services)
    total = 0
    while count := runner.run_once().fired:
        total += count
    return total


def assert_live_is_rebuilt(world: World) -> None:
    live = rows(world)
    rebuild_read_models(world.services)
    assert rows(world) == live
    report = verify(world.services, MODELS)
    assert report.faults == 0, report.as_json()


@pytest.mark.postgres
def test_two_programs_write_to_one_case_in_turns_and_both_sets_are_what_a_rebuild_gives(old, upgraded):
    case = graded(old)
    new = upgraded(old)
    twin = new.case(case.id)

    assign(twin)
    case.fill("Task_sign")
    twin.fill("Task_verify")
    case.fill("Task_opinion")
    twin.fill("Task_confirm")
    opened = new.open(title="新程序登记的一件")
    old.do("wangfang", AddComment("旧程序的意见"), opened.id)
    new.wait(hours=3)
    old.wait(hours=3)

    catch_up(old)
    catch_up(new)
    assert rows(old) == rows(new)
    with old.services.engine.connect() as conn:
        assert conn.scalar(select(readmodel_sets.c.ready).limit(1)) == 1
        assert len(conn.scalars(select(readmodel_sets.c.name)).all()) == 2
        assert conn.execute(select(readmodel_behind)).all() == []
    assert_live_is_rebuilt(old)
    assert_live_is_rebuilt(new)


@pytest.mark.postgres
def test_a_list_of_the_old_program_shows_what_the_new_one_did_after_its_next_look(old, upgraded):
    case = graded(old)
    new = upgraded(old)
    new.do("wangfang", AddComment("来自新程序"), case.id)

    assert last_seq(old, case.id) < last_seq(new, case.id)
    assert catch_up(old) == 1
    assert last_seq(old, case.id) == last_seq(new, case.id)
    assert catch_up(old) == 0


@pytest.mark.postgres
def test_a_program_that_starts_has_caught_up_before_its_first_look(old, upgraded):
    case = graded(old)
    new = upgraded(old)
    old.do("wangfang", AddComment("此时还没有第二个进程"), case.id)

    again = build(new.settings, new.clock)

    with again.engine.connect() as conn:
        assert conn.scalar(select(cases.c.last_seq).where(cases.c.case_id == case.id)) == last_seq(old, case.id)
    again.engine.dispose()


def last_seq(world: World, case_id: str) -> int:
    with world.services.engine.connect() as conn:
        return conn.scalar(select(cases.c.last_seq).where(cases.c.case_id == case_id)) or 0


@pytest.mark.postgres
def test_without_catching_up_the_read_models_go_wrong(old, upgraded, monkeypatch):
    """Negative control: what the tests above compare does differ."""
    case = graded(old)
    new = upgraded(old)
    monkeypatch.setattr(old.services.application, "_catch_up", lambda case_id: None)
    new.do("wangfang", AddComment("来自新程序"), case.id)

    refused = old.ask("wangfang", AddComment("来自旧程序"), case.id)

    assert isinstance(refused, Rejection) and refused.key == "case.busy", "it does not go on over a gap"
    assert rows(old) != rows(new)


@pytest.mark.postgres
def test_the_new_program_is_brought_up_while_the_old_one_writes_and_misses_nothing(old, upgraded):
    case_ids = [graded(old).id for _ in range(3)]
    enough, refused = threading.Event(), []
    written = [0]

    def write() -> None:
        actor = old.actor("wangfang")
        while not enough.is_set() and written[0] < 3_000:
            number = f"load-{written[0]}"
            answer = old.services.application.handle(
                AddComment(number), actor, case_id=case_ids[written[0] % 3], command_id=number
            )
            if not isinstance(answer, Done):
                refused.append(answer)
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    while written[0] < 10 and writer.is_alive():
        enough.wait(0.01)
    before = written[0]
    new = upgraded(old)
    during = written[0] - before
    enough.set()
    writer.join()

    assert refused == [] and during > 0
    catch_up(new)
    assert rows(old) == rows(new)
    assert_live_is_rebuilt(new)


@pytest.mark.postgres
def test_programs_of_both_shapes_and_their_loops_at_once_lose_and_double_nothing(old, upgraded):
    case = graded(old)
    new = upgraded(old)
    again = object.__new__(World)  # a second process of the new program
    again.settings, again.clock, again.numbers = new.settings, new.clock, iter(range(200_000, 299_999))
    again.services = build(new.settings, new.clock)
    faults: list[BaseException] = []
    done: list[Done] = []

    def write(world: World, name: str) -> None:
        actor = world.actor("wangfang")
        for number in range(12):
            for _ in range(30):
                answer = world.services.application.handle(
                    AddComment(f"{name} {number}"), actor, case_id=case.id, command_id=f"{name}-{number}"
                )
                if isinstance(answer, Done):
                    done.append(answer)
                    break

    def guarded(run: Callable[[], object]) -> Callable[[], None]:
        def guarded_run() -> None:
            try:
                run()
            except BaseException as error:
                faults.append(error)

        return guarded_run

    worlds = {"old": old, "new": new, "again": again}
    work: list[Callable[[], object]] = [lambda w=w, n=n: write(w, n) for n, w in worlds.items()]  # type: ignore[misc]
    work += [lambda w=w: [CatchUpRunner(w.services).run_once() for _ in range(40)] for w in (old, new, again)]  # type: ignore[misc]
    threads = [threading.Thread(target=guarded(one)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert faults == []
    assert len(done) == 36 == len(case.kinds("CommentAdded"))
    catch_up(old)
    catch_up(new)
    assert rows(old) == rows(new) == rows(again)
    assert_live_is_rebuilt(old)
    again.services.engine.dispose()


@pytest.mark.postgres
def test_a_program_that_cannot_read_what_a_newer_one_wrote_says_so_and_goes_on_with_other_cases(
    old, upgraded, monkeypatch
):
    case, untouched = graded(old), graded(old)
    new = upgraded(old)
    with monkeypatch.context() as later:
        later.setattr(case_work, "VERSION", "99.0.0")
        new.do("wangfang", AddComment("新版本才有的记录"), case.id)
    monkeypatch.delitem(projector.HANDLERS, "CommentAdded")

    refused = old.ask("wangfang", AddComment("旧程序"), case.id)

    assert isinstance(refused, Rejection) and refused.key == "case.newer_program"
    counts = CatchUpRunner(old.services).run_once()
    assert (counts.fired, counts.failed) == (0, 1)
    untouched.fill("Task_contact")


@pytest.mark.postgres
def test_a_set_that_nobody_uses_any_more_goes_with_what_it_missed(old, upgraded):
    case = graded(old)
    new = upgraded(old)
    new.do("wangfang", AddComment("来自新程序"), case.id)
    with new.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        own = conn.scalar(text("SELECT current_schema()"))
        assert sets.retire(conn, own) == (), "both were used today"
        (gone,) = sets.retire(conn, own, unused_seconds=0)

    with new.services.engine.connect() as conn:
        assert conn.scalars(select(readmodel_sets.c.name)).all() == [own]
        assert conn.execute(select(readmodel_behind)).all() == []
        assert conn.scalar(text("SELECT count(*) FROM pg_namespace WHERE nspname = :gone"), {"gone": gone}) == 0
    assert not sets.sign_of_life(old.services.engine), "its process is told in the log"
    new.do("wangfang", AddComment("继续"), case.id)


@pytest.mark.postgres
def test_a_program_killed_while_it_made_its_set_is_followed_by_one_that_makes_it_anew(old, upgraded, monkeypatch):
    graded(old)
    whole = sets.rebuild
    monkeypatch.setattr(sets, "rebuild", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        upgraded(old)
    monkeypatch.setattr(sets, "rebuild", whole)
    monkeypatch.setattr(version, "PROJECTION", version.PROJECTION - 1)
    old.open(title="此时登记的一件")

    new = upgraded(old)

    assert rows(old) == rows(new)


def test_on_sqlite_the_old_program_is_told_and_the_new_one_has_everything(tmp_path, upgraded):
    old = World(tmp_path)
    case = graded(old)
    new = upgraded(old)

    with pytest.raises(version.Replaced) as told:
        old.ask("wangfang", AddComment("旧程序"), case.id)
    assert is_outage(told.value), "a page then says 503"
    with pytest.raises(version.Replaced), old.services.journal.reading():
        pass

    assign(new.case(case.id))
    give_opinion(CaseView(new, case.id))
    assert_live_is_rebuilt(new)
    with new.services.journal.reading() as tx:
        assert sum(1 for entry in case_entries(tx) if entry.case_id == case.id) > 5
    old.services.engine.dispose()
