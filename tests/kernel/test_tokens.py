"""What tokens do on each element, by the events and tasks they leave behind."""

import pytest

from engine.domain.commands import ResolveIncident, SendMessage, SubmitTask
from engine.kernel.faults import KernelFault
from tests.support.diagrams import (
    TERMINATE,
    Run,
    Scope,
    bundle_of,
    error,
    escalation,
    message,
    multi,
    signal,
    timer,
)


def run_of(scope: Scope, data=None, **called: Scope) -> Run:
    return Run(*bundle_of(p=scope, **called), data)


def test_exclusive_gateway_takes_the_first_true_flow_in_drawn_order_and_else_the_default():
    def diagram() -> Scope:
        s = Scope()
        s.chain(s.start(), s.node("exclusiveGateway", "x", default="d"))
        s.flow("x", s.user("a"), "n > 1")
        s.flow("x", s.user("b"), "n > 0")
        s.flow("x", s.user("c"), ident="d")
        for name in "abc":
            s.flow(name, s.end(f"end_{name}"))
        return s

    assert run_of(diagram(), {"n": 2}).open == ["a#1"]
    assert run_of(diagram(), {"n": 1}).open == ["b#1"]
    assert run_of(diagram(), {"n": None}).open == ["c#1"], "null is not true"


def test_no_true_flow_and_no_default_is_an_incident_at_the_gateway():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "x"))
    s.flow("x", s.user("a"), "n > 1")
    s.flow("x", s.user("b"), "n > 2")
    s.chain("a", s.end("e1"))
    s.chain("b", s.end("e2"))

    with pytest.raises(KernelFault) as fault:
        run_of(s, {"n": 0})

    assert (fault.value.element, fault.value.key) == ("x", "incident.no_flow")


def test_parallel_join_waits_for_one_token_on_each_flow():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"), s.user("a"), s.node("parallelGateway", "join"), s.user("c"))
    s.chain("fork", s.user("b"), "join")
    s.chain("c", s.end())
    run = run_of(s)
    assert run.open == ["a#1", "b#1"]

    run.do(SubmitTask("b#1", {}))
    assert run.open == ["a#1"]

    run.do(SubmitTask("a#1", {}))
    assert run.open == ["c#1"]


def test_two_tokens_on_one_flow_do_not_fill_a_parallel_join():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"), s.user("a"), s.node("exclusiveGateway", "merge"))
    s.chain("fork", s.user("b"), "merge", s.node("parallelGateway", "join"), s.user("after"), s.end())
    s.chain("fork", s.user("c"), "join")
    run = run_of(s)

    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))
    assert run.open == ["c#1"], "both tokens stand on the same flow"

    run.do(SubmitTask("c#1", {}))
    assert run.open == ["after#1"]


def test_inclusive_join_waits_for_a_token_that_can_still_arrive_through_another_join():
    """The case in which SpiffWorkflow fired too early and twice (shared/spiffworkflow.md section 4)."""
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"))
    for name in ("a1", "a2", "a3"):
        s.flow("fork", s.user(name))
    s.chain("a2", s.node("exclusiveGateway", "x"), s.node("inclusiveGateway", "j"), s.user("joined"), s.end())
    s.chain("a1", s.node("inclusiveGateway", "m"), s.user("z"), "j")
    s.flow("a3", "m")
    run = run_of(s)

    run.do(SubmitTask("a2#1", {}))
    assert run.open == ["a1#1", "a3#1"]
    run.do(SubmitTask("a1#1", {}))
    run.do(SubmitTask("a3#1", {}))
    assert run.open == ["z#1"]
    run.do(SubmitTask("z#1", {}))
    assert run.open == ["joined#1"]
    run.do(SubmitTask("joined#1", {}))
    assert run.case.status == "closed"


