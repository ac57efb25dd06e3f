"""Conditional events, messages thrown inside a case, correlation, pools, signals from outside."""

import pytest

from engine.definitions.bundle import read_bundle
from engine.domain.commands import OpenCase, SendMessage, SendSignal, SubmitTask
from engine.domain.rejection import Rejection
from engine.kernel.compile import compile_bundle
from engine.kernel.faults import KernelFault
from tests.support.diagrams import Run, Scope, bundle_of, document, error, message, multi, signal, timer

GLOBAL = b"""<bpmn:globalUserTask id="g"><bpmn:potentialOwner><bpmn:resourceAssignmentExpression>
<bpmn:formalExpression>office</bpmn:formalExpression></bpmn:resourceAssignmentExpression></bpmn:potentialOwner>
</bpmn:globalUserTask>"""


def conditional(text: str) -> str:
    return f"<bpmn:conditionalEventDefinition><bpmn:condition>{text}</bpmn:condition></bpmn:conditionalEventDefinition>"


def test_a_conditional_catch_event_waits_until_data_makes_it_true():
    s = Scope()
    s.chain(
        s.start(),
        s.node("parallelGateway", "f"),
        s.node("intermediateCatchEvent", "c", conditional("n > 1")),
        s.user("x"),
        s.end("e1"),
    )
    s.chain("f", s.user("a"), s.script("one", "n", "1"), s.user("b"), s.script("two", "n", "2"), s.end("e2"))
    run = Run(*bundle_of(p=s), {"n": 0})

    run.do(SubmitTask("a#1", {}))
    assert run.open == ["b#1"]

    run.do(SubmitTask("b#1", {}))
    assert run.open == ["x#1"]


def test_a_condition_that_holds_already_fires_at_once():
    s = Scope()
    s.chain(s.start(), s.node("intermediateCatchEvent", "c", conditional("n > 1")), s.user("x"), s.end())

    assert Run(*bundle_of(p=s), {"n": 2}).open == ["x#1"]


def test_an_interrupting_conditional_boundary_event_takes_the_task_away():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "f"), s.user("a"), s.end("e1"))
    s.chain(s.boundary("c", "a", conditional("n = 2")), s.user("x"), s.end("e3"))
    s.chain("f", s.user("b"), s.script("two", "n", "2"), s.end("e2"))
    run = Run(*bundle_of(p=s), {"n": 0})

    run.do(SubmitTask("b#1", {}))

    assert run.open == ["x#1"]


def test_a_non_interrupting_condition_fires_each_time_it_becomes_true_and_not_while_it_stays_true():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "f"), s.user("a"), s.end("e1"))
    s.chain(s.boundary("c", "a", conditional("n > 1"), interrupting=False), s.user("x"), s.end("e3"))
    s.chain(
        "f",
        s.script("s1", "n", "2"),
        s.script("s2", "n", "3"),
        s.script("s3", "n", "0"),
        s.script("s4", "n", "5"),
        s.end("e2"),
    )

    assert Run(*bundle_of(p=s), {"n": 0}).open == ["a#1", "x#1", "x#2"]


def test_a_condition_that_makes_itself_true_again_is_stopped_by_the_guard():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(
        s.boundary("c", "a", conditional("n >= 0"), interrupting=False),
        s.script("off", "n", "-1"),
        s.script("on", "n", "1"),
        s.end("e2"),
    )

    with pytest.raises(KernelFault) as fault:
        Run(*bundle_of(p=s), {"n": 0})

    assert fault.value.key in ("incident.steps", "incident.tokens")


def test_a_thrown_message_reaches_whoever_waits_longest_and_only_him():
    s = Scope()
    s.chain(
        s.start(),
        s.node("parallelGateway", "f"),
        s.node("intermediateCatchEvent", "first", message("m_go")),
        s.user("x"),
        s.end("e1"),
    )
    s.chain("f", s.node("intermediateCatchEvent", "second", message("m_go")), s.user("y"), s.end("e2"))
    s.chain("f", s.user("a"), s.node("intermediateThrowEvent", "t", message("m_go")), s.end("e3"))
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("a#1", {}))

    assert run.open == ["x#1"]


def test_a_message_thrown_before_anybody_waits_is_kept_for_who_waits_later():
    s = Scope()
    s.chain(
        s.start(),
        s.node("sendTask", "t", messageRef="m_go"),
        s.user("a"),
        s.node("receiveTask", "r", messageRef="m_go"),
        s.user("x"),
        s.end(),
    )
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("a#1", {}))

    assert run.open == ["x#1"]


def test_a_message_end_event_throws():
    s = Scope()
    s.chain(
        s.start(),
        s.node("parallelGateway", "f"),
        s.node("intermediateCatchEvent", "c", message("m_go")),
        s.user("x"),
        s.end("e1"),
    )
    s.chain("f", s.end("e2", message("m_go")))

    assert Run(*bundle_of(p=s)).open == ["x#1"]


