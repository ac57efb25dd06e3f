"""流程工作室 in a browser: files saved with revisions, findings for the editors, scenarios, a second approver."""

from __future__ import annotations

import io
import re
import zipfile

from werkzeug.test import TestResponse

from engine.service import bundle_presence, scenario_reader, scenarios
from engine.service.bundle_check import check
from tests.support import walks
from tests.support.desk import Browser, Desk, blocks
from tests.support.world import shipped_files, whole_bundle

TRIAGE, HANDLING = "bpmn/triage.bpmn", "bpmn/unit_handling.bpmn"


def begun(seat: Browser) -> str:
    """The address of a new draft."""
    answer = seat.post("/studio", {"title": "试改时限"})
    assert answer.status_code == 303
    return answer.location


def put(seat: Browser, draft: str, path: str, content: bytes, seen: str) -> TestResponse:
    if not seat.token:
        seat.get("/account")
    headers = {"If-Match": seen, "X-CSRFToken": seat.token}
    return seat.client.put(f"{draft}/files/{path}", data=content, headers=headers)


def six_hours() -> bytes:
    return shipped_files()[HANDLING].replace(b'duration("PT8H")', b'duration("PT6H")')


def test_a_file_is_saved_under_the_revision_seen_and_a_conflict_says_who_and_when(own_desk: Desk):
    seat, other = own_desk.seat("sunli"), own_desk.seat("sunli")
    draft = begun(seat)
    path = f"{draft}/files/{TRIAGE}"
    broken = shipped_files()[TRIAGE].replace(b'camunda:formRef="screen"', b'camunda:formRef="nothing"')

    first = seat.get(path)
    saved = put(seat, draft, TRIAGE, broken, first.headers["ETag"])
    late = put(other, draft, TRIAGE, shipped_files()[TRIAGE], "0")
    none = put(seat, draft, TRIAGE, broken, "")

    assert (first.data, first.headers["ETag"]) == (shipped_files()[TRIAGE], '"0"')
    assert saved.status_code == 200 and saved.json["revision"] == 1
    found = saved.json["findings"][0]
    assert (found["severity"], found["file"], found["element"]) == ("error", TRIAGE, "Task_screen")
    assert found["line"] > 1 and "nothing" in found["text"] and found["todo"]
    assert late.status_code == 409 and late.json["by"] == "孙丽" and late.json["revision"] == 1
    assert late.json["at"].startswith("2026-03-02T01:00") and "孙丽" in late.json["text"]
    assert none.status_code == 428
    assert seat.get(path).data == broken
    only = seat.get(f"{draft}/findings?file={TRIAGE}").json["findings"]
    assert {one["file"] for one in only} == {TRIAGE}


def test_a_save_that_does_not_wait_for_the_check_answers_without_findings(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)
    broken = shipped_files()[TRIAGE].replace(b'camunda:formRef="screen"', b'camunda:formRef="nothing"')
    headers = {"If-Match": "0", "X-CSRFToken": seat.token}

    saved = seat.client.put(f"{draft}/files/{TRIAGE}?check=later", data=broken, headers=headers)
    found = seat.get(f"{draft}/findings").json["findings"]

    assert saved.json == {"revision": 1}
    assert found[0]["element"] == "Task_screen"


def test_files_are_told_by_what_they_are_about_and_found_by_what_is_in_them(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)
    href = f'href="{draft}/edit/'

    whole = seat.get(draft).text
    found = seat.get(f"{draft}?q=8小时意见").text
    nothing = seat.get(f"{draft}?q=没有这样的话<").text

    assert "单位办理</span>" in whole.partition(f"{href}{HANDLING}")[2].partition("list-group-item")[0]
    assert "甄别" in whole.partition(f"{href}forms/screen.form")[2].partition("list-group-item")[0]
    assert f"{href}{HANDLING}" in found and f"{href}{TRIAGE}" not in found and "其中：8小时意见时限" in found
    assert "没有文件里有“没有这样的话&lt;”" in nothing and href not in nothing


