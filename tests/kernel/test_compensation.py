"""Compensation, transactions, standard loops, data mappings."""

from datetime import timedelta

import pytest

from engine.domain.commands import FailTask, SubmitTask
from engine.kernel.compile import compile_bundle
from tests.support.diagrams import Run, Scope, bundle_of, error, message, multi, timer

UNDO = "<bpmn:compensateEventDefinition/>"
CANCEL = "<bpmn:cancelEventDefinition/>"


def undoable(s: Scope, ident: str, kind: str = "task", inner: str = "") -> str:
    """An activity with a compensation handler `undo_<ident>`, a user task."""
    s.node(kind, ident, inner)
    s.boundary(f"c_{ident}", ident, UNDO)
    s.user(f"undo_{ident}", isForCompensation="true")
    s.parts.append(f'<bpmn:association id="as_{ident}" sourceRef="c_{ident}" targetRef="undo_{ident}"/>')
    return ident


def done(run: Run, *tasks: str) -> list[list[str]]:
    """The open tasks after each submission."""
    seen = []
    for task in tasks:
        run.do(SubmitTask(task, {}))
        seen.append(run.open)
    return seen


def test_handlers_run_one_after_another_last_completed_first_and_the_throw_event_waits():
    s = Scope()
    s.chain(
        s.start(),
        undoable(s, "a"),
        undoable(s, "b"),
        s.node("intermediateThrowEvent", "undo", UNDO),
        s.user("x"),
        s.end(),
    )
    run = Run(*bundle_of(p=s))

    assert run.open == ["undo_b#1"]
    assert done(run, "undo_b#1", "undo_a#1") == [["undo_a#1"], ["x#1"]]


def test_what_has_not_completed_is_not_undone():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "f"), s.user("w"), s.end("e1"))
    s.chain("w", undoable(s, "b"), s.end("e3"))
    s.chain("f", undoable(s, "a"), s.node("intermediateThrowEvent", "undo", UNDO), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s))

    assert run.open == ["undo_a#1", "w#1"]
    assert done(run, "undo_a#1") == [["w#1", "x#1"]]


def test_a_named_activity_is_undone_alone_and_only_once():
    s = Scope()
    one = '<bpmn:compensateEventDefinition activityRef="a"/>'
    s.chain(
        s.start(), undoable(s, "a"), undoable(s, "b"), s.node("intermediateThrowEvent", "t1", one),
        s.node("intermediateThrowEvent", "t2", one), s.user("x"), s.end(),
    )  # fmt: skip
    run = Run(*bundle_of(p=s))

    assert run.open == ["undo_a#1"]
    assert done(run, "undo_a#1") == [["x#1"]]


def test_an_activity_done_twice_is_undone_twice():
    s = Scope()
    s.chain(
        s.start(),
        s.node("exclusiveGateway", "again"),
        undoable(s, "a"),
        s.script("n", "n", "n + 1"),
        s.node("exclusiveGateway", "x", default="out"),
    )
    s.flow("x", "again", "n < 2")
    s.chain(s.node("intermediateThrowEvent", "undo", UNDO), s.end())
    s.flow("x", "undo", ident="out")
    run = Run(*bundle_of(p=s), {"n": 0})

    assert done(run, "undo_a#1", "undo_a#2") == [["undo_a#2"], []]
    assert run.case.status == "closed"


def test_a_completed_subprocess_is_undone_by_undoing_what_is_inside():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), undoable(inside, "a"), undoable(inside, "b"), inside.end())
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), undoable(s, "c"), s.end("undo", UNDO))
    run = Run(*bundle_of(p=s))

    assert run.open == ["undo_c#1"]
    assert done(run, "undo_c#1", "undo_b#1", "undo_a#1") == [["undo_b#1"], ["undo_a#1"], []]
    assert run.case.status == "closed"


