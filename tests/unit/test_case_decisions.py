"""The journal keeps which rules of a whole decision graph fired; the case page says so in words."""

from __future__ import annotations

from pathlib import Path

from engine.definitions.bundle import read_bundle
from engine.kernel.compile import compile_bundle
from engine.service.case_decisions import made_in, value_notes
from tests.support.diagrams import Run, Scope, document
from tests.unit.test_dmn import definitions, literal, table
from tests.unit.test_dmn_boxed import bkm, knows, requires

ROOT = Path(__file__).parents[2]


def test_every_decision_of_a_graph_is_told_with_its_rules_and_values() -> None:
    inside = table(["数量"], ["档"], [(["< 10"], ['"少"']), ([">= 10"], ['"多"'])])
    level = bkm("level", "数量", inside.partition(">")[2].rpartition("</decision>")[0], name="分档")
    half = literal("half", "分档(n / 2)", name="半数档").replace("<literal", f"{knows('level')}<literal")
    rules = [(['"多"'], ['"major"']), (['"少"'], ['"ordinary"'])]
    graded = table(["半数档"], ["grade"], rules, decision_id="grade", name="定级", before=requires("half"))
    scope = Scope()
    task = scope.node(
        "businessRuleTask", "decide", name="建议", camunda_decisionRef="grade", camunda_resultVariable="g"
    )
    scope.chain(scope.start(), task, scope.end())
    bundle = read_bundle({"bpmn/p.bpmn": document(p=scope), "bpmn/d.dmn": definitions(level, half, graded)})

    run = Run(compile_bundle(bundle), bundle, {"n": 24})

    (made,) = [one for entry in run.entries for one in made_in(bundle, entry)]
    assert (made.step, made.decision, made.result) == ("建议", "定级", "major")
    assert [(rule.decision, rule.number) for rule in made.rules] == [("分档", 2), ("定级", 1)]
    assert made.rules[0].conditions == (("数量", ">= 10"),)
    assert made.rules[0].results == (("档", '"多"'),)
    assert made.inputs == (("数量", 12), ("半数档", "多"))


def test_values_that_are_ids_are_told_in_the_words_of_their_rule() -> None:
    bundle = read_bundle({path.name: path.read_bytes() for path in (ROOT / "bpmn").glob("*.dmn")})

    notes = value_notes(bundle)

    assert notes["default_city"] == "谁主管、谁负责：均未命中时由市局回应"
    assert "city" not in notes, "given by two rules"
    assert not any("line:" in note or note.startswith("R0") for note in notes.values())
