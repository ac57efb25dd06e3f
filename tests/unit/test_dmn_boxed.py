"""Boxed expressions, business knowledge models, decision services and item types, as other modelers write them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.dmn import DmnError, parse_dmn
from engine.feel import FeelEvaluationError, to_json
from tests.unit.feel.support import ENV
from tests.unit.test_dmn import definitions, literal, model, table, text


def e(expression: str) -> str:
    return f"<literalExpression>{text(expression)}</literalExpression>"


def decision(content: str, *, needs: str = "", ident: str = "d", kind: str = "") -> str:
    variable = f'<variable name="{ident}" typeRef="{kind}"/>'
    return f'<decision id="{ident}" name="{ident}">{variable}{needs}{content}</decision>'


def knows(*ids: str) -> str:
    return "".join(f'<knowledgeRequirement><requiredKnowledge href="#{one}"/></knowledgeRequirement>' for one in ids)


def requires(*ids: str, kind: str = "Decision") -> str:
    return "".join(f'<informationRequirement><required{kind} href="#{one}"/></informationRequirement>' for one in ids)


def bkm(ident: str, parameters: str, body: str, *, name: str = "", needs: str = "", types: str = "") -> str:
    given = "".join(
        f'<formalParameter name="{one.strip()}" typeRef="{types}"/>' for one in parameters.split(",") if one
    )
    return (
        f'<businessKnowledgeModel id="{ident}" name="{name or ident}"><variable name="{name or ident}"/>'
        f"<encapsulatedLogic>{given}{body}</encapsulatedLogic>{needs}</businessKnowledgeModel>"
    )


def value(*content: str, **variables: object) -> Any:
    return to_json(model(*content).evaluate("d", variables, ENV).value)


def entry(name: str, content: str, kind: str = "") -> str:
    return f'<contextEntry><variable name="{name}" typeRef="{kind}"/>{content}</contextEntry>'


def test_a_context_sees_the_entries_before_and_gives_all_or_its_last_box() -> None:
    entries = entry("基数", e("n * 2")) + entry("和", e("基数 + 1"))

    assert value(decision(f"<context>{entries}</context>"), n=3) == {"基数": 6, "和": 7}
    last = f"<contextEntry>{e('基数 * 和')}</contextEntry>"
    assert value(decision(f"<context>{entries}{last}</context>"), n=3) == 42


def test_the_names_a_context_reads_are_those_it_does_not_make() -> None:
    made = model(decision(f"<context>{entry('a', e('b'))}{entry('c', e('a + x'))}</context>"))

    assert made.names("d") == {"b", "x"}


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (f"<list>{e('1')}{e('n + 1')}{e('[2]')}</list>", [1, 4, [2]]),
        (
            f'<relation><column name="名称"/><column name="分值"/><row>{e("#甲#".replace("#", chr(34)))}{e("n")}</row>'
            f"<row>{e('null')}{e('2')}</row></relation>",
            [{"名称": "甲", "分值": 3}, {"名称": None, "分值": 2}],
        ),
        (f"<conditional><if>{e('n > 2')}</if><then>{e('1')}</then><else>{e('2')}</else></conditional>", 1),
        (f"<conditional><if>{e('nothing')}</if><then>{e('1')}</then><else>{e('2')}</else></conditional>", 2),
        (f"<conditional><if>{e('n')}</if><then>{e('1')}</then><else>{e('2')}</else></conditional>", None),
        (f"<filter><in>{e('[1, 2, 3, 4]')}</in><match>{e('item > n - 1')}</match></filter>", [3, 4]),
        (f"<filter><in>{e('[{a: 1}, {a: 5}]')}</in><match>{e('a > n')}</match></filter>", [{"a": 5}]),
        (f'<for iteratorVariable="i"><in>{e("[1..n]")}</in><return>{e("i * i")}</return></for>', [1, 4, 9]),
        (f'<for iteratorVariable="i"><in>{e("[1, 2]")}</in><return>{e("count(partial)")}</return></for>', [0, 1]),
        (f'<some iteratorVariable="i"><in>{e("[1, 5]")}</in><satisfies>{e("i > n")}</satisfies></some>', True),
        (f'<every iteratorVariable="i"><in>{e("[1, 5]")}</in><satisfies>{e("i > n")}</satisfies></every>', False),
        (f'<every iteratorVariable="i"><in>{e("[4, null]")}</in><satisfies>{e("i > n")}</satisfies></every>', None),
    ],
)
def test_each_kind_of_box_gives_what_the_standard_says(box: str, expected: object) -> None:
    assert value(decision(box), n=3) == expected


def test_a_business_knowledge_model_is_called_by_an_expression_and_by_an_invocation() -> None:
    score = bkm("b", "x, y", e("x * 10 + y"), name="打分")
    called = decision(e("打分(n, 1)"), needs=knows("b"))
    invoked = decision(
        f'<invocation>{e("打分")}<binding><parameter name="y"/>{e("2")}</binding>'
        f'<binding><parameter name="x"/>{e("n")}</binding></invocation>',
        needs=knows("b"),
    )

    assert value(score, called, n=3) == 31
    assert value(score, invoked, n=3) == 32
    assert model(score, called).names("d") == {"n"}


def test_a_business_knowledge_model_sees_its_parameters_and_what_it_requires_only() -> None:
    inner = bkm("inner", "x", e("x + 1"))
    outer = bkm("outer", "x", e("if n = null then inner(x) else 99"), needs=knows("inner"))

    assert value(inner, outer, decision(e("outer(5)"), needs=knows("outer")), n=3) == 6


def test_a_table_in_a_business_knowledge_model_leaves_its_rules_as_evidence() -> None:
    rules = [(["< 10"], ['"少"']), ([">= 10"], ['"多"'])]
    inside = table(["x"], ["y"], rules).partition(">")[2].rpartition("</decision>")[0]
    result = model(bkm("b", "x", inside), decision(e("b(n)"), needs=knows("b"))).evaluate("d", {"n": 12}, ENV)

    assert result.value == "多"
    assert [(rule.decision_id, rule.rule_number) for rule in result.fired] == [("b", 2)]
    assert [(one.decision_id, one.label, one.value) for one in result.inputs] == [("b", "x", 12), ("d", "d", "多")]


def test_a_model_that_calls_itself_is_stopped_by_the_budget() -> None:
    endless = bkm("b", "x", e("b(x + 1)"), needs=knows("b"))

    with pytest.raises(FeelEvaluationError, match="feel.budget"):
        value(endless, decision(e("b(1)"), needs=knows("b")))


def test_a_decision_service_is_a_function_of_its_inputs() -> None:
    inside = (
        '<inputData id="i" name="基数"><variable name="基数"/></inputData>',
        decision(e("基数 + 1"), ident="step", needs=requires("i", kind="Input")),
        decision(e("step * 2"), ident="end", needs=requires("step")),
    )
    whole = (
        '<decisionService id="s" name="加倍"><variable name="加倍"/><outputDecision href="#end"/>'
        '<encapsulatedDecision href="#step"/><inputData href="#i"/></decisionService>'
    )
    partly = (
        '<decisionService id="p" name="后半"><variable name="后半"/><outputDecision href="#end"/>'
        '<inputDecision href="#step"/></decisionService>'
    )
    caller = decision(e("加倍(基数: 4) + 后半(100)"), needs=knows("s", "p"))

    assert value(*inside, whole, partly, caller, 基数=1000) == 210


def test_the_whole_graph_is_in_the_evidence_also_what_no_table_decided() -> None:
    first = literal("half", "n / 2")
    second = table(["half"], ["x"], [(["> 1"], ['"大"'])], decision_id="d", before=requires("half"))

    result = model(first, second).evaluate("d", {"n": 6}, ENV)

    assert [(one.decision_id, one.value) for one in result.inputs] == [("half", 3), ("d", 3)]
    assert [rule.decision_id for rule in result.fired] == ["d"]


def test_an_item_type_bounds_and_types_a_column() -> None:
    item = (
        '<itemDefinition name="等级"><typeRef>string</typeRef>'
        '<allowedValues><text>"重大", "普通"</text></allowedValues></itemDefinition>'
    )
    graded = table(["g"], ["x"], [(['"重大"'], ["1"]), (['"普通"'], ["2"])], types=["等级"], decision_id="d")

    assert value(item, graded, g="普通") == 2
    with pytest.raises(FeelEvaluationError, match="dmn.input_not_allowed"):
        value(item, graded, g="其他")
    with pytest.raises(FeelEvaluationError, match="dmn.input_type"):
        value(item, graded, g=5)


def test_an_item_type_orders_the_priorities_of_an_output() -> None:
    allowed = '<allowedValues><text>"b","a"</text></allowedValues>'
    item = f'<itemDefinition name="p"><typeRef>string</typeRef>{allowed}</itemDefinition>'
    rules = [(["-"], ['"a"']), (["-"], ['"b"'])]

    ordered = table(["n"], ["x"], rules, policy="PRIORITY", output_types=["p"], decision_id="d")

    assert value(item, ordered, n=1) == "b"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (bkm("b", "x", e("1")).replace("<encapsulatedLogic>", '<encapsulatedLogic kind="Java">'), "dmn.function_kind"),
        (bkm("b", "x, x", e("1")), "dmn.parameters"),
        (bkm("b", "x", e("1"), name="count"), "dmn.function_name"),
        (bkm("b", "x", ""), "dmn.no_logic"),
        (decision(f"<context>{entry('a', e('1'))}{entry('a', e('2'))}</context>", ident="x"), "dmn.entry_name"),
        (
            decision(f'<relation><column name="a"/><row>{e("1")}{e("2")}</row></relation>', ident="x"),
            "dmn.relation_row",
        ),
        (decision(f"<for><in>{e('[1]')}</in><return>{e('1')}</return></for>", ident="x"), "dmn.parameters"),
        (decision("<list>" * 30 + e("1") + "</list>" * 30, ident="x"), "dmn.too_deep"),
        (decision(f"<list>{e('1 +')}</list>", ident="x"), "feel.syntax.unexpected_end"),
    ],
)
def test_what_cannot_be_run_names_its_element_its_decision_and_line(content: str, key: str) -> None:
    with pytest.raises(DmnError) as raised:
        model(content, literal("ok", "1"))

    found = raised.value.problems[0]
    assert found.key == key
    assert found.name
    assert found.line > 1


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
        "http://www.omg.org/spec/DMN/20180521/MODEL/",
        "https://www.omg.org/spec/DMN/20180521/MODEL",
        "http://www.omg.org/spec/DMN/20191111/MODEL/",
        "https://www.omg.org/spec/DMN/20240513/MODEL/",
    ],
)
def test_every_way_of_writing_the_namespace_is_read(namespace: str) -> None:
    read = parse_dmn(definitions(literal("d", "1"), namespace=namespace))

    assert to_json(read.evaluate("d", {}, ENV).value) == 1


def test_what_vendors_add_is_passed_over() -> None:
    added = (
        '<extensionElements xmlns:drools="http://www.drools.org/kie/dmn/1.2" xmlns:triso="http://www.trisotech.com/x">'
        '<drools:decisionServices/><triso:decisionTable hitPolicy="?"/><triso:literalExpression/></extensionElements>'
    )
    content = decision(added + "<question>?</question><allowedAnswers>x</allowedAnswers>" + e("n + 1"))

    assert value(content, n=1) == 2


def test_a_file_without_ids_is_called_by_the_name_of_its_decision() -> None:
    assert value('<decision name="d"><literalExpression><text>7</text></literalExpression></decision>') == 7