def test_a_message_nobody_in_the_case_can_receive_leaves_it():
    s = Scope()
    s.chain(s.start(), s.node("intermediateThrowEvent", "t", message("m_go")), s.user("x"), s.end())
    run = Run(*bundle_of(p=s))

    thrown = [e for entry in run.entries for e in entry.events if e["kind"] == "MessageThrown"]

    assert [(e["message"], e["outcome"]) for e in thrown] == [("go", "left")]


def test_a_message_with_a_key_reaches_only_the_instance_whose_correlation_it_is():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(
        inside.start(), inside.node("intermediateCatchEvent", "c", message("m_go"), properties={"correlation": "unit"}),
        inside.user("x"), inside.end(),
    )  # fmt: skip
    s.chain(s.start(), s.node("subProcess", "sub", inside.text() + multi("units", "unit")), s.end())
    run = Run(*bundle_of(p=s), {"units": ["a", "b", "c"]})

    run.do(SendMessage("go", key="b"))
    assert run.open == ["sub#1[1]/x#1"]

    run.do(SendMessage("go"))
    assert len(run.open) == 3
    assert isinstance(run.try_(SendMessage("go", key="b")), Rejection)


def test_a_message_starts_the_other_pool_of_the_file_inside_the_case():
    s, other = Scope(), Scope(prefix="q_")
    other.chain(
        other.node("startEvent", "asked", message("m_go")), other.user("answer"), other.end("told", message("m_back"))
    )
    s.chain(
        s.start(),
        s.node("intermediateThrowEvent", "ask", message("m_go")),
        s.node("intermediateCatchEvent", "hear", message("m_back")),
        s.user("x"),
        s.end(),
    )
    run = Run(*bundle_of(p=s, q=other))
    assert run.open == ["q#1/answer#1"]

    run.do(SubmitTask("q#1/answer#1", {}))

    assert run.open == ["x#1"]
    run.do(SubmitTask("x#1", {}))
    assert run.case.status == "closed"


def test_terminate_in_one_pool_leaves_the_other_running():
    s, other = Scope(), Scope(prefix="q_")
    other.chain(other.node("startEvent", "asked", message("m_go")), other.user("answer"), other.end("q_end"))
    s.chain(
        s.start(),
        s.node("intermediateThrowEvent", "ask", message("m_go")),
        s.end("stop", "<bpmn:terminateEventDefinition/>"),
    )
    run = Run(*bundle_of(p=s, q=other))

    assert run.open == ["q#1/answer#1"]
    run.do(SubmitTask("q#1/answer#1", {}))
    assert run.case.status == "closed"


def test_a_signal_from_outside_reaches_all_who_wait():
    s = Scope()
    s.chain(
        s.start(),
        s.node("parallelGateway", "f"),
        s.node("intermediateCatchEvent", "c", signal("s_stop")),
        s.user("x"),
        s.end("e1"),
    )
    s.chain("f", s.user("a"), s.end("e2"))
    s.chain(s.boundary("b", "a", signal("s_stop")), s.user("y"), s.end("e3"))
    run = Run(*bundle_of(p=s))

    run.do(SendSignal("stop"))

    assert run.open == ["x#1", "y#1"]


def test_of_several_start_events_one_is_chosen_or_the_plain_one_taken():
    s = Scope()
    s.chain(s.start("plain"), s.user("a"), s.end("e1"))
    s.chain(s.node("startEvent", "asked", message("m_go")), s.user("b"), s.end("e2"))
    run = Run(*bundle_of(p=s))
    assert run.open == ["a#1"]

    chosen = Run(*bundle_of(p=s), first=OpenCase("p", {}, start="asked"))
    assert chosen.open == ["b#1"]


def test_a_process_without_start_events_begins_at_every_element_without_incoming_flows():
    s = Scope()
    s.chain(s.user("a"), s.user("b"))
    s.node("task", "quiet")
    s.user("c")
    run = Run(*bundle_of(p=s))

    assert run.open == ["a#1", "c#1"]
    assert "quiet" in run.trail


def test_links_events_with_several_triggers_and_implicit_splits_run_as_drawn():
    s = Scope()
    s.chain(
        s.start(),
        s.node("task", "split"),
        s.node("intermediateThrowEvent", "out", "<bpmn:linkEventDefinition name='L'/>"),
    )
    s.chain(
        s.node("intermediateCatchEvent", "in", "<bpmn:linkEventDefinition name='L'/>"), s.user("linked"), s.end("e1")
    )
    s.chain(
        "split",
        s.node("intermediateCatchEvent", "any", message("m_go") + timer("duration", "PT1H")),
        s.user("any_after"),
        s.end("e2"),
    )
    s.chain(
        "split",
        s.node("intermediateCatchEvent", "all", message("m_go") + signal("s_stop"), parallelMultiple="true"),
        s.user("all_after"),
        s.end("e3"),
    )
    run = Run(*bundle_of(p=s))
    assert run.open == ["linked#1"]

    run.do(SendMessage("go"))
    assert run.open == ["any_after#1", "linked#1"]
    assert not run.case.timers

    run.do(SendSignal("stop"))
    assert run.open == ["all_after#1", "any_after#1", "linked#1"]