def test_what_can_not_be_a_file_of_a_bundle_is_refused_in_words(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)

    outside = put(seat, draft, "secrets/x.bpmn", b"<a/>", "0")
    empty = put(seat, draft, TRIAGE, b"", "0")

    assert outside.status_code == 422 and "secrets/x.bpmn" in outside.json["text"]
    assert empty.status_code == 422
    assert put(seat, "/studio/none", TRIAGE, b"x", "0").status_code == 404
    assert put(own_desk.seat("zhaoming"), draft, TRIAGE, b"x", "0").status_code == 403


def test_files_are_made_renamed_left_out_and_taken_out(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)

    for kind in ("bpmn", "dmn", "form", "scenario"):
        assert seat.post(f"{draft}/new", {"kind": kind, "name": f"fresh_{kind}"}).status_code == 303
    bad = seat.post(f"{draft}/new", {"kind": "bpmn", "name": "1 x"})
    seat.post(f"{draft}/rename", {"path": "forms/positive.form", "to": "forms/good.form", "revision": "0"})
    seat.post(f"{draft}/remove", {"path": "bpmn/grading.dmn", "revision": "0"})
    page = seat.get(draft).text
    whole = seat.get(f"{draft}/bundle.zip")

    assert bad.status_code == 422 and "以英文字母开头" in bad.text and 'value="1 x"' in bad.text
    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert {"bpmn/fresh_bpmn.bpmn", "bpmn/fresh_dmn.dmn", "forms/fresh_form.form", "forms/good.form"} <= set(files)
    assert not {"forms/positive.form", "bpmn/grading.dmn"} & set(files)
    fresh = {path for path in files if "fresh" in path}
    unreadable = [one for one in check(files).findings if one.file in fresh and one.severity == "error"]
    assert [one.key for one in unreadable] == []
    assert '删除</span> <span class="text-break">bpmn/grading.dmn' in page


def test_an_open_page_tells_who_else_is_there(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)

    alone = seat.post(f"{draft}/here", {"path": TRIAGE})
    bundle_presence.here(own_desk.world.services, draft.rpartition("/")[2], "liuwei", TRIAGE)
    shown = seat.post(f"{draft}/here", {"path": ""}, headers={"HX-Request": "true"})

    assert alone.json == {"others": []}
    assert "刘" in shown.text and TRIAGE in shown.text and "<html" not in shown.text


def test_a_failing_scenario_blocks_the_deployment_until_the_change_is_taken_over(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)
    live = own_desk.world.services.deployments.live()
    for path in scenario_reader.files_of(whole_bundle()):
        put(seat, draft, path, whole_bundle()[path], "0")
    put(seat, draft, HANDLING, six_hours(), "0")

    refused = seat.post(f"{draft}/deploy", {"reason": "缩短时限"})
    tests = seat.get(f"{draft}/tests").text
    failing = re.findall(r'name="path" value="([^"]+)"', tests)
    for path in failing:
        seat.post(f"{draft}/tests/accept", {"path": path})
    passing = seat.get(f"{draft}/tests").text
    ready = seat.get(draft).text
    done = seat.post(f"{draft}/deploy", {"reason": "缩短时限"})

    assert refused.status_code == 422 and "个测试情形没有通过" in refused.text
    assert "缩短时限" in refused.text, "the reason was typed once"
    assert f'href="{draft}/tests"' in refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert "5 个全部通过" in ready and "还没有试算过" in ready
    assert own_desk.world.services.deployments.history()[-1].version == live
    assert "tests/scenarios/ordinary_late.scenario.toml" in failing and 1 <= len(failing) < 5
    assert re.search(r"第 \d+ 步：时限</td>", tests) and "2026-03-02 17:45" in tests and "2026-03-02 15:45" in tests
    assert "5 个全部通过" in passing
    assert done.status_code == 303
    assert own_desk.world.services.deployments.live() != live


