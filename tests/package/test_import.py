"""A package taken into an empty instance shows the same cases: rows, digests, bytes; and nothing is mixed up."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from engine.domain.clock import FixedClock
from engine.domain.commands import AddComment
from engine.domain.rejection import Rejection
from engine.journal.chain import verify_chain
from engine.journal.imports import STREAM, imported_streams
from engine.kernel.replay import rebuild, replay
from engine.readmodels.schema import READ_MODELS
from engine.service import package_command, package_import, people
from engine.service.bootstrap import Services, build
from engine.service.package_import import Imported, import_package
from engine.service.settings import Settings
from engine.service.verify import rebuild_read_models
from engine.worker.timers import TimerRunner
from tests.package.conftest import PICTURE, Office, busy
from tests.support import walks
from tests.support.databases import with_tables
from tests.support.forger import Unpacked, run_verifier
from tests.support.world import World


@pytest.fixture(params=["sqlite", "postgres"])
def empty(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Iterator[Services]:
    """An instance in which nothing ever happened, a day after the export."""
    url = f"sqlite:///{tmp_path}/other.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = build(
        Settings(database_url=with_tables(url), data_dir=tmp_path / "data"), FixedClock(office.world.clock.now())
    )
    yield made
    made.engine.dispose()


def rows(services: Services, *cases: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every read-model row of these cases, sorted."""
    with services.engine.connect() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table).where(table.c.case_id.in_(cases)))), key=repr)
            for table in READ_MODELS
            if "case_id" in table.c
        }


def test_the_imported_cases_are_the_same_cases(empty: Services, office: Office, package: Path):
    cases = (office.closed.id, office.late.id)

    outcome = import_package(empty, package, "system:command")

    assert isinstance(outcome, Imported), outcome
    assert set(outcome.cases) == set(cases)
    assert rows(empty, *cases) == rows(office.world.services, *cases)
    with empty.journal.reading() as here, office.world.services.journal.reading() as there:
        for case_id in cases:
            mine, theirs = here.read(case_id), there.read(case_id)
            assert [(e.body, e.hash) for e in mine] == [(e.body, e.hash) for e in theirs]
            assert verify_chain(mine) == []
            steps = list(replay(mine, empty.application.live.loader(here)))
            assert steps[-1].divergence is None
            digest = rebuild(theirs, office.world.services.application.live.loader(there)).digest()
            assert steps[-1].case.digest() == digest
    before = rows(empty, *cases)
    rebuild_read_models(empty)
    assert rows(empty, *cases) == before


def test_attachments_open_and_people_are_known_by_name_but_cannot_sign_in(
    empty: Services, office: Office, package: Path
):
    import_package(empty, package, "system:command")

    with empty.engine.connect() as conn:
        sha256 = [row.sha256 for row in conn.execute(select(imported_files()).where(name_is("网页截图.png")))][0]
        names = people.names(conn, ["wangfang", "zhangmin", "liqiang"])
        actor = people.actor(conn, "wangfang", empty.clock.now())
        person = people.person(conn, "wangfang")
    with empty.files.open(sha256) as content:
        assert content.read() == PICTURE
    assert names == {"wangfang": "王芳", "zhangmin": "张敏", "liqiang": "李强"}
    assert actor is None
    assert person is not None and not person.active and person.roles == () and person.phone == ""


def imported_files() -> Any:
    return next(table for table in READ_MODELS if table.name == "files")


def name_is(name: str) -> Any:
    return imported_files().c.name == name


def test_where_a_case_came_from_is_kept_in_the_journal_and_cannot_be_changed(
    empty: Services, office: Office, package: Path
):
    import_package(empty, package, "system:command")

    with empty.engine.connect() as conn:
        origin = package_import.origin_of(conn, office.late.id)
        none = package_import.origin_of(conn, "WQ-2026-999999")
    with empty.journal.reading() as tx:
        (entry,) = tx.read(STREAM)
    assert origin is not None and none is None
    assert entry.events[0]["package"] == origin.package
    with empty.files.open(origin.package) as kept:
        assert kept.read() == package.read_bytes()
    with pytest.raises(DBAPIError, match="append-only"), empty.journal.writing() as tx:
        tx.connection.execute(delete(imported_streams))


def test_an_imported_case_takes_no_command_and_its_clocks_stand_still(empty: Services, office: Office, package: Path):
    import_package(empty, package, "system:command")
    before = rows(empty, office.late.id)
    clock: Any = empty.clock
    clock.advance(days=400)

    counts = TimerRunner(empty).run_once()
    outcome = empty.application.handle(
        AddComment("改一改"), office.world.actor("wangfang"), case_id=office.late.id, command_id="c-1"
    )

    assert counts.cases == counts.fired == 0
    assert empty.application.settle(office.late.id) == 0
    assert isinstance(outcome, Rejection) and outcome.key == "case.imported"
    assert rows(empty, office.late.id) == before
    assert before["timers"], "the case must have armed timers for this to mean anything"


def test_the_same_package_again_and_another_log_are_refused_and_nothing_is_left(
    empty: Services, office: Office, package: Path, tmp_path: Path
):
    import_package(empty, package, "system:command")
    before = rows(empty, office.closed.id, office.late.id)

    again = import_package(empty, package, "system:command")

    assert isinstance(again, Rejection) and again.key == "package.imported_already"
    assert rows(empty, office.closed.id, office.late.id) == before


