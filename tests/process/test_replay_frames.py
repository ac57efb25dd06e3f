"""Frames of a replay are what was: compared with the live case as it stood while it was walked."""

import json
from dataclasses import replace

import pytest

from engine import cli
from engine.domain.commands import ClaimTask, MigrateCase, ResolveIncident, WithdrawSubmission
from engine.domain.rejection import Rejection
from engine.kernel.faults import KernelFault
from engine.service import replay_command
from engine.service.replay_frames import frames
from engine.service.replays import KEPT, Replay, Replays, diagrams, moved_in, next_of
from tests.process.test_versions import deploy, four_hours
from tests.support.walks import assign, give_opinion, graded, publish
from tests.support.world import CaseView, World


class Watched:
    """A case whose live state is written down whenever it is asked to be."""

    def __init__(self, case: CaseView) -> None:
        self.case = case
        self.seen: dict[int, dict[str, object]] = {}
        self.look()

    def look(self) -> None:
        live = self.case.live
        self.seen[live.seq] = {
            "tasks": sorted((t.name, t.assignee, t.node.label) for t in live.tasks.values()),
            "timers": sorted((t.id, t.due) for t in live.timers.values()),
            "limits": sorted((r.plan.limit, r.deadline, r.breached, r.unit) for r in live.limits.values()),
            "messages": sorted({w.node.event.name for w in live.messages.values()}),
            "digest": live.digest(),
            "data": json.dumps(live.data, sort_keys=True, ensure_ascii=False),
            "version": live.bundle.version,
        }


def replay_of(case: CaseView) -> Replay:
    found = Replays().get(case.world.services, case.id)
    assert found is not None
    return found


def assert_same(watched: Watched, replay: Replay) -> None:
    data: dict[str, object] = {}
    for number, frame in enumerate(replay.frames, 1):
        data.update({c.field: c.after for c in frame.changes if not c.scope})
        seen = watched.seen.get(number)
        if seen is None:
            continue
        assert sorted((t.task, t.assignee, t.label) for t in frame.tasks) == seen["tasks"], number
        assert sorted((t.timer, t.due) for t in frame.timers) == seen["timers"], number
        assert sorted((x.limit, x.deadline, x.breached, x.unit) for x in frame.limits) == seen["limits"], number
        assert (list(frame.messages), frame.digest, frame.bundle) == (
            seen["messages"], seen["digest"], seen["version"],
        ), number  # fmt: skip
    assert replay.faithful and len(replay.frames) == replay.entries


def late_case(world: World) -> Watched:
    """Assigned, eight hours gone without an opinion, then given, confirmed and published."""
    watched = Watched(graded(world))
    case = watched.case
    for element in ("Task_contact", "Task_instruct_vice", "Task_confirm_subject"):
        case.fill(element)
        watched.look()
    assign(case)
    watched.look()
    for hours in (5, 2, 2):
        world.wait(hours=hours)
        watched.look()
    give_opinion(case)
    watched.look()
    publish(case)
    watched.look()
    return watched


def test_every_frame_of_a_late_case_is_the_case_as_it_stood(world):
    watched = late_case(world)

    replay = replay_of(watched.case)

    assert len(watched.seen) > 8
    assert_same(watched, replay)
    (breach,) = [n for n, frame in enumerate(replay.frames, 1) if frame.breaches]
    assert next_of(replay, 1) == breach and next_of(replay, breach) == 0
    assert replay.frames[breach - 1].entry.actor == "system:timer"
    met = next(f for f in replay.frames if any(e["kind"] == "LimitMet" and e["late_seconds"] > 0 for e in f.events))
    assert met.lateness == 3600


def test_the_diagrams_of_a_step_have_the_tokens_of_the_re_executed_case(world):
    replay = replay_of(late_case(world).case)

    for step, frame in enumerate(replay.frames, 1):
        drawn = {one.scope: one for one in diagrams(replay, step)}
        here = {(scope, element) for scope, element in frame.tokens if scope in drawn}
        active = {(scope, e) for scope, one in drawn.items() for e, mark in one.elements.items() if mark.active}
        assert active == here, step
        waiting = {e for one in drawn.values() for e, mark in one.elements.items() if mark.who}
        assert waiting == {task.element for task in frame.tasks}, step
        assert moved_in(list(drawn.values()), frame) in drawn


def test_a_step_shows_the_form_as_it_was_opened_and_what_was_filed(world):
    case = graded(world)
    replay = replay_of(case)

    first, screened = replay.frames[0].filled, replay.frames[1].filled

    assert first is not None and screened is not None
    assert first.form == "register" and first.values["title"] == "网友反映耕地被占用"
    assert screened.form == "screen" and screened.label == "甄别"
    assert screened.data["title"] == "网友反映耕地被占用", "what the form showed of the case"
    assert "directly_related" in screened.values and "directly_related" not in screened.data


