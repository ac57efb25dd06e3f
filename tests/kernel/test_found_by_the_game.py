"""Small diagrams of what the token game found in the kernel (tests/kernel/test_token_game.py)."""

from engine.definitions.bundle import read_bundle
from engine.domain.commands import SendMessage, SubmitTask
from engine.kernel.compile import compile_bundle
from tests.support.diagrams import Run, Scope, bundle_of, document, message

HIGH = "<bpmn:conditionalEventDefinition><bpmn:condition>w &gt; 0</bpmn:condition></bpmn:conditionalEventDefinition>"
UNDO = "<bpmn:compensateEventDefinition/>"


def played(scope: Scope, data: dict) -> Run:
    """A case in which messages carry raw values."""
    bundle = read_bundle({"bpmn/test.bpmn": document(p=scope)})
    return Run(compile_bundle(bundle, played=True), bundle, data)


def test_a_handler_inside_a_standard_loop_writes_to_the_case_as_the_loop_does():
    inner = Scope(prefix="i")
    inner.chain(inner.start(), inner.script("count", "n", "n + 1"), inner.end())
    inner.boundary("c", "count", UNDO)
    inner.script("back", "undone", "undone + 1")
    inner.parts[-1] = inner.parts[-1].replace('id="back"', 'id="back" isForCompensation="true"')
    inner.parts.append('<bpmn:association id="as" sourceRef="c" targetRef="back"/>')
    loop = (
        "<bpmn:standardLoopCharacteristics><bpmn:loopCondition>n &lt; 3</bpmn:loopCondition>"
        "</bpmn:standardLoopCharacteristics>"
    )
    s = Scope()
    s.node("subProcess", "sub", inner.text() + loop)
    s.chain(s.start(), "sub", s.node("intermediateThrowEvent", "undo", UNDO), s.user("x"), s.end())

    run = Run(*bundle_of(p=s), {"n": 0, "undone": 0})

    assert (run.open, run.case.data["n"], run.case.data["undone"]) == (["x#1"], 3, 3)


def test_a_receive_task_that_has_its_message_is_not_interrupted_by_what_the_message_brought():
    s = Scope()
    s.chain(s.start(), s.node("receiveTask", "wait", messageRef="m_go"), s.user("came"), s.end())
    s.chain(s.boundary("high", "wait", HIGH), s.user("high_task"), s.end("end2"))
    run = played(s, {"w": 0})

    run.do(SendMessage("go", {"w": 2}))

    assert run.open == ["came#1"]


def test_a_kept_message_comes_before_a_condition_that_already_holds():
    s = Scope()
    s.chain(s.start(), s.node("intermediateThrowEvent", "send", message("m_go")))
    s.chain("send", s.node("receiveTask", "wait", messageRef="m_go"), s.user("came"), s.end())
    s.chain(s.boundary("high", "wait", HIGH), s.user("high_task"), s.end("end2"))

    assert played(s, {"w": 1}).open == ["came#1"]


def test_the_reset_of_a_complex_join_takes_one_token_of_each_flow_it_still_expects():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "fork"), s.user("a"), s.node("exclusiveGateway", "merge"))
    s.chain("fork", s.user("b"), "merge")
    s.node("complexGateway", "x", "<bpmn:activationCondition>activationCount &gt;= 1</bpmn:activationCondition>")
    s.chain("fork", s.user("c"), "x")
    s.chain("fork", s.user("d"), "x")
    s.chain("merge", "x", s.user("on"), s.end())
    run = Run(*bundle_of(p=s))

    run.do(SubmitTask("c#1", {}))
    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("b#1", {}))
    assert run.open == ["d#1", "on#1"], "the join is to be reset: two tokens wait on one flow"
    run.do(SubmitTask("d#1", {}))

    assert run.open == ["on#1", "on#2"], "the second of them starts the join again"