def test_a_compensation_event_subprocess_takes_the_place_of_the_default_and_may_ask_for_it():
    s, inside, handler = Scope(), Scope(prefix="i_"), Scope(prefix="h_")
    handler.chain(
        handler.node("startEvent", "h_start", UNDO),
        handler.user("mine"),
        handler.node("intermediateThrowEvent", "rest", UNDO),
        handler.end(),
    )
    inside.chain(inside.start(), undoable(inside, "a"), inside.end())
    inside.node("subProcess", "h", handler.text(), triggeredByEvent="true")
    s.chain(
        s.start(),
        s.node("subProcess", "sub", inside.text()),
        s.node("intermediateThrowEvent", "undo", UNDO),
        s.user("x"),
        s.end(),
    )
    run = Run(*bundle_of(p=s))

    assert [t.rsplit("/", 1)[-1] for t in run.open] == ["mine#1"]
    run.do(SubmitTask(run.open[0], {}))
    assert [t.rsplit("/", 1)[-1] for t in run.open] == ["undo_a#1"]
    run.do(SubmitTask(run.open[0], {}))
    assert run.open == ["x#1"]


def test_a_handler_sees_the_fields_of_the_instance_it_undoes():
    s = Scope()
    undoable(s, "m", "task", multi("units", "unit", sequential=True))
    s.parts = [p.replace('id="undo_m"', 'id="undo_m" camunda:assignee="=unit"') for p in s.parts]
    s.chain(s.start(), "m", s.node("intermediateThrowEvent", "undo", UNDO), s.user("x"), s.end())
    run = Run(*bundle_of(p=s), {"units": ["a", "b"]})

    seen = []
    while run.open != ["x#1"]:
        (task,) = run.case.tasks.values()
        seen.append(task.assignee)
        run.do(SubmitTask(task.name, {}), actor=task.assignee)

    assert seen == ["b", "a"]


def test_a_handler_goes_with_its_throw_event_when_the_scope_is_interrupted():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), undoable(inside, "a"), inside.end("undo", UNDO))
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.end())
    s.chain(s.boundary("late", "sub", timer("duration", "PT1H")), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s))
    assert run.open == ["sub#1/undo_a#1"]

    run.at += timedelta(hours=1)
    run.settle()

    assert run.open == ["x#1"]


def transaction(ending: str) -> Run:
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(
        inside.start(),
        inside.node("parallelGateway", "f"),
        undoable(inside, "a"),
        inside.user("go"),
        inside.end("stop", ending),
    )
    inside.chain("f", inside.user("other"), inside.end())
    s.chain(s.start(), s.node("transaction", "tx", inside.text()), s.user("good"), s.end())
    s.chain(s.boundary("cancelled", "tx", CANCEL), s.user("off"), s.end("e2"))
    s.chain(s.boundary("failed", "tx", error("e_bad")), s.user("bad"), s.end("e3"))
    return Run(*bundle_of(p=s))


def test_cancelling_a_transaction_ends_it_undoes_it_and_leaves_by_the_cancel_boundary_event():
    run = transaction(CANCEL)
    assert run.open == ["tx#1/go#1", "tx#1/other#1"]

    assert done(run, "tx#1/go#1") == [["tx#1/undo_a#1"]]
    assert done(run, "tx#1/undo_a#1") == [["off#1"]]


def test_an_error_leaves_a_transaction_without_undoing_it():
    assert done(transaction(error("e_bad")), "tx#1/go#1") == [["bad#1"]]


