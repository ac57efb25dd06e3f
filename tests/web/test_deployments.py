"""Changing the process in a browser: upload, findings, reason, deployment; every version again, byte for byte.

An upload is a draft: nothing is uploaded twice."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping

import pytest
from werkzeug.test import TestResponse

from engine.definitions.model import Finding
from engine.readmodels import bundle_counts
from engine.service import export_lookup
from engine.service.bundle_folder import to_zip
from engine.service.verify import Asked, verify
from tests.support.desk import Browser, Desk
from tests.support.world import shipped_files
from webui.findings import grouped, lines

TRIAGE = "bpmn/triage.bpmn"
REASON = "局长办公会决定"


def upload(seat: Browser, *files: tuple[str, bytes]) -> TestResponse:
    """The first upload makes a draft, the next ones go into it; `seat.path` is its address from then on."""
    sent = [(io.BytesIO(content), name) for name, content in files]
    path = f"{seat.path}/upload" if hasattr(seat, "path") else "/studio/upload"
    answer = seat.post(path, {"files": sent}, content_type="multipart/form-data")
    if answer.status_code == 303:
        seat.path = answer.location  # type: ignore[attr-defined]
    return answer


def draft(seat: Browser, query: str = "") -> TestResponse:
    """The page of what was uploaded."""
    return seat.get(f"{seat.path}{query}")  # type: ignore[attr-defined]


def triage(text: str = "", instead: str = "") -> bytes:
    """The shipped triage diagram, with `text` replaced; without arguments only a remark is added."""
    drawn = shipped_files()[TRIAGE].decode()
    assert text in drawn
    changed = (
        drawn.replace(text, instead, 1)
        if text
        else drawn.replace("</bpmn:definitions>", "<!-- 2 --></bpmn:definitions>")
    )
    return changed.encode()


def deploy(seat: Browser, reason: str = REASON) -> TestResponse:
    return seat.post(f"{seat.path}/deploy", {"reason": reason, "command_id": "a" * 32})  # type: ignore[attr-defined]


def live(desk: Desk) -> str:
    return desk.world.services.deployments.bundle().version


def test_a_single_changed_diagram_is_laid_over_the_live_bundle_and_deployed(own_desk: Desk):
    seat, before = own_desk.seat("sunli"), live(own_desk)

    assert upload(seat, ("triage.bpmn", triage())).status_code == 303
    waiting = draft(seat).text
    answer = deploy(seat)

    assert "bpmn/triage.bpmn" in waiting and "检查通过" in waiting
    assert answer.status_code == 303
    assert live(own_desk) != before
    files = own_desk.world.services.deployments.files(live(own_desk))
    assert files[TRIAGE] == triage()
    assert {path: files[path] for path in files if path != TRIAGE} == {
        path: content for path, content in shipped_files().items() if path != TRIAGE
    }
    history = seat.get("/deployments").text
    assert REASON in history and "第 2 次发布" in history and "孙丽" in history


def test_findings_name_the_element_the_line_and_what_to_do(own_desk: Desk):
    seat = own_desk.seat("sunli")
    drawn = triage('camunda:formRef="screen"', 'camunda:formRef="no_such_form"')
    line = next(number for number, text in enumerate(drawn.decode().splitlines(), 1) if "no_such_form" in text)

    upload(seat, ("triage.bpmn", drawn))
    page = draft(seat).text

    assert re.search(r"甄别</strong>\s*<code[^>]*>Task_screen", page)
    assert "表单“no_such_form”不在流程包中。" in page
    assert "怎么改：" in page and "把 .form 文件一并上传" in page
    assert re.search(rf'<section[^>]*aria-label="{TRIAGE}">.*第 {line} 行', page, re.DOTALL)
    assert '/deploy"' not in page


def test_a_refused_deployment_keeps_what_was_uploaded(own_desk: Desk):
    seat, before = own_desk.seat("sunli"), live(own_desk)
    upload(seat, ("triage.bpmn", triage('camunda:formRef="screen"', 'camunda:formRef="screen2"')))

    refused = deploy(seat)
    form = shipped_files()["forms/screen.form"].replace(b'"id": "screen"', b'"id": "screen2"')
    upload(seat, ("screen2.form", form))
    again = deploy(seat)

    assert refused.status_code == 422 and "有 1 处错误，未发布" in refused.text
    assert again.status_code == 303
    assert live(own_desk) != before


def test_without_a_reason_nothing_is_deployed_and_nothing_lost(own_desk: Desk):
    seat, before = own_desk.seat("sunli"), live(own_desk)
    upload(seat, ("triage.bpmn", triage()))

    answer = deploy(seat, "  ")

    assert answer.status_code == 422
    assert re.search(r'is-invalid"[^>]*id="reason"', answer.text) and "必填" in answer.text
    assert live(own_desk) == before
    assert TRIAGE in draft(seat).text


def test_a_zip_replaces_the_whole_bundle(own_desk: Desk):
    seat = own_desk.seat("sunli")
    files = {path: content for path, content in shipped_files().items() if path != "forms/positive.form"}

    upload(seat, ("bundle.zip", to_zip({**files, TRIAGE: triage()})))
    page = draft(seat).text

    assert re.search(r"删除</span> <span[^>]*>forms/positive.form", page)
    assert re.search(r"修改</span> <span[^>]*>bpmn/triage.bpmn", page)


def test_findings_can_be_narrowed_by_severity_and_file(own_desk: Desk):
    seat = own_desk.seat("sunli")
    form = shipped_files()["forms/screen.form"].replace(b'"key": "relevant"', b'"key": "1relevant"')
    upload(
        seat,
        ("triage.bpmn", triage('camunda:formRef="screen"', 'camunda:formRef="nothing"')),
        ("screen.form", form),
    )

    by_file = draft(seat, "?file=forms/screen.form").text
    by_severity = draft(seat, "?severity=warning").text

    assert "以数字开头" in by_file and "“nothing”不在流程包中" not in by_file
    assert "以数字开头" not in by_severity


def test_findings_stand_under_their_files_those_with_errors_first():
    found = [
        Finding("warning", "bpmn/a.bpmn", "A", "", 3, "bpmn.dead_end"),
        Finding("info", "bpmn/b.bpmn", "B1", "", 1, "bpmn.dead_end"),
        Finding("error", "bpmn/b.bpmn", "B2", "", 9, "bpmn.nobody"),
        Finding("error", "", "", "", 0, "bundle.no_process"),
    ]

    groups = grouped(lines(found))

    assert [(g.file, [one.element for one in g.lines], dict(g.counts)) for g in groups] == [
        ("", [""], {"error": 1}),
        ("bpmn/b.bpmn", ["B2", "B1"], {"error": 1, "info": 1}),
        ("bpmn/a.bpmn", ["A"], {"warning": 1}),
    ]


def test_a_bundle_with_notes_only_has_passed_and_its_notes_are_folded(own_desk: Desk):
    seat = own_desk.seat("sunli")
    declared = b'<bpmn:signal id="Signal_nobody" name="nobody" /></bpmn:definitions>'

    upload(seat, ("triage.bpmn", triage().replace(b"</bpmn:definitions>", declared)))
    page = draft(seat).text
    open_part, folded = page[page.index('id="pending"') :].split("<details", 1)

    assert "检查通过" in open_part and f'action="{seat.path}/deploy"' in page
    assert "没有被任何元素使用" not in open_part and "没有被任何元素使用" in folded
    assert re.search(r"\d+ 条提示：不影响发布", folded)
    asked = draft(seat, "?severity=info").text
    assert "<details" not in asked[asked.index('id="pending"') : asked.index("没有被任何元素使用")]


def test_a_counter_example_is_shown_as_its_steps_by_name():
    stuck = Finding(
        "error", "bpmn/a.bpmn", "join", "汇合", 3, "check.stuck_join",
        {"path": ["s", "t"], "way": "… → 登记 → 甄别", "missing": "审核"},
    )  # fmt: skip

    (line,) = lines([stuck])

    assert line.path == ("…", "登记", "甄别")
    assert "审核" in line.text and "→" not in line.text


def test_what_follows_from_an_element_that_is_not_read_is_told_apart(own_desk: Desk):
    seat = own_desk.seat("sunli")
    drawn = triage().replace(b"bpmn:exclusiveGateway", b"bpmn:adHocSubProcess")

    upload(seat, ("triage.bpmn", drawn))
    page = draft(seat).text
    first, following = page.split("<details", 1)

    assert "adHocSubProcess 不能执行" in first
    assert "永远不会执行到" not in first and "永远不会执行到" in following


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"notes.docx": b"x"}, "不是流程文件"),
        ({"triage.bpmn": b""}, "为空或超过"),
        ({"bundle.zip": b"not a zip"}, "zip 无法读取"),
        ({"bundle.zip": to_zip({"readme.md": b"x"})}, "zip 中没有流程文件"),
        ({"a.zip": to_zip({"bpmn/a.bpmn": b"x"}), "b.bpmn": b"x"}, "zip 须单独上传"),
        ({}, "请先选择文件"),
    ],
)
def test_what_is_no_bundle_is_refused_in_words(own_desk: Desk, files: Mapping[str, bytes], sentence: str):
    seat = own_desk.seat("sunli")

    answer = upload(seat, *files.items())

    assert answer.status_code == 422
    assert sentence in answer.text
    assert "没有正在修改的草稿" in answer.text


def test_two_files_of_one_name_are_refused(own_desk: Desk):
    answer = upload(own_desk.seat("sunli"), ("triage.bpmn", triage()), ("folder/triage.bpmn", triage()))

    assert answer.status_code == 422
    assert "两个同名文件" in answer.text


def test_a_broken_diagram_is_a_finding_not_an_error_page(own_desk: Desk):
    seat = own_desk.seat("sunli")

    upload(seat, ("triage.bpmn", b"<bpmn:definitions"), ("screen.form", b"{"))
    answer = draft(seat)

    assert answer.status_code == 200
    assert "不是完整的 XML" in answer.text and "不是有效的 JSON" in answer.text


def test_a_change_of_somebody_else_meanwhile_is_not_undone(own_desk: Desk):
    seat = own_desk.seat("sunli")
    upload(seat, ("triage.bpmn", triage()))
    archive = shipped_files()["bpmn/archive.bpmn"].replace(b"</bpmn:definitions>", b"<!-- 3 --></bpmn:definitions>")
    other = own_desk.world.services.deployments.deploy(
        {**shipped_files(), "bpmn/archive.bpmn": archive}, "sunli", "另一处修改", "other"
    )
    assert isinstance(other, tuple)

    refused = deploy(seat)
    page = draft(seat).text
    seat.post(f"{seat.path}/rebase")  # type: ignore[attr-defined]
    deploy(seat)

    assert refused.status_code == 409 and "请先把草稿更新到线上版本" in refused.text
    assert "只有线上改过" in page and "bpmn/archive.bpmn" in page and "两边都改过" not in page
    files = own_desk.world.services.deployments.files(live(own_desk))
    assert files[TRIAGE] == triage()
    assert files["bpmn/archive.bpmn"] == archive


def test_the_live_bundle_again_is_not_deployed(own_desk: Desk):
    seat = own_desk.seat("sunli")
    upload(seat, ("triage.bpmn", shipped_files()[TRIAGE]))

    answer = deploy(seat)

    assert answer.status_code == 409
    assert "无需发布" in answer.text


def test_an_upload_can_be_discarded(own_desk: Desk):
    seat = own_desk.seat("sunli")
    upload(seat, ("triage.bpmn", triage()))

    seat.post(f"{seat.path}/discard")  # type: ignore[attr-defined]

    assert "没有正在修改的草稿" in seat.get("/studio").text
    assert deploy(seat).status_code == 409
    assert len(own_desk.world.services.deployments.history()) == 1


def test_new_cases_run_on_the_new_version_and_old_ones_stay(own_desk: Desk):
    seat, first = own_desk.seat("sunli"), live(own_desk)
    old = own_desk.registered()
    upload(seat, ("triage.bpmn", triage()))
    deploy(seat)
    new = own_desk.registered()

    with own_desk.world.services.engine.connect() as conn:
        counts = bundle_counts.by_bundle(conn)

    assert old.live.bundle.version == first
    assert new.live.bundle.version == live(own_desk)
    assert (counts[first].open, counts[live(own_desk)].open) == (1, 1)
    page = seat.get("/deployments").text
    assert page.count(f'href="/deployments/{first}"') >= 2


def test_every_version_is_downloaded_byte_for_byte(own_desk: Desk):
    seat, first = own_desk.seat("sunli"), live(own_desk)
    upload(seat, ("triage.bpmn", triage()))
    deploy(seat)

    whole = seat.get(f"/deployments/{first}/bundle.zip")
    single = seat.get(f"/deployments/{first}/files/{TRIAGE}")

    with zipfile.ZipFile(io.BytesIO(whole.data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == dict(shipped_files())
        assert archive.comment.decode() == "孙丽（sunli） 2026-03-02 09:00 导出 第1号"
    assert single.data == shipped_files()[TRIAGE]
    assert "attachment" in single.headers["Content-Disposition"]
    assert seat.get(f"/deployments/{live(own_desk)}/files/{TRIAGE}").data == triage()
    with own_desk.world.services.engine.connect() as conn:
        logged = export_lookup.exports(conn).exports
    assert [(one.number, one.kind, one.user_id) for one in logged] == [
        (3, "bundle_file", "sunli"),
        (2, "bundle_file", "sunli"),
        (1, "bundle", "sunli"),
    ]
    assert logged[2].sha256 == hashlib.sha256(whole.data).hexdigest()
    assert (logged[1].sha256, logged[1].size) == (hashlib.sha256(single.data).hexdigest(), len(single.data))


def test_a_version_or_file_that_is_not_there_is_not_found(desk: Desk):
    seat, version = desk.seat("sunli"), live(desk)

    assert seat.get("/deployments/" + "0" * 64).status_code == 404
    assert seat.get("/deployments/" + "0" * 64 + "/bundle.zip").status_code == 404
    assert seat.get(f"/deployments/{version}/files/bpmn/../secrets").status_code == 404


@pytest.mark.parametrize("login", ["wangfang", "liuwei", "zhaoming"])
def test_others_see_the_versions_and_cannot_change_them(desk: Desk, login: str):
    seat = desk.seat(login)

    page = seat.get("/deployments")

    assert page.status_code == 200
    assert "上传并检查" not in page.text
    assert upload(seat, ("triage.bpmn", triage())).status_code == 403
    assert seat.post("/studio/1/deploy", {"reason": REASON}).status_code == 403
    assert seat.get(f"/deployments/{live(desk)}/bundle.zip").status_code == 200


def test_who_has_nothing_to_do_with_the_process_does_not_see_it(desk: Desk):
    assert desk.seat("liqiang").get("/deployments").status_code == 403
    assert desk.seat("qianjin").get("/deployments").status_code == 403


def test_a_draft_is_seen_by_who_sees_the_process_and_changed_by_process_owners_alone(own_desk: Desk):
    owner, auditor = own_desk.seat("sunli"), own_desk.seat("zhaoming")
    upload(owner, ("triage.bpmn", triage()))
    path = owner.path  # type: ignore[attr-defined]

    page = auditor.get(path)

    assert page.status_code == 200 and TRIAGE in page.text
    assert not re.search(rf'action="{path}/(upload|deploy|discard|remove)"', page.text)
    assert auditor.post(f"{path}/discard").status_code == 403
    assert own_desk.seat("liqiang").get(path).status_code == 403


def test_an_earlier_version_is_live_again_with_a_reason_and_its_cases_stay(own_desk: Desk):
    seat, first = own_desk.seat("sunli"), live(own_desk)
    upload(seat, ("triage.bpmn", triage()))
    deploy(seat)
    second = live(own_desk)
    case = own_desk.registered()

    refused = seat.post(f"/deployments/{first}/again", {"reason": " "})
    done = seat.post(f"/deployments/{first}/again", {"reason": "新版本有误"})

    assert refused.status_code == 422 and "请填写发布理由" in refused.text
    assert done.status_code == 303
    assert live(own_desk) == first
    assert case.live.bundle.version == second
    assert [one.reason for one in own_desk.world.services.deployments.history()][0] == "新版本有误"
    assert verify(own_desk.world.services, Asked(parts=("deployments", "bundles", "chains"))).faults == 0
