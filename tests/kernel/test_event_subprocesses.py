"""Event sub-processes: what starts them, what they interrupt, and that they are gone with their scope."""

from datetime import timedelta

import pytest

from engine.domain.commands import SendMessage, SubmitTask
from tests.support.diagrams import Run, Scope, bundle_of, error, escalation, message, multi, signal, timer


def handler(outer: Scope, ident: str, event: str, interrupting: bool = True, work: str = "") -> str:
    """An event sub-process with one user task `<ident>_task` (or `work`)."""
    inside = Scope(prefix=f"{ident}_")
    start = inside.node("startEvent", f"{ident}_start", event, isInterrupting=str(interrupting).lower())
    inside.chain(start, work or inside.user(f"{ident}_task"), inside.end(f"{ident}_end"))
    return outer.node("subProcess", ident, inside.text(), triggeredByEvent="true")


def process(*handlers, **data) -> Run:
    """start -> a -> b -> end with event sub-processes at the top: [(ident, event, interrupting)]."""
    s = Scope()
    s.chain(s.start(), s.user("a"), s.user("b"), s.end())
    for ident, event, interrupting in handlers:
        handler(s, ident, event, interrupting)
    return Run(*bundle_of(p=s), data)


def nested(*handlers) -> Run:
    """A sub-process `sub` around user task `a`, with event sub-processes inside it; then user task `b`."""
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end())
    for ident, event, interrupting in handlers:
        handler(inside, ident, event, interrupting)
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.user("b"), s.end())
    return Run(*bundle_of(p=s))


def after(run: Run, **duration) -> None:
    run.at += timedelta(**duration)
    run.settle()


def test_an_interrupting_timer_ends_everything_else_and_the_case_ends_with_the_handler():
    run = process(("late", timer("duration", "PT8H"), True))
    assert run.open == ["a#1"]

    after(run, hours=8)

    assert run.open == ["late#1/late_task#1"]
    run.do(SubmitTask("late#1/late_task#1", {}))
    assert run.case.status == "closed"


def test_a_non_interrupting_timer_runs_beside_and_the_case_waits_for_both():
    run = process(("late", timer("duration", "PT8H"), False))

    after(run, hours=8)

    assert run.open == ["a#1", "late#1/late_task#1"]
    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))
    assert run.case.status == "open"
    run.do(SubmitTask("late#1/late_task#1", {}))
    assert run.case.status == "closed"


@pytest.mark.parametrize("interrupting", [True, False])
def test_the_timer_does_not_keep_a_finished_case_alive_nor_fires_after_it(interrupting):
    run = process(("late", timer("duration", "PT8H"), interrupting))

    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))

    assert run.case.status == "closed"
    assert not run.case.timers
    after(run, hours=9)
    assert "late" not in run.trail


def test_a_nested_one_is_armed_with_its_scope_and_gone_with_it():
    run = nested(("late", timer("duration", "PT8H"), True))
    assert [t.element for t in run.case.timers.values()] == ["late_start"]

    run.do(SubmitTask("sub#1/a#1", {}))

    assert not run.case.timers
    assert run.open == ["b#1"]


def test_after_an_interrupting_nested_one_the_process_goes_on_behind_the_subprocess():
    run = nested(("late", timer("duration", "PT8H"), True))

    after(run, hours=8)
    run.do(SubmitTask("sub#1/late#1/late_task#1", {}))

    assert run.open == ["b#1"]


def test_a_message_starts_a_non_interrupting_one_as_often_as_it_comes():
    run = process(("ask", message("m_go"), False))

    run.do(SendMessage("go"))
    run.do(SendMessage("go"))

    assert run.open == ["a#1", "ask#1/ask_task#1", "ask#2/ask_task#1"]


def test_an_interrupting_one_disarms_the_other_event_subprocesses_of_its_scope():
    run = process(("stop", message("m_go"), True), ("late", timer("duration", "PT8H"), False))

    run.do(SendMessage("go"))

    assert run.open == ["stop#1/stop_task#1"]
    assert not run.case.timers
    assert not run.case.messages


def test_a_cycle_starts_a_non_interrupting_one_each_time():
    run = process(("remind", timer("cycle", "R3/PT1H"), False))

    after(run, hours=5)

    assert run.open == ["a#1", *(f"remind#{n}/remind_task#1" for n in (1, 2, 3))]


def test_an_error_is_caught_by_the_event_subprocess_before_the_boundary_event_around():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end("bad", error("e_bad")))
    handler(inside, "mend", error("e_bad"))
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.user("b"), s.end())
    s.chain(s.boundary("caught", "sub", error("e_bad")), s.user("c"), s.end("e2"))
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("sub#1/a#1", {}))

    assert run.open == ["sub#1/mend#1/mend_task#1"]
    run.do(SubmitTask("sub#1/mend#1/mend_task#1", {}))
    assert run.open == ["b#1"]


def test_an_error_of_a_called_process_reaches_an_event_subprocess_of_the_caller():
    s, called = Scope(), Scope(prefix="q_")
    called.chain(called.start(), called.end("bad", error("e_bad")))
    s.chain(s.start(), s.user("a"), s.node("callActivity", "call", calledElement="q"), s.end())
    handler(s, "mend", error())
    run = Run(*bundle_of(p=s, q=called))

    run.do(SubmitTask("a#1", {}))

    assert run.open == ["mend#1/mend_task#1"]


