"""No diagram can hang the program or pretend to have ended."""

import pytest

from engine.domain.commands import FireTimer, OpenCase, SubmitTask
from engine.kernel.case import Case
from engine.kernel.decide import Turn, decide
from engine.kernel.faults import KernelFault
from engine.kernel.guards import Guards, Limits
from tests.support.diagrams import T0, Run, Scope, bundle_of, multi, timer


def endless() -> Scope:
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "m"), s.node("exclusiveGateway", "x", default="again"))
    s.flow("x", "m", ident="again")
    s.flow("x", s.end(), "1 = 2")
    return s


def fault_of(scope: Scope, data=None, **called: Scope) -> KernelFault:
    with pytest.raises(KernelFault) as caught:
        Run(*bundle_of(p=scope, **called), data)
    return caught.value


def test_a_loop_without_a_wait_is_stopped_after_the_step_limit():
    fault = fault_of(endless())

    assert fault.key == "incident.steps"
    assert fault.element in ("m", "x")


def test_a_turn_is_stopped_when_its_wall_time_is_used_up():
    program, bundle = bundle_of(p=endless())
    case = Case(program, bundle, "T-1", "p", Guards(Limits(steps=10**9)))

    with pytest.raises(KernelFault, match="incident.time"):
        decide(case, OpenCase("p", {}), Turn(T0, "wangfang", "", lambda: True))


def test_a_process_that_calls_itself_is_stopped_at_the_nesting_limit():
    s = Scope()
    s.chain(s.start(), s.node("callActivity", "again", calledElement="p"), s.end())

    assert fault_of(s).key == "incident.nesting"


def test_too_many_instances_are_refused_before_they_exist():
    s = Scope()
    s.user("ask", multi(cardinality="100000"))
    s.chain(s.start(), "ask", s.end())

    assert fault_of(s).key == "incident.instances"


def test_a_split_that_multiplies_tokens_is_stopped():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "m"), s.node("parallelGateway", "fork"))
    s.flow("fork", "m")
    s.flow("fork", s.user("t"))
    s.chain("t", s.end())

    assert fault_of(s).key in ("incident.tokens", "incident.steps")


def test_case_data_can_not_grow_without_bound():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "m"), s.script("grow", "text", "text + text"), "m")

    assert fault_of(s, {"text": "x" * 50_000}).key in ("incident.data", "incident.expression")


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("cycle", "R/PT0S", "incident.timer_cycle"),
        ("cycle", "R999999999/PT0S", "incident.timer_cycle"),
        ("cycle", "R/PT1S", "incident.timer_cycle"),
        ("cycle", "0 0 * * *", "incident.timer_cycle"),
        ("duration", '"P9999999Y"', "incident.timer_duration"),
        ("duration", '"PT99999999999999H"', "incident.timer_duration"),
        ("duration", '"P"', "incident.timer_duration"),
        ("duration", '"-PT1H"', "incident.timer_duration"),
        ("duration", "5", "incident.timer_duration"),
        ("date", '"2026-11-23T18:00:00"', "incident.timer_instant"),
        ("date", "missing_field", "incident.timer_instant"),
    ],
)
def test_a_timer_that_makes_no_sense_is_an_incident_at_its_element(kind, text, key):
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("late", "a", timer(kind, text if kind != "cycle" else f'"{text}"'), False), s.end("end2"))

    fault = fault_of(s)

    assert fault.element == "late"
    assert key is None or fault.key == key


def test_a_fault_in_the_middle_of_a_turn_leaves_nothing_when_the_case_is_rebuilt():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.script("set", "x", "1"), s.node("exclusiveGateway", "g"))
    s.flow("g", s.end("e1"), "x = 2")
    s.flow("g", s.end("e2"), "x = 3")
    run = Run(*bundle_of(p=s))
    before = run.case.digest()

    with pytest.raises(KernelFault):
        run.do(SubmitTask("a#1", {}))

    from engine.kernel.replay import rebuild

    assert rebuild(run.entries, run.load).digest() == before


def test_a_timer_before_its_time_is_refused():
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    s.chain(s.boundary("late", "a", timer("duration", "PT8H"), False), s.end("end2"))
    run = Run(*bundle_of(p=s))

    assert run.try_(FireTimer("late#1")).key == "timer.early"
    assert run.try_(FireTimer("nothing#1")).key == "timer.gone"