def test_inclusive_join_goes_on_when_the_missing_token_ends_elsewhere():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"), s.user("a"), s.node("inclusiveGateway", "j"), s.user("after"))
    s.chain("after", s.end())
    s.chain("fork", s.user("b"), s.node("exclusiveGateway", "x", default="out"))
    s.flow("x", "j", "go = true")
    s.flow("x", s.end("gone"), ident="out")
    run = run_of(s)

    run.do(SubmitTask("a#1", {}))
    assert run.open == ["b#1"]
    run.do(SubmitTask("b#1", {}))
    assert run.open == ["after#1"]


def test_an_activity_with_two_outgoing_flows_splits_and_with_two_incoming_runs_twice():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.user("b"), s.user("d"), s.end())
    s.chain("a", s.user("c"), "d")
    run = run_of(s)

    run.do(SubmitTask("a#1", {}))
    assert run.open == ["b#1", "c#1"]
    run.do(SubmitTask("b#1", {}))
    run.do(SubmitTask("c#1", {}))
    assert run.open == ["d#1", "d#2"]


def test_interrupting_timer_takes_the_task_away_and_goes_on_at_the_boundary():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("late", "a", timer("duration", "PT8H")), s.user("boss"), s.end("end2"))
    run = run_of(s)

    run.at = run.at.replace(hour=8, minute=59)
    assert run.settle() == 0
    run.at = run.at.replace(hour=9, minute=0)
    assert run.settle() == 1, "due at exactly eight hours"

    assert run.open == ["boss#1"]
    assert "TaskCancelled" in [e["kind"] for e in run.entries[-1].events]


def test_completion_one_second_before_the_limit_disarms_it():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.user("b"), s.end())
    s.chain(s.boundary("late", "a", timer("duration", "PT8H"), False), s.user("boss"), s.end("end2"))
    run = run_of(s)

    run.at = run.at.replace(hour=8, minute=59, second=59)
    run.do(SubmitTask("a#1", {}))
    run.at = run.at.replace(hour=20)
    run.settle()

    assert run.open == ["b#1"]
    assert not run.case.timers


def test_completion_one_second_after_the_limit_finds_the_limit_fired_first():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.user("b"), s.end())
    s.chain(s.boundary("late", "a", timer("duration", "PT8H"), False), s.user("boss"), s.end("end2"))
    run = run_of(s)

    run.at = run.at.replace(hour=9, second=1)
    run.do(SubmitTask("a#1", {}))

    assert [e.command["kind"] for e in run.entries] == ["OpenCase", "FireTimer", "SubmitTask"]
    assert run.open == ["b#1", "boss#1"]


def test_cycle_fires_without_drift_and_ends_with_its_host():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("tick", "a", timer("cycle", "R3/PT1H"), False), s.script("count", "n", "n + 1"), s.end("end2"))
    run = run_of(s, {"n": 0})

    run.at = run.at.replace(hour=3, minute=35)
    assert run.settle() == 2
    assert run.case.data["n"] == 2
    (armed,) = run.case.timers.values()
    assert armed.due == run.at.replace(hour=4, minute=0)
    run.at = run.at.replace(hour=12)
    run.settle()
    assert (run.case.data["n"], len(run.case.timers)) == (3, 0)


def test_multi_instance_collects_in_input_order_and_keeps_what_was_given_before_an_interruption():
    inside = Scope(prefix="i")
    inside.chain(
        inside.start(), inside.script("note", "opinion", '"from " + unit'), inside.user("confirm"), inside.end()
    )
    s = Scope()
    s.node("subProcess", "units", inside.text() + multi("units", "unit"), {"collectInto": "results"})
    s.chain(s.start(), "units", s.end())
    s.chain(s.boundary("late", "units", timer("duration", "PT8H")), s.user("boss"), s.end("end2"))
    run = run_of(s, {"units": ["x", "y"]})
    assert run.open == ["units#1[0]/confirm#1", "units#1[1]/confirm#1"]

    run.do(SubmitTask("units#1[1]/confirm#1", {}))
    run.at = run.at.replace(hour=10)
    run.settle()

    assert run.open == ["boss#1"]
    assert run.case.data["results"] == [
        {"loopCounter": 0, "unit": "x", "opinion": "from x"},
        {"loopCounter": 1, "unit": "y", "opinion": "from y"},
    ]
    assert not run.case.locals


