"""What the doctor finds: nothing on a sound installation, and each fault where there is one, with what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text, update

from engine import cli
from engine.service import doctor, doctor_clock, doctor_database, doctor_keys, doctor_machine, doctor_office
from engine.service.doctor import Found
from engine.service.processes import Presence, processes
from engine.service.transactions import writing
from tests.support.desk import ITEM
from tests.support.world import World

Usage = namedtuple("Usage", "total used free")
OF_THE_MACHINE = ("clock", "disk", "calendar")
"""What the machine that runs the tests is like, its date included: no fault of a sound installation."""


@pytest.fixture(params=["sqlite", "postgres"])
def world(request, tmp_path) -> Iterator[World]:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = World(tmp_path, url, at=datetime.now(UTC))
    made.services.engine.dispose()
    yield made
    made.services.engine.dispose()


@pytest.fixture
def local(tmp_path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.services.engine.dispose()


def a_worker(world: World) -> None:
    with writing(world.services.engine) as conn:
        Presence("worker").beat(conn, world.clock.now())


def wrong(found: list[Found]) -> set[tuple[str, str]]:
    return {(one.name, one.state) for one in found if one.state != "ok"}


def of(found: list[Found], name: str) -> list[Found]:
    return [one for one in found if one.name == name]


def test_a_sound_installation_has_no_error(world: World):
    a_worker(world)
    world.open(**ITEM)
    world.services.sealer.seal()

    found = doctor.examine(world.services)

    ours = [one for one in found if one.name not in OF_THE_MACHINE]
    assert [one for one in ours if one.state == "error" and "fsync" not in one.text and "=off" not in one.text] == []
    assert {one.name for one in found} >= {
        "settings", "versions", "disk", "clock", "schema", "database", "keys", "bundle", "calendar", "processes",
        "timers",
    }  # fmt: skip
    assert all(one.todo for one in found if one.state != "ok"), "what is wrong comes with what to do"
    assert not [one for one in found if one.state == "ok" and one.todo]


def test_a_database_that_does_not_keep_what_it_confirmed_is_an_error(request, tmp_path):
    """The server of these tests runs with fsync off, which nobody may."""
    world = World(tmp_path, request.getfixturevalue("postgres_url"))
    found = list(doctor_database.look(world.services))

    off = [one.text for one in found if one.state == "error"]
    world.services.engine.dispose()

    assert "fsync=off" in off
    assert "synchronous_commit=off" in off
    assert ("database", "warn") in wrong(found), "the tests' user is a superuser"


def test_a_clock_far_from_the_databases_is_an_error(request, tmp_path):
    world = World(tmp_path, request.getfixturevalue("postgres_url"), at=datetime.now(UTC) - timedelta(minutes=1))
    with world.services.engine.connect() as conn:
        far = doctor_clock.against_database(conn, world.services)
        world.clock.set(datetime.now(UTC))
        near = doctor_clock.against_database(conn, world.services)
    world.services.engine.dispose()

    assert far.state == "error"
    assert near.state == "ok"


def test_a_clock_that_was_set_back_is_seen_by_the_record(local: World):
    local.open(**ITEM)
    with local.services.engine.connect() as conn:
        before = doctor_clock.against_record(conn, local.clock.now())
        after = doctor_clock.against_record(conn, local.clock.now() - timedelta(hours=1))

    assert (before.state, after.state) == ("ok", "error")
    assert "3600 秒" in after.text


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ("A29FC87B,10.0.0.1,3,1764108000.1,0.000012,0.00001,0.00002,-1.2,0.001,0.05,0.01,0.001,64.2,Normal", "ok"),
        ("A29FC87B,10.0.0.1,3,1764108000.1,-7.5,0.00001,0.00002,-1.2,0.001,0.05,0.01,0.001,64.2,Normal", "warn"),
        ("7F7F0101,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised", "error"),
        ("506 Cannot talk to daemon", "warn"),
    ],
)
def test_what_chrony_says_is_understood(line: str, state: str):
    assert doctor_clock.from_chrony(line).state == state


@pytest.mark.parametrize(("answer", "state"), [("NTPSynchronized=yes\n", "ok"), ("NTPSynchronized=no\n", "error")])
def test_what_systemd_says_of_the_clock_is_understood(monkeypatch, answer: str, state: str):
    monkeypatch.setattr(doctor_clock, "_output", lambda command: answer if command[0] == "timedatectl" else None)

    assert doctor_clock.synchronised().state == state


def test_a_machine_that_cannot_tell_is_a_warning(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    assert doctor_clock.synchronised().state == "warn"


def test_a_key_that_others_can_read_is_gone_or_is_another_one_is_an_error(local: World):
    local.open(**ITEM)
    local.services.sealer.seal()
    (path,) = local.settings.keys_folder.glob("*.pem")
    content = path.read_bytes()

    good = wrong(list(doctor_keys.look(local.services)))
    os.chmod(path, 0o640)
    readable = wrong(list(doctor_keys.look(local.services)))
    path.write_bytes(b"no key")
    broken = wrong(list(doctor_keys.look(local.services)))
    path.unlink()
    gone = wrong(list(doctor_keys.look(local.services)))
    local.open(**ITEM)
    local.clock.advance(minutes=11)
    missed = wrong(list(doctor_keys.look(local.services)))
    path.write_bytes(content)

    assert good == set()
    assert readable == {("keys", "error")}
    assert broken == {("keys", "error")}
    assert gone == {("keys", "warn")}, "a machine that serves pages only needs none"
    assert missed == {("seal", "error"), ("keys", "error")}


def test_a_short_disk_is_seen(local: World, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12 - 10**6, 10**6))

    assert {one.state for one in doctor_machine.disks(local.services)} == {"error"}


@pytest.mark.parametrize(
    ("today", "found"),
    [
        (date(2026, 11, 25), set()),
        (date(2026, 12, 1), {("calendar", "warn")}),
        (date(2027, 3, 1), {("calendar", "error")}),
    ],
)
def test_a_holiday_table_that_ends_is_missed_in_december(local: World, today: date, found: set[tuple[str, str]]):
    table = local.services.deployments.bundle().calendar
    assert table is not None
    table = replace(table, years=frozenset({2026}))

    assert wrong(list(doctor_office.calendar(table, today))) == found


def test_a_worker_that_died_and_a_second_version_are_told(local: World):
    a_worker(local)
    with writing(local.services.engine) as conn:
        conn.execute(update(processes).values(host="旧机"))
    local.clock.advance(minutes=5)
    a_worker(local)
    with writing(local.services.engine) as conn:
        Presence("serve").beat(conn, local.clock.now())
        conn.execute(update(processes).where(processes.c.kind == "serve").values(version="9.9"))

    found = list(doctor_office.processes_seen(local.services))

    told = [one.text for one in found if one.state == "warn"]
    assert len(told) == 2
    assert "9.9" in told[0]
    assert "旧机" in told[1]
    assert "没有正常退出" in told[1]


def test_limits_that_nobody_fires_are_an_error(local: World):
    local.open(**ITEM)
    local.clock.advance(days=2)

    found = doctor.examine(local.services)

    assert ("timers", "error") in wrong(of(found, "timers"))
    assert ("processes", "error") in wrong(of(found, "processes"))
    assert doctor.exit_code(found) == 1


def test_a_look_that_breaks_down_is_a_finding_and_the_others_go_on(local: World):
    with writing(local.services.engine) as conn:
        conn.execute(text("DROP TABLE processes"))

    found = doctor.examine(local.services)

    assert ("processes", "error") in wrong(found)
    assert of(found, "timers") != []


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/srv/opinion/db", "nfs4"), ("/srv/opinion db/x", "ext4"), ("/srv/opinions/db", "ext4"), ("/etc/x", "ext4")],
)
def test_the_file_system_of_a_database_is_that_of_the_nearest_mount(path: str, kind: str):
    mounts = "/dev/sda / ext4 rw 0 0\nserver:/x /srv/opinion nfs4 rw 0 0\n/dev/sdb /srv/opinion\\040db ext4 rw 0 0\n"

    assert doctor_database.file_system(doctor_database.Path(path), mounts) == kind


def test_the_command_speaks_to_people_and_to_machines(local: World, monkeypatch, capsys, tmp_path):
    (tmp_path / "now").write_text("2026-03-02T01:00:00Z")
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("OPINION_TEST_CLOCK", str(tmp_path / "now"))
    a_worker(local)
    monkeypatch.setattr(doctor_clock, "_output", lambda command: None)

    said = cli.main(["doctor"]), capsys.readouterr().out
    told = cli.main(["doctor", "--json"]), capsys.readouterr().out

    assert said[0] == told[0] == 0, said[1]
    assert said[1].splitlines()[-1].endswith("0 项错误")
    assert "   → " in said[1]
    assert {tuple(one) for one in json.loads(told[1])} == {("name", "state", "text", "todo")}