def test_a_database_with_cases_of_its_own_takes_no_package(office: Office, package: Path, tmp_path: Path):
    own = World(tmp_path / "own")
    walks.graded(own)
    walks.graded(own)
    more = walks.graded(own)

    same_number = import_package(own.services, package, "system:command")
    alone = import_package(
        own.services, office.export(tmp_path, office.late.id), "system:command"
    )  # fmt: skip

    assert isinstance(same_number, Rejection) and same_number.key == "package.case_exists"
    assert isinstance(alone, Rejection) and alone.key == "package.case_exists"
    assert more.id == "WQ-2026-000003"
    with own.services.engine.connect() as conn:
        assert conn.execute(select(imported_streams)).all() == []
    own.services.engine.dispose()


def test_other_numbers_of_another_log_are_refused_too(office: Office, tmp_path: Path):
    own = World(tmp_path / "own")
    walks.graded(own)

    refused = import_package(own.services, office.export(tmp_path, office.late.id), "system:command")

    assert isinstance(refused, Rejection) and refused.key == "package.other_log"
    own.services.engine.dispose()


def test_packages_of_one_log_join_one_another(empty: Services, office: Office, tmp_path: Path):
    first = import_package(empty, office.export(tmp_path, office.closed.id), "system:command")
    second = import_package(empty, office.export(tmp_path, office.late.id), "system:command")

    assert isinstance(first, Imported) and isinstance(second, Imported)
    assert rows(empty, office.closed.id, office.late.id) == rows(
        office.world.services, office.closed.id, office.late.id
    )


def test_a_number_that_came_with_an_import_is_never_given_again(office: Office, package: Path, tmp_path: Path):
    own = World(tmp_path / "own")
    own.numbers = itertools.count(1000)  # command ids of its own: those of the imported entries are taken
    assert isinstance(import_package(own.services, package, "system:command"), Imported)

    opened = own.open()

    assert opened.id == "WQ-2026-000003"
    assert opened.open, "a case of its own goes on beside imported ones"
    own.services.engine.dispose()


def test_a_changed_package_is_refused_with_the_first_fault(
    empty: Services, unpack: Any, tmp_path: Path, office: Office
):
    unpacked: Unpacked = unpack()
    entries = f"data/entries/{office.closed.id}.jsonl"
    unpacked.flip(entries, 700, 1)
    unpacked.list_again()

    refused = import_package(empty, zipped(unpacked, tmp_path), "system:command")

    assert isinstance(refused, Rejection) and refused.key == "package.faulty"
    assert entries in refused.details["file"]
    assert rows(empty, office.closed.id)["cases"] == []


def zipped(unpacked: Unpacked, folder: Path) -> Path:
    path = folder / "again.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in unpacked.paths():
            archive.writestr(f"{unpacked.root.name}/{name}", unpacked.read(name))
    return path


def test_an_imported_case_exported_again_verifies_and_has_the_same_entries(
    empty: Services, office: Office, package: Path, tmp_path: Path
):
    import_package(empty, package, "system:command")
    out: list[str] = []
    asked = package_command.Asked((office.closed.id,), "", tmp_path / "again.zip")

    code = package_command.export(empty, asked, out.append, out.append)

    assert code == 0, out
    assert run_verifier(tmp_path / "again.zip").returncode == 0
    first, second = Unpacked(package, tmp_path / "one"), Unpacked(tmp_path / "again.zip", tmp_path / "two")
    path = f"data/entries/{office.closed.id}.jsonl"
    assert first.read(path) == second.read(path)


def test_a_case_whose_attachment_is_lost_is_exported_found_fault_with_and_still_imported(tmp_path: Path):
    office = busy(tmp_path / "lossy")
    world = office.world
    with world.services.engine.connect() as conn:
        sha256 = conn.execute(select(imported_files().c.sha256).where(name_is("网页截图.png"))).scalars().first()
    assert sha256 is not None
    (world.services.settings.data_dir / "files" / sha256[:2] / sha256[2:4] / sha256).unlink()
    package = office.export(tmp_path, office.closed.id)
    other = build(Settings(database_url=f"sqlite:///{tmp_path}/other.db", data_dir=tmp_path / "o"), world.clock)

    done = run_verifier(package)
    outcome = import_package(other, package, "system:command")

    assert done.returncode == 1
    assert "网页截图.png" in done.stdout and "导出时原系统中已经没有" in done.stdout
    assert isinstance(outcome, Imported) and outcome.missing == 1
    world.services.engine.dispose()
    other.engine.dispose()


def test_the_commands_say_what_they_did(office: Office, tmp_path: Path):
    said: list[str] = []
    services = office.world.services
    other = build(Settings(database_url=f"sqlite:///{tmp_path}/other.db", data_dir=tmp_path / "o"), office.world.clock)

    exported = package_command.export(
        services, package_command.Asked((), "2026-04", tmp_path), said.append, said.append
    )
    path = Path(said[0].split("  ")[0])
    taken = package_command.take_in(other, [path], said.append, said.append)
    neither = package_command.export(services, package_command.Asked((), "", None), said.append, said.append)
    nothing = package_command.export(services, package_command.Asked((), "1999-01", None), said.append, said.append)
    unknown = package_command.export(services, package_command.Asked(("X",), "", None), said.append, said.append)

    assert (exported, taken, neither, nothing, unknown) == (0, 0, 2, 2, 2)
    assert path.name == "period-2026-04.zip"
    assert "已导入 period-2026-04.zip: 1 个案件" in "\n".join(said)
    assert "1999-01 没有办结的案件。" in said
    other.engine.dispose()