def test_sequential_multi_instance_stops_at_its_completion_condition():
    s = Scope()
    s.user("ask", multi("units", "unit", True, "nrOfCompletedInstances >= 2"))
    s.chain(s.start(), "ask", s.user("after"), s.end())
    run = run_of(s, {"units": ["x", "y", "z"]})

    run.do(SubmitTask("ask#1[0]", {}))
    assert run.open == ["ask#1[1]"]
    run.do(SubmitTask("ask#1[1]", {}))
    assert run.open == ["after#1"]


@pytest.mark.parametrize("units", [[], None])
def test_multi_instance_over_nothing_is_skipped(units):
    s = Scope()
    s.user("ask", multi("units", "unit"))
    s.chain(s.start(), "ask", s.user("after"), s.end())

    assert run_of(s, {"units": units}).open == ["after#1"]


def test_cardinality_makes_that_many_instances():
    s = Scope()
    s.user("ask", multi(cardinality="1 + 2"))
    s.chain(s.start(), "ask", s.end())

    assert run_of(s).open == ["ask#1[0]", "ask#1[1]", "ask#1[2]"]


def test_error_end_goes_to_the_nearest_boundary_with_its_code():
    inside = Scope(prefix="i")
    inside.chain(inside.start(), inside.user("a"), inside.end("bad", error("e_bad")))
    s = Scope()
    s.node("subProcess", "sub", inside.text())
    s.chain(s.start(), "sub", s.user("normal"), s.end())
    s.chain(s.boundary("caught", "sub", error("e_bad")), s.user("handler"), s.end("end2"))
    run = run_of(s)

    run.do(SubmitTask("sub#1/a#1", {}))

    assert run.open == ["handler#1"]


def test_an_error_nobody_catches_is_an_incident_and_never_the_normal_flow():
    inside = Scope(prefix="i")
    inside.chain(inside.start(), inside.end("bad", error("e_bad")))
    s = Scope()
    s.node("subProcess", "sub", inside.text())
    s.chain(s.start(), "sub", s.end())

    with pytest.raises(KernelFault, match=r"incident\.error_uncaught at bad"):
        run_of(s)


def test_an_error_in_one_instance_is_caught_on_the_whole_multi_instance_activity():
    inside = Scope(prefix="i")
    inside.chain(inside.start(), inside.user("a"), inside.end("bad", error("e_bad")))
    s = Scope()
    s.node("subProcess", "sub", inside.text() + multi("units", "unit"))
    s.chain(s.start(), "sub", s.user("normal"), s.end())
    s.chain(s.boundary("caught", "sub", error("e_bad")), s.user("handler"), s.end("end2"))
    run = run_of(s, {"units": ["x", "y"]})

    run.do(SubmitTask("sub#1[1]/a#1", {}))

    assert run.open == ["handler#1"]
    assert not run.case.locals


def test_escalation_starts_the_handler_beside_the_flow_that_goes_on():
    inside = Scope(prefix="i")
    inside.chain(inside.start(), inside.node("intermediateThrowEvent", "up", escalation("c_up")), inside.user("a"))
    inside.chain("a", inside.end())
    s = Scope()
    s.node("subProcess", "sub", inside.text())
    s.chain(s.start(), "sub", s.end())
    s.chain(s.boundary("caught", "sub", escalation("c_up"), False), s.user("boss"), s.end("end2"))

    assert run_of(s).open == ["boss#1", "sub#1/a#1"]


def test_signal_end_event_reaches_a_boundary_elsewhere_in_the_case():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"), s.user("long"), s.end())
    s.chain("fork", s.user("short"), s.end("stop", signal("s_stop")))
    s.chain(s.boundary("stopped", "long", signal("s_stop")), s.user("after"), s.end("end2"))
    run = run_of(s)

    run.do(SubmitTask("short#1", {}))

    assert run.open == ["after#1"]