def test_a_changed_field_has_its_old_and_its_new_value(world):
    case = graded(world)

    changes = {(c.field, str(c.before)): c.after for c in replay_of(case).frames[2].changes}

    assert changes["grade", "None"] == "ordinary_negative"


def test_frames_follow_a_case_to_another_version(world):
    watched = Watched(graded(world))
    assign(watched.case)
    watched.look()
    world.wait(hours=2)
    new = deploy(world, four_hours()).version
    assert not isinstance(world.ask("sunli", MigrateCase(new, "试行"), watched.case.id), Rejection)
    watched.look()
    world.wait(hours=2)
    watched.look()

    replay = replay_of(watched.case)

    assert_same(watched, replay)
    (moved,) = [frame for frame in replay.frames if frame.migrated]
    before = replay.frames[moved.entry.seq - 2]
    assert moved.bundle == new != before.bundle
    step = moved.entry.seq
    assert {one.xml for one in diagrams(replay, step)} != {one.xml for one in diagrams(replay, step - 1)}


def test_a_withdrawn_submission_is_a_step_back(world):
    watched = Watched(graded(world))
    done = watched.case.fill("Task_contact")
    watched.look()
    world.do("wangfang", WithdrawSubmission(done.seq, "填错了"), watched.case.id)
    watched.look()

    assert_same(watched, replay_of(watched.case))


def test_a_changed_entry_is_the_last_frame_and_says_expected_and_got(world):
    case = graded(world)
    with world.services.journal.reading() as tx:
        written = tx.read(case.id)
        load = world.services.application.live.loader(tx)
        spoilt = [written[0], replace(written[1], state_digest="0" * 64), *written[2:]]

        found = list(frames(spoilt, load))

    assert len(found) == 2 and found[0].divergence is None
    assert found[1].divergence is not None
    assert (found[1].divergence.expected, found[1].divergence.got) == ("0" * 64, written[1].state_digest)


def test_an_open_incident_stands_in_every_frame_until_it_is_resolved_and_on_the_diagram(world, monkeypatch):
    case = graded(world)
    behind = case.live.seq
    fault = KernelFault("Task_contact", "incident.expression", {"reason": "test"})

    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr("engine.service.case_work.decide", fail)
        assert isinstance(world.ask("wangfang", ClaimTask(case.task("Task_contact")), case.id), Rejection)
    world.wait(minutes=31)
    world.do("wangfang", ResolveIncident(1, "已处理"), case.id)

    replay = replay_of(case)

    assert replay.faithful and replay.frames[behind].as_recorded
    held = [n for n, frame in enumerate(replay.frames, 1) if frame.incidents]
    assert held == list(range(behind + 1, len(replay.frames)))
    (one,) = replay.frames[behind].incidents
    assert (one.number, one.element, one.label) == (1, "Task_contact", "核实衔接")
    marks = [one.elements.get("Task_contact") for one in diagrams(replay, behind + 1)]
    assert [mark.state for mark in marks if mark is not None] == ["incident"]
    assert "incident" not in {m.state for one in diagrams(replay, behind) for m in one.elements.values()}


def test_a_replay_is_kept_until_the_case_goes_on_and_no_more_than_some(world):
    case, kept = graded(world), Replays()
    first = kept.get(world.services, case.id)

    assert kept.get(world.services, case.id) is first
    case.fill("Task_contact")
    second = kept.get(world.services, case.id)
    assert second is not first and second.entries == first.entries + 1
    for other in [graded(world) for _ in range(KEPT)]:
        kept.get(world.services, other.id)
    assert kept.get(world.services, case.id) is not second
    assert kept.get(world.services, "WQ-2026-999999") is None
    assert kept.get(world.services, "_deployments") is None


# --- the command line ------------------------------------------------------------------------------------------------


def told(world: World, *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("OPINION_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(world.settings.data_dir))
    code = cli.main(["replay", *arguments])
    return code, capsys.readouterr().out


def test_the_command_lists_steps_shows_one_and_gives_json(world, monkeypatch, capsys):
    case = late_case(world).case
    seams = {"monkeypatch": monkeypatch, "capsys": capsys}
    count = case.live.seq

    code, listed = told(world, case.id, **seams)
    assert code == 0 and len(listed.splitlines()) == count
    assert all(line.startswith("=") for line in listed.splitlines())
    assert len(told(world, case.id, "--from", "3", "--to", "5", **seams)[1].splitlines()) == 3
    code, one = told(world, case.id, "--step", "3", **seams)
    assert code == 0 and "表单 grade" in one and "决策 " in one and "回放摘要" in one
    code, raw = told(world, case.id, "--json", **seams)
    made = json.loads(raw)
    assert (code, made["schema"], made["faithful"], len(made["frames"])) == (0, replay_command.SCHEMA, True, count)
    assert all(frame["digest"]["recorded"] == frame["digest"]["again"] for frame in made["frames"])
    assert told(world, "WQ-2026-999999", **seams)[0] == 2
    assert told(world, case.id, "--step", "999", **seams)[0] == 2
