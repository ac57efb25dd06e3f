"""What a diagram may not contain is refused by element; what is only drawing is passed over."""

import pytest

from engine.definitions.bpmn import read_bpmn, split_list
from engine.definitions.bundle import read_bundle
from engine.kernel.compile import compile_bundle
from tests.support.diagrams import HEAD, Scope, document, message, multi, timer


def findings(scope: Scope, *, errors_only: bool = True):
    bundle = read_bundle({"bpmn/test.bpmn": document(p=scope)})
    program = compile_bundle(bundle)
    found = [*bundle.findings, *program.findings]
    return [(f.element, f.key) for f in found if f.severity == "error" or not errors_only]


def plain() -> Scope:
    s = Scope()
    s.chain(s.start(), s.user("a"), s.end())
    return s


def test_a_plain_diagram_has_no_findings():
    assert findings(plain()) == []


def around(tag: str, inner: str = "", **values: str) -> Scope:
    s = Scope()
    s.chain(s.start(), s.node(tag, "x", inner, **values), s.end())
    return s


@pytest.mark.parametrize(
    ("scope", "key"),
    [
        (around("adHocSubProcess"), "bpmn.unsupported"),
        (around("choreographyTask"), "bpmn.unsupported"),
        (
            around("userTask", "<bpmn:standardLoopCharacteristics/>", camunda_candidateGroups="office"),
            "bpmn.loop_endless",
        ),
        (around("task", isForCompensation="true"), "bpmn.handler_alone"),
        (around("userTask", startQuantity="2", camunda_candidateGroups="office"), "bpmn.attribute"),
        (around("task", completionQuantity="2"), "bpmn.attribute"),
        (around("eventBasedGateway", eventGatewayType="Parallel"), "bpmn.attribute"),
        (around("userTask"), "bpmn.nobody"),
        (around("userTask", camunda_candidateGroups="office", camunda_formRef="nowhere"), "bpmn.form_unknown"),
        (around("userTask", camunda_candidateGroups="=1 +"), "bpmn.expression"),
        (around("scriptTask", "<bpmn:script>print(1)</bpmn:script>", scriptFormat="python"), "bpmn.script_language"),
        (around("scriptTask", "<bpmn:script>1</bpmn:script>", scriptFormat="feel"), "bpmn.script_result"),
        (around("serviceTask"), "bpmn.service_topic"),
        (around("serviceTask", camunda_topic="mail"), "bpmn.topic_unknown"),
        (around("businessRuleTask"), "bpmn.decision_empty"),
        (around("businessRuleTask", camunda_decisionRef="d", camunda_resultVariable="r"), "bpmn.decision_unknown"),
        (around("callActivity"), "bpmn.call_empty"),
        (around("callActivity", calledElement="q"), "bpmn.call_unknown"),
        (around("receiveTask"), "bpmn.reference_missing"),
        (around("intermediateCatchEvent"), "bpmn.event_not_here"),
        (around("intermediateCatchEvent", "<bpmn:conditionalEventDefinition/>"), "bpmn.condition_empty"),
        (around("intermediateCatchEvent", "<bpmn:compensateEventDefinition/>"), "bpmn.event_not_here"),
        (around("intermediateThrowEvent", timer("duration", "PT1H")), "bpmn.event_not_here"),
        (
            around("intermediateThrowEvent", "<bpmn:compensateEventDefinition waitForCompletion='false'/>"),
            "bpmn.compensation_wait",
        ),
        (around("intermediateThrowEvent", "<bpmn:linkEventDefinition name='l'/>"), "bpmn.link_alone"),
        (around("intermediateCatchEvent", timer("date", "2026-03-02T18:00:00")), "bpmn.timer_offset"),
        (around("intermediateCatchEvent", timer("cycle", "0 0 9 * * ?")), "bpmn.timer_iso"),
        (around("intermediateCatchEvent", timer("cycle", "R3/PT10S")), "bpmn.timer_value"),
        (around("intermediateCatchEvent", timer("duration", "P9999999Y")), "bpmn.timer_value"),
        (around("endEvent", "<bpmn:cancelEventDefinition/>"), "bpmn.no_outgoing_allowed"),
        (around("serviceTask", camunda_class="com.example.Delegate"), "bpmn.service_code"),
        (around("callActivity", calledElement="${which}"), "bpmn.call_dynamic"),
        (around("callActivity", calledElement="p", camunda_calledElementBinding="version"), "bpmn.binding"),
        (around("callActivity", calledElement="p", camunda_calledElementVersionTag="v2"), "bpmn.call_tag"),
        (
            around("task", "<bpmn:extensionElements><camunda:executionListener/></bpmn:extensionElements>"),
            "bpmn.extension_error",
        ),
        (
            around("task", multi(cardinality="2").replace("isSequential", 'behavior="One" isSequential')),
            "bpmn.multi_behavior",
        ),
        (around("intermediateCatchEvent", "<bpmn:timerEventDefinition/>"), "bpmn.timer_empty"),
        (around("intermediateCatchEvent", timer("duration", "8 hours")), "bpmn.expression"),
        (
            around("boundaryEvent", timer("date", "x") + message("m_go"), parallelMultiple="true", attachedToRef="y"),
            "bpmn.event_multiple",
        ),
        (
            around("intermediateCatchEvent", "<bpmn:eventDefinitionRef>e</bpmn:eventDefinitionRef>"),
            "bpmn.event_reference",
        ),
        (around("intermediateCatchEvent", message("m_nowhere")), "bpmn.reference_missing"),
        (around("userTask", multi(), camunda_candidateGroups="office"), "bpmn.multi_empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_run_is_refused_at_its_element(scope, key):
    assert ("x", key) in findings(scope)


def test_an_event_subprocess_without_one_triggered_start_is_refused():
    s = plain()
    inside = Scope(prefix="i")
    inside.chain(inside.start(), inside.end())
    s.node("subProcess", "handler", inside.text(), triggeredByEvent="true")

    assert ("handler", "bpmn.event_start") in findings(s)


def test_a_joining_complex_gateway_needs_its_activation_condition():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "f"), s.user("a"), s.node("complexGateway", "x"), s.end())
    s.chain("f", s.user("b"), "x")

    assert ("x", "bpmn.activation_empty") in findings(s)


def test_a_condition_on_a_flow_that_can_not_have_one_is_refused():
    s = Scope()
    s.chain(s.start(), s.node("parallelGateway", "x"))
    s.flow("x", s.user("a"), "n = 1", ident="f_cond")
    s.flow("x", s.user("b"))
    s.chain("a", s.end("e1"))
    s.chain("b", s.end("e2"))

    assert ("f_cond", "bpmn.condition_here") in findings(s)


def test_unreachable_elements_are_named_and_not_dropped():
    s = plain()
    s.chain(s.user("island"), s.user("island2"), "island")

    assert {("island", "bpmn.unreachable"), ("island2", "bpmn.unreachable")} <= set(findings(s))


def test_a_flow_to_nowhere_is_named():
    s = plain()
    s.flow("a", "ghost", ident="f_ghost")

    assert ("f_ghost", "bpmn.flow_end") in findings(s)


def test_a_gateway_flow_without_condition_and_default_is_named():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "x"))
    s.flow("x", s.user("a"), "n = 1")
    s.flow("x", s.user("b"))
    s.chain("a", s.end("e1"))
    s.chain("b", s.end("e2"))

    assert ("x", "bpmn.condition_missing") in findings(s)


