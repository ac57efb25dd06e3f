"""The same facts in the words of each modeler: Camunda 7, Activiti, Flowable, Camunda 8, plain BPMN."""

import pytest

from engine.definitions.bpmn import read_bpmn
from engine.definitions.model import Assignment, MultiInstance, Node, Process

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
SPACES = {
    "camunda": "http://camunda.org/schema/1.0/bpmn",
    "activiti": "http://activiti.org/bpmn",
    "flowable": "http://flowable.org/bpmn",
    "zeebe": "http://camunda.org/schema/zeebe/1.0",
    "adonis": "http://www.boc-group.com/adonis",
    "drools": "http://www.jboss.org/drools",
}


def read(body: str, outside: str = "", prefix: str = "m", **attributes: str) -> tuple[dict[str, Process], list[str]]:
    """Processes by id and the findings as `element key`, of a file whose BPMN prefix is `prefix`."""
    colon = f"{prefix}:" if prefix else ""
    spaces = "".join(f' xmlns:{name}="{uri}"' for name, uri in SPACES.items())
    more = "".join(f' {name}="{value}"' for name, value in attributes.items())
    text = (
        (
            f'<{colon}definitions id="defs" xmlns{":" + prefix if prefix else ""}="{BPMN}"{spaces}{more}>'
            f"{outside}{body}</{colon}definitions>"
        )
        .replace("<m:", f"<{colon}")
        .replace("</m:", f"</{colon}")
    )
    processes, findings = read_bpmn("x.bpmn", text.encode())
    return {p.id: p for p in processes}, [f"{f.element} {f.key}" for f in findings if f.severity == "error"]


def alone(element: str, outside: str = "", **attributes: str) -> tuple[Node, list[str]]:
    """The element with id `x` between a start and an end event."""
    body = (
        '<m:process id="p"><m:startEvent id="s"/><m:sequenceFlow id="f1" sourceRef="s" targetRef="x"/>'
        f'{element}<m:sequenceFlow id="f2" sourceRef="x" targetRef="e"/><m:endEvent id="e"/></m:process>'
    )
    processes, errors = read(body, outside, **attributes)
    return processes["p"].nodes["x"], errors


@pytest.mark.parametrize("vendor", ["camunda", "activiti", "flowable"])
def test_camundas_relatives_say_who_does_a_task_in_the_same_words(vendor):
    node, errors = alone(
        f'<m:userTask id="x" {vendor}:candidateGroups="office,leader" {vendor}:assignee="${{who}}"'
        f' {vendor}:formKey="a"/>'
    )

    assert errors == []
    assert (node.groups, node.assignee, node.form) == (("office", "leader"), "=who", "a")


def test_camunda_8_keeps_its_facts_in_extension_elements():
    node, errors = alone(
        '<m:userTask id="x"><m:extensionElements><zeebe:assignmentDefinition candidateGroups="office" assignee="=who"/>'
        '<zeebe:formDefinition formId="f"/><zeebe:ioMapping><zeebe:input source="=a + 1" target="b"/>'
        '<zeebe:output source="=c" target="d"/></zeebe:ioMapping></m:extensionElements>'
        "<m:multiInstanceLoopCharacteristics><m:extensionElements><zeebe:loopCharacteristics"
        ' inputCollection="=units" inputElement="unit" outputCollection="answers" outputElement="=answer"/>'
        "</m:extensionElements></m:multiInstanceLoopCharacteristics></m:userTask>"
    )

    assert errors == []
    assert (node.groups, node.assignee, node.form) == (("office",), "=who", "f")
    assert [(a.target, a.value) for a in node.inputs + node.outputs] == [("b", "a + 1"), ("d", "c")]
    assert node.multi == MultiInstance(False, "units", "", "unit", "", "answers", "=answer")


def test_plain_bpmn_names_owners_and_performers():
    owner = (
        "<m:potentialOwner><m:resourceAssignmentExpression><m:formalExpression>{}</m:formalExpression>"
        "</m:resourceAssignmentExpression></m:potentialOwner>"
    )
    node, errors = alone(
        f'<m:userTask id="x">{owner.format("user(kermit), group(office)")}{owner.format("leader")}</m:userTask>'
    )

    assert errors == []
    assert (node.groups, node.users) == (("office", "leader"), ("kermit",))


@pytest.mark.parametrize("prefix", ["", "bpmn", "bpmn2", "semantic", "model"])
def test_the_prefix_of_the_bpmn_namespace_does_not_matter(prefix):
    processes, errors = read(
        '<m:process id="p"><m:startEvent id="s"/><m:endEvent id="e"/>'
        '<m:sequenceFlow id="f" sourceRef="s" targetRef="e"/></m:process>',
        prefix=prefix,
    )

    assert errors == []
    assert list(processes["p"].nodes) == ["s", "e"]


def test_booleans_are_read_as_xml_schema_writes_them():
    node, _ = alone('<m:subProcess id="x" triggeredByEvent="0"><m:task id="t"/></m:subProcess>')
    assert not node.triggered

    node, _ = alone(
        '<m:userTask id="x" camunda:assignee="a"><m:multiInstanceLoopCharacteristics isSequential=" 1 ">'
        "<m:loopCardinality>2</m:loopCardinality></m:multiInstanceLoopCharacteristics></m:userTask>"
    )
    assert node.multi is not None and node.multi.sequential


