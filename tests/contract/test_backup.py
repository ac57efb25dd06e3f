"""A backup made under load is one consistent moment: restored, it verifies, and its cases go on."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli import main
from engine.domain.clock import FixedClock
from engine.domain.commands import AddComment
from engine.domain.rejection import Rejection
from engine.service import backup_postgresql, witness_comparison
from engine.service.application import Done
from engine.service.backup import Backup, CannotBackUp, back_up, restore
from engine.service.bootstrap import build
from engine.service.files import as_stream
from engine.service.settings import Settings
from engine.service.verify import Asked, verify
from tests.support import world as worlds
from tests.support.walks import assign, give_opinion, graded
from tests.support.world import World

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
EVERYTHING = Asked()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = World(tmp_path / "office", url)
    yield made
    made.services.engine.dispose()


@pytest.fixture
def elsewhere(world: World, request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of another, empty installation on the same kind of database."""
    sqlite = world.services.engine.dialect.name == "sqlite"
    url = f"sqlite:///{tmp_path}/new/opinion.db" if sqlite else request.getfixturevalue("postgres_database")()
    return Settings(database_url=url, data_dir=tmp_path / "new")


class Load(threading.Thread):
    """Comments on a case until told to stop."""

    def __init__(self, world: World, case_id: str) -> None:
        super().__init__(daemon=True)
        self.world, self.case_id = world, case_id
        self.enough = threading.Event()
        self.some = threading.Event()
        self.written = 0
        self.refused: list[object] = []

    def run(self) -> None:
        actor = self.world.actor("wangfang")
        while not self.enough.is_set() and self.written < 5_000:
            number = f"load-{self.written}"
            answer = self.world.services.application.handle(
                AddComment(number), actor, case_id=self.case_id, command_id=number
            )
            if not isinstance(answer, Done):
                self.refused.append(answer)
            self.written += 1
            if self.written == 20:
                self.some.set()


def under_load(world: World, case_id: str, target: Path, *, keys: bool = True) -> Backup:
    load = Load(world, case_id)
    load.start()
    assert load.some.wait(30)
    before = load.written
    made = back_up(world.settings, world.clock, target, keys=keys)
    after = load.written
    load.enough.set()
    load.join(30)
    assert load.refused == []
    assert after > before, "it really was written to meanwhile"
    return made


def restored(settings: Settings, world: World) -> World:
    other = object.__new__(World)
    other.settings, other.clock, other.numbers = settings, world.clock, iter(range(50_000, 99_999))
    other.services = other.start()
    return other


def test_a_backup_under_load_is_restored_verifies_and_its_case_goes_on(world, elsewhere, tmp_path, monkeypatch):
    facts = world.services.files.save(as_stream(PNG), "发布截图.png")
    assert not isinstance(facts, Rejection)
    monkeypatch.setattr(worlds, "PAPER", facts)
    case = graded(world)
    assign(case)
    give_opinion(case)
    world.services.sealer.seal()

    made = under_load(world, case.id, tmp_path / "backup")
    told = restore(elsewhere, tmp_path / "backup")

    assert (told.entries, told.attachments, told.keys) == (made.entries, 1, 1)
    other = restored(elsewhere, world)
    report = verify(other.services, EVERYTHING)
    assert report.faults == 0, report.as_json()
    with other.services.journal.reading() as tx:
        assert tx.count() >= made.entries
    other.case(case.id).fill("Task_contact")
    other.services.sealer.seal()
    assert verify(other.services, EVERYTHING).faults == 0
    other.services.engine.dispose()


def test_an_older_backup_is_given_away_by_a_checkpoint_kept_elsewhere(world, elsewhere, tmp_path):
    case = graded(world)
    world.services.sealer.seal()
    back_up(world.settings, world.clock, tmp_path / "old", keys=True)
    world.do("wangfang", AddComment("后来的事"), case.id)
    world.wait(minutes=5)
    world.services.sealer.seal()
    witness_comparison.print_checkpoint(world.services, tmp_path / "witness", lambda text: None)

    restore(elsewhere, tmp_path / "old")

    other = restored(elsewhere, world)
    assert verify(other.services, EVERYTHING).faults == 0, "in itself it is whole"
    assert verify(other.services, Asked(witness=(tmp_path / "witness").read_text(encoding="utf-8"))).faults > 0
    other.services.engine.dispose()


def test_keys_are_left_out_unless_asked_for(world, elsewhere, tmp_path):
    graded(world)
    world.services.sealer.seal()

    made = back_up(world.settings, world.clock, tmp_path / "backup")

    assert made.keys == 0
    assert not (tmp_path / "backup" / "keys").exists()


def test_nothing_that_is_there_is_overwritten(world, tmp_path):
    back_up(world.settings, world.clock, tmp_path / "backup")

    with pytest.raises(CannotBackUp, match="exists"):
        back_up(world.settings, world.clock, tmp_path / "backup")
    with pytest.raises(CannotBackUp, match="not_empty"):
        restore(world.settings, tmp_path / "backup")


def test_a_damaged_backup_is_refused_before_anything_is_written(world, elsewhere, tmp_path):
    back_up(world.settings, world.clock, tmp_path / "backup")
    (database,) = (tmp_path / "backup").glob("database.*")
    content = bytearray(database.read_bytes())
    content[len(content) // 2] ^= 1
    database.write_bytes(content)

    with pytest.raises(CannotBackUp, match="damaged"):
        restore(elsewhere, tmp_path / "backup")
    assert not elsewhere.data_dir.exists()


def test_a_backup_that_was_broken_off_is_none(world, elsewhere, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.service.backup._to_disk", full)
    with pytest.raises(OSError, match="No space"):
        back_up(world.settings, world.clock, tmp_path / "backup")

    assert not (tmp_path / "backup").exists()
    with pytest.raises(CannotBackUp, match="no_manifest"):
        restore(elsewhere, tmp_path / "backup")


@pytest.mark.postgres
def test_a_machine_without_the_client_programs_is_told_so(postgres_url, tmp_path, monkeypatch, capsys):
    build(Settings(database_url=postgres_url, data_dir=tmp_path), FixedClock(worlds.MONDAY)).engine.dispose()
    monkeypatch.setattr(backup_postgresql.shutil, "which", lambda name: None)
    monkeypatch.setenv("OPINION_DATABASE_URL", postgres_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))

    assert main(["backup", str(tmp_path / "backup")]) == 2
    assert "没有 PostgreSQL 客户端程序" in capsys.readouterr().err


def test_the_commands_back_up_and_restore(tmp_path, monkeypatch, capsys):
    world = World(tmp_path / "office")
    graded(world)
    world.services.engine.dispose()
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path / "office"))
    assert main(["backup", str(tmp_path / "backup")]) == 0
    assert "已备份" in capsys.readouterr().out

    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path / "new"))
    assert main(["restore", str(tmp_path / "backup")]) == 0
    assert "已恢复" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "backup")]) == 2
    assert "不是空的" in capsys.readouterr().err

    told = json.loads((tmp_path / "backup" / "manifest.json").read_text())
    found = sqlite3.connect(tmp_path / "new" / "opinion.db").execute("SELECT count(*) FROM entries").fetchone()
    assert found == (told["entries"],)