def test_a_boundary_event_with_several_triggers_is_fired_by_any_of_them():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end("e1"))
    s.chain(s.boundary("either", "a", message("m_go") + timer("duration", "PT1H")), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s))

    run.do(SendMessage("go"))

    assert run.open == ["x#1"]
    assert not run.case.timers


def test_an_end_event_with_several_throws_throws_all_of_them():
    s = Scope()
    s.chain(
        s.start(),
        s.node("parallelGateway", "f"),
        s.node("intermediateCatchEvent", "c", signal("s_stop")),
        s.user("x"),
        s.end("e1"),
    )
    s.chain("f", s.node("intermediateCatchEvent", "m", message("m_go")), s.user("y"), s.end("e2"))
    s.chain("f", s.end("both", message("m_go") + signal("s_stop")))

    assert Run(*bundle_of(p=s)).open == ["x#1", "y#1"]


def test_a_signal_is_thrown_after_all_others_have_moved_so_that_whoever_can_wait_for_it_waits():
    s = Scope()
    s.chain(
        s.start(), s.node("parallelGateway", "f"), s.node("intermediateThrowEvent", "t", signal("s_stop")), s.end("e1")
    )
    s.chain(
        "f", s.node("task", "slow1"), s.node("task", "slow2"), s.node("intermediateCatchEvent", "c", signal("s_stop"))
    )
    s.chain("c", s.user("x"), s.end("e2"))

    assert Run(*bundle_of(p=s)).open == ["x#1"]


def test_a_signal_starts_the_pools_that_begin_with_it():
    s, other = Scope(), Scope(prefix="q_")
    other.chain(other.node("startEvent", "told", signal("s_stop")), other.user("answer"), other.end("q_end"))
    s.chain(s.start(), s.end("e", signal("s_stop")))

    assert Run(*bundle_of(p=s, q=other)).open == ["q#1/answer#1"]


def test_a_receive_task_that_begins_a_pool_takes_the_message_that_started_it():
    s, other = Scope(), Scope(prefix="q_")
    other.chain(
        other.node("receiveTask", "r", messageRef="m_go", instantiate="true"), other.user("answer"), other.end("q_end")
    )
    s.chain(s.start(), s.end("e", message("m_go")))

    assert Run(*bundle_of(p=s, q=other)).open == ["q#1/answer#1"]


def test_an_error_end_event_at_the_top_ends_the_case_and_all_else_in_it():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "f"), s.user("a"), s.end("e1"))
    s.chain("f", s.user("b"), s.end("bad", error("e_bad")))
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("b#1", {}))

    assert (run.case.status, run.case.outcome, run.open) == ("closed", "bad", [])


def test_a_default_flow_of_an_activity_is_taken_beside_plain_ones_when_no_condition_holds():
    def diagram() -> Scope:
        s = Scope()
        s.node("task", "t", default="d")
        s.chain(s.start(), "t", s.user("always"), s.end("e1"))
        s.flow("t", s.user("high"), "n > 5")
        s.flow("t", s.user("other"), ident="d")
        for name in ("high", "other"):
            s.flow(name, s.end(f"e_{name}"))
        return s

    assert Run(*bundle_of(p=diagram()), {"n": 1}).open == ["always#1", "other#1"]
    assert Run(*bundle_of(p=diagram()), {"n": 9}).open == ["always#1", "high#1"]


def test_a_call_of_a_global_task_is_that_task():
    s = Scope()
    s.chain(s.start(), s.node("callActivity", "call", calledElement="g"), s.end())
    text = document(p=s).replace(b"</bpmn:definitions>", GLOBAL + b"</bpmn:definitions>")
    bundle = read_bundle({"bpmn/x.bpmn": text})

    run = Run(compile_bundle(bundle), bundle)

    assert run.open == ["call#1"]
    assert run.case.tasks["call#1"].groups == ("office",)


def test_a_process_is_over_with_its_last_token_though_another_pool_runs_on():
    s, other, inside = Scope(), Scope(prefix="q_"), Scope(prefix="h_")
    other.chain(other.node("startEvent", "asked", message("m_go")), other.user("answer"), other.end("q_end"))
    inside.chain(inside.node("startEvent", "h_start", message("m_back"), isInterrupting="false"), inside.end("h_end"))
    s.node("subProcess", "h", inside.text(), triggeredByEvent="true")
    s.chain(s.start(), s.node("intermediateThrowEvent", "ask", message("m_go")), s.end())

    run = Run(*bundle_of(p=s, q=other))

    assert run.open == ["q#1/answer#1"]
    assert not run.case.messages
