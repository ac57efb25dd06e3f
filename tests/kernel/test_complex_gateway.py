"""Complex gateways: N of M, and the reset (BPMN 13.4.5)."""

from engine.domain.commands import SubmitTask
from tests.support.diagrams import Run, Scope, bundle_of


def two_of_three(after_flow: str = "", loop: bool = False) -> Run:
    s = Scope()
    first = s.node("exclusiveGateway", "again") if loop else ""
    s.chain(s.start(), *([first] if first else []), s.node("parallelGateway", "f"))
    condition = "<bpmn:activationCondition>activationCount >= 2</bpmn:activationCondition>"
    s.node("complexGateway", "x", condition)
    for name in "abc":
        s.chain("f", s.user(name), "x")
    s.flow("x", s.user("after"), after_flow)
    s.chain("after", s.end())
    return Run(*bundle_of(p=s))


def test_two_of_three_let_one_token_on_and_the_third_is_taken_at_the_reset():
    run = two_of_three()

    run.do(SubmitTask("a#1", {}))
    assert run.open == ["b#1", "c#1"]
    run.do(SubmitTask("c#1", {}))
    assert run.open == ["after#1", "b#1"]
    run.do(SubmitTask("b#1", {}))

    assert run.open == ["after#1"]
    run.do(SubmitTask("after#1", {}))
    assert run.case.status == "closed"


def test_a_condition_on_the_outgoing_flow_may_ask_for_a_token_at_the_reset():
    run = two_of_three("not(waitingForStart)")

    run.do(SubmitTask("a#1", {}))
    run.do(SubmitTask("c#1", {}))
    assert run.open == ["b#1"]
    run.do(SubmitTask("b#1", {}))

    assert run.open == ["after#1"]


def test_a_splitting_complex_gateway_is_an_inclusive_one():
    s = Scope()
    s.chain(s.start(), s.node("complexGateway", "x", default="d"))
    s.flow("x", s.user("a"), "n > 0")
    s.flow("x", s.user("b"), "n > 1")
    s.flow("x", s.user("c"), ident="d")
    for name in "abc":
        s.flow(name, s.end(f"e_{name}"))

    assert Run(*bundle_of(p=s), {"n": 2}).open == ["a#1", "b#1"]