def test_references_may_be_qualified_names():
    node, errors = alone('<m:receiveTask id="x" messageRef="t:msg"/>', '<m:message id="msg" name="go"/>')

    assert errors == []
    assert node.event.name == "go"


def test_a_referenced_event_definition_is_the_one_that_counts():
    node, errors = alone(
        '<m:intermediateCatchEvent id="x"><m:eventDefinitionRef>t:shared</m:eventDefinitionRef>'
        "</m:intermediateCatchEvent>",
        '<m:timerEventDefinition id="shared"><m:timeDuration>PT8H</m:timeDuration></m:timerEventDefinition>',
    )

    assert errors == []
    assert node.event.timer is not None and node.event.timer.text == "PT8H"


def test_a_message_event_without_a_message_is_named_by_the_flow_that_is_drawn_at_it():
    catch = '<m:intermediateCatchEvent id="x"><m:messageEventDefinition/></m:intermediateCatchEvent>'
    flow = '<m:messageFlow id="mf" name="答复" sourceRef="elsewhere" targetRef="x"/>'

    node, errors = alone(catch, f'<m:collaboration id="c"><m:participant id="elsewhere"/>{flow}</m:collaboration>')
    assert (node.event.name, errors) == ("答复", [])

    _, errors = alone(catch)
    assert errors == ["x bpmn.reference_missing"]


def test_data_associations_with_content_are_carried_out_and_drawn_ones_are_not():
    data = '<m:dataObject id="d1" name="order"/>'
    drawn = (
        "<m:dataInputAssociation><m:sourceRef>d1</m:sourceRef><m:targetRef>pl</m:targetRef></m:dataInputAssociation>"
        '<m:property id="pl" name="__targetRef_placeholder"/>'
    )
    computed = (
        "<m:ioSpecification><m:dataInput id='di' name='total'/></m:ioSpecification>"
        "<m:dataInputAssociation><m:sourceRef>d1</m:sourceRef><m:targetRef>di</m:targetRef>"
        "<m:transformation>order.price * 2</m:transformation></m:dataInputAssociation>"
    )

    node, errors = alone(f'<m:task id="x">{drawn}</m:task>{data}')
    assert (node.inputs, errors) == ((), [])

    node, errors = alone(f'<m:task id="x">{computed}</m:task>{data}')
    assert [(a.target, a.value) for a in node.inputs] == [("total", "order.price * 2")]


def test_a_camunda_parameter_may_be_text_an_expression_a_list_or_a_map():
    node, errors = alone(
        '<m:task id="x"><m:extensionElements><camunda:inputOutput>'
        '<camunda:inputParameter name="a">plain "text"</camunda:inputParameter>'
        '<camunda:inputParameter name="b">${n}</camunda:inputParameter>'
        '<camunda:inputParameter name="c"><camunda:list><camunda:value>1</camunda:value>'
        "<camunda:value>${n}</camunda:value></camunda:list></camunda:inputParameter>"
        '<camunda:inputParameter name="d"><camunda:map><camunda:entry key="k">v</camunda:entry></camunda:map>'
        "</camunda:inputParameter></camunda:inputOutput></m:extensionElements></m:task>"
    )

    assert errors == []
    assert [a.value for a in node.inputs] == ['"plain \\"text\\""', "n", '["1", n]', '{"k": "v"}']
    assert isinstance(node.inputs[0], Assignment)


@pytest.mark.parametrize(
    ("extension", "error"),
    [
        ("<camunda:executionListener/>", True),
        ("<activiti:taskListener/>", True),
        ('<drools:onEntry-script scriptFormat="java"/>', True),
        ("<adonis:connector/>", False),
        ("<camunda:failedJobRetryTimeCycle>R3/PT1M</camunda:failedJobRetryTimeCycle>", False),
    ],
)
def test_code_of_other_engines_is_refused_and_notes_of_modelers_are_passed_over(extension, error):
    _, errors = alone(f'<m:task id="x"><m:extensionElements>{extension}</m:extensionElements></m:task>')

    assert errors == (["x bpmn.extension_error"] if error else [])


def test_a_condition_in_another_language_is_refused_at_its_flow_by_name_of_the_language():
    body = (
        '<m:process id="p"><m:startEvent id="s"/><m:exclusiveGateway id="g" default="d"/><m:endEvent id="e"/>'
        '<m:sequenceFlow id="f" sourceRef="s" targetRef="g"/><m:sequenceFlow id="d" sourceRef="g" targetRef="e"/>'
        '<m:sequenceFlow id="c" sourceRef="g" targetRef="e"><m:conditionExpression language="http://www.java.com/java">'
        "return true;</m:conditionExpression></m:sequenceFlow></m:process>"
    )

    _, errors = read(body)

    assert errors == ["c bpmn.expression_language"]


def test_an_element_without_an_id_is_named_by_what_holds_it():
    _, errors = read('<m:process id="p"><m:startEvent id="s"/><m:task/></m:process>')

    assert "p bpmn.no_id" in errors


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_in_other_encodings_are_read(encoding):
    process = '<process id="流程"><startEvent id="开始" name="开始"/></process>'
    text = f'<definitions xmlns="{BPMN}" id="d">{process}</definitions>'

    processes, findings = read_bpmn("x.bpmn", text.encode(encoding))

    assert [p.id for p in processes] == ["流程"]
    assert [f.key for f in findings if f.severity == "error"] == []