def test_a_second_approver_approves_or_sends_back(own_desk: Desk):
    own_desk.world.services.deployments.two_approvers = True
    owner, chief = own_desk.seat("sunli"), own_desk.seat("liuwei")
    draft = begun(owner)
    put(owner, draft, TRIAGE, shipped_files()[TRIAGE] + b"<!-- 1 -->", "0")

    asked = owner.post(f"{draft}/deploy", {"reason": "例会决定"})
    own = owner.get(draft).text
    seen, told = chief.get(draft).text, chief.get("/start").text
    back = chief.post(f"{draft}/send-back", {"reason": "请先征求意见"})
    returned = owner.get(draft).text
    owner.post(f"{draft}/deploy", {"reason": "已征求意见"})
    chief.post(f"{draft}/approve")
    ready = owner.get("/start").text
    done = owner.post(f"{draft}/deploy", {})

    assert asked.status_code == 303 and f'action="{draft}/approve"' not in own and "等待他人批准" in own
    assert f'action="{draft}/approve"' in seen and "例会决定" in seen
    assert "孙丽提请批准对流程的修改：试改时限" in told and "可以发布：试改时限" in ready
    assert back.status_code == 303 and "请先征求意见" in returned
    assert done.status_code == 303 and done.location == "/deployments"
    history = owner.get("/deployments").text
    assert "已征求意见" in history and "批准" in history


def test_a_case_becomes_a_scenario_without_what_people_wrote(own_desk: Desk):
    case = walks.until_composing(own_desk.world)
    owner, auditor = own_desk.seat("sunli"), own_desk.seat("zhaoming")

    masked = auditor.post(f"/cases/{case.id}/scenario")
    kept = auditor.post(f"/cases/{case.id}/scenario", {"keep": "yes"})

    assert masked.status_code == 200 and "attachment" in masked.headers["Content-Disposition"]
    for written in ("耕地", "王芳", "wangfang", "liqiang", "d01.example", "0.3 亩"):
        assert written not in masked.text.partition("\n")[2], written
    assert "耕地" in kept.text and "liqiang" in kept.text
    checked = own_desk.world.services.deployments.checked(shipped_files())
    for answer in (masked, kept):
        scenario = scenario_reader.read("tests/a.scenario.toml", answer.data)
        assert scenarios.run(scenario, checked.program, checked.bundle).fault is None
        assert len(scenario.stages) > 8
    assert owner.post(f"/cases/{case.id}/scenario").status_code == 404, "a case that does not concern him is hidden"
    assert own_desk.seat("zhouwei").post(f"/cases/{case.id}/scenario").status_code == 403


def test_a_trial_of_a_draft_becomes_a_scenario_that_passes(own_desk: Desk):
    seat = own_desk.seat("sunli")
    draft = begun(seat)
    of = f"draft:{draft.rpartition('/')[2]}"
    none = seat.post(f"{draft}/tests/trial", {"title": "试"})
    page = seat.get(f"/play?of={of}&sample=1")
    offered = blocks(page)["form-data"]
    known = {"title", "body", "source_type", "source_name", "url", "published_at", "discovered_at", "district"}
    known |= {"item_kind", "discovered_by", "reporter", "no_state_secret"}
    values = {**{key: value for key, value in offered.items() if key in known}, "url": "https://a.example/1"}
    assert seat.send_form(f"/play/step?of={of}", values, page.text).status_code == 303
    assert seat.post(f"/play/clock?of={of}", {"move": "next"}).status_code == 303

    made = seat.post(f"{draft}/tests/trial", {"title": "登记后未甄别"})
    tests = seat.get(f"{draft}/tests").text

    assert none.status_code == 303
    assert made.status_code == 303
    assert "1 个全部通过" in tests and "登记后未甄别" in tests
    content = seat.get(f"{draft}/files/tests/trial-1.scenario.toml").text
    assert "Task_screen" in content and 'limit = "triage"' in content