@pytest.mark.parametrize(
    ("attributes", "condition", "rounds"),
    [
        ({}, "loopCounter &lt; 3", 3),
        ({}, "false", 1),
        ({"testBefore": "true"}, "false", 0),
        ({"testBefore": "true"}, "loopCounter &lt; 2", 2),
        ({"loopMaximum": "2"}, "true", 2),
        ({"loopMaximum": "4"}, "", 4),
    ],
)
def test_a_standard_loop_repeats_while_its_condition_holds(attributes, condition, rounds):
    s = Scope()
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    inner = f"<bpmn:loopCondition>{condition}</bpmn:loopCondition>" if condition else ""
    s.chain(
        s.start(),
        s.user("a", f"<bpmn:standardLoopCharacteristics{written}>{inner}</bpmn:standardLoopCharacteristics>"),
        s.user("x"),
        s.end(),
    )
    run = Run(*bundle_of(p=s))

    for number in range(rounds):
        assert run.open == [f"a#1[{number}]"]
        run.do(SubmitTask(f"a#1[{number}]", {}))

    assert run.open == ["x#1"]


def test_a_loop_writes_into_the_case_and_a_boundary_event_covers_all_rounds():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.script("s", "total", "total + 1"), inside.user("a"), inside.end())
    loop = "<bpmn:loopCondition>true</bpmn:loopCondition>"
    loop = f"<bpmn:standardLoopCharacteristics>{loop}</bpmn:standardLoopCharacteristics>"
    s.chain(s.start(), s.node("subProcess", "sub", inside.text() + loop), s.end())
    s.chain(s.boundary("late", "sub", timer("duration", "PT1H")), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s), {"total": 0})
    run.do(SubmitTask("sub#1[0]/a#1", {}))

    run.at += timedelta(hours=1)
    run.settle()

    assert run.open == ["x#1"]
    assert run.case.data["total"] == 2


def mapping(kind: str, *rows: str) -> str:
    return f"<bpmn:extensionElements><camunda:{kind}>{''.join(rows)}</camunda:{kind}></bpmn:extensionElements>"


def test_mapped_inputs_are_the_activitys_own_and_outputs_go_to_the_scope_around():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.script("w1", "x", "x + 1"), inside.script("w2", "y", "x * 10"), inside.end())
    io = mapping(
        "inputOutput",
        '<camunda:inputParameter name="x">${n}</camunda:inputParameter>',
        '<camunda:outputParameter name="result">${x}</camunda:outputParameter>',
    )
    s.chain(s.start(), s.node("subProcess", "sub", io + inside.text()), s.user("a"), s.end())

    run = Run(*bundle_of(p=s), {"n": 5})

    assert (run.case.data["result"], run.case.data["y"]) == (6, 60)
    assert "x" not in run.case.data


def test_a_call_with_mapped_data_sees_and_changes_only_what_is_mapped():
    s, called = Scope(), Scope(prefix="q_")
    called.chain(
        called.start(),
        called.script("look", "seen", "[own, secret]"),
        called.script("w", "secret", '"changed"'),
        called.end(),
    )
    io = (
        '<bpmn:extensionElements><camunda:in source="n" target="own"/><camunda:out source="seen" target="answer"/>'
        "</bpmn:extensionElements>"
    )
    s.chain(s.start(), s.node("callActivity", "call", io, calledElement="q"), s.user("a"), s.end())

    run = Run(*bundle_of(p=s, q=called), {"n": 5, "secret": "s"})

    assert run.case.data["answer"] == [5, None]
    assert run.case.data["secret"] == "s"
    assert "seen" not in run.case.data


def test_multi_instance_results_are_collected_in_input_order_whatever_ends_first_and_kept_when_interrupted():
    s = Scope()
    s.parts.append('<bpmn:dataObject id="d_in" name="units"/><bpmn:dataObject id="d_out" name="answers"/>')
    loop = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>d_in</bpmn:loopDataInputRef>"
        "<bpmn:loopDataOutputRef>d_out</bpmn:loopDataOutputRef>"
        '<bpmn:inputDataItem id="di" name="unit"/><bpmn:outputDataItem id="do" name="answer"/>'
        "</bpmn:multiInstanceLoopCharacteristics>"
    )
    inside = Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("a"), inside.script("w", "answer", '"from " + unit'), inside.end())
    s.chain(s.start(), s.node("subProcess", "sub", inside.text() + loop), s.end())
    s.chain(s.boundary("late", "sub", timer("duration", "PT1H")), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s), {"units": ["a", "b", "c"]})

    run.do(SubmitTask("sub#1[2]/a#1", {}))
    run.do(SubmitTask("sub#1[0]/a#1", {}))
    run.at += timedelta(hours=1)
    run.settle()

    assert run.case.data["answers"] == ["from a", "from c"]


