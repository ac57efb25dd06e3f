"""`python -m engine.cli run FILE`: a diagram played with a fake clock, every event a JSON line."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import cli
from engine.domain.events import EVENTS
from engine.service.play import PLAYABLE
from engine.service.play_script import ALLOWED, EXPECTED
from tests.support.diagrams import (
    Scope,
    bundle_of,
    document,
    error,
    message,
    multi,
    signal,
    timer,
)
from tests.support.world import ROOT


class Player:
    """Plays one file; keeps the lines of the last call."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = folder / "p.bpmn"
        self.capsys = capsys
        self.lines: list[dict[str, Any]] = []
        self.code = 0

    def draw(self, **scopes: Scope) -> Player:
        self.path.write_bytes(document(**scopes))
        return self

    def run(self, *steps: dict[str, Any], data: Any = None, more: tuple[str, ...] = ()) -> dict[str, Any]:
        """Plays the steps; returns the closing line."""
        arguments = ["run", str(self.path), "--script", json.dumps(steps), "--data", json.dumps(data or {}), *more]
        self.code = cli.main(arguments)
        self.lines = [json.loads(line) for line in self.capsys.readouterr().out.splitlines()]
        return self.lines[-1]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]


@pytest.fixture
def player(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Player:
    return Player(tmp_path, capsys)


def path(*idents: str, **values: str) -> Scope:
    """A process with these user tasks one after another."""
    scope = Scope()
    scope.chain(scope.start(), *(scope.user(i, **values) for i in idents), scope.end())
    return scope


def test_lines_are_numbered_dated_and_say_what_happened_in_the_journals_words(player: Player):
    end = player.draw(p=path("A")).run({"advance": "PT1H"}, {"complete": "A", "fields": {"x": 2}}, data={"y": [1]})

    assert player.code == 0
    assert [line["seq"] for line in player.lines] == list(range(1, len(player.lines) + 1))
    assert player.kinds()[0] == "PlayStarted" and player.kinds()[-1] == "PlayEnded"
    assert set(player.kinds()[1:-1]) <= EVENTS.keys()
    (done,) = [line for line in player.lines if line["kind"] == "TaskCompleted"]
    assert done == {
        "seq": done["seq"], "at": "2026-01-05T02:00:00.000000Z", "kind": "TaskCompleted",
        "task": "A#1", "by": "player", "element": "A",
    }  # fmt: skip
    assert (end["ok"], end["status"], end["outcome"]) == (True, "completed", "end")
    assert end["trace"] == ["start", "A", "end"]
    assert (end["data"]["x"], end["data"]["y"]) == (2, [1])


def test_the_closing_line_says_what_is_waited_for(player: Player):
    scope = path("A", "B")
    scope.boundary("late", "A", timer("duration", "PT8H"), interrupting=False)
    scope.boundary("go", "A", message("m_go"))
    scope.boundary("stop", "A", signal("s_stop"))
    for event in ("late", "go", "stop"):
        scope.flow(event, "end")

    end = player.draw(p=scope).run()

    assert (player.code, end["status"]) == (0, "waiting")
    assert [(t["element"], t["type"], t["groups"]) for t in end["open"]] == [("A", "userTask", ["office"])]
    assert [(m["element"], m["message"]) for m in end["messages"]] == [("go", "go")]
    assert [(s["element"], s["signal"]) for s in end["signals"]] == [("stop", "stop")]
    assert [(t["element"], t["due"]) for t in end["timers"]] == [("late", "2026-01-05T09:00:00.000000Z")]
    assert end["tokens"]["A"] == 1


def test_time_that_passes_fires_each_timer_at_its_own_instant(player: Player):
    scope = path("A")
    scope.boundary("every", "A", timer("cycle", "R3/PT10M"), interrupting=False)
    scope.flow("every", "end")

    player.draw(p=scope).run({"advance": "PT1H"}, {"complete": "A"})

    fired = [line["at"][11:19] for line in player.lines if line["kind"] == "TimerFired"]
    assert fired == ["01:10:00", "01:20:00", "01:30:00"]
    assert player.lines[-1]["at"] == "2026-01-05T02:00:00.000000Z"


def test_an_instant_to_begin_at_and_one_to_advance_to(player: Player):
    scope = path("A")
    scope.boundary("late", "A", timer("duration", "PT8H"))
    scope.flow("late", "end")
    player.draw(p=scope)

    more = ("--at", "2026-03-02T09:00:00+08:00")
    early = player.run({"advance_to": "2026-03-02T16:59:59+08:00"}, {"expect": {"open": ["A"]}}, more=more)
    exact = player.run({"advance_to": "2026-03-02T17:00:00+08:00"}, more=more)

    assert (early["status"], exact["status"], exact["trace"]) == ("waiting", "completed", ["start", "late", "end"])


def test_messages_and_signals_come_from_the_script_with_their_fields(player: Player):
    scope = Scope()
    scope.chain(
        scope.start(),
        scope.node("intermediateCatchEvent", "wait", message("m_go")),
        scope.node("intermediateCatchEvent", "hear", signal("s_stop")),
        scope.end(),
    )

    end = player.draw(p=scope).run({"message": "go", "fields": {"x": "言"}}, {"signal": "stop"})

    assert (end["status"], end["data"]["x"]) == ("completed", "言")
    assert "言" in json.dumps(player.lines, ensure_ascii=False)


def test_what_the_office_would_bring_is_played_and_may_fail_with_a_bpmn_error(player: Player):
    scope = Scope()
    scope.chain(
        scope.start(),
        scope.node("userTask", "nobody", camunda_formRef="nowhere"),
        scope.node("serviceTask", "service", camunda_type="external", camunda_topic="unheard"),
        scope.node("callActivity", "call", calledElement="elsewhere"),
        scope.node("businessRuleTask", "rule", camunda_decisionRef="none", camunda_resultVariable="r"),
        scope.end(),
    )
    scope.boundary("caught", "call", error("e_bad"))
    scope.chain("caught", scope.end("failed"))

    end = player.draw(p=scope).run(
        {"complete": "nobody", "fields": {"a": 1}},
        {"complete": "service", "fields": {"b": 2}},
        {"error": "bad", "at": "call"},
    )
    through = player.run({"auto": True}, {"expect": {"status": "completed", "passed": ["call", "rule"]}})

    assert (end["outcome"], end["data"]["a"], end["data"]["b"]) == ("failed", 1, 2)
    assert through["ok"] is True
    assert cli.main(["check", str(player.path)]) == 1, "what is played is still refused for the office"


def test_a_called_process_that_is_given_is_called(player: Player, tmp_path: Path):
    scope = Scope()
    scope.chain(scope.start(), scope.node("callActivity", "call", calledElement="q"), scope.end())
    (tmp_path / "q.bpmn").write_bytes(document(q=path("inner")))
    player.draw(p=scope)

    arguments = ["run", str(player.path), str(tmp_path / "q.bpmn"), "--auto"]

    assert cli.main(arguments) == 0
    end = json.loads(player.capsys.readouterr().out.splitlines()[-1])
    assert end["trace"] == ["start", "start", "inner", "end", "call", "end"]


def test_what_changes_the_meaning_of_a_diagram_refuses_it(player: Player):
    scope = Scope()
    scope.chain(
        scope.start(),
        scope.node("scriptTask", "Script_x", "<bpmn:script>x = 1</bpmn:script>", scriptFormat="groovy"),
        scope.end(),
    )

    end = player.draw(p=scope).run()

    assert (player.code, end["status"]) == (1, "refused")
    assert player.lines[0] | {"seq": 1, "kind": "refused"} == player.lines[0]
    assert (player.lines[0]["code"], player.lines[0]["element_id"]) == ("bpmn.script_language", "Script_x")


def test_scripts_of_other_languages_are_tasks_for_whoever_asks_for_it(player: Player):
    scope, inside = Scope(), Scope(prefix="in_")
    script = "<bpmn:script>SCRIPT_task1</bpmn:script>"
    inside.chain(inside.start(), inside.node("scriptTask", "in_script", script), inside.end())
    scope.chain(
        scope.start(),
        scope.node("subProcess", "sub", inside.text()),
        scope.node("scriptTask", "other", script, scriptFormat="groovy"),
        scope.script("own", "x", "1 + 1"),
        scope.end(),
    )

    end = player.draw(p=scope).run(more=("--play-scripts", "--auto"))

    assert (end["status"], end["data"]["x"]) == ("completed", 2)
    assert [line["element"] for line in player.lines if line["kind"] == "TaskCompleted"] == ["in_script", "other"]


def test_auto_completes_every_task_and_until_lets_time_pass(player: Player):
    scope = path("A", "B")
    scope.node("intermediateCatchEvent", "pause", timer("duration", "PT3H"))
    scope.parts = [p.replace('targetRef="B"', 'targetRef="pause"') for p in scope.parts]
    scope.flow("pause", "B")
    player.draw(p=scope)

    short = player.run(more=("--auto", "--until", "PT2H"))
    long = player.run(more=("--auto", "--until", "PT3H"))

    assert (short["status"], short["trace"]) == ("waiting", ["start", "A"])
    assert (long["status"], long["trace"]) == ("completed", ["start", "A", "pause", "B", "end"])


def test_auto_stops_in_a_loop_without_an_end(player: Player, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.service.play_script.MAX_ROUNDS", 5)
    scope = Scope()
    scope.start()
    scope.node("exclusiveGateway", "join")
    scope.user("A")
    scope.node("exclusiveGateway", "again", default="back")
    scope.end()
    scope.chain("start", "join", "A", "again")
    scope.flow("again", "join", ident="back")
    scope.flow("again", "end", "done = true")

    end = player.draw(p=scope).run(more=("--auto",))

    assert (end["status"], player.kinds()[-2]) == ("waiting", "AutoStopped")
    assert end["trace"].count("A") == 5


def test_an_expectation_that_does_not_hold_ends_the_run_with_1(player: Player):
    end = player.draw(p=path("A")).run({"expect": {"open": ["B"]}}, {"complete": "A"})

    failed = player.lines[-2]
    assert (player.code, end["ok"], end["status"]) == (1, False, "waiting")
    assert (failed["kind"], failed["step"]) == ("StepFailed", 1)
    assert (failed["expected"], failed["got"]) == (["B"], ["A"])


@pytest.mark.parametrize(
    ("wanted", "holds"),
    [
        ({"status": "waiting", "outcome": ""}, True),
        ({"open": ["B", "A"]}, True),
        ({"open": ["A"]}, False),
        ({"next_due": "2026-01-05T10:00:00+08:00"}, True),
        ({"next_due": None}, False),
        ({"trace": ["start", "fork"]}, True),
        ({"passed": ["fork"], "not_passed": ["A", "end"]}, True),
        ({"passed": ["A"]}, False),
        ({"data": {"x": 1, "unknown": None}}, True),
        ({"data": {"x": "1"}}, False),
        ({"messages": [], "signals": []}, True),
    ],
)
def test_each_kind_of_expectation_can_hold_and_fail(player: Player, wanted: dict[str, Any], holds: bool):
    scope = Scope()
    scope.start()
    scope.node("parallelGateway", "fork")
    scope.end()
    scope.chain("start", "fork", scope.user("A"), "end")
    scope.chain("fork", scope.user("B"), "end")
    scope.boundary("late", "A", timer("duration", "PT1H"))
    scope.flow("late", "end")

    end = player.draw(p=scope).run({"expect": wanted}, data={"x": 1})

    assert end["ok"] is holds


def test_a_step_that_can_not_be_taken_ends_the_run_and_says_what_is_open(player: Player):
    end = player.draw(p=path("A")).run({"complete": "B"}, {"complete": "A"})

    assert (player.code, end["status"], end["trace"]) == (1, "waiting", ["start"])
    assert player.lines[-2]["open"] == ["A"]


def test_an_incident_leaves_the_case_as_it_was_and_fails_unless_it_was_expected(player: Player):
    scope = Scope()
    scope.start()
    scope.user("A")
    scope.node("exclusiveGateway", "which")
    scope.end()
    scope.chain("start", "A", "which")
    scope.flow("which", "end", "x = 1", ident="one")
    scope.flow("which", "A", "x = 2", ident="two")
    player.draw(p=scope)

    surprised = player.run({"complete": "A", "fields": {"x": 3}})
    surprised_code = player.code
    foreseen = player.run({"complete": "A", "fields": {"x": 3}}, {"expect": {"status": "incident", "open": ["A"]}})

    assert (surprised_code, surprised["ok"], surprised["status"]) == (1, False, "incident")
    assert (player.code, foreseen["ok"], foreseen["data"].get("x")) == (0, True, None)
    assert [i["code"] for i in foreseen["incidents"]] == ["incident.no_flow"]


def test_an_end_that_throws_is_in_the_trace_although_it_takes_its_scope_away(player: Player):
    scope, inside = Scope(), Scope(prefix="in_")
    inside.chain(inside.start(), inside.end("failed", error("e_bad")))
    scope.chain(scope.start(), scope.node("subProcess", "sub", inside.text()), scope.end())
    scope.boundary("caught", "sub", error("e_bad"))
    scope.flow("caught", "end")

    end = player.draw(p=scope).run()

    assert end["trace"] == ["start", "in_start", "failed", "caught", "end"]


def test_a_task_may_be_named_by_its_label_and_instances_are_taken_in_order(player: Player):
    scope = Scope()
    scope.chain(scope.start(), scope.user("A", multi("=units", "unit"), name="征求意见"), scope.end())

    player.draw(p=scope).run({"complete": "征求意见"}, {"complete": "A"}, data={"units": ["gb", "nm"]})

    done = [line["task"] for line in player.lines if line["kind"] == "TaskCompleted"]
    assert done == sorted(done) and len(set(done)) == 2


def test_the_process_is_the_one_asked_for_or_the_one_that_no_other_calls(player: Player):
    outer = Scope(prefix="outer_")
    outer.chain(outer.start(), outer.node("callActivity", "call", calledElement="a_inner"), outer.end())
    player.draw(a_inner=path("A"), b_outer=outer)

    assert player.run()["trace"] == ["outer_start", "start"]
    assert player.run(more=("--process", "a_inner"))["trace"] == ["start"]


def test_a_start_event_is_chosen_by_its_id_or_message(player: Player):
    scope = Scope()
    scope.end()
    for ident, event in (("by_message", message("m_go")), ("by_signal", signal("s_stop"))):
        scope.node("startEvent", ident, event)
        scope.flow(ident, "end")
    player.draw(p=scope)

    assert player.run({"start": "by_signal"})["trace"] == ["by_signal", "end"]
    assert player.run({"start": "go"})["trace"] == ["by_message", "end"]
    assert player.run()["ok"] is False, "a choice that was not made"


def test_data_and_script_may_be_files(player: Player, tmp_path: Path):
    player.draw(p=path("A"))
    (tmp_path / "data.json").write_text('{"x": 1}', encoding="utf-8")
    (tmp_path / "script.json").write_text('[{"complete": "A"}]', encoding="utf-8")

    code = cli.main(
        ["run", str(player.path), "--data", f"@{tmp_path}/data.json", "--script", str(tmp_path / "script.json")]
    )

    end = json.loads(player.capsys.readouterr().out.splitlines()[-1])
    assert (code, end["status"], end["data"]["x"]) == (0, "completed", 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--script", '[{"finish": "A"}]'), "step 1"),
        (("--script", '[{"complete": "A", "field": {}}]'), "unknown field"),
        (("--script", '[{"complete": "A"}, {"start": "x"}]'), "first"),
        (("--script", "{}"), "list of steps"),
        (("--script", "[}"), "script"),
        (("--script", "no_such_file.json"), "no_such_file.json"),
        (("--data", "[]"), "object"),
        (("--process", "q"), "expected one of p"),
        (("--at", "yesterday"), "yesterday"),
        (("--until", "soon"), "soon"),
    ],
)
def test_what_can_not_be_played_at_all_exits_with_2_and_prints_no_line(
    player: Player, arguments: tuple[str, ...], said: str
):
    player.draw(p=path("A"))

    code = cli.main(["run", str(player.path), *arguments])
    out, err = player.capsys.readouterr()

    assert (code, out) == (2, "")
    assert said in err


def test_a_file_that_is_missing_exits_with_2(player: Player):
    assert cli.main(["run", "no_such.bpmn"]) == 2


def test_the_same_input_gives_the_same_bytes_in_every_process(player: Player):
    scope = path("A", "B")
    scope.boundary("late", "A", timer("duration", "PT8H"), interrupting=False)
    scope.flow("late", "B")
    player.draw(p=scope)
    command = [
        sys.executable,
        "-m",
        "engine.cli",
        "run",
        str(player.path),
        "--auto",
        "--data",
        '{"c": {"b": 1, "a": 2}}',
    ]

    runs = {
        subprocess.run(
            command, cwd=ROOT, capture_output=True, check=True, env={"PYTHONHASHSEED": seed}, timeout=60
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(runs) == 1
    assert runs.pop().count(b"\n") > 5


def test_the_shipped_bundle_is_refused_by_its_own_start_form_without_data(capsys: pytest.CaptureFixture[str]):
    code = cli.main(["run", str(ROOT)])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert code == 1
    assert lines[0]["process"] == "opinion_case"
    assert (lines[-2]["kind"], lines[-2]["code"]) == ("StepFailed", "form.refused")
    assert {"title", "source_name"} & {fault["path"] for fault in lines[-2]["fields"]}


def test_the_example_of_the_modeling_guide_works_as_printed(capsys: pytest.CaptureFixture[str]):
    guide = (ROOT / "docs" / "modeling.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```\npython -m engine\.cli (run .*?)\n```", guide, re.DOTALL)

    code = cli.main([str(ROOT / a) if a.startswith("bpmn/") else a for a in shlex.split(example.replace("\\\n", ""))])

    assert code == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "waiting"


def test_every_step_and_expectation_is_in_the_modeling_guide():
    guide = (ROOT / "docs" / "modeling.md").read_text(encoding="utf-8")

    assert [verb for verb in ALLOWED if f'{{"{verb}"' not in guide] == []
    assert [name for name in EXPECTED if f"`{name}`" not in guide] == []


def test_only_findings_that_leave_the_run_of_the_diagram_as_drawn_are_played():
    scope = path("A")
    program, _ = bundle_of(p=scope)

    assert not program.played
    assert {key.partition(".")[0] for key in PLAYABLE} == {"bpmn", "bundle"}
    assert not PLAYABLE & {
        "bpmn.script_language",
        "bpmn.condition_missing",
        "bpmn.reference_missing",
        "bpmn.expression",
    }
