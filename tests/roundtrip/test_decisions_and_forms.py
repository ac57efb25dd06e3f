"""Decision tables, forms and texts opened in their editors: stored as they were, or with the one change in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import unified_diff
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.roundtrip.editor_page import EditorPage
from tests.support.world import ROOT

TABLES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "bpmn").glob("*.dmn"))}
FORMS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "forms").glob("*.form"))}
VENDOR = """<?xml version="1.0" encoding="UTF-8"?>
<!-- 来自别处 -->
<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" xmlns:acme="urn:acme" id="d" name="n"
  namespace="urn:n">
  <decision id="t" name="表" acme:owner="张三">
    <extensionElements><acme:note>留意 &lt;此处&gt;</acme:note></extensionElements>
    <decisionTable id="dt" hitPolicy="FIRST"><?acme keep?>
      <input id="i"><inputExpression id="ie" typeRef="string"><text><![CDATA[grade]]></text></inputExpression></input>
      <output id="o" name="unit" typeRef="string" />
      <rule id="r" acme:weight='2'><!-- 首条 -->
        <inputEntry id="e"><text>"a"</text></inputEntry>
        <outputEntry id="x"><text>"b"</text></outputEntry>
      </rule>
    </decisionTable>
  </decision>
</definitions>
"""

CHANGE_TABLE = """async (text) => {
  const { editor } = document.getElementById("editor").desk;
  await editor.open(text);
  const unchanged = await editor.text();
  await editor.show(editor.modeler.getViews().find((view) => view.type === "decisionTable"));
  const viewer = editor.modeler.getActiveViewer();
  const [rule] = viewer.get("sheet").getRoot().rows;
  viewer.get("modeling").editCell(rule.cells.at(-1).businessObject, '"改过"');
  return { unchanged, changed: await editor.text(), rewritten: editor.source.rewritten };
}"""

CHANGE_FORM = """async (text) => {
  const { editor } = document.getElementById("editor").desk;
  await editor.open(text);
  const unchanged = editor.text();
  const field = editor.editor.get("formFieldRegistry").getAll().find((one) => one.label && one.key);
  if (!field) return { unchanged };
  editor.editor.get("modeling").editFormField(field, "label", "改过的标题");
  const changed = editor.text();
  editor.undo();
  return { unchanged, changed, undone: editor.text() };
}"""


@pytest.fixture(scope="module")
def seats(browser: Browser) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield lambda kind, path, content: EditorPage(context.new_page(), kind, path, content.encode())
    context.close()


def changes(before: str, after: str) -> list[str]:
    """The lines that went and came."""
    told = unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in told if not line.startswith(("---", "+++", "@@"))]


def test_decision_tables_keep_all_but_the_changed_cell(seats: Any):
    texts = {**TABLES, "vendor": VENDOR}
    editor = seats("dmn", "bpmn/a.dmn", VENDOR)

    made = {name: editor.page.evaluate(CHANGE_TABLE, text) for name, text in texts.items()}

    assert len(TABLES) >= 4
    for name, one in made.items():
        assert one["unchanged"] == texts[name], name
        assert not one["rewritten"], name
        gone, came = changes(texts[name], one["changed"])
        assert came.count("改过") == 1 and gone.strip("- ")[:6] == came.strip("+ ")[:6], (name, gone, came)


def test_forms_keep_all_but_the_changed_label(seats: Any):
    editor = seats("form", "forms/a.form", FORMS["grade.form"])

    made = {name: editor.page.evaluate(CHANGE_FORM, text) for name, text in FORMS.items()}

    assert len(FORMS) > 40
    for name, one in made.items():
        assert one["unchanged"] == FORMS[name], name
        if "changed" in one:
            assert one["undone"] == FORMS[name], name
            gone, came = changes(FORMS[name], one["changed"])
            assert '"label": "改过的标题"' in came and '"label"' in gone, name


def test_a_form_without_ids_and_rows_gets_none_by_a_change_elsewhere(seats: Any):
    plain = {"type": "default", "vendor": {"keep": 1}, "components": [
        {"type": "textfield", "key": "a", "label": "甲", "x-acme": [1, {"b": None}]},
        {"type": "number", "key": "b", "label": "乙"},
    ]}  # fmt: skip
    text = json.dumps(plain, ensure_ascii=False, indent=4) + "\n"
    editor = seats("form", "forms/a.form", text)

    made = editor.page.evaluate(CHANGE_FORM, text)

    assert made["unchanged"] == text
    assert [one.strip("+- ") for one in changes(text, made["changed"])] == ['"label": "甲",', '"label": "改过的标题",']


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_text_keeps_its_line_ends(seats: Any, ending: str):
    text = ending.join(["# 说明", "[limits]", 'due = "PT8H"', ""])
    editor = seats("text", "bpmn/regulation.toml", text)

    assert editor.page.evaluate("document.getElementById('editor').desk.editor.text()") == text
    editor.page.locator(".cm-line", has_text="PT8H").click()
    editor.page.keyboard.press("End")
    editor.page.keyboard.type(" # 改过")

    changed = editor.page.evaluate("document.getElementById('editor').desk.editor.text()")
    assert changed == text.replace('"PT8H"', '"PT8H" # 改过')