def test_duplicate_ids_and_two_starts_are_named():
    s = plain()
    s.node("task", "a")
    assert ("a", "bpmn.duplicate_id") in findings(s)

    s = plain()
    s.chain(s.start("start2"), "a")
    assert ("start2", "bpmn.one_start") in findings(s)


def test_a_finding_knows_file_element_name_and_line():
    _, found = read_bpmn("bpmn/x.bpmn", document(p=around("adHocSubProcess", name="汇总")))

    (finding,) = [f for f in found if f.key == "bpmn.unsupported"]
    assert (finding.file, finding.element, finding.name) == ("bpmn/x.bpmn", "x", "汇总")
    assert finding.line > 3


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "xml.not_well_formed"),
        (b"<a", "xml.not_well_formed"),
        (b"<a/>", "bpmn.not_bpmn"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "xml.doctype"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>', "xml.doctype"),
        (b"<a>" + b" " * 2_000_001 + b"</a>", "xml.too_large"),
        (b"<a>" * 400 + b"</a>" * 400, "xml.not_well_formed"),
        ((HEAD + "</bpmn:definitions>").encode(), "bpmn.no_process"),
    ],
)
def test_files_that_are_no_safe_bpmn_are_refused(data, key):
    _, found = read_bpmn("bpmn/x.bpmn", data)

    assert [f.key for f in found] == [key]


def test_a_billion_laughs_costs_nothing():
    entities = "".join(f'<!ENTITY l{n} "&l{n - 1};&l{n - 1};&l{n - 1};&l{n - 1};">' for n in range(1, 30))
    data = f'<!DOCTYPE a [<!ENTITY l0 "lol">{entities}]><a>&l29;</a>'.encode()

    _, found = read_bpmn("bpmn/x.bpmn", data)

    assert found[0].key in ("xml.doctype", "xml.not_well_formed")


def test_camunda_expressions_in_the_common_subset_are_translated():
    s = Scope()
    s.chain(s.start(), s.node("exclusiveGateway", "x", default="d"))
    s.flow("x", s.user("a"), '${grade == "major" && !closed}')
    s.flow("x", s.end(), ident="d")
    s.chain("a", s.end("e2"))
    assert findings(s) == []

    s = around("intermediateCatchEvent", timer("date", "${bean.due(execution)}"))
    assert ("x", "bpmn.juel") in findings(s)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("office, leader", ["office", "leader"]),
        ('=if a then "x, y" else "z", office', ['=if a then "x, y" else "z"', "office"]),
        ('=concatenate(["a", "b"], c),office,', ['=concatenate(["a", "b"], c)', "office"]),
        ("", []),
    ],
)
def test_group_lists_are_split_outside_brackets_and_quotes(text, items):
    assert split_list(text) == items
