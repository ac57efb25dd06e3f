"""Comparing two versions in a browser: in words, on both diagrams, by rule and field; handed out as a file."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re

import pytest

from engine.domain.organisation import Actor
from engine.service import export_lookup, people
from engine.service.system import new_id
from tests.support.desk import BLOCK, Browser, Desk
from tests.support.world import shipped_files

DIAGRAM = "bpmn/unit_handling.bpmn"
REASON = "会议决定延长意见时限"


def edited() -> dict[str, bytes]:
    """The shipped files with a longer limit, another rule, another field, a moved shape and a remark."""
    files = dict(shipped_files())
    for path, before, after in (
        (DIAGRAM, b"PT8H", b"PT6H"),
        (DIAGRAM, b'name="clause" value="R50', b'name="clause" value="R50 R99'),
        ("bpmn/triage.bpmn", b'<dc:Bounds x="', b'<dc:Bounds x="7'),
        ("bpmn/routing.dmn", b'"weidu"', b'"jianan"'),
        ("forms/grade.form", "定级理由".encode(), "定级的理由".encode()),
    ):
        assert before in files[path], (path, before)
        files[path] = files[path].replace(before, after, 1)
    files["bpmn/regulation.toml"] += "# 注释\n".encode()
    return files


def owner(desk: Desk) -> Actor:
    with desk.world.services.engine.connect() as conn:
        found = people.actor(conn, "sunli", desk.world.clock.now())
    assert found is not None
    return found


@pytest.fixture
def draft(own_desk: Desk) -> str:
    """The name of a draft that holds the edited files."""
    made = own_desk.world.services.bundle_drafts.create(owner(own_desk), "延长时限", "", edited())
    return f"draft:{made.draft_id}"


@pytest.fixture
def seat(own_desk: Desk) -> Browser:
    return own_desk.seat("sunli")


def test_the_page_tells_what_changed_for_whom_and_names_both_sides(seat: Browser, draft: str):
    page = seat.get(f"/compare?from=live&to={draft}").text

    assert "第 1 次发布" in page and "草稿：延长时限" in page and "孙丽" in page
    for path in (DIAGRAM, "bpmn/triage.bpmn", "bpmn/routing.dmn", "forms/grade.form", "bpmn/regulation.toml"):
        assert path in page
    assert "由8小时改为6小时，收紧2小时。" in page
    assert "内容相同，写法不同" in page
    assert re.search(r"<del>定级理由</del>\s*<ins>定级的理由</ins>", page)
    assert "第1条规则" in page and "“承办单位”列" in page
    assert re.search(r"所改之处涉及条款：.*R50", page, re.DOTALL)


def test_a_version_with_itself_is_the_same(seat: Browser):
    page = seat.get("/compare?from=live&to=live").text

    assert "两个版本完全相同" in page


def test_what_nobody_notices_can_be_hidden(seat: Browser, draft: str):
    everything = seat.get(f"/compare?from=live&to={draft}&file=bpmn/triage.bpmn").text
    loud = seat.get(f"/compare?from=live&to={draft}&file=bpmn/triage.bpmn&hide=layout").text

    assert "位置和大小" in everything
    assert "位置和大小" not in loud and "没有符合条件的改动" in loud


def test_both_diagrams_are_marked_and_a_row_names_its_element(seat: Browser, draft: str):
    page = seat.get(f"/compare?from=live&to={draft}&file={DIAGRAM}").text

    drawn = {name: json.loads(text) for name, text in BLOCK.findall(page) if name.startswith("drawing-")}
    assert drawn.keys() == {"drawing-old", "drawing-new"}
    assert "PT8H" in drawn["drawing-old"]["xml"] and "PT6H" in drawn["drawing-new"]["xml"]
    for side in drawn.values():
        assert side["marks"]["Event_eight_hours"] == ["changed"]
        assert "收紧2小时" in side["about"]["Event_eight_hours"]
        assert any(note["element"] == "Event_eight_hours" and note["text"][0] == "改" for note in side["notes"])
    assert re.search(r'data-jump data-old="Event_eight_hours" data-new="Event_eight_hours"', page)


def test_an_added_element_is_marked_on_the_new_side_only(own_desk: Desk, seat: Browser):
    files = dict(shipped_files())
    note = b'<bpmn:textAnnotation id="Note_new"><bpmn:text>x</bpmn:text></bpmn:textAnnotation></bpmn:process>'
    files[DIAGRAM] = files[DIAGRAM].replace(b"</bpmn:process>", note)
    made = own_desk.world.services.bundle_drafts.create(owner(own_desk), "批注", "", files)

    page = seat.get(f"/compare?from=live&to=draft:{made.draft_id}&file={DIAGRAM}").text

    drawn = {name: json.loads(text) for name, text in BLOCK.findall(page) if name.startswith("drawing-")}
    assert drawn["drawing-new"]["marks"] == {"Note_new": ["added"]}
    assert drawn["drawing-old"]["marks"] == {}


def test_decision_tables_are_painted_rule_by_rule_and_forms_field_by_field(seat: Browser, draft: str):
    tables = seat.get(f"/compare?from=live&to={draft}&file=bpmn/routing.dmn").text
    fields = seat.get(f"/compare?from=live&to={draft}&file=forms/grade.form").text

    assert "<del>&#34;weidu&#34;</del>" in tables and "<ins>&#34;jianan&#34;</ins>" in tables
    assert tables.count('class="is-changed"') >= 2
    assert re.search(r"<code>grade_reason</code>\s*修改", fields)
    assert "其余 3 个字段没有变化" in fields


def test_files_that_only_one_side_has_are_shown_whole(own_desk: Desk, seat: Browser):
    files = dict(shipped_files())
    files["bpmn/routes.dmn"] = (
        files["bpmn/routing.dmn"].replace(b'id="routing"', b'id="routes"').replace(b"R09", b"R10")
    )
    files["bpmn/extra.bpmn"] = files["bpmn/tracking.bpmn"].replace(b'"tracking"', b'"extra"')
    files["forms/extra.form"] = b'{"type": "default", "id": "extra", "components": [{"type": "number", "key": "n"}]}'
    del files["forms/positive.form"]
    made = own_desk.world.services.bundle_drafts.create(owner(own_desk), "多几个文件", "", files)

    pages = {
        path: seat.get(f"/compare?from=live&to=draft:{made.draft_id}&file={path}")
        for path in ("bpmn/routes.dmn", "bpmn/extra.bpmn", "forms/extra.form", "forms/positive.form")
    }

    assert {answer.status_code for answer in pages.values()} == {200}
    assert "新增文件" in pages["bpmn/extra.bpmn"].text and "drawing-old" not in pages["bpmn/extra.bpmn"].text
    assert pages["bpmn/routes.dmn"].text.count('class="is-added"') > 10
    assert "删除文件" in pages["forms/positive.form"].text and 'class="is-removed"' in pages["forms/positive.form"].text
    assert seat.get(f"/compare?from=live&to=draft:{made.draft_id}&file=bpmn/nothing.bpmn").status_code == 404


def test_on_paper_every_change_is_there(seat: Browser, draft: str):
    page = seat.get(f"/compare?from=live&to={draft}&paper=1").text

    assert page.count("data-row") >= 6
    assert "/compare/export" not in page


def test_what_the_checks_say_of_one_side_only(seat: Browser, draft: str, own_desk: Desk):
    files = dict(shipped_files())
    files["bpmn/triage.bpmn"] = files["bpmn/triage.bpmn"].replace(b'formRef="screen"', b'formRef="screen2"')
    made = own_desk.world.services.bundle_drafts.create(owner(own_desk), "坏表单", "", files)

    broken = seat.get(f"/compare/findings?from=live&to=draft:{made.draft_id}").text
    mended = seat.get(f"/compare/findings?from=draft:{made.draft_id}&to=live").text

    assert re.search(r"新出现的问题 \d", broken) and "screen2" in broken
    assert re.search(r"不再有的问题 \d", mended) and "screen2" in mended


def test_the_changes_are_handed_out_numbered_and_marked(seat: Browser, draft: str, own_desk: Desk):
    table = seat.post("/compare/export", {"from": "live", "to": draft, "format": "csv"})
    facts = seat.post("/compare/export", {"from": "live", "to": draft, "format": "json"})

    lines = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert "导出 第" in lines[0][0]
    assert lines[1][0] == "文件"
    assert any(row[0] == DIAGRAM and "PT6H" in row[11] for row in lines[2:])
    read = json.loads(facts.data)
    assert read["differs"] and "导出 第" in read["taken_out"]
    assert {file["file"]: file["status"] for file in read["files"]}["bpmn/regulation.toml"] == "rewritten"
    with own_desk.world.services.engine.connect() as conn:
        logged = export_lookup.with_hash(conn, hashlib.sha256(table.data).hexdigest())
    assert [one.kind for one in logged] == ["comparison"]


def test_a_name_that_means_nothing_is_told_at_its_field(seat: Browser):
    answer = seat.get("/compare?from=live&to=ffffffff")

    assert answer.status_code == 404
    assert "没有这个版本或草稿" in answer.text
    assert re.search(r'is-invalid"[^>]*id="to"', answer.text)


def test_each_version_leads_to_the_one_before(own_desk: Desk, seat: Browser):
    services = own_desk.world.services
    before = services.deployments.live()
    files = dict(shipped_files())
    files["forms/grade.form"] = files["forms/grade.form"].replace("定级理由".encode(), "理由".encode())
    outcome = services.deployments.deploy(files, "sunli", REASON, new_id())
    after = services.deployments.live()
    assert after != before, outcome

    history = seat.get("/deployments").text
    version = seat.get(f"/deployments/{after}").text

    link = f"/compare?from={before}&amp;to={after}"
    assert link in history and link in version
    assert REASON in seat.get(link.replace("&amp;", "&")).text
    assert "与上一版比较" not in seat.get(f"/deployments/{before}").text
