"""Packages of the program's own sealed log: keys that change, checkpoints that somebody kept, entries not sealed yet,
a journal kept with sm3, and what becomes of an imported case in the log of the instance that took it in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.clock import FixedClock
from engine.domain.rejection import Rejection
from engine.journal import log
from engine.service import package_command, package_log, packages
from engine.service.bootstrap import Services, build
from engine.service.offline_verifier import make_key
from engine.service.package_import import Imported, import_package, origin_of
from engine.service.package_selection import Selection
from engine.service.settings import Settings
from tests.package.conftest import Office, busy
from tests.support import walks
from tests.support.forger import Unpacked, run_verifier
from tests.support.world import MONDAY, World, found_office, shipped_files


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Office]:
    """An office of the test's own."""
    made = busy(tmp_path / "own")
    yield made
    made.world.services.engine.dispose()


def key_text(services: Services, number: int = -1) -> str:
    """A public key of the log as somebody outside keeps it: 64 hex digits."""
    return services.sealer.public_keys()[number].public


def newest_note(services: Services) -> str:
    with services.engine.connect() as conn:
        found = log.latest(conn)
    assert found is not None
    return found.note


def found(done: str) -> dict[str, int]:
    return {check["name"]: check["number"] for check in json.loads(done)["checks"]}


