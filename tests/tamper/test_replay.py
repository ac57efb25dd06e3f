"""A replay of a record that somebody has changed ends with the place and the difference, never with an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from engine import cli
from engine.domain.codec import canonical
from engine.journal.schema import entries
from engine.service.replays import Replay, Replays, diagrams
from tests.support.walks import graded
from tests.support.world import CaseView, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.services.engine.dispose()


def replay_of(case: CaseView) -> Replay:
    found = Replays().get(case.world.services, case.id)
    assert found is not None
    return found


def rewritten(world: World, case: CaseView, seq: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrites the bytes of one entry in the database, as its owner could."""
    with world.services.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER IF EXISTS entries_no_update")
        body = conn.scalar(select(entries.c.body).where(entries.c.case_id == case.id, entries.c.seq == seq))
        fields = json.loads(body)
        change(fields)
        where = entries.c.case_id == case.id, entries.c.seq == seq
        conn.execute(update(entries).where(*where).values(body=canonical(fields)))


UNREADABLE = {
    "the kind of the command": lambda e: e["command"].update(kind="Promote"),
    "no kind of the command": lambda e: e["command"].pop("kind"),
    "no command": lambda e: e.pop("command"),
    "a command that is a text": lambda e: e.update(command="SubmitTask"),
    "a field of the command": lambda e: e["command"].update(weight=3),
    "no field of the command": lambda e: e["command"].pop("values", None),
    "an event that is a number": lambda e: e.update(events=[1]),
    "an event without kind": lambda e: e["events"][0].pop("kind"),
    "events that are none": lambda e: e.update(events=None),
    "its number": lambda e: e.update(seq=40),
    "its number as text": lambda e: e.update(seq="2"),
    "its instant": lambda e: e.update(at="yesterday"),
    "its actor": lambda e: e.update(actor=5),
    "an incident": lambda e: e.update(events=[{"kind": "IncidentRaised", "why": 1}]),
}  # fmt: skip


@pytest.mark.parametrize("seq", [1, 2])
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_replay_ends_at_an_entry_that_is_none_and_names_it(world, what, seq):
    case = graded(world)
    rewritten(world, case, seq, UNREADABLE[what])

    replay = replay_of(case)

    assert replay.differs is not None and not replay.faithful
    assert (replay.differs.what, replay.differs.seq if what != "its number" else seq) == ("impossible", seq)
    assert len(replay.frames) == seq - 1 and replay.broken is replay.differs
    assert all(frame.divergence is None for frame in replay.frames)


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_replay_names_an_entry_that_says_another_bundle_version(world, seq):
    case = graded(world)
    rewritten(world, case, seq, lambda entry: entry.update(bundle="ab" * 32))

    replay = replay_of(case)

    assert replay.differs is not None and replay.differs.seq == seq
    assert replay.differs.what == ("impossible" if seq == 1 else "bundle")
    if seq > 1:
        assert (replay.differs.expected, replay.differs.got) == ("ab" * 32, replay.frames[0].bundle)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_replay_ends_where_an_entry_is_missing(world, lost):
    case = graded(world)
    with world.services.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER entries_no_delete")
        conn.execute(delete(entries).where(entries.c.case_id == case.id, entries.c.seq == lost))

    replay = replay_of(case)

    assert replay.broken is not None and replay.broken.seq == lost + 1
    assert len(replay.frames) == lost - 1


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: entry["events"][-1].update(forged=True),
        lambda entry: entry["events"].append({"kind": "LimitBreached", "late_seconds": "many"}),
        lambda entry: entry["events"].append({"kind": "TokensMoved"}),
        lambda entry: entry.update(events=[{"kind": "DataWritten"}]),
        lambda entry: entry["command"]["values"].update(directly_related=5),
        lambda entry: entry["command"].update(values=["x"]),
        lambda entry: entry["command"].update(task="Task_nobody#1"),
    ],
)
def test_what_the_record_claims_of_a_step_that_differs_is_not_shown_as_fact(world, change):
    case = graded(world)
    rewritten(world, case, 2, change)

    replay = replay_of(case)

    last = replay.frames[-1]
    assert last.divergence is not None and last.divergence.what in ("events", "rejected") and last.claimed
    assert (last.events, last.steps, last.changes, last.decisions, last.lateness) == ((), (), (), (), 0)
    assert diagrams(replay, 2)


def told(world: World, *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("OPINION_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(world.settings.data_dir))
    code = cli.main(["replay", *arguments])
    return code, capsys.readouterr().out


def test_the_command_ends_with_1_at_a_difference_and_says_expected_and_got(world, monkeypatch, capsys):
    seams = {"monkeypatch": monkeypatch, "capsys": capsys}
    differs, unreadable, none = graded(world), graded(world), graded(world)
    rewritten(world, differs, 2, lambda entry: entry.update(state_digest="0" * 64))
    rewritten(world, unreadable, 2, lambda entry: entry["command"].update(kind="Promote"))
    rewritten(world, none, 1, lambda entry: entry["command"].update(kind="Promote"))

    code, text = told(world, differs.id, **seams)
    lines = text.splitlines()
    assert code == 1 and [line[0] for line in lines[:2]] == ["=", "≠"] and len(lines) == 5
    assert lines[2:4] == ["  第一处不一致 digest", f"  应为 {'0' * 64}"] and lines[4].startswith("  实为 ")
    code, text = told(world, unreadable.id, **seams)
    assert code == 1 and "无法重新执行" in text and "KeyError('Promote')" in text
    code, raw = told(world, unreadable.id, "--json", **seams)
    made = json.loads(raw)
    assert (code, made["faithful"], made["differs"]["seq"], len(made["frames"])) == (1, False, 2, 1)
    assert told(world, none.id, **seams)[0] == 1
    assert told(world, none.id, "--step", "1", **seams)[0] == 2
