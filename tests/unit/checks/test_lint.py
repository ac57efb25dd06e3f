"""The local rules: each says its sentence about the element it is about, and nothing about a tidy diagram."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.lint import lint
from engine.definitions.checks.lint_timers import duration
from engine.definitions.model import EventText, MultiInstance, Process, TimerText
from tests.support.diagrams import DECLARED, HEAD, Scope
from tests.support.nets import bound, bundle_with, drawn

ROOT = Path(__file__).parents[3]
NAMED = {"name": "办理"}


def said(*processes: Process) -> set[tuple[str, str, str]]:
    return {(f.severity, f.key, f.element) for f in lint(bundle_with(*processes))}


def timed(kind: str, text: str) -> Process:
    event = EventText("timer", timer=TimerText(kind, text))  # type: ignore[arg-type]
    return drawn("start>catch catch>end", catch={"event": event})


CASES = {
    "a gateway that joins and splits": (
        drawn("start>xor1 xor1>taskA[a] xor1>taskB* taskA>xor2 taskB>xor2 xor2>taskC[c] xor2>end* taskC>end"),
        ("info", "check.gateway_both", "xor2"),
    ),
    "a gateway that does nothing": (drawn("start>xor xor>end"), ("info", "check.gateway_idle", "xor")),
    "a race of clocks": (
        drawn("start>race race>catchA race>catchB catchA>end catchB>end",
              catchA={"event": EventText("timer", timer=TimerText("duration", "PT1H"))},
              catchB={"event": EventText("timer", timer=TimerText("duration", "PT2H"))}),
        ("warning", "check.race_of_timers", "race"),
    ),
    "the same condition twice": (
        drawn("start>xor xor>taskA[a] xor>taskB[a] xor>end* taskA>end taskB>end"),
        ("warning", "check.condition_twice", "xor"),
    ),
    "a task without a name": (drawn("start>user user>end"), ("warning", "check.no_name", "user")),
    "a timer on a script": (
        drawn("start>script script>end bound>end2", bound=bound("script")),
        ("warning", "check.event_on_instant", "bound"),
    ),
    "two branches that write one field": (
        drawn("start>and and>scriptA and>scriptB scriptA>end1 scriptB>end2",
              scriptA={"result": "x", "script": "1"}, scriptB={"result": "x", "script": "2"}),
        ("info", "check.parallel_write", "and"),
    ),
    "an instant without a zone, as FEEL": (
        timed("date", 'date and time("2026-03-02T18:00:00")'), ("error", "check.timer_naive", "catch")
    ),
    "a negative duration": (timed("duration", 'duration("-PT1H")'), ("error", "check.timer_negative", "catch")),
    "a duration of zero": (timed("duration", 'duration("PT0S")'), ("warning", "check.timer_zero", "catch")),
    "a duration of ages": (timed("duration", 'duration("P9999999Y")'), ("error", "check.timer_long", "catch")),
    "a clock named otherwise than it runs": (
        drawn("start>catch catch>end", catch={
            "name": "8小时意见时限", "event": EventText("timer", timer=TimerText("date", '=at + duration("PT6H")')),
        }),
        ("info", "check.timer_named", "catch"),
    ),
    "a cycle of seconds": (timed("cycle", '"R/PT5S"'), ("error", "check.timer_short", "catch")),
    "a cycle of no rounds": (timed("cycle", '"R0/PT5M"'), ("error", "check.timer_never", "catch")),
    "a round that nothing can end": (
        drawn("start>xor1 xor1>script script>xor2 xor2>xor1[n < 3] xor2>end*", script={"result": "m", "script": "1"}),
        ("error", "check.loop_unchanged", "xor1"),
    ),
    "a round within one step": (
        drawn("start>xor1 xor1>script script>xor2 xor2>xor1[n < 3] xor2>end*",
              script={"result": "n", "script": "n + 1"}),
        ("info", "check.loop_no_wait", "xor1"),
    ),
    "a signal that nobody hears": (
        drawn("start>throw throw>end", throw={"event": EventText("signal", "ping")}),
        ("warning", "check.signal_unheard", "throw"),
    ),
    "a signal that nobody sends": (
        drawn("start>catch catch>end", catch={"event": EventText("signal", "ping")}),
        ("warning", "check.signal_unsent", "catch"),
    ),
    "an error that nobody handles": (
        drawn("start>sub sub>end",
              sub={"body": drawn("startS>endS", endS={"event": EventText("error", "bad")})}),
        ("warning", "check.error_uncaught", "endS"),
    ),
    "an escalation that nobody handles": (
        drawn("start>sub sub>end",
              sub={"body": drawn("startS>endS", endS={"event": EventText("escalation", "up")})}),
        ("info", "check.escalation_uncaught", "endS"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_rule_names_its_element(name: str) -> None:
    process, expected = CASES[name]

    assert said(process) == {expected}


TIDY = {
    "branches with fields of their own": drawn(
        "start>and and>scriptA and>scriptB scriptA>end1 scriptB>end2",
        scriptA={"result": "x", "script": "1"}, scriptB={"result": "y", "script": "2"},
    ),
    "branches of a choice that write one field": drawn(
        "start>xor xor>scriptA[a] xor>scriptB* scriptA>end1 scriptB>end2",
        scriptA={"result": "x", "script": "1"}, scriptB={"result": "x", "script": "2"},
    ),
    "a field written after the join": drawn(
        "start>and1 and1>taskA and1>taskB taskA>and2 taskB>and2 and2>script script>end",
        script={"result": "x", "script": "1"},
    ),
    "instances with fields of their own": drawn(
        "start>and and>userA and>script userA>end1 script>end2",
        userA={**NAMED, "multi": MultiInstance(False, "units", "", "unit", ""), "result": "x"},
        script={"result": "x", "script": "1"},
    ),
    "a round with a task in it": drawn(
        "start>xor1 xor1>user user>xor2 xor2>xor1[n < 3] xor2>end*", user=NAMED
    ),
    "an error that ends its case": drawn("start>end", end={"event": EventText("error", "bad")}),
    "a time that the reader judges": timed("duration", "-PT1H"),
    "a time that is computed": timed("date", "end of day(discovered_at)"),
    "a time with a zone": timed("date", "2026-03-02T18:00:00+08:00"),
    "a clock named as it runs": drawn("start>catch catch>end", catch={
        "name": "48小时回应时限", "event": EventText("timer", timer=TimerText("date", '=at + duration("P2D")')),
    }),
    "an ordinary cycle": timed("cycle", "R3/PT10M/2026-03-02T18:00:00Z"),
}  # fmt: skip


@pytest.mark.parametrize("name", TIDY)
def test_what_is_tidy_is_not_spoken_of(name: str) -> None:
    assert said(TIDY[name]) == set()


def test_a_ring_of_calls_that_never_waits_is_an_error() -> None:
    one = drawn("start>call call>end", "one", call={"called": "two"})
    two = drawn("start>script script>callBack callBack>end", "two", callBack={"called": "one"}, script={"result": "x"})

    assert ("error", "check.call_cycle_no_wait", "call") in said(one, two)


def test_a_ring_of_calls_with_a_task_in_it_is_a_warning() -> None:
    one = drawn("start>call call>end", "one", call={"called": "two"})
    two = drawn("start>user user>callBack callBack>end", "two", callBack={"called": "one"}, user=NAMED)

    assert said(one, two) == {("warning", "check.call_cycle", "call")}


def test_a_declaration_that_no_event_uses_is_named() -> None:
    scope = Scope()
    scope.chain(scope.start(), scope.user("a", name="甲"), scope.end())
    file = f'{HEAD}{DECLARED}<bpmn:process id="p" isExecutable="true">{scope.text()}</bpmn:process></bpmn:definitions>'

    found = lint(read_bundle({"bpmn/test.bpmn": file.encode()}))

    assert [(f.key, f.element) for f in found] == [
        ("check.unused", i) for i in ("m_go", "m_back", "s_stop", "e_bad", "c_up")
    ]


def test_the_shipped_bundle_has_no_errors_and_no_warnings() -> None:
    paths = [*sorted((ROOT / "bpmn").iterdir()), *sorted((ROOT / "forms").iterdir())]
    bundle: Bundle = read_bundle({p.relative_to(ROOT).as_posix(): p.read_bytes() for p in paths if p.is_file()})

    assert [f for f in lint(bundle) if f.severity != "info"] == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1H30M", 5_400), ("P1DT1S", 86_401), ("-P1W", -604_800), ("P1M", 2_592_000), ("PT0.5S", 0.5)],
)
def test_a_duration_has_its_length(text: str, seconds: float) -> None:
    found = duration(text)

    assert found is not None
    assert found.total_seconds() == seconds


@pytest.mark.parametrize("text", ["P", "PT", "8h", "PT8h", "P1H", ""])
def test_what_is_no_duration_has_no_length(text: str) -> None:
    assert duration(text) is None