def test_every_entry_is_proven_and_the_owners_key_and_an_older_checkpoint_agree(own: Office, tmp_path: Path):
    services = own.world.services
    services.sealer.seal()
    (tmp_path / "kept.txt").write_text(newest_note(services), encoding="utf-8")
    own.world.open()
    services.sealer.seal()

    done = run_verifier(
        own.export(tmp_path, own.closed.id, own.late.id),
        "--json", "--key", key_text(services), "--checkpoint", tmp_path / "kept.txt",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout
    checks = found(done.stdout)
    assert checks["tree"] == checks["chain"] > 30
    assert {"key", "witness", "keys", "log"} <= checks.keys()


def test_after_a_rotation_the_old_key_still_leads_to_the_new_package(own: Office, tmp_path: Path):
    services = own.world.services
    services.sealer.seal()
    first = key_text(services)
    services.sealer.keys.rotate("qianjin", "年度更换")

    package = own.export(tmp_path, own.closed.id)

    assert key_text(services) != first
    for key in (first, key_text(services)):
        done = run_verifier(package, "--key", key)
        assert done.returncode == 0, done.stdout
    assert run_verifier(package, "--key", "ab" * 32).returncode == 1


def test_a_key_that_was_lost_is_said_to_have_no_guarantor(own: Office, tmp_path: Path):
    services = own.world.services
    services.sealer.seal()
    first = key_text(services)
    services.sealer.keys.rotate("qianjin", "原密钥丢失", lost=True)
    (services.settings.keys_folder / f"{services.sealer.public_keys()[0].key_id}.pem").unlink()

    package = own.export(tmp_path, own.closed.id)

    plain, with_old = run_verifier(package), run_verifier(package, "--key", first)
    assert plain.returncode == 0
    assert "没有旧密钥的担保" in plain.stdout
    assert with_old.returncode == 1


def test_on_a_machine_without_the_key_the_package_says_what_is_not_sealed(own: Office, tmp_path: Path):
    services = own.world.services
    services.sealer.seal()
    case = walks.graded(own.world)
    services.settings.keys_folder.rename(tmp_path / "locked away")

    done = run_verifier(own.export(tmp_path, case.id, own.closed.id))

    assert done.returncode == 0, done.stdout
    assert "条记录尚未封存" in done.stdout


def test_the_checkpoint_that_somebody_holds_goes_along_however_old_it_is(
    own: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    services = own.world.services
    services.sealer.seal()
    held = tmp_path / "held.txt"
    held.write_text(newest_note(services), encoding="utf-8")
    for _ in range(3):
        own.world.open()
        services.sealer.seal()
    monkeypatch.setattr(package_log, "NEWEST", 1)
    monkeypatch.setattr(package_log, "DAYS", 0)
    said: list[str] = []

    without = package_command.export(
        services, package_command.Asked((own.late.id,), "", tmp_path / "one.zip"), said.append, said.append
    )
    asked = package_command.Asked((own.late.id,), "", tmp_path / "two.zip", held.read_text(encoding="utf-8"))
    with_it = package_command.export(services, asked, said.append, said.append)

    assert (without, with_it) == (0, 0), said
    assert "无法比较" in run_verifier(tmp_path / "one.zip", "--checkpoint", held).stdout
    compared = run_verifier(tmp_path / "two.zip", "--checkpoint", held)
    assert compared.returncode == 0
    assert "与您给出的校验点" in compared.stdout and "无法比较" not in compared.stdout


def test_a_checkpoint_that_this_log_never_signed_is_refused_before_anything_is_exported(own: Office, office: Office):
    services = own.world.services
    services.sealer.seal()
    office.world.services.sealer.seal()
    selection = Selection("case", own.late.id, (own.late.id,))

    foreign = packages.make(services, own.world.actor("zhaoming"), selection, "", newest_note(office.world.services))
    none = packages.make(services, own.world.actor("zhaoming"), selection, "", "no note")

    assert isinstance(foreign, Rejection) and foreign.key == "package.other_checkpoint"
    assert isinstance(none, Rejection) and none.key == "package.bad_checkpoint"
    with services.engine.connect() as conn:
        assert packages.made_of(conn, "", 10) == ()


def test_imported_entries_are_sealed_in_the_tree_of_the_instance_that_took_them_in(
    office: Office, package: Path, tmp_path: Path
):
    services = build(
        Settings(database_url=f"sqlite:///{tmp_path}/other.db", data_dir=tmp_path / "data"), office.world.clock
    )
    assert isinstance(import_package(services, package, "system:command"), Imported)

    services.sealer.seal()

    with services.engine.connect() as conn, office.world.services.engine.connect() as there:
        places = log.positions(conn, office.closed.id)
        origin = origin_of(conn, office.closed.id)
        assert origin is not None and origin.log == log.origin(there) != log.origin(conn)
        assert log.unsealed(conn) == 0
    assert sorted(places) == list(range(1, len(places) + 1)) and len(places) > 20
    services.engine.dispose()


def sm3_office(folder: Path) -> World:
    made = object.__new__(World)
    made.settings = Settings(database_url=f"sqlite:///{folder}/sm3.db", data_dir=folder, hash_algorithm="sm3")
    made.clock = FixedClock(MONDAY)
    made.numbers = iter(range(1, 10_000))  # type: ignore[assignment]
    made.start()
    found_office(made.services, made.clock.now(), shipped_files())
    return made


def test_a_journal_kept_with_sm3_is_packed_verified_and_imported_where_sm3_is_used_too(tmp_path: Path):
    world = sm3_office(tmp_path / "sm3")
    case = walks.graded(world)
    office = Office(world, case, case)
    package = office.export(tmp_path, case.id)
    unpacked = Unpacked(package, tmp_path / "unpacked")
    same = build(
        replace(world.settings, database_url=f"sqlite:///{tmp_path}/s.db", data_dir=tmp_path / "s"), world.clock
    )
    other = build(Settings(database_url=f"sqlite:///{tmp_path}/o.db", data_dir=tmp_path / "o"), world.clock)

    done = run_verifier(package)
    refused = import_package(other, package, "system:command")
    taken = import_package(same, package, "system:command")
    entries = f"data/entries/{case.id}.jsonl"
    unpacked.flip(entries, 100, 2)
    named = {fault.where for fault in unpacked.report().faults if fault.file == entries}

    assert done.returncode == 0, done.stdout
    assert {"manifest-sha256.txt", "manifest-sm3.txt", f"{case.id} #1"} <= named
    assert isinstance(refused, Rejection) and refused.key == "package.other_hash"
    assert isinstance(taken, Imported)
    for one in (world.services, same, other):
        one.engine.dispose()


def test_the_key_file_may_hold_any_of_the_forms(own: Office, tmp_path: Path):
    services = own.world.services
    package = own.export(tmp_path, own.closed.id)
    with services.engine.connect() as conn:
        made = make_key(log.origin(conn), bytes.fromhex(key_text(services)))
    (tmp_path / "key.txt").write_text(f"{key_text(services)}\n", encoding="utf-8")

    assert made.id == services.sealer.public_keys()[-1].key_id
    assert run_verifier(package, "--key", tmp_path / "key.txt").returncode == 0