def test_an_escalation_starts_a_non_interrupting_one_and_the_thrower_goes_on():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(
        inside.start(), inside.user("a"), inside.node("intermediateThrowEvent", "up", escalation("c_up")),
        inside.user("a2"), inside.end(),
    )  # fmt: skip
    handler(inside, "told", escalation("c_up"), interrupting=False)
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.end())
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("sub#1/a#1", {}))

    assert run.open == ["sub#1/a2#1", "sub#1/told#1/told_task#1"]


def test_an_escalation_thrown_inside_its_own_handler_does_not_start_it_again():
    s = Scope()
    inside = Scope(prefix="h_")
    start = inside.node("startEvent", "h_start", escalation("c_up"), isInterrupting="false")
    inside.chain(start, inside.node("intermediateThrowEvent", "again", escalation("c_up")), inside.end())
    s.chain(s.start(), s.node("intermediateThrowEvent", "up", escalation("c_up")), s.user("a"), s.end())
    s.node("subProcess", "h", inside.text(), triggeredByEvent="true")

    run = Run(*bundle_of(p=s))

    assert run.trail.count("h") == 1


def test_an_interrupting_escalation_takes_the_thrower_away():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(
        inside.start(), inside.node("intermediateThrowEvent", "up", escalation("c_up")), inside.user("a"), inside.end()
    )
    handler(inside, "told", escalation("c_up"))
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.end())

    run = Run(*bundle_of(p=s))

    assert run.open == ["sub#1/told#1/told_task#1"]


def test_a_signal_reaches_event_subprocesses_of_every_scope():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end())
    handler(inside, "in", signal("s_stop"), interrupting=False)
    s.chain(s.start(), s.node("parallelGateway", "f"), s.node("subProcess", "sub", inside.text()), s.end("e1"))
    s.chain("f", s.user("b"), s.node("intermediateThrowEvent", "sig", signal("s_stop")), s.end("e2"))
    handler(s, "out", signal("s_stop"), interrupting=False)
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("b#1", {}))

    assert run.open == ["out#1/out_task#1", "sub#1/a#1", "sub#1/in#1/in_task#1"]


def test_terminate_ends_the_scope_and_its_event_subprocesses():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end("stop", "<bpmn:terminateEventDefinition/>"))
    handler(inside, "ask", message("m_go"), interrupting=False)
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.user("b"), s.end())
    run = Run(*bundle_of(p=s))
    run.do(SendMessage("go"))

    run.do(SubmitTask("sub#1/a#1", {}))

    assert run.open == ["b#1"]
    assert not run.case.messages


def test_when_the_enclosing_activity_is_interrupted_its_event_subprocesses_go_too():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end())
    handler(inside, "ask", message("m_go"), interrupting=False)
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.end())
    s.chain(s.boundary("late", "sub", timer("duration", "PT1H")), s.user("c"), s.end("e2"))
    run = Run(*bundle_of(p=s))
    run.do(SendMessage("go"))

    after(run, hours=1)

    assert run.open == ["c#1"]
    assert not run.case.messages


def test_a_multi_instance_subprocess_has_its_event_subprocess_in_each_instance():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.end())
    handler(inside, "ask", message("m_go"), interrupting=False)
    loop = multi(cardinality="2")
    s.chain(s.start(), s.node("subProcess", "sub", inside.text() + loop), s.end())
    run = Run(*bundle_of(p=s))

    run.do(SendMessage("go"))

    assert run.open == [f"sub#1[{n}]/{t}" for n in (0, 1) for t in ("a#1", "ask#1/ask_task#1")]


LIMIT = {"limit": "same_day", "breach": "true", "clause": "R49"}


def limited(interrupting: bool) -> Run:
    s, inside = Scope(), Scope(prefix="h_")
    start = inside.node(
        "startEvent", "late_start", timer("duration", "PT8H"), LIMIT, isInterrupting=str(interrupting).lower()
    )
    inside.chain(start, inside.user("late_task"), inside.end("h_end"))
    s.chain(s.start(), s.user("a"), s.end())
    s.node("subProcess", "late", inside.text(), triggeredByEvent="true")
    return Run(*bundle_of(p=s))


def kinds(run: Run) -> list[str]:
    return [e["kind"] for entry in run.entries for e in entry.events if e["kind"].startswith(("Limit", "TimerC"))]


def test_a_limit_on_the_whole_process_covers_its_tasks_and_is_met_when_it_ends():
    run = limited(interrupting=False)
    (task,) = run.case.tasks.values()
    assert task.created is not None and task.created.due == "2026-03-02T09:00:00.000000Z"

    run.do(SubmitTask("a#1", {}))

    assert kinds(run) == ["LimitMet", "TimerCancelled"]


def test_a_limit_that_interrupts_is_broken_and_never_met():
    run = limited(interrupting=True)

    after(run, hours=8)
    run.do(SubmitTask("late#1/late_task#1", {}))

    assert kinds(run) == ["LimitBreached", "TimerCancelled"]
