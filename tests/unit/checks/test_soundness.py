"""What the soundness check says of small diagrams, rule by rule, and of the shipped bundle."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.definitions.bundle import Bundle, read_bundle
from engine.definitions.checks.explore import Budget
from engine.definitions.checks.soundness import Verdict, check_soundness, verdicts
from engine.definitions.model import EventText, MessageFlow, MultiInstance, Process, StandardLoop
from tests.support.nets import TIMER, bound, bundle_with, drawn, triggered

ROOT = Path(__file__).parents[3]
SIGNAL = EventText("signal", "ping")
MESSAGE = EventText("message", "go")


def verdict(process: Process, *others: Process) -> Verdict:
    return verdicts(bundle_with(process, *others))[process.id]


def said(process: Process, *others: Process) -> tuple[str, set[tuple[str, str]]]:
    """The outcome and (key, element) of each finding."""
    found = verdict(process, *others)
    return found.outcome, {(f.key, f.element) for f in found.findings}


SOUND = {
    "a chain": drawn("start>user user>end"),
    "choices that meet again": drawn("start>xor1 xor1>userA[a] xor1>userB* userA>xor2 userB>xor2 xor2>end"),
    "branches that meet again": drawn("start>and1 and1>userA and1>userB userA>and2 userB>and2 and2>end"),
    "branches that end apart": drawn("start>and1 and1>userA and1>userB userA>end1 userB>end2"),
    "an inclusive split and join": drawn(
        "start>or1 or1>userA[a] or1>userB[b] or1>userC* userA>or2 userB>or2 userC>or2 or2>end"
    ),
    "an inclusive join behind a parallel split": drawn("start>and1 and1>userA and1>userB userA>or2 userB>or2 or2>end"),
    "an inclusive join inside a round": drawn(
        "start>xor0 xor0>or1 or1>userA[a] or1>userB[b] or1>userC* userA>or2 userB>or2 userC>or2 or2>xor3"
        " xor3>xor0[again] xor3>end*"
    ),
    "a round with a way out": drawn("start>xor1 xor1>user user>xor2 xor2>xor1[again] xor2>end*"),
    "a race": drawn(
        "start>race race>catchA race>catchB catchA>xor catchB>xor xor>end",
        catchA={"event": TIMER}, catchB={"event": MESSAGE},
    ),
    "an interrupting timer that rejoins": drawn(
        "start>user user>xor bound>xor xor>end", bound=bound("user")
    ),
    "a reminder beside the task": drawn(
        "start>user user>end bound>task task>end2", bound=bound("user", interrupting=False)
    ),
    "a reminder in a round": drawn(
        "start>xor1 xor1>user user>xor2 xor2>xor1[again] xor2>end* bound>userB userB>end2",
        bound=bound("user", interrupting=False),
    ),
    "flows that part at a task and meet": drawn("start>user user>userA user>userB userA>and userB>and and>end"),
    "a signal thrown in the same step as the waiting begins": drawn(
        "start>and1 and1>throw and1>catch throw>end1 catch>end2",
        catch={"event": SIGNAL}, throw={"event": SIGNAL},
    ),
    "a terminate end that takes the other branch along": drawn(
        "start>and1 and1>userA and1>userB userA>end1 userB>end2", end1={"event": EventText("terminate")}
    ),
    "a sub-process": drawn(
        "start>sub sub>end", sub={"body": drawn("start>and1 and1>userA and1>userB userA>end1 userB>end2")}
    ),
    "a sub-process interrupted from outside": drawn(
        "start>sub sub>xor bound>xor xor>end", bound=bound("sub"),
        sub={"body": drawn("start>and1 and1>userA and1>userB userA>and2 userB>and2 and2>end1")},
    ),
    "an error that is caught": drawn(
        "start>sub sub>xor bound>userC userC>xor xor>end", bound=bound("sub", EventText("error", "bad")),
        sub={"body": drawn("start>xor1 xor1>end1* xor1>end2[bad]", end2={"event": EventText("error", "bad")})},
    ),
    "an escalation that does not interrupt": drawn(
        "start>sub sub>end bound>userC userC>end2", bound=bound("sub", EventText("escalation", ""), False),
        sub={"body": drawn("start>throw throw>user user>end1", throw={"event": EventText("escalation", "up")})},
    ),
    "an event sub-process that interrupts": drawn(
        "start>user user>end", event1=triggered(TIMER, "startE>userX userX>endX")
    ),
    "an event sub-process beside": drawn(
        "start>user user>end", event1=triggered(MESSAGE, "startE>userX userX>endX", False)
    ),
    "an event sub-process that catches an error": drawn(
        "start>user user>end1", end1={"event": EventText("error", "bad")},
        event1=triggered(EventText("error", ""), "startE>userX userX>endX"),
    ),
    "instances in parallel": drawn(
        "start>user user>end", user={"multi": MultiInstance(False, "units", "", "unit", "")}
    ),
    "instances one after the other of a sub-process": drawn(
        "start>sub sub>end",
        sub={"multi": MultiInstance(True, "units", "", "unit", ""), "body": drawn("start>userA userA>end1")},
    ),
    "a standard loop": drawn(
        "start>sub sub>end", sub={"loop": StandardLoop("again"), "body": drawn("start>userA userA>end1")}
    ),
    "a cancelled transaction": drawn(
        "start>trans trans>xor bound>xor xor>end", bound=bound("trans", EventText("cancel")),
        trans={"body": drawn("start>xor1 xor1>end1* xor1>end2[no]", end2={"event": EventText("cancel")})},
    ),
    "a signal to a branch that surely waits": drawn(
        "start>and1 and1>catch and1>user user>throw throw>end1 catch>end2",
        catch={"event": SIGNAL}, throw={"event": SIGNAL},
    ),
    "a signal that another process throws": drawn("start>catch catch>end", catch={"event": SIGNAL}),
    "a start by message beside the plain one": drawn(
        "start>xor start2>xor xor>user user>end", start2={"event": MESSAGE}
    ),
    "a compensation handler": drawn(
        "start>user user>throw throw>end", throw={"event": EventText("compensate")},
        bound=bound("user", EventText("compensate")), userUndo={"for_compensation": True},
    ),
    "choices over the same value": drawn(
        'start>xor1 xor1>and1[grade = "major"] xor1>userC* and1>userA and1>userB userA>xor3 userC>xor3'
        ' xor3>xor2 xor2>and2[grade = "major"] xor2>end1* userB>and2 and2>end2'
    ),
    "choices in the same words": drawn(
        "start>xor1 xor1>and1[count(list) > 2] xor1>userC* and1>userA and1>userB userA>xor3 userC>xor3"
        " xor3>xor2 xor2>and2[count(list) > 2] xor2>end1* userB>and2 and2>end2"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_what_can_always_end_is_sound(name: str) -> None:
    assert said(SOUND[name]) == ("sound", set())


UNSOUND = {
    "a choice before a parallel join": (
        drawn("start>xor1 xor1>userA[a] xor1>userB* userA>and userB>and and>end"),
        ("check.stuck_join", "and"), ("start", "xor1", "userA"),
    ),
    "an inclusive split before a parallel join": (
        drawn("start>or1 or1>userA[a] or1>userB* userA>and userB>and and>end"),
        ("check.stuck_join", "and"), ("start", "or1", "userB"),
    ),
    "a branch that leaves before the join": (
        drawn("start>and1 and1>userA and1>xor xor>end1[done] xor>userB* userA>and2 userB>and2 and2>end2"),
        ("check.leftover", "and2"), ("start", "and1", "xor", "end1", "userA"),
    ),
    "two joins that wait for each other": (
        drawn("start>and0 and0>userA and0>userB userA>and1 and1>userC userC>and2 userB>and2 and2>userD userD>and1"),
        ("check.stuck_join", "and1"), ("start", "and0", "userA", "userB"),
    ),
    "a round without a way out": (
        drawn("start>xor1 xor1>userA userA>xor2 xor2>xor1[a] xor2>userB* userB>xor1"),
        ("check.endless", "userA"), ("start", "xor1", "userA"),
    ),
    "a round that never waits": (
        drawn("start>xor1 xor1>script script>xor1"),
        ("check.endless", "xor1"), ("start", "xor1", "script"),
    ),
    "a round beside the way out": (
        drawn("start>xor xor>end* xor>xor1[a] xor1>userA userA>xor1"),
        ("check.endless", "userA"), ("start", "xor", "xor1", "userA"),
    ),
    "a signal that comes before anybody waits": (
        drawn("start>and1 and1>userA and1>userB userA>throw throw>end1 userB>catch catch>end2",
              catch={"event": SIGNAL}, throw={"event": SIGNAL}),
        ("check.stuck_signal", "catch"), ("start", "and1", "userA", "userB", "throw", "end1", "catch"),
    ),
    "a deadlock inside a sub-process": (
        drawn("start>sub sub>end",
              sub={"body": drawn("startS>xor1 xor1>userA[a] xor1>userB* userA>and userB>and and>endS")}),
        ("check.stuck_join", "and"), ("start", "sub", "startS", "xor1", "userA"),
    ),
    "a timer that leads round the join": (
        drawn("start>and1 and1>userA and1>userB userA>and2 userB>and2 and2>end bound>end2", bound=bound("userB")),
        ("check.leftover", "and2"), ("start", "and1", "userA", "userB", "bound", "end2"),
    ),
    "a task behind a join that never fires": (
        drawn("start>userA userA>and and>userB userB>and userA>end"),
        ("check.leftover", "and"), ("start", "userA", "end"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSOUND)
def test_what_can_stick_is_unsound_and_the_way_there_is_shown(name: str) -> None:
    process, finding, path = UNSOUND[name]

    found = verdict(process)

    assert found.outcome == "unsound"
    assert [(f.key, f.element) for f in found.findings if f.severity == "error"] == [finding]
    assert sorted(found.path) == sorted(path)


def test_an_element_behind_an_event_that_nothing_raises_is_dead() -> None:
    body = drawn("start>user user>end1")
    process = drawn(
        "start>sub sub>end bound>userX userX>end2", sub={"body": body}, bound=bound("sub", EventText("error", "bad"))
    )

    found = verdict(process)

    assert [(f.severity, f.key, f.element) for f in found.findings] == [("warning", "check.dead_event", "bound")]


def test_a_condition_that_is_plainly_false_makes_its_branch_dead() -> None:
    process = drawn("start>xor1 xor1>userA[false] xor1>userB* userA>xor2 userB>xor2 xor2>end")

    assert said(process) == ("unsound", {("check.dead", "userA")})


def test_a_complex_join_is_not_judged() -> None:
    process = drawn("start>and and>userA and>userB userA>complex userB>complex complex>end")

    assert said(process) == ("not_decided", {("check.complex_join", "p")})


def test_two_tokens_on_one_flow_are_a_warning() -> None:
    process = drawn("start>and and>userA and>userB userA>xor userB>xor xor>userC userC>end")

    found = verdict(process)

    assert (found.outcome, found.safe) == ("sound", False)
    assert {(f.severity, f.key, f.element) for f in found.findings} == {("warning", "check.twice", "userC")}


def test_a_handler_of_a_reminder_that_meets_itself_is_no_warning() -> None:
    process = drawn(
        "start>xor1 xor1>user user>xor2 xor2>xor1[again] xor2>end* bound>userB userB>end2",
        bound=bound("user", interrupting=False),
    )

    assert verdict(process).findings == ()


def test_a_deadlock_that_only_unrelated_data_could_cause_is_said_with_may() -> None:
    process = drawn(
        "start>xor1 xor1>and1[a > b] xor1>userC* and1>userA and1>userB userA>xor3 userC>xor3"
        " xor3>xor2 xor2>and2[b < a] xor2>end1* userB>and2 and2>end2"
    )

    found = verdict(process)

    assert found.outcome == "not_decided"
    assert {(f.severity, f.key) for f in found.findings} == {("warning", "check.may_stick")}


def test_a_value_that_is_written_between_two_choices_ties_nothing() -> None:
    process = drawn(
        'start>xor1 xor1>and1[grade = "major"] xor1>userC* and1>userA and1>userB userA>script script>xor3 userC>xor3'
        ' xor3>xor2 xor2>and2[grade = "major"] xor2>end1* userB>and2 and2>end2',
        script={"result": "grade", "script": "another"},
    )

    assert verdict(process).outcome == "unsound"


def test_a_called_process_answers_for_itself() -> None:
    caller = drawn("start>call call>xor bound>xor xor>end", "p", call={"called": "q"},
                   bound=bound("call", EventText("error", "bad")))  # fmt: skip
    called = drawn("startQ>xorQ xorQ>userA[a] xorQ>endQ* userA>andQ andQ>endBad userB>andQ", "q",
                   endBad={"event": EventText("error", "bad")}, userB={})  # fmt: skip

    found = verdicts(bundle_with(caller, called))

    assert found["p"].outcome == "sound"
    assert found["q"].outcome == "unsound"


def test_a_budget_too_small_is_not_decided() -> None:
    branches = " ".join(f"and1>user{n} user{n}>user{n}b user{n}b>and2" for n in range(1, 7))
    process = drawn(f"start>and1 {branches} and2>end")
    bundle = bundle_with(process)

    small = verdicts(bundle, budget=Budget(states=5, steps=50))["p"]
    enough = verdicts(bundle)["p"]

    assert (small.outcome, [f.key for f in small.findings]) == ("not_decided", ["check.not_decided"])
    assert enough.outcome == "sound"


def test_a_caller_may_stop_the_check() -> None:
    branches = " ".join(f"and1>user{n} user{n}>user{n}b user{n}b>and2" for n in range(1, 8))
    asked: list[int] = []
    bundle = bundle_with(drawn(f"start>and1 {branches} and2>end"))

    found = verdicts(bundle, expired=lambda: asked.append(1) is None)["p"]

    assert found.outcome == "not_decided"
    assert asked


def shipped(**changes: tuple[str, str]) -> Bundle:
    """The shipped bundle; `changes`: diagram -> (text, what stands there instead)."""
    paths = [*sorted((ROOT / "bpmn").iterdir()), *sorted((ROOT / "forms").iterdir())]
    files = {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in paths if p.is_file()}
    for name, (old, new) in changes.items():
        path = f"bpmn/{name}.bpmn"
        changed = re.sub(old, new, files[path].decode(), flags=re.DOTALL)
        assert changed != files[path].decode()
        files[path] = changed.encode()
    return read_bundle(files)


SPOILT = {
    "three answers joined as a choice": (
        {"respond": (r"parallelGateway( id=\"Gateway_join_respond\".*?</bpmn:)parallelGateway",
                     r"exclusiveGateway\1exclusiveGateway")},
        ("warning", "check.twice", "Call_unified_reply"),
    ),
    "a returned statement that waits at a join": (
        {"holding_statement": (r"exclusiveGateway( id=\"Gateway_to_draft\".*?</bpmn:)exclusiveGateway",
                               r"parallelGateway\1parallelGateway")},
        ("error", "check.stuck_join", "Gateway_to_draft"),
    ),
    "two receipts split as a choice": (
        {"feedback": (r"parallelGateway( id=\"Gateway_fork_feedback\".*?</bpmn:)parallelGateway",
                      r"exclusiveGateway\1exclusiveGateway")},
        ("error", "check.stuck_join", "Gateway_join_feedback"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILT)
def test_a_fault_drawn_into_the_shipped_bundle_is_named(name: str) -> None:
    changes, expected = SPOILT[name]

    found = check_soundness(shipped(**changes))

    assert expected in {(f.severity, f.key, f.element) for f in found}


def test_every_shipped_process_is_sound() -> None:
    bundle = shipped()

    found = verdicts(bundle)

    assert {v.outcome for v in found.values()} == {"sound"}
    assert len(found) >= 19
    assert check_soundness(bundle) == []


# -- pools -----------------------------------------------------------------------------------------------------------


def sends(name: str) -> dict[str, EventText]:
    return {"event": EventText("message", name)}


def linked(*pools: Process) -> Bundle:
    """The pools, with a message flow drawn from each thrower of a message to each of its receivers."""
    nodes = [node for pool in pools for node in pool.nodes.values() if node.event.kind == "message"]
    flows = tuple(
        MessageFlow(f"m_{a.id}_{b.id}", a.event.name, a.id, b.id, 1)
        for a in nodes if a.id.startswith("throw") for b in nodes if b.id.startswith(("catch", "start"))
        if a.event.name == b.event.name
    )  # fmt: skip
    return bundle_with(*(replace(pool, message_flows=flows) for pool in pools))


def buyer() -> Process:
    return drawn("start>throwOrder throwOrder>catchGoods catchGoods>end", "buyer",
                 throwOrder=sends("order"), catchGoods=sends("goods"))  # fmt: skip


def test_pools_that_answer_each_other_are_sound() -> None:
    seller = drawn("startS>userS userS>throwGoods throwGoods>endS", "seller",
                   startS=sends("order"), throwGoods=sends("goods"))  # fmt: skip

    found = verdicts(linked(buyer(), seller))

    assert {v.outcome for v in found.values()} == {"sound"}


def test_a_pool_that_may_not_answer_is_found_out() -> None:
    seller = drawn("startS>xorS xorS>throwGoods[stock > 0] xorS>endNo* throwGoods>endS", "seller",
                   startS=sends("order"), throwGoods=sends("goods"))  # fmt: skip

    found = verdicts(linked(buyer(), seller))

    assert found["seller"].outcome == "sound"
    assert found["buyer"].outcome == "unsound"
    assert [(f.key, f.element) for f in found["buyer"].findings] == [("check.stuck_message", "catchGoods")]
    assert found["buyer"].path == ("start", "throwOrder", "startS", "catchGoods", "xorS", "endNo")


def test_a_timer_as_a_way_out_makes_an_unanswered_message_sound() -> None:
    patient = drawn(
        "start>throwOrder throwOrder>race race>catchGoods race>catchLate catchGoods>end catchLate>end2", "buyer",
        throwOrder=sends("order"), catchGoods=sends("goods"), catchLate={"event": TIMER},
    )  # fmt: skip
    seller = drawn("startS>xorS xorS>throwGoods[stock > 0] xorS>endNo* throwGoods>endS", "seller",
                   startS=sends("order"), throwGoods=sends("goods"))  # fmt: skip

    assert verdicts(linked(patient, seller))["buyer"].outcome == "sound"


def test_pools_that_wait_for_each_other_are_found_out() -> None:
    one = drawn("start>throwHello throwHello>catchA catchA>throwB throwB>end", "one",
                throwHello=sends("hello"), catchA=sends("a"), throwB=sends("b"))  # fmt: skip
    two = drawn("startS>catchB catchB>throwA throwA>endS", "two",
                startS=sends("hello"), catchB=sends("b"), throwA=sends("a"))  # fmt: skip

    found = verdicts(linked(one, two))["one"]

    assert found.outcome == "unsound"
    assert {f.key for f in found.findings} == {"check.stuck_message"}


def test_a_message_sent_before_it_is_awaited_is_kept() -> None:
    one = drawn("start>throwHello throwHello>user user>catchA catchA>end", "one",
                throwHello=sends("hello"), catchA=sends("a"))  # fmt: skip
    two = drawn("startS>throwA throwA>endS", "two", startS=sends("hello"), throwA=sends("a"))

    assert verdicts(linked(one, two))["one"].outcome == "sound"


def test_a_message_that_no_flow_is_drawn_for_may_come_from_anybody() -> None:
    seller = drawn("startS>xorS xorS>throwGoods[stock > 0] xorS>endNo* throwGoods>endS", "seller",
                   startS=sends("order"), throwGoods=sends("goods"))  # fmt: skip

    assert verdicts(bundle_with(buyer(), seller))["buyer"].outcome == "sound"


# -- what would take for ever ----------------------------------------------------------------------------------------


def test_calls_that_fan_out_are_looked_at_once_each() -> None:
    processes = [
        drawn(f"start{n}>callA{n} callA{n}>callB{n} callB{n}>end{n}", f"p{n}",
              **{f"callA{n}": {"called": f"p{n + 1}"}, f"callB{n}": {"called": f"p{n + 1}"}})
        for n in range(40)
    ]  # fmt: skip
    last = drawn("startZ>endZ", "p40", endZ={"event": EventText("error", "bad")})

    found = verdicts(bundle_with(*processes, last))

    assert found["p39"].outcome == "sound"
    assert len(found) == 41


def test_a_gateway_over_many_values_is_not_tried_value_by_value() -> None:
    texts = " and ".join(f'{name} != "{value}"' for name in "abcdef" for value in "uvwxyz")
    process = drawn(
        f"start>xor1 xor1>and1[{texts}] xor1>userC* and1>userA and1>userB userA>xor3 userC>xor3"
        f" xor3>xor2 xor2>and2[{texts} and true] xor2>end1* userB>and2 and2>end2"
    )

    found = verdict(process)

    assert found.outcome in ("not_decided", "unsound")
    assert found.states < 200


def test_a_round_that_multiplies_tokens_without_waiting_ends_the_check() -> None:
    process = drawn("start>xor xor>and and>xor and>task and>script task>xor script>end")

    found = verdict(process)

    assert found.outcome != "sound"
    assert found.steps <= 130_000


CONDITION = EventText("conditional", condition="done = true")


def test_a_condition_that_nothing_can_make_true_any_more_is_told() -> None:
    process = drawn("start>user user>catch catch>end", catch={"event": CONDITION})

    found = verdict(process)

    assert found.outcome == "not_decided"
    assert [(f.severity, f.key, f.element) for f in found.findings] == [("warning", "check.stuck_condition", "catch")]


def test_a_condition_with_a_timer_as_a_way_out_is_sound() -> None:
    process = drawn(
        "start>race race>catchA race>catchB catchA>end catchB>end2",
        catchA={"event": CONDITION}, catchB={"event": TIMER},
    )  # fmt: skip

    assert said(process) == ("sound", set())