def test_terminate_ends_its_own_scope_only():
    inside = Scope(prefix="i")
    inside.chain(
        inside.start(), inside.node("parallelGateway", "fork"), inside.user("a"), inside.end("stop", TERMINATE)
    )
    inside.chain("fork", inside.user("b"), inside.end("i2"))
    s = Scope()
    s.node("subProcess", "sub", inside.text())
    s.chain(s.start(), "sub", s.user("after"), s.end())
    run = run_of(s)

    run.do(SubmitTask("sub#1/a#1", {}))

    assert run.open == ["after#1"]


def test_event_gateway_lets_the_first_event_win_and_forgets_the_others():
    s = Scope()
    s.chain(s.start(), s.node("eventBasedGateway", "race"), s.node("intermediateCatchEvent", "came", message("m_go")))
    s.chain(
        "race", s.node("intermediateCatchEvent", "waited", timer("duration", "PT2H")), s.user("remind"), s.end("e2")
    )
    s.chain("came", s.user("good"), s.end())
    run = run_of(s)
    assert len(run.case.timers) == 1

    run.do(SendMessage("go"))

    assert run.open == ["good#1"]
    assert not run.case.timers
    assert not run.case.messages


def test_receive_task_waits_for_its_message():
    s = Scope()
    s.chain(s.start(), s.node("receiveTask", "wait", messageRef="m_go"), s.user("after"), s.end())
    run = run_of(s)
    assert run.open == []
    assert run.case.status == "open"

    run.do(SendMessage("go"))

    assert run.open == ["after#1"]


def test_non_interrupting_message_can_come_again_and_again_while_its_host_runs():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("again", "a", message("m_go"), False), s.user("extra"), s.end("end2"))
    run = run_of(s)

    run.do(SendMessage("go"))
    run.do(SendMessage("go"))
    assert run.open == ["a#1", "extra#1", "extra#2"]

    run.do(SubmitTask("a#1", {}))
    assert not run.case.messages
    assert run.try_(SendMessage("go")).key == "message.not_awaited"


def test_call_activity_shares_the_case_data_and_names_its_tasks_by_the_call():
    called = Scope(prefix="c")
    called.chain(called.start(), called.script("set", "grade", '"major"'), called.user("t"), called.end())
    s = Scope()
    s.chain(s.start(), s.node("callActivity", "call", calledElement="q"), s.user("after"), s.end())
    run = run_of(s, q=called)
    assert run.open == ["call#1/t#1"]
    assert run.case.data["grade"] == "major"

    run.do(SubmitTask("call#1/t#1", {}))

    assert run.open == ["after#1"]


def test_loop_visits_are_counted_in_the_task_name():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "m"), s.user("a"), s.script("n_up", "n", "n + 1"))
    s.chain("n_up", s.node("exclusiveGateway", "x", default="out"))
    s.flow("x", "m", "n < 3")
    s.flow("x", s.end(), ident="out")
    run = run_of(s, {"n": 0})

    for visit in (1, 2, 3):
        assert run.open == [f"a#{visit}"]
        run.do(SubmitTask(f"a#{visit}", {}))

    assert run.case.status == "closed"


def test_the_tree_does_not_grow_with_the_rounds_of_a_loop():
    """Spiff goes blind, and says 'completed', beyond 250 rounds; here round 5,000 costs what round 1 costs."""
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "m"), s.user("a"), s.node("exclusiveGateway", "x", default="out"))
    s.flow("x", "m", "stop != true")
    s.flow("x", s.end(), ident="out")
    s.chain(s.boundary("tick", "a", timer("duration", "PT1H"), False), s.end("end2"))
    run = run_of(s)

    for visit in range(1, 5_001):
        run.do(SubmitTask(f"a#{visit}", {}))
        run.entries.clear()

    assert run.open == ["a#5001"]
    assert run.case.status == "open"
    assert len(run.case.workflow.tasks) == 3


def test_resolving_an_incident_needs_a_reason():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    run = run_of(s)
    run.case.incidents[1] = "incident.steps"

    assert run.try_(ResolveIncident(1, "  ")).code == "invalid"
    run.do(ResolveIncident(1, "图已改正"))
    assert not run.case.incidents