def test_an_error_code_goes_to_the_field_that_the_diagram_names():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), inside.end("bad", error("e_bad")))
    s.chain(s.start(), s.node("subProcess", "sub", inside.text()), s.end())
    s.chain(
        s.boundary("caught", "sub", '<bpmn:errorEventDefinition camunda:errorCodeVariable="why"/>'),
        s.user("x"),
        s.end("e2"),
    )

    run = Run(*bundle_of(p=s))

    assert run.case.data["why"] == "bad"


@pytest.mark.parametrize("ident", ["Start", "Root", "End", "root"])
def test_elements_may_have_the_names_that_spiffworkflow_uses_itself(ident):
    s = Scope()
    s.chain(s.start(), s.user(ident), s.end())

    assert Run(*bundle_of(p=s)).open == [f"{ident}#1"]


def test_an_interrupting_cycle_fires_once_and_takes_the_task_away():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("late", "a", timer("cycle", "R3/PT1H")), s.user("x"), s.end("e2"))
    run = Run(*bundle_of(p=s))

    run.at += timedelta(hours=5)
    run.settle()

    assert run.open == ["x#1"]
    assert not run.case.timers


def test_an_only_outgoing_flow_that_is_the_default_is_taken():
    s = Scope()
    s.node("task", "t", default="d")
    s.chain(s.start(), "t")
    s.flow("t", s.user("a"), ident="d")
    s.chain("a", s.end())

    assert Run(*bundle_of(p=s)).open == ["a#1"]


def test_handlers_inside_a_multi_instance_subprocess_see_the_fields_of_their_instance():
    s, inside = Scope(), Scope(prefix="i_")
    inside.chain(inside.start(), undoable(inside, "a"), inside.end())
    inside.parts = [p.replace('id="undo_a"', 'id="undo_a" camunda:assignee="=unit"') for p in inside.parts]
    loop = multi("units", "unit", sequential=True)
    s.chain(
        s.start(), s.node("subProcess", "sub", inside.text() + loop), s.node("intermediateThrowEvent", "undo", UNDO)
    )
    s.chain("undo", s.user("x"), s.end())
    run = Run(*bundle_of(p=s), {"units": ["a", "b"]})

    seen = []
    while run.open != ["x#1"]:
        (task,) = run.case.tasks.values()
        seen.append(task.assignee)
        run.do(SubmitTask(task.name, {}), actor=task.assignee)

    assert seen == ["b", "a"]
    assert run.case.locals == {}


def test_compensation_stays_in_its_process_and_does_not_undo_what_a_pool_has_done():
    s, pool = Scope(), Scope(prefix="q_")
    pool.chain(pool.node("startEvent", "asked", message("m_go")), undoable(pool, "b"), pool.end())
    s.chain(s.start(), undoable(s, "a"), s.node("intermediateThrowEvent", "go", message("m_go")), s.user("w"))
    s.chain("w", s.end("undo", UNDO))
    run = Run(*bundle_of(p=s, q=pool))

    assert done(run, "w#1", "undo_a#1") == [["undo_a#1"], []]


def test_a_played_instance_that_fails_is_caught_by_the_event_on_the_whole_activity():
    s = Scope()
    s.chain(s.start(), s.user("a", multi(cardinality="3")), s.end())
    s.chain(s.boundary("caught", "a", error("e_bad")), s.user("x"), s.end("e2"))
    bundle = bundle_of(p=s)[1]
    run = Run(compile_bundle(bundle, played=True), bundle)

    run.do(FailTask("a#1[1]", "bad"))

    assert run.open == ["x#1"]
