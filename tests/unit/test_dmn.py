"""Decision tables and graphs: every hit policy, files as dmn-js writes them, everything wrong named by element."""

from __future__ import annotations

from decimal import Decimal
from time import process_time
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest

from engine.definitions.dmn import DecisionModel, DmnError, gaps_and_overlaps, parse_dmn
from engine.feel import FeelEvaluationError, to_json
from tests.unit.feel.support import ENV

DMN_13 = "https://www.omg.org/spec/DMN/20191111/MODEL/"
ALL_NAMESPACES = (
    "http://www.omg.org/spec/DMN/20151101/dmn.xsd",
    "http://www.omg.org/spec/DMN/20180521/MODEL/",
    DMN_13,
    "https://www.omg.org/spec/DMN/20211108/MODEL/",
    "https://www.omg.org/spec/DMN/20230324/MODEL/",
)


def definitions(*content: str, namespace: str = DMN_13) -> bytes:
    """A file around decisions, as dmn-js writes its outer parts."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<definitions xmlns="{namespace}"'
        ' xmlns:dmndi="https://www.omg.org/spec/DMN/20191111/DMNDI/"'
        ' xmlns:camunda="http://camunda.org/schema/1.0/dmn"'
        ' id="definitions" name="定级" namespace="http://camunda.org/schema/1.0/dmn">\n'
        + "\n".join(content)
        + '\n<dmndi:DMNDI><dmndi:DMNDiagram id="diagram"/></dmndi:DMNDI>\n</definitions>\n'
    ).encode()


def text(value: str) -> str:
    return f"<text>{escape(value)}</text>"


def table(
    inputs: list[str],
    outputs: list[str],
    rules: list[tuple[list[str], list[str]]],
    *,
    policy: str = "UNIQUE",
    aggregation: str = "",
    types: list[str] | None = None,
    output_types: list[str] | None = None,
    values: dict[str, str] | None = None,
    allowed: dict[str, str] | None = None,
    defaults: dict[str, str] | None = None,
    decision_id: str = "grading",
    name: str = "定级",
    before: str = "",
) -> str:
    """A decision with a table; rules get ids `rule_1`..., annotations `说明 1`..."""
    parts = [f'<decision id="{decision_id}" name={quoteattr(name)}>{before}<decisionTable id="{decision_id}_table"']
    parts.append(f' hitPolicy="{policy}"' + (f' aggregation="{aggregation}"' if aggregation else "") + ">")
    for number, expression in enumerate(inputs):
        kind = (types or [])[number] if types else ""
        limits = (allowed or {}).get(expression, "")
        parts.append(
            f'<input id="input_{number}" label={quoteattr(expression)}><inputExpression typeRef="{kind}">'
            f"{text(expression)}</inputExpression>"
            + (f"<inputValues>{text(limits)}</inputValues>" if limits else "")
            + "</input>"
        )
    for number, output in enumerate(outputs):
        kind = (output_types or [])[number] if output_types else ""
        listed, default = (values or {}).get(output, ""), (defaults or {}).get(output, "")
        parts.append(
            f'<output id="output_{number}" name="{output}" typeRef="{kind}">'
            + (f"<outputValues>{text(listed)}</outputValues>" if listed else "")
            + (f"<defaultOutputEntry>{text(default)}</defaultOutputEntry>" if default else "")
            + "</output>"
        )
    for number, (cells, results) in enumerate(rules, 1):
        parts.append(f'\n<rule id="rule_{number}"><description>说明 {number}</description>')
        parts += [f'<inputEntry id="in_{number}_{n}">{text(cell)}</inputEntry>' for n, cell in enumerate(cells)]
        parts += [f'<outputEntry id="out_{number}_{n}">{text(cell)}</outputEntry>' for n, cell in enumerate(results)]
        parts.append("</rule>")
    return "".join(parts) + "</decisionTable></decision>"


def literal(
    decision_id: str, expression: str, *, name: str = "", requires: tuple[str, ...] = (), kind: str = ""
) -> str:
    needs = "".join(f'<informationRequirement id="r_{decision_id}_{one}"><requiredDecision href="#{one}"/>'
                    "</informationRequirement>" for one in requires)  # fmt: skip
    variable = f'<variable id="v_{decision_id}" name={quoteattr(name or decision_id)} typeRef="{kind}"/>'
    return (
        f'<decision id="{decision_id}" name={quoteattr(name or decision_id)}>{variable}{needs}'
        f'<literalExpression id="l_{decision_id}">{text(expression)}</literalExpression></decision>'
    )


def model(*content: str) -> DecisionModel:
    return parse_dmn(definitions(*content))


def result(decision: str, decision_id: str = "grading", /, **variables: object) -> Any:
    """The JSON value of one decision."""
    return to_json(model(decision).evaluate(decision_id, variables, ENV).value)


def keys(*content: str) -> list[str]:
    with pytest.raises(DmnError) as raised:
        model(*content)
    return [problem.key for problem in raised.value.problems]


AMOUNTS = [(["< 10"], ['"小"']), (["[10..100]"], ['"中"']), (["> 50"], ['"大"'])]


def test_unique_gives_the_only_output_as_a_scalar() -> None:
    assert result(table(["n"], ["size"], AMOUNTS), n=5) == "小"
    assert result(table(["n"], ["size"], AMOUNTS), n=200) == "大"


def test_unique_with_two_matches_names_both_rules() -> None:
    with pytest.raises(FeelEvaluationError) as raised:
        result(table(["n"], ["size"], AMOUNTS), n=60)

    assert raised.value.message_key == "dmn.not_unique"
    assert raised.value.details["rules"] == "2, 3"
    assert raised.value.details["rule_ids"] == ["rule_2", "rule_3"]
    assert raised.value.details["name"] == "定级"


def test_several_outputs_are_a_context() -> None:
    decision = table(["n"], ["level", "leader"], [(["> 5"], ['"重大"', '"局长"'])])

    assert result(decision, n=6) == {"level": "重大", "leader": "局长"}


def test_no_match_is_null_or_the_default_outputs() -> None:
    rules = [(["> 5"], ['"a"', "1"])]

    assert result(table(["n"], ["x", "y"], rules), n=1) is None
    assert result(table(["n"], ["x", "y"], rules, defaults={"x": '"z"'}), n=1) == {"x": "z", "y": None}
    assert result(table(["n"], ["x"], [(["> 5"], ["1"])], defaults={"x": "n * 2"}), n=1) == 2


def test_first_takes_the_first_rule() -> None:
    assert result(table(["n"], ["size"], AMOUNTS, policy="FIRST"), n=60) == "中"


def test_any_wants_equal_outputs() -> None:
    same = [(["> 1"], ["1 + 1"]), (["> 2"], ["2"])]
    differ = [(["> 1"], ["1"]), (["> 2"], ["2"])]

    assert result(table(["n"], ["x"], same, policy="ANY"), n=5) == 2
    with pytest.raises(FeelEvaluationError, match=r"dmn.any_differs.*1, 2"):
        result(table(["n"], ["x"], differ, policy="ANY"), n=5)


def test_priority_takes_the_output_listed_first() -> None:
    order = {"size": '"大", "中", "小"'}

    assert result(table(["n"], ["size"], AMOUNTS, policy="PRIORITY", values=order), n=60) == "大"
    assert result(table(["n"], ["size"], AMOUNTS, policy="OUTPUT ORDER", values=order), n=60) == ["大", "中"]


def test_priority_of_several_outputs_goes_column_by_column() -> None:
    decision = table(
        ["n"],
        ["x", "y"],
        [(["-"], ['"b"', '"p"']), (["-"], ['"a"', '"q"']), (["-"], ['"a"', '"p"'])],
        policy="PRIORITY",
        values={"x": '"a", "b"', "y": '"p", "q"'},
    )

    assert result(decision, n=1) == {"x": "a", "y": "p"}


def test_rule_order_and_collect_give_lists_in_the_order_of_the_rules() -> None:
    assert result(table(["n"], ["size"], AMOUNTS, policy="RULE ORDER"), n=60) == ["中", "大"]
    assert result(table(["n"], ["size"], AMOUNTS, policy="COLLECT"), n=60) == ["中", "大"]
    assert result(table(["n"], ["size"], AMOUNTS, policy="COLLECT"), n="x") == []
    assert result(table(["n"], ["x", "y"], [(["-"], ["1", "2"])], policy="COLLECT"), n=1) == [{"x": 1, "y": 2}]


@pytest.mark.parametrize(
    ("aggregation", "matched", "none"), [("SUM", 7.5, None), ("MIN", 2.5, None), ("MAX", 5, None), ("COUNT", 2, 0)]
)
def test_collect_aggregates_numbers(aggregation: str, matched: object, none: object) -> None:
    decision = table(["n"], ["x"], [(["> 1"], ["5"]), (["> 2"], ["2.5"])], policy="COLLECT", aggregation=aggregation)

    assert result(decision, n=3) == matched
    assert result(decision, n=0) == none


def test_aggregating_text_is_an_error() -> None:
    decision = table(["n"], ["x"], [(["-"], ['"a"'])], policy="COLLECT", aggregation="SUM")

    with pytest.raises(FeelEvaluationError, match="dmn.aggregation_numbers"):
        result(decision, n=3)


def test_the_result_tells_which_rules_fired_and_on_what() -> None:
    decision = table(["n", "kind"], ["size"], [(["> 1", '"a", "b"'], ["n"]), (["-", "-"], ["0"])], policy="FIRST")

    outcome = model(decision).evaluate("grading", {"n": 3, "kind": "b"}, ENV)

    fired = outcome.fired[0]
    assert (fired.decision_id, fired.rule_id, fired.rule_number, fired.annotation) == (
        "grading",
        "rule_1",
        1,
        "说明 1",
    )
    assert len(outcome.fired) == 1
    assert [(one.label, one.value) for one in outcome.inputs] == [("n", 3), ("kind", "b")]
    assert outcome.value == Decimal(3)


def test_cells_see_the_case_and_the_value_under_test() -> None:
    rules = [(["> limit"], ['"over"']), (["? <= limit and cellInput > 0"], ['"within"']), (["not(> 0)"], ['"none"'])]
    decision = table(["n"], ["x"], rules)

    assert result(decision, n=9, limit=8) == "over"
    assert result(decision, n=3, limit=8) == "within"
    assert result(decision, n=0, limit=8) == "none"
    assert model(decision).names("grading") == {"n", "limit"}


def test_chinese_names_and_full_case_paths_work_in_tables() -> None:
    decision = table(
        ["舆情.等级", "count(舆情.来源)"],
        ["去向"],
        [(['"重大"', "-"], ['"局长"']), (['not("重大")', "> 1"], ['"分管"'])],
    )

    assert result(decision, 舆情={"等级": "重大", "来源": []}) == "局长"
    assert result(decision, 舆情={"等级": "普通", "来源": [1, 2]}) == "分管"


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        ("date", '> date("2026-11-01")', "2026-11-20"),
        ("date", '@"2026-11-20"', "2026-11-20T08:30:00+08:00"),
        ("dateTime", '> @"2026-11-20T08:00:00+08:00"', "2026-11-20T08:30+08:00"),
        ("dateTime", '> @"2026-11-19T08:00:00"', "2026-11-20"),
        ("time", '> time("08:00:00")', "08:30:00"),
        ("dayTimeDuration", '> @"PT4H"', "PT8H"),
        ("yearMonthDuration", '> @"P4M"', "P1Y"),
        ("integer", "5", 5),
        ("number", "5.5", 5.5),
        ("boolean", "true", True),
        ("string", '"a"', "a"),
        ("string", '"a"', ["a"]),
        ("anything", "5", 5),
    ],
)
def test_inputs_of_a_type_are_read_from_json(kind: str, cell: str, value: object) -> None:
    assert result(table(["x"], ["y"], [([cell], ["1"])], types=[kind]), x=value) == 1


@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", "5"), ("boolean", "true"), ("string", 5), ("date", "yesterday"), ("dayTimeDuration", "P1Y")],
)
def test_an_input_of_the_wrong_type_is_an_error_not_a_miss(kind: str, value: object) -> None:
    decision = table(["x"], ["y"], [(["-"], ["1"])], types=[kind])

    with pytest.raises(FeelEvaluationError) as raised:
        result(decision, x=value)

    assert raised.value.message_key == "dmn.input_type"
    assert (raised.value.details["input"], raised.value.details["expected"]) == ("x", kind)
    assert result(decision, x=None) == 1


def test_an_output_of_the_wrong_type_is_an_error_naming_the_rule() -> None:
    decision = table(["x"], ["y"], [(["-"], ["x"])], output_types=["number"])

    with pytest.raises(FeelEvaluationError, match=r"dmn.output_type.*rule_1"):
        result(decision, x="a")


def test_a_graph_evaluates_required_decisions_once_and_first() -> None:
    base = table(["n"], ["score"], [(["> 5"], ["10"]), (["<= 5"], ["1"])], decision_id="scoring", name="评分 - 初")
    needs = '<informationRequirement id="r1"><requiredDecision href="#scoring"/></informationRequirement>'
    grade = table(["score"], ["grade"], [(["> 5"], ['"major"']), (["<= 5"], ['"ordinary"'])], before=needs)
    both = literal("both", "grading + string(scoring) + string(评分 - 初) + grade", requires=("grading", "scoring"))

    graph = model(base, grade, both)
    outcome = graph.evaluate("both", {"n": 6}, ENV)

    assert outcome.value == "major1010major"
    assert [(rule.decision_id, rule.rule_number) for rule in outcome.fired] == [("scoring", 1), ("grading", 1)]
    assert graph.names("both") == {"n"}
    assert graph.decisions["both"].names == frozenset()


def test_a_required_decision_outweighs_case_data_of_the_same_name() -> None:
    base = literal("grade", '"computed"')
    top = literal("top", "grade", requires=("grade",))

    assert to_json(model(base, top).evaluate("top", {"grade": "from the case"}, ENV).value) == "computed"


def test_lists_of_a_required_table_are_read_by_output_name() -> None:
    base = table(["n"], ["unit", "hours"], [(["-"], ['"a"', "8"]), (["> 1"], ['"b"', "4"])], policy="COLLECT")
    top = literal("top", "[unit, sum(hours), count(grading)]", requires=("grading",))

    assert to_json(model(base, top).evaluate("top", {"n": 2}, ENV).value) == [["a", "b"], 12, 2]


def test_a_literal_expression_has_the_type_of_its_variable() -> None:
    assert result(literal("d", '"2026-11-20"', kind="date"), "d") == "2026-11-20"
    with pytest.raises(FeelEvaluationError, match="dmn.result_type"):
        result(literal("d", '"x"', kind="number"), "d")


@pytest.mark.parametrize("namespace", ALL_NAMESPACES)
def test_every_version_of_the_format_is_read(namespace: str) -> None:
    data = definitions(table(["n"], ["x"], [(["-"], ["1"])]), namespace=namespace)

    assert parse_dmn(data).evaluate("grading", {"n": 1}, ENV).value == 1


def test_camunda_7_expressions_are_translated() -> None:
    decision = table(["${case.n}"], ["x"], [(["> 1"], ["${case.n == 2}"])])

    assert result(decision, case={"n": 2}) is True


def test_an_input_variable_names_the_cell_value() -> None:
    decision = table(["n"], ["x"], [(["amount > 3"], ["1"])]).replace(
        '<input id="input_0"', '<input id="input_0" camunda:inputVariable="amount"'
    )

    assert result(decision, n=4) == 1
    assert model(decision).names("grading") == {"n"}


def test_all_problems_are_collected_with_element_and_line() -> None:
    decision = table(["n", ""], ["x"], [(["> ", "-"], ["1"]), (["“重大”", "-"], ["1 +"])], policy="BEST")

    with pytest.raises(DmnError) as raised:
        model(decision)

    found = [(problem.element_id, problem.key) for problem in raised.value.problems]
    assert found == [
        ("grading_table", "dmn.hit_policy"),
        ("input_1", "dmn.input_without_expression"),
        ("in_1_0", "feel.syntax.unexpected_end"),
        ("in_2_0", "feel.syntax.write_instead"),
        ("out_2_0", "feel.syntax.unexpected_end"),
    ]
    assert [problem.line for problem in raised.value.problems] == [3, 3, 4, 5, 5]
    assert raised.value.problems[3].details["write"] == '"'
    assert "dmn.hit_policy" in str(raised.value)


KNOWLEDGE = '<knowledgeRequirement><requiredKnowledge href="#b"/></knowledgeRequirement>'
GROOVY = '<literalExpression expressionLanguage="groovy"'


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ('<decision id="d" name="d"/>', "dmn.no_logic"),
        ("", "dmn.no_decision"),
        ("<decision><literalExpression><text>1</text></literalExpression></decision>", "dmn.id_missing"),
        (literal("d", "1") + literal("d", "2"), "dmn.id_twice"),
        (literal("d", ""), "dmn.empty_expression"),
        ('<decision id="d"><invocation/></decision>', "dmn.no_logic"),
        ('<decision id="d"><encapsulatedLogic/></decision>', "dmn.no_logic"),
        ('<import namespace="x" locationURI="other.dmn" importType="y"/>' + literal("d", "1"), "dmn.import"),
        (literal("d", "1", requires=("nowhere",)), "dmn.unknown_reference"),
        (literal("d", "1").replace("<variable", f"{KNOWLEDGE}<variable"), "dmn.unknown_reference"),
        (literal("b", "1") + literal("d", "1").replace("<variable", f"{KNOWLEDGE}<variable"),
         "dmn.knowledge_requirement"),
        (literal("d", "1").replace("<literalExpression", GROOVY), "dmn.language"),
        (literal("d", "${a.b()}"), "dmn.juel"),
        (table(["n"], [], []), "dmn.no_output"),
        (table(["n"], ["x", "x"], []), "dmn.output_names"),
        (table(["n"], ["x", ""], []), "dmn.output_names"),
        (table(["n"], ["x"], [([], ["1"])]), "dmn.cells"),
        (table(["n"], ["x"], [(["-"], ["1", "2"])]), "dmn.cells"),
        (table(["n"], ["x"], [], aggregation="SUM"), "dmn.aggregation"),
        (table(["n"], ["x", "y"], [], policy="COLLECT", aggregation="SUM"), "dmn.aggregation_outputs"),
        (table(["n"], ["x"], [], policy="PRIORITY"), "dmn.priority_without_values"),
        (table(["n"], ["x"], [], policy="PRIORITY", values={"x": "a, b"}), "dmn.output_values"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused(content: str, key: str) -> None:
    assert key in keys(content)


def test_a_cycle_of_requirements_is_refused() -> None:
    assert keys(literal("a", "b", requires=("b",)), literal("b", "a", requires=("a",))) == ["dmn.cycle"]
    assert keys(literal("a", "a", requires=("a",))) == ["dmn.cycle"]


def test_a_very_long_chain_of_requirements_is_refused() -> None:
    chain = [literal(f"d{n}", "1", requires=(f"d{n + 1}",)) for n in range(500)]

    assert keys(*chain, literal("d500", "1")) == ["dmn.too_deep"]


def test_a_shared_requirement_is_no_cycle() -> None:
    graph = model(
        literal("a", "b + c", requires=("b", "c")),
        literal("b", "d", requires=("d",)),
        literal("c", "d", requires=("d",)),
        literal("d", "x"),
    )

    assert graph.evaluate("a", {"x": 2}, ENV).value == 4
    assert graph.names("a") == {"x"}


BOMB = '<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"", "xml.not_well_formed"),
        (b"not xml", "xml.not_well_formed"),
        (b"\x00\xff\xfe", "xml.not_well_formed"),
        (b"<a/>", "dmn.namespace"),
        (b'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>', "dmn.namespace"),
        (f'<decision xmlns="{DMN_13}"/>'.encode(), "dmn.namespace"),
        ((BOMB + f'<definitions xmlns="{DMN_13}">&c;</definitions>').encode(), "xml.doctype"),
        ((BOMB + f'<definitions xmlns="{DMN_13}">&c;</definitions>').encode("utf-16"), "xml.doctype"),
        (
            f'<!DOCTYPE d SYSTEM "file:///etc/passwd"><definitions xmlns="{DMN_13}"/>'.encode(),
            "xml.doctype",
        ),
        (b"<a>" * 5000, "xml.not_well_formed"),
        (b" " * 2_000_001, "xml.too_large"),
    ],
)
def test_hostile_xml_is_refused(data: bytes, key: str) -> None:
    with pytest.raises(DmnError) as raised:
        parse_dmn(data)

    assert [problem.key for problem in raised.value.problems] == [key]


def test_a_cell_that_runs_away_is_stopped_by_the_budget() -> None:
    decision = table(["n"], ["x"], [(["count(for a in 1..9000, b in 1..9000 return 1) > ?"], ["1"])])

    with pytest.raises(FeelEvaluationError, match="feel.budget"):
        result(decision, n=1)


def test_a_large_table_fits_the_budget_and_is_quick() -> None:
    rules = [([f"[{n}..{n + 1})", '"a", "b"', "-"], [str(n)]) for n in range(2000)]
    big = model(table(["n", "k", "m"], ["x"], rules))

    begun = process_time()
    outcome = big.evaluate("grading", {"n": 1999.5, "k": "b", "m": None}, ENV)

    assert outcome.value == 1999
    assert process_time() - begun < 0.5


def test_a_table_that_is_too_large_is_refused() -> None:
    assert keys(table(["n"], ["x"], [(["-"], ["1"])] * 2001)) == ["dmn.table_too_large"]


# --- gaps and overlaps


def findings(decision: str) -> list[tuple[str, tuple[int, ...], dict[str, object]]]:
    found = gaps_and_overlaps(model(decision).decisions["grading"])
    return [(one.kind, one.rules, dict(one.example)) for one in found]


def test_a_complete_table_without_overlaps_has_no_findings() -> None:
    rules = [(["< 10", "true"], ["1"]), ([">= 10", "true"], ["2"]), (["-", "false"], ["3"])]

    assert findings(table(["n", "b"], ["x"], rules, types=["number", "boolean"])) == []


def test_a_number_between_ranges_is_a_gap_with_an_example() -> None:
    rules = [(["< 10"], ["1"]), (["> 10"], ["2"])]

    assert findings(table(["n"], ["x"], rules)) == [("gap", (), {"n": 10})]


def test_overlapping_ranges_are_found_with_an_example() -> None:
    rules = [(["<= 10"], ["1"]), ([">= 5"], ["2"])]

    assert findings(table(["n"], ["x"], rules)) == [("overlap", (1, 2), {"n": 5})]


def test_every_finding_can_be_reproduced() -> None:
    rules = [(["[1..5]", '"a"'], ["1"]), (["[4..9]", '"a", "b"'], ["2"]), (["> 20", 'not("a")'], ["3"])]
    decision = table(["n", "k"], ["x"], rules, types=["number", "string"])

    found = findings(decision)

    assert {kind for kind, _, _ in found} == {"gap", "overlap"}
    for kind, rules_hit, example in found:
        if kind == "gap":
            assert result(decision, **example) is None
        else:
            with pytest.raises(FeelEvaluationError, match=", ".join(map(str, rules_hit))):
                result(decision, **example)


def test_allowed_values_bound_what_counts_as_a_gap() -> None:
    rules = [(['"major"'], ["1"]), (['"ordinary"'], ["2"])]

    assert findings(table(["g"], ["x"], rules))[0][0] == "gap"
    assert findings(table(["g"], ["x"], rules, allowed={"g": '"major", "ordinary"'})) == []
    assert findings(table(["g"], ["x"], rules, allowed={"g": '"major", "ordinary", "positive"'})) == [
        ("gap", (), {"g": "positive"})
    ]


def test_dates_have_gaps_too() -> None:
    rules = [(['< date("2026-05-01")'], ["1"]), (['> date("2026-05-01")'], ["2"])]

    assert findings(table(["d"], ["x"], rules, types=["date"])) == [("gap", (), {"d": "2026-05-01"})]


def test_a_default_output_covers_gaps_and_other_policies_allow_overlaps() -> None:
    rules = [(["<= 10"], ["1"]), (["[5..8]"], ["1"])]

    assert findings(table(["n"], ["x"], rules, policy="FIRST", defaults={"x": "0"})) == [("never", (2,), {})]
    assert findings(table(["n"], ["x"], rules, policy="COLLECT")) == []
    assert findings(table(["n"], ["x"], rules, policy="ANY", defaults={"x": "0"})) == []


def test_computed_cells_are_reported_as_not_analysed() -> None:
    found = gaps_and_overlaps(model(table(["n"], ["x"], [(["> limit"], ["1"])])).decisions["grading"])

    assert [(one.kind, one.reason, one.column) for one in found] == [("not_analysed", "dmn.gaps.column", "n")]


def test_too_many_combinations_are_reported_not_walked() -> None:
    columns = [f"n{n}" for n in range(20)]
    rules = [(["> 0" if place == n else "-" for place in range(20)], [str(n)]) for n in range(20)]

    found = gaps_and_overlaps(model(table(columns, ["x"], rules)).decisions["grading"])

    assert [one.reason for one in found] == ["dmn.gaps.too_large"]


def test_a_literal_expression_has_no_findings() -> None:
    assert gaps_and_overlaps(model(literal("d", "1")).decisions["d"]) == ()
