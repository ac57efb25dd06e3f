"""What the editors say in Chinese: every menu, group and field is looked at; what stays English is named here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.roundtrip.editor_page import EditorPage
from tests.roundtrip.everything import everything
from tests.support.world import ROOT

MARK = "Powered by bpmn.io"
"""The bpmn.io mark stays as it is: their licence asks for it."""

# Collects every visible text and every title, label and placeholder that holds a word of Latin letters.
LOOK = """
  window.seen ??= new Map();
  window.look = (where) => {
    const note = (text) => /[A-Za-z]{2,}/.test(text) && !seen.has(text.trim()) && seen.set(text.trim(), where);
    const walker = document.createTreeWalker(document.getElementById("editor").parentNode, NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode()); ) {
      const box = node.parentElement;
      if (!box || box.closest("script, .djs-visual, .cm-editor, [data-status], .fjs-palette-field-icon")) continue;
      if (box.checkVisibility()) note(node.data);
    }
    for (const name of ["title", "aria-label", "placeholder"]) {
      for (const box of document.querySelectorAll(`#editor [${name}], body > [${name}]`)) note(box.getAttribute(name));
    }
  };
  window.drawn = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 15)));
  window.unfold = async () => {
    for (const kind of ["group", "collapsible-entry"]) {
      for (const head of document.querySelectorAll(`.bio-properties-panel-${kind}-header:not(.open)`)) {
        head.querySelector(`.bio-properties-panel-${kind}-header-title`)?.click();
      }
      await drawn();
    }
  };
"""
DIAGRAM = """async () => {
  const { editor } = document.getElementById("editor").desk;
  const { modeler } = editor;
  const get = (name) => modeler.get(name);
  look("palette");
  const ids = get("elementRegistry").getAll().filter((one) => !one.labelTarget).map((one) => one.id);
  for (const id of ids) {
    const element = get("elementRegistry").get(id);
    get("selection").select(element);
    if (element.parent) get("contextPad").open(element, true);
    await drawn();
    await unfold();
    look(`panel of ${id}`);
    for (const add of document.querySelectorAll(".bio-properties-panel-add-entry")) add.click();
    await drawn();
    await unfold();
    look(`lists of ${id}`);
    while (get("commandStack").canUndo()) get("commandStack").undo();
    const now = get("elementRegistry").get(id);
    if (!now?.parent) continue;
    get("popupMenu").open(now, "bpmn-replace", { x: 300, y: 200 });
    await drawn();
    look(`replacements of ${id}`);
    get("popupMenu").close();
  }
  get("selection").select(["A_task", "A_userTask", "A_manualTask"].map((id) => get("elementRegistry").get(id)));
  get("popupMenu").open(get("selection").get(), "align-elements", { x: 300, y: 200 });
  await drawn();
  look("several");
  get("popupMenu").close();
  editor.find();
  await drawn();
  look("search");
  return [...seen];
}"""
TABLE = """async () => {
  const { editor } = document.getElementById("editor").desk;
  look("table");
  const open = async (what, button) => {
    const cell = document.querySelector(what);
    cell.dispatchEvent(new MouseEvent(button, { bubbles: true, cancelable: true, clientX: 300, clientY: 300 }));
    cell.dispatchEvent(new MouseEvent("mouseup", { bubbles: true }));
    await drawn();
    look(`${button} ${what}`);
  };
  for (const what of [".input-cell", ".output-cell", ".annotation", ".rule-index", ".cell.input", ".hit-policy"]) {
    if (!document.querySelector(what)) continue;
    await open(what, "contextmenu");
    await open(what, "dblclick");
    await open(what, "click");
  }
  await editor.show(editor.modeler.getViews()[0]);
  const viewer = editor.modeler.getActiveViewer();
  for (const element of viewer.get("elementRegistry").getAll().filter((one) => one.parent)) {
    viewer.get("selection").select(element);
    viewer.get("contextPad").open(element, true);
    await drawn();
    look("diagram");
    try { viewer.get("popupMenu").open(element, "dmn-replace", { x: 300, y: 200 }); } catch { continue; }
    await drawn();
    look("replacements");
    viewer.get("popupMenu").close();
  }
  return [...seen];
}"""
FORM = """async (kinds) => {
  const { editor } = document.getElementById("editor").desk;
  look("empty");
  for (const type of kinds) {
    await editor.open(JSON.stringify({ type: "default", components: [{ type, id: "f", key: "f", path: "f" }] }));
    await drawn();
    editor.editor.get("selection").set(editor.editor.get("formFieldRegistry").get("f"));
    await drawn();
    await unfold();
    look(type);
    for (const add of document.querySelectorAll(".bio-properties-panel-add-entry")) add.click();
    await drawn();
    await unfold();
    look(`${type}, lists`);
  }
  return [...seen];
}"""
KINDS = [
    "textfield", "textarea", "number", "datetime", "checkbox", "checklist", "radio", "select", "taglist", "button",
    "text", "html", "image", "table", "group", "dynamiclist", "separator", "spacer", "expression", "filepicker",
    "documentPreview", "iframe",
]  # fmt: skip

IDS = re.compile(r'^"|^(A|E|D|F\d|Input|Output|Field|Definitions|Decision)_\w+$|^[a-z][\w.]*$|^\w+_\w{6,8}$')
"""Made by the libraries, or written in the file (values stand in quotes): not words."""


@pytest.fixture(scope="module")
def seats(browser: Browser) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})

    def seat(kind: str, path: str, content: str) -> EditorPage:
        editor = EditorPage(context.new_page(), kind, path, content.encode())
        editor.page.evaluate(LOOK)
        return editor

    yield seat
    context.close()


def english(found: list[list[str]], named: set[str]) -> list[str]:
    """What is left without a Chinese character: "text (where)"."""
    left = [(text, where) for text, where in found if not re.search(r"[\u4e00-\u9fff]", text)]
    return sorted(f"{text} ({where})" for text, where in left if text not in named and not IDS.match(text))


def test_the_modeler_speaks_chinese(seats: Any):
    editor = seats("bpmn", "bpmn/a.bpmn", everything())

    found = editor.page.evaluate(DIAGRAM)

    assert len(found) > 60
    assert english(found, {MARK}) == []


def test_the_decision_editor_speaks_chinese(seats: Any):
    editor = seats("dmn", "bpmn/a.dmn", (ROOT / "bpmn" / "routing.dmn").read_text(encoding="utf-8"))

    found = editor.page.evaluate(TABLE)

    assert found
    assert english(found, {MARK}) == []


def test_the_form_editor_speaks_chinese(seats: Any):
    editor = seats("form", "forms/a.form", '{"type": "default", "components": []}')

    found = editor.page.evaluate(FORM, KINDS)

    assert found
    assert english(found, {MARK, "yyyy-mm-dd"}) == []
