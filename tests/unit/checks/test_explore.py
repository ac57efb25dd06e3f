"""The explorer: which states the token game reaches, and what guards, monitors and invariants see of them."""

from __future__ import annotations

import pytest

from engine.definitions.bundle import Bundle
from engine.definitions.checks.data import Data
from engine.definitions.checks.explore import Budget, Exploration, Guard, Monitor, View, explore, explore_process
from engine.definitions.checks.net_builder import build_net
from engine.definitions.forms import read_form
from engine.definitions.model import EventText, MultiInstance, Process, StandardLoop
from tests.support.nets import TIMER, bound, bundle_with, drawn, triggered

GRADES = ("positive", "major", None)


def explored(process: Process, *others: Process, reduce: bool = False) -> Exploration:
    """All of a process, with everything inlined."""
    processes = {p.id: p for p in (process, *others)}
    net = build_net(process, processes)
    return explore(net, Data((), net, processes, {}), reduce=reduce)


def settled(found: Exploration) -> set[tuple[str, ...]]:
    """Names of the sites with a token, settled state by settled state; the end is ()."""
    return {
        tuple(s.name for s in View(found, state).active_sites)
        for state in found.states
        if found.game.settled(state.ready, state.bits)
    }


PLAYED = {
    "a parallel split gives a token to each flow and its join waits for all": (
        drawn("start>and1 and1>userA and1>userB userA>and2 userB>and2 and2>userC userC>end"),
        {("userA", "userB"), ("userA", "and2"), ("userB", "and2"), ("userC",), ()},
    ),
    "an exclusive split takes one flow": (
        drawn("start>xor xor>userA[a] xor>userB* userA>end userB>end"), {("userA",), ("userB",), ()}
    ),
    "an inclusive split takes some, the default alone": (
        drawn("start>or or>userA[a] or>userB[b] or>userC* userA>endA userB>endB userC>endC"),
        {("userA",), ("userB",), ("userA", "userB"), ("userC",), ()},
    ),
    "an inclusive join waits while a token can still come": (
        drawn("start>and1 and1>userA and1>userB userA>or userB>or or>userC userC>end"),
        {("userA", "userB"), ("userA", "or"), ("userB", "or"), ("userC",), ()},
    ),
    "an inclusive join does not wait for a token that went elsewhere": (
        drawn("start>and1 and1>userA and1>xor xor>or[a] xor>userB* userB>endB userA>or or>userC userC>end"),
        {("userA", "or"), ("userA", "userB"), ("userA",), ("userB", "userC"), ("userC",), ("userB",), ()},
    ),
    "a race is won by one": (
        drawn("start>race race>catchA race>catchB catchA>userA catchB>userB userA>end userB>end",
              catchA={"event": TIMER}, catchB={"event": EventText("message", "go")}),
        {("race",), ("userA",), ("userB",), ()},
    ),
    "an interrupting event takes its host away with all inside": (
        drawn("start>sub sub>end bound>userX userX>end2", bound=bound("sub"),
              sub={"body": drawn("startS>and and>userA and>userB userA>endA userB>endB")}),
        {("sub", "sub/userA", "sub/userB"), ("sub", "sub/userA"), ("sub", "sub/userB"), ("userX",), ()},
    ),
    "a non-interrupting event fires once beside its host": (
        drawn("start>user user>end bound>userX userX>end2", bound=bound("user", interrupting=False)),
        {("user",), ("user", "userX"), ("userX",), ()},
    ),
    "an interrupting event sub-process ends the rest of its scope": (
        drawn("start>user user>end", event1=triggered(TIMER, "startE>userX userX>endX")),
        {("user",), ("event1", "event1/userX"), ()},
    ),
    "a non-interrupting event sub-process runs beside": (
        drawn("start>user user>end", event1=triggered(TIMER, "startE>userX userX>endX", False)),
        {("user",), ("user", "event1", "event1/userX"), ("event1", "event1/userX"), ()},
    ),
    "a terminate end clears its own scope only": (
        drawn("start>and and>sub and>userC sub>end userC>end2",
              sub={"body": drawn("startS>andS andS>userA andS>userB userA>endT userB>endB",
                                 endT={"event": EventText("terminate")})}),
        {("sub", "userC", "sub/userA", "sub/userB"), ("sub", "userC", "sub/userA"), ("userC",),
         ("sub", "sub/userA", "sub/userB"), ("sub", "sub/userA"), ()},
    ),
    "an error goes up to the nearest scope that catches its code": (
        drawn("start>sub sub>end bound>userX userX>end2", bound=bound("sub", EventText("error", "bad")),
              sub={"body": drawn("startS>subI subI>endS boundI>userY userY>endY",
                                 boundI=bound("subI", EventText("error", "other")),
                                 subI={"body": drawn("startI>userA userA>endI",
                                                     endI={"event": EventText("error", "bad")})})}),
        {("sub", "sub/subI", "sub/subI/userA"), ("userX",), ()},
    ),
    "an escalation goes on and starts its handler": (
        drawn("start>sub sub>end bound>userX userX>end2",
              bound=bound("sub", EventText("escalation", "up"), False),
              sub={"body": drawn("startS>throw throw>userA userA>endS",
                                 throw={"event": EventText("escalation", "up")})}),
        {("sub", "userX", "sub/userA"), ("sub", "sub/userA"), ("userX",), ()},
    ),
    "a signal wakes who waits": (
        drawn("start>and and>catch and>userA userA>throw throw>end1 catch>userB userB>end2",
              catch={"event": EventText("signal", "go")}, throw={"event": EventText("signal", "go")}),
        {("catch", "userA"), ("userB",), ()},
    ),
    "a multi-instance has none, one or several": (
        drawn("start>sub sub>end", sub={"multi": MultiInstance(True, "list", "", "item", ""),
                                        "body": drawn("startS>userA userA>endS")}),
        {("sub", "sub/userA"), ()},
    ),
    "a loop that is tested before may do nothing": (
        drawn("start>sub sub>end", sub={"loop": StandardLoop("more", test_before=True),
                                        "body": drawn("startS>userA userA>endS")}),
        {("sub", "sub/userA"), ()},
    ),
    "a task with two flows gives a token to each": (
        drawn("start>user user>userA user>userB userA>endA userB>endB"),
        {("user",), ("userA", "userB"), ("userA",), ("userB",), ()},
    ),
    "a conditional flow of a task may be taken too": (
        drawn("start>user user>userA user>userB[b] userA>endA userB>endB"),
        {("user",), ("userA", "userB"), ("userA",), ("userB",), ()},
    ),
    "a process without a start event begins at every element that no flow leads to": (
        drawn("userA>end userB>end"), {("userA", "userB"), ("userA",), ("userB",), ()}
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", PLAYED)
def test_the_token_game_reaches(rule: str) -> None:
    process, states = PLAYED[rule]

    assert settled(explored(process)) == states


def test_a_called_process_is_played_inside_its_caller() -> None:
    caller = drawn("start>call call>end bound>userX userX>end2", "p", call={"called": "q"}, bound=bound("call"))
    called = drawn("startQ>userQ userQ>endQ", "q")

    assert settled(explored(caller, called)) == {("call", "call/userQ"), ("userX",), ()}


def test_processes_that_call_each_other_are_nested_once() -> None:
    one = drawn("start>callA callA>end", "one", callA={"called": "two"})
    two = drawn("startT>xor xor>callB[again] xor>endT* callB>endT", "two", callB={"called": "one"})

    found = explored(one, two)

    assert found.complete
    assert ("callA", "callA/callB") in settled(found)


# -- guards --------------------------------------------------------------------------------------------------------


def form_bundle(process: Process) -> Bundle:
    bundle = bundle_with(process)
    schema = (
        b'{"type": "default", "id": "grade", "schemaVersion": 19, "components": [{"type": "radio", "id": "F", '
        b'"key": "grade", "validate": {"required": true}, "values": [{"label": "+", "value": "positive"}, '
        b'{"label": "!", "value": "major"}]}]}'
    )
    bundle.forms["grade"] = read_form(schema)
    return bundle


def test_a_condition_over_guards_is_decided() -> None:
    process = drawn('start>xor xor>userA[grade = "major"] xor>userB* userA>end userB>end')

    found = explore_process(
        bundle_with(process), "p", guards=[Guard("grade", GRADES, ("major",))], watch=frozenset({"userA", "userB"})
    )

    assert "userA" in found.elements
    assert "userB" not in found.elements


def test_a_form_gives_a_guard_one_of_its_options() -> None:
    process = drawn("start>user user>userB userB>end", user={"form": "grade"})
    seen: set[object] = set()

    explore_process(
        form_bundle(process), "p", guards=[Guard("grade", GRADES)], watch=frozenset({"userB"}),
        invariants={"collect": lambda v: not v.is_active("userB") or seen.add(v.guard("grade")) is None},
    )  # fmt: skip

    assert seen == {"positive", "major"}


def test_a_script_gives_a_guard_its_value() -> None:
    process = drawn(
        "start>script script>userB userB>end",
        script={"result": "grade", "script": 'if grade = null then "major" else "positive"'},
    )

    found = explore_process(
        bundle_with(process), "p", guards=[Guard("grade", GRADES)], watch=frozenset({"userB"}),
        invariants={"major": lambda v: not v.is_active("userB") or v.guard("grade") == "major"},
    )  # fmt: skip

    assert found.violation("major") is None
    assert found.proves


# -- monitors and invariants ---------------------------------------------------------------------------------------

PUBLISHED = Monitor("published", frozenset({"userPublish"}), lambda now, what, site: now or int(what == "left"))


def limited(inside: bool) -> Process:
    """A statement under a time limit; the limit on a sub-process around it, or on the second of its two tasks only."""
    if inside:
        body = drawn("startS>userDraft userDraft>userPublish userPublish>endS")
        return drawn("start>sub sub>end bound>end2", sub={"body": body}, bound=bound("sub", interrupting=False))
    return drawn(
        "start>userDraft userDraft>userPublish userPublish>end bound>end2",
        bound=bound("userPublish", interrupting=False),
    )


def limit_holds(process: Process) -> Exploration:
    fired = Monitor("late", frozenset({"bound"}), lambda now, what, site: now or int(what == "fired"))
    return explore_process(
        bundle_with(process), "p", monitors=[PUBLISHED, fired], watch=frozenset({"bound"}),
        invariants={"limit": lambda v: v.monitor("published") or v.monitor("late") or v.armed("bound")},
    )  # fmt: skip


def test_a_limit_around_the_whole_work_is_always_armed() -> None:
    found = limit_holds(limited(inside=True))

    assert found.violation("limit") is None
    assert found.proves


def test_a_limit_on_a_part_of_the_work_is_found_out_with_the_way_there() -> None:
    found = limit_holds(limited(inside=False))

    violation = found.violation("limit")
    assert violation is not None
    assert violation.path == ("start", "userDraft")


def test_nesting_a_watched_task_in_a_called_process_changes_nothing() -> None:
    process = drawn("start>call call>end bound>end2", call={"called": "q"}, bound=bound("call", interrupting=False))
    called = drawn("startQ>sub sub>endQ", "q", sub={"body": drawn("startS>userPublish userPublish>endS")})
    bundle = bundle_with(process, called)

    found = explore_process(
        bundle, "p", monitors=[PUBLISHED], invariants={"end": lambda v: not v.ended or bool(v.monitor("published"))}
    )

    assert [s.name for s in found.net.by_id("userPublish")] == ["call/sub/userPublish"]
    assert found.violation("end") is None


def test_a_way_past_a_step_is_found() -> None:
    process = drawn("start>xor xor>userPublish[a] xor>userX* userPublish>end userX>end")

    found = explore_process(
        bundle_with(process), "p", monitors=[PUBLISHED], watch=frozenset({"userX"}),
        invariants={"end": lambda v: not v.ended or bool(v.monitor("published"))},
    )  # fmt: skip

    violation = found.violation("end")
    assert violation is not None
    assert violation.path == ("start", "xor", "userX", "end")
    assert violation.free == ("xor",)
    assert violation.view.ended


def test_a_composite_that_nobody_watches_stays_one_step() -> None:
    body = drawn("startS>and and>userA and>userB userA>endA userB>endB")
    process = drawn("start>sub sub>userPublish userPublish>end", sub={"body": body})

    found = explore_process(bundle_with(process), "p", monitors=[PUBLISHED])

    assert "userA" not in {site.node.id for site in found.net.sites}


def test_a_cancelled_task_is_told_to_its_monitor() -> None:
    heard: list[str] = []
    process = drawn("start>userPublish userPublish>end bound>end2", bound=bound("userPublish"))
    monitor = Monitor("m", frozenset({"userPublish"}), lambda now, what, site: heard.append(what) or 0)

    explore_process(bundle_with(process), "p", monitors=[monitor])

    assert set(heard) == {"entered", "left", "cancelled"}


def test_an_exploration_beyond_its_budget_proves_nothing() -> None:
    process = drawn("start>and and>userA and>userB and>userC userA>endA userB>endB userC>endC")

    found = explore_process(
        bundle_with(process), "p", watch=frozenset({"userA", "userB", "userC"}), budget=Budget(states=3)
    )

    assert not found.complete
    assert not found.proves


def test_independent_branches_are_played_in_one_order_only() -> None:
    branches = " ".join(f"and1>user{n} user{n}>user{n}b user{n}b>and2" for n in "ABCDEF")
    process = drawn(f"start>and1 {branches} and2>end")

    every, reduced = explored(process), explored(process, reduce=True)

    assert len(every.states) > 700
    assert len(reduced.states) < 20
    assert reduced.elements == every.elements
