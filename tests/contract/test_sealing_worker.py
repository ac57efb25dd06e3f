"""The sealer in the background, and the commands `seal` and `keys`."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import text

from engine import cli
from engine.journal import checkpoint, log
from engine.service.keys import CannotSign
from engine.worker.sealing import Config, Counts, SealRunner
from tests.contract.test_sealing import Office


@pytest.fixture(params=["sqlite", "postgres"])
def office(request, tmp_path):
    url = f"sqlite:///{tmp_path}/j.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Office(url, tmp_path)
    yield made
    made.engine.dispose()


def runner(office: Office, said: list[Exception]) -> SealRunner:
    services = cast(Any, SimpleNamespace(sealer=office.sealer, clock=office.clock))
    return SealRunner(services, Config(look_every=5, without_key=300), said.append)


def test_the_runner_seals_when_it_is_time_and_only_then(office):
    said: list[Exception] = []
    work = runner(office, said)
    office.write("WQ-1", 3)

    early = work.run_once()
    office.clock.advance(seconds=60)
    due = work.run_once()
    after = work.run_once()

    assert (early, due, after) == (Counts(), Counts(1), Counts())
    assert (work.seconds_to_next(), said) == (5, [])
    with office.engine.connect() as conn:
        assert [one.size for one in log.checkpoints(conn)] == [4]


def test_without_the_key_the_runner_says_so_once_waits_long_and_goes_on_when_the_key_is_back(office, tmp_path):
    office.write("WQ-1")
    office.sealer.seal()
    (file,) = (tmp_path / "keys").iterdir()
    key = file.read_bytes()
    file.unlink()
    said: list[Exception] = []
    work = runner(office, said)
    office.write("WQ-1")
    office.clock.advance(seconds=60)

    missing = [work.run_once(), work.run_once()]
    pause = work.seconds_to_next()
    file.write_bytes(key)
    back = work.run_once()

    assert missing == [Counts(), Counts()]
    assert [type(error).__mro__[1] for error in said] == [CannotSign]
    assert (pause, back, work.seconds_to_next()) == (300, Counts(1), 5)


def test_an_entry_of_a_closed_case_is_sealed_at_once(office):
    office.write("WQ-1")
    office.sealer.seal()
    office.write("WQ-2")
    with office.journal.writing() as tx:
        for statement in closed_case("WQ-2"):
            tx.connection.execute(text(statement))

    assert office.sealer.due(office.clock.now() + timedelta(seconds=1))
    office.sealer.seal()
    assert not office.sealer.due(office.clock.now() + timedelta(seconds=1))


def closed_case(case_id: str) -> list[str]:
    """A row of the read model, whatever its columns: texts are empty and numbers 0, but for the two that count."""
    from engine.readmodels.schema import cases

    known = {"case_id": f"'{case_id}'", "status": "'closed'"}
    names = [column.name for column in cases.columns]
    values = [known.get(c.name, _empty(c.type.python_type)) for c in cases.columns]
    return [f"INSERT INTO cases ({', '.join(names)}) VALUES ({', '.join(values)})"]


def _empty(kind: type) -> str:
    return {int: "0", float: "0", bool: "FALSE"}.get(kind, "''")


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo without cases: made once, copied for each test."""
    made = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        _settings(patch, made)
        assert cli.main(["demo", "--no-cases"]) == 0
    return made


def _settings(patch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("OPINION_DATABASE_URL", "OPINION_HASH", "OPINION_KEY_DIR", "OPINION_TEST_CLOCK"):
        patch.delenv(name, raising=False)
    patch.setenv("OPINION_DATA_DIR", str(folder))
    patch.setenv("OPINION_LOG_ORIGIN", "opinion-cases/office")


@pytest.fixture
def folder(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _settings(monkeypatch, tmp_path)
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_the_command_seal_prints_a_checkpoint_and_keys_rotate_lets_the_next_bear_two_signatures(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    capsys.readouterr()

    assert cli.main(["seal"]) == 0
    first = checkpoint.read(capsys.readouterr().out)
    assert cli.main(["keys", "rotate"]) == 2
    assert cli.main(["keys", "rotate", "--reason", "每年更换"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert cli.main(["checkpoint"]) == 0
    second = checkpoint.read(capsys.readouterr().out)

    keys = {line.split("  ")[0]: bytes.fromhex(line.split("  ")[1]) for line in shown}
    assert len(keys) == 2 and shown[1].endswith("使用中")
    assert first.origin == second.origin == "opinion-cases/office"
    assert len(checkpoint.signers(first, keys)) == 1
    assert set(checkpoint.signers(second, keys)) == set(keys)


def test_without_its_key_the_command_seal_says_which_file_is_missing_and_what_to_do(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["seal"]) == 0
    (file,) = (folder / "keys").iterdir()
    file.unlink()
    capsys.readouterr()

    assert cli.main(["keys", "rotate", "--reason", "更换"]) == 1
    said = capsys.readouterr().err

    assert str(file) in said and "keys rotate --lost" in said
    assert cli.main(["keys", "rotate", "--reason", "磁盘损坏", "--lost"]) == 0


def test_a_start_with_another_hash_than_the_journal_is_kept_with_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPINION_HASH", "sm3")

    with pytest.raises(SystemExit) as stopped:
        cli.main(["seal"])

    assert stopped.value.code == 2
    assert "不能更换杂凑算法" in capsys.readouterr().err


@pytest.mark.parametrize("origin", ["two words", "a+b"])
def test_a_name_of_the_log_that_no_note_can_carry_is_refused_at_the_start(
    folder: Path, origin: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPINION_LOG_ORIGIN", origin)

    with pytest.raises(SystemExit):
        cli.main(["seal"])

    assert "OPINION_LOG_ORIGIN" in capsys.readouterr().err
