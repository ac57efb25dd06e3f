"""What happens around an editor: saving by itself, somebody else's save, a lost connection, marks of the check."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.roundtrip.editor_page import EditorPage
from tests.support.world import ROOT

DIAGRAM = (ROOT / "bpmn" / "unit_handling.bpmn").read_bytes()
LIMIT = "[data-element-id=Event_eight_hours]"
CONFLICT = {"by": "王芳", "at": "2026-03-02T09:00:00+08:00", "revision": 7}


def finding(element: str, severity: str = "error", **more: Any) -> dict[str, Any]:
    about = {"file": "bpmn/a.bpmn", "line": 77, "name": "", "text": "到期太晚", "todo": "改短", "path": [], **more}
    return {"severity": severity, "element": element, **about}


@pytest.fixture
def editor(open_page: Callable[..., Page]) -> EditorPage:
    return EditorPage(open_page(width=1280, height=800), "bpmn", "bpmn/a.bpmn", DIAGRAM)


def in_state(editor: EditorPage, state: str) -> None:
    expect(editor.page.locator("#editor")).to_have_attribute("data-state", state)


def dialog(editor: EditorPage) -> Locator:
    return editor.page.locator("dialog.ask")


def change(editor: EditorPage, hours: int = 9) -> None:
    editor.page.locator(LIMIT).click()
    editor.page.get_by_label("期限长度").fill(f"PT{hours}H")


def test_a_change_saves_itself_and_its_findings_mark_the_element(editor: EditorPage):
    editor.findings = [
        finding("Event_eight_hours"),
        finding("Event_eight_hours", "warning"),
        finding("Nowhere", "info"),
    ]

    change(editor)
    in_state(editor, "saved")

    assert [one.replace(b"PT9H", b"PT8H") for one in editor.saved] == [DIAGRAM]
    badge = editor.page.locator(".djs-overlay .lint-badge")
    expect(badge).to_have_text("2")
    expect(badge).to_have_class(re.compile("lint-badge-error"))
    assert badge.get_attribute("title") == "错误：到期太晚 改短\n提醒：到期太晚 改短"
    expect(editor.page.locator("[data-counts]")).to_have_text("1 处错误 · 1 处提醒 · 1 处提示")
    editor.page.locator("#editor-canvas svg[data-element-id], #editor-canvas .djs-container > svg").first.click(
        position={"x": 400, "y": 30}
    )
    editor.page.locator(".finding").first.click()
    expect(editor.page.locator(LIMIT)).to_have_class(re.compile("selected"))


def test_undoing_everything_stores_the_file_as_it_was(editor: EditorPage):
    change(editor)
    in_state(editor, "saved")

    editor.page.locator("[data-do=undo]").click()
    editor.page.keyboard.press("Control+s")
    expect(editor.page.locator("#editor[data-state=saved]")).to_be_visible()
    editor.page.wait_for_function("document.getElementById('editor').desk.stored.includes('PT8H')")

    assert editor.saved[-1] == DIAGRAM


def test_opening_and_saving_without_a_change_writes_nothing(editor: EditorPage):
    editor.page.keyboard.press("Control+s")
    editor.page.evaluate("document.getElementById('editor').desk.turn")

    in_state(editor, "clean")
    assert editor.saved == []


def test_somebody_elses_save_is_never_overwritten_unasked(editor: EditorPage):
    editor.conflict = CONFLICT
    change(editor)
    in_state(editor, "conflict")

    expect(dialog(editor)).to_contain_text("王芳 在 2026/3/2 09:00 保存了这个文件")
    dialog(editor).get_by_role("button", name="用我的覆盖").click()
    expect(dialog(editor)).to_contain_text("确认覆盖？王芳 刚保存的内容将被你的替换。")
    assert editor.saved == []
    dialog(editor).get_by_role("button", name="确认覆盖").click()
    in_state(editor, "saved")

    assert len(editor.saved) == 1 and b"PT9H" in editor.saved[0]


def test_their_version_is_taken(editor: EditorPage):
    editor.conflict = CONFLICT
    change(editor)
    in_state(editor, "conflict")
    editor.content = DIAGRAM.replace(b"PT8H", b"PT7H")

    dialog(editor).get_by_role("button", name="用对方的").click()

    in_state(editor, "clean")
    editor.page.locator(LIMIT).click()
    expect(editor.page.get_by_label("期限长度")).to_have_value("PT7H")
    assert editor.saved == []


def test_a_change_that_did_not_reach_the_server_is_offered_again(editor: EditorPage):
    editor.reachable = False
    change(editor)
    in_state(editor, "offline")
    editor.reachable = True
    editor.page.on("dialog", lambda asked: asked.accept())

    editor.open()
    expect(dialog(editor)).to_contain_text("本机留有没有保存的改动")
    dialog(editor).get_by_role("button", name="继续用它").click()
    in_state(editor, "saved")

    assert [one.replace(b"PT9H", b"PT8H") for one in editor.saved] == [DIAGRAM]
    assert editor.page.evaluate("localStorage.length") == 0


def test_keys_find_and_explain(editor: EditorPage):
    page = editor.page
    page.keyboard.press("Control+f")
    page.locator(".djs-search-input input").press_sequentially("8小时意见")
    page.keyboard.press("Enter")
    expect(page.locator(LIMIT)).to_have_class(re.compile("selected"))
    page.keyboard.press("Escape")

    page.keyboard.press("?")

    expect(dialog(editor)).to_contain_text("立即保存")


def test_the_form_is_shown_as_staff_see_it(open_page: Callable[..., Page]):
    form = (ROOT / "forms" / "grade.form").read_bytes()
    editor = EditorPage(open_page(width=1440, height=900), "form", "forms/grade.form", form)
    preview = editor.page.frame_locator("#editor-preview")
    expect(preview.get_by_text("重大事件和重大负面").first).to_be_visible()

    editor.findings = [finding("grade", file="forms/grade.form", line=0)]
    editor.page.locator("#editor-canvas").get_by_text("定级理由").click(force=True)
    editor.page.locator(".bio-properties-panel-group-header-title", has_text="基本").click()
    editor.page.get_by_label("字段标题").fill("为什么这样定级")

    expect(preview.get_by_text("为什么这样定级")).to_be_visible()
    in_state(editor, "saved")
    assert editor.saved[-1].decode() == form.decode().replace('"label": "定级理由"', '"label": "为什么这样定级"')
    expect(editor.page.locator("#editor-canvas .lint-field")).to_have_attribute("title", "到期太晚 改短")
