"""Elements beyond the shipped bundle, in an office: stored, projected, drawn, replayed, rebuilt (see conftest)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.commands import OpenCase, SendMessage
from engine.readmodels import clocks
from engine.service.case_diagram import diagram
from tests.process.conftest import _replays
from tests.support.diagrams import Scope, document, error, escalation, message, signal, timer
from tests.support.world import CaseView, World, shipped_files

UNDO = "<bpmn:compensateEventDefinition/>"
LIMIT = {"limit": "whole", "breach": "true", "clause": "R50", "responsible": "leader"}


def playground() -> bytes:
    """One of each: pools, event sub-processes with a limit, compensation, a transaction, conditions, loops, signals."""
    s, pool = Scope(), Scope(prefix="q_")
    pool.chain(
        pool.node("startEvent", "asked", message("m_go")), pool.user("answer"), pool.end("told", message("m_back"))
    )

    tx = Scope(prefix="tx_")
    tx.chain(tx.start(), tx.node("task", "book"), tx.user("decide"), tx.end("off", "<bpmn:cancelEventDefinition/>"))
    tx.boundary("c_book", "book", UNDO)
    tx.user("undo_book", isForCompensation="true")
    tx.parts.append('<bpmn:association id="as1" sourceRef="c_book" targetRef="undo_book"/>')

    inside = Scope(prefix="i_")
    inside.chain(inside.start(), inside.user("work"), inside.end("bad", error("e_bad")))
    mend = Scope(prefix="m_")
    mend.chain(
        mend.node("startEvent", "m_start", error("e_bad")), mend.user("mend"), mend.end("m_end", escalation("c_up"))
    )
    inside.node("subProcess", "mending", mend.text(), triggeredByEvent="true")

    late = Scope(prefix="l_")
    late.chain(
        late.node("startEvent", "l_start", timer("duration", "PT8H"), LIMIT, isInterrupting="false"),
        late.user("explain"),
        late.end(),
    )
    ask = Scope(prefix="a_")
    action = {"action": "补充情况", "role": "office"}
    ask.chain(
        ask.node("startEvent", "a_start", message("m_ask"), action, isInterrupting="false"), ask.user("add"), ask.end()
    )

    s.chain(
        s.start(),
        s.node("intermediateThrowEvent", "go", message("m_go")),
        s.node("intermediateCatchEvent", "back", message("m_back")),
        s.node("transaction", "tx", tx.text()),
        s.end("good"),
    )
    s.chain(
        s.boundary("cancelled", "tx", "<bpmn:cancelEventDefinition/>"),
        s.node("subProcess", "sub", inside.text()),
        s.node("exclusiveGateway", "merge"),
    )
    s.chain(
        s.boundary("told_up", "sub", escalation("c_up"), interrupting=False), s.script("n", "n", "5"), s.end("noted")
    )
    loop = "<bpmn:standardLoopCharacteristics loopMaximum='2'/>"
    s.chain(
        "merge",
        s.user("twice", loop),
        s.node(
            "intermediateCatchEvent",
            "five",
            "<bpmn:conditionalEventDefinition><bpmn:condition>n = 5</bpmn:condition></bpmn:conditionalEventDefinition>",
        ),
        s.end("stop", signal("s_stop")),
    )
    s.node("subProcess", "late", late.text(), triggeredByEvent="true")
    s.node("subProcess", "ask", ask.text(), triggeredByEvent="true")
    declared = b'<bpmn:message id="m_ask" name="ask"/><bpmn:process id="p" '
    return document(p=s, q=pool).replace(b'<bpmn:process id="p" ', declared)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, files={**shipped_files(), "bpmn/playground.bpmn": playground()})
    yield made
    _replays(made)
    made.services.engine.dispose()


def opened(office: World) -> CaseView:
    return office.case(office.do("wangfang", OpenCase("p", {"title": "试图"})).case_id)


def test_a_case_through_pools_transactions_handlers_and_loops_is_stored_drawn_and_replayed(office):
    case = opened(office)
    drawings = []

    for element in ("answer", "decide", "undo_book", "work", "mend", "twice", "twice"):
        case.submit("wangfang", element)
        drawings.append({d.process: d for d in diagram(office.services, case.id)})

    assert case.live.status == "closed"
    assert set(drawings[-1]) == {"p", "q"}
    assert drawings[-1]["p"].elements["tx"].state == "cancelled"
    assert drawings[-1]["p"].elements["undo_book"].visits == 1
    assert drawings[-1]["q"].elements["told"].state == "completed"


def test_an_event_subprocess_offers_its_message_as_an_action_and_ends_with_the_case(office):
    case = opened(office)

    office.do("wangfang", SendMessage("ask"), case.id)

    assert case.open == ["add", "answer"]
    assert case.kinds("MessageAwaited")[0]["label"] == "补充情况"


def test_a_limit_on_a_whole_case_covers_its_tasks_and_breaks(office):
    case = opened(office)
    with office.services.engine.connect() as conn:
        (running,) = clocks.for_case(conn, case.id)
    (task,) = case.kinds("TaskCreated")
    assert (running.host, task["due"]) == ("", "2026-03-02T09:00:00.000000Z")

    office.wait(hours=8, minutes=1)

    assert case.open == ["answer", "explain"]
    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["whole"]
