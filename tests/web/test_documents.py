"""Pages of documents: made from the case, taken out marked, corrected, sent, with templates of the office's own."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from docx import Document

from engine.readmodels import dossier
from tests.support import walks, word
from tests.support.desk import Browser, Desk
from tests.support.world import CaseView

ID = re.compile(r'name="command_id" value="([0-9a-f]{32})"')


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, small_font) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("documents"))
    yield made
    made.world.services.engine.dispose()


@pytest.fixture(scope="module")
def case(desk: Desk) -> CaseView:
    """Assigned to one unit, whose eight hours have passed."""
    found = walks.graded(desk.world)
    found.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    walks.assign(found, "gengbao")
    desk.world.wait(hours=9)
    return found


def command_id(page: str) -> str:
    found = ID.search(page)
    assert found is not None
    return found[1]


def made(browser: Browser, case: CaseView, kind: str, **more: str) -> int:
    """Makes a document as the button does; its number."""
    page = browser.get(f"/cases/{case.id}/papers").text
    answer = browser.post(f"/cases/{case.id}/documents", {"command_id": command_id(page), "kind": kind, **more})
    assert answer.status_code == 303, answer.text
    return max(map(int, re.findall(r"/documents/(\d+)/docx", browser.get(answer.location).text)))


def test_the_office_makes_a_document_with_one_button_and_takes_it_out_marked(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    page = office.get(f"/cases/{case.id}/papers").text
    assert "还没有制作文书" in page and "以后可以制作：" in page

    number = made(office, case, "assignment")

    page = office.get(f"/cases/{case.id}/papers").text
    assert "许自然资舆交〔2026〕1号" in page
    docx, pdf = (office.get(f"/documents/{number}/{form}") for form in ("docx", "pdf"))
    assert "attachment" in docx.headers["Content-Disposition"] and "attachment" in pdf.headers["Content-Disposition"]
    assert "inline" in office.get(f"/documents/{number}/pdf?open=1").headers["Content-Disposition"]
    header = Document(io.BytesIO(docx.data)).sections[0].header.paragraphs[0].text
    assert re.fullmatch(r"内部资料 严禁外传　王芳（wangfang） 2026-03-02 18:00 导出 第\d+号", header)
    assert case.id in word.text(docx.data)
    assert pdf.data.startswith(b"%PDF") and all("王芳（wangfang）" in page for page in word.pdf_text(pdf.data))


def test_a_button_pressed_twice_makes_one_document(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    data = {"command_id": command_id(office.get(f"/cases/{case.id}/papers").text), "kind": "catalogue"}

    first, second = (office.post(f"/cases/{case.id}/documents", data) for _ in range(2))

    assert (first.status_code, second.status_code) == (303, 303)
    assert office.get(f"/documents?kind=catalogue&case={case.id}").text.count("/docx") == 1


def test_what_cannot_be_made_is_said_and_nothing_typed_is_lost(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")

    answer = office.post(f"/cases/{case.id}/documents", {"kind": "reply", "reason": "打错了字"})

    assert answer.status_code == 409
    assert "现在还不能制作：还没有拟定统一回复。" in answer.text and 'value="打错了字"' in answer.text


def test_a_correction_names_its_reason_and_the_old_one_is_shown_as_void(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    number = made(office, case, "submission")
    refused = office.post(f"/cases/{case.id}/documents", {"kind": "submission", "replaces": str(number)})
    assert refused.status_code == 422 and 'id="reason-fault"' in refused.text

    made(office, case, "submission", replaces=str(number), reason="等级写错")

    page = office.get(f"/cases/{case.id}/papers").text
    assert "作废" in page and "已由 许自然资舆呈〔2026〕2号 替代" in page
    assert "替代 许自然资舆呈〔2026〕1号：等级写错" in page


def test_one_of_several_late_reports_is_chosen_by_its_limit(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    with desk.world.services.engine.connect() as conn:
        (report,) = [one for one in dossier.documents_of(conn, case.id) if one.document == "late_report"]
    assert f'value="{report.name}"' in office.get(f"/cases/{case.id}/documents").text

    walks.account_for(case)

    number = made(office, case, "late_report", subject=report.name)

    told = word.text(office.get(f"/documents/{number}/docx").data)
    for part in ("8小时意见时限", "主要原因：事项复杂。", "性质：不及时；负面影响：造成负面影响。", "责令立即办结："):
        assert part in told, part


def test_a_unit_reads_its_sheet_and_not_what_is_for_the_leaders(desk: Desk, case: CaseView):
    office, unit, stranger, auditor = (desk.seat(login) for login in ("wangfang", "liqiang", "zhouwei", "zhaoming"))
    sheet, paper = made(office, case, "assignment"), made(office, case, "submission")

    status = {
        who: tuple(browser.get(f"/documents/{number}/docx").status_code for number in (sheet, paper))
        for who, browser in (("unit", unit), ("stranger", stranger), ("auditor", auditor))
    }

    assert status == {"unit": (200, 404), "stranger": (404, 404), "auditor": (200, 200)}
    assert "许自然资舆呈" not in unit.get("/documents").text and "许自然资舆交" in unit.get("/documents").text
    assert "许自然资舆" not in stranger.get("/documents").text
    assert "呈批单" not in re.sub(r"<select.*?</select>", "", unit.get(f"/cases/{case.id}/papers").text, flags=re.S)
    assert unit.post(f"/cases/{case.id}/documents", {"kind": "submission"}).status_code == 403
    assert stranger.get("/documents/999999/pdf").status_code == 404


def test_the_list_is_filtered_by_number_kind_case_and_day(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    made(office, case, "assignment")

    def shown(query: str) -> bool:
        return "/docx" in office.get(f"/documents?{query}").text

    assert shown("kind=assignment") and not shown("kind=press")
    assert shown(f"case={case.id}") and not shown("case=WQ-2026-999999")
    assert shown("q=舆交〔2026〕1号") and not shown("q=没有这样的")
    assert shown("from=2026-03-01&to=2026-03-02") and not shown("from=2026-02-01&to=2026-02-02")
    assert "is-invalid" in office.get("/documents?from=xx").text


def test_the_daily_briefing_is_previewed_made_and_read_by_whom_it_goes_to(desk: Desk, case: CaseView):
    office = desk.seat("wangfang")
    page = office.get("/documents/briefing?day=2026-03-02").text
    assert "网友反映耕地被占用" in page and "新增件数" in page
    assert office.get("/documents/briefing?day=2027-01-01").status_code == 422
    assert office.get("/documents/briefing?day=nonsense").status_code == 422

    answer = office.post(
        "/documents/briefing",
        {"command_id": command_id(page), "day": "2026-03-02", "groups": ["chief", "unit:zhifa"]},
    )

    assert answer.status_code == 303
    listed = office.get(answer.location).text
    assert "许自然资舆简〔2026〕1号" in listed and "分送：局主要领导、" in listed
    number = int(re.findall(r"/documents/(\d+)/docx", listed)[0])
    assert "登记网络舆情 1 件" in word.text(desk.seat("liuwei").get(f"/documents/{number}/docx").data)
    assert desk.seat("liqiang").get(f"/documents/{number}/docx").status_code == 404
    assert "这一天已有简报 许自然资舆简〔2026〕1号" in office.get("/documents/briefing?day=2026-03-02").text
    assert desk.seat("fengxue").get("/documents/briefing").status_code == 403


def test_a_template_is_changed_by_upload_and_a_bad_one_refused_with_its_paragraph(desk: Desk, case: CaseView):
    owner = desk.seat("sunli")
    page = owner.get("/documents/templates/supervision").text
    assert "{{事项.承办人}}" in page and "{{文号}}" in page and "随程序提供的模板" in page
    shipped = owner.get("/documents/templates/supervision/0")
    assert shipped.status_code == 200 and "{{主办单位}}" in word.text(shipped.data)

    def upload(content: bytes, name: str = "改.docx", reason: str = "换抬头"):
        return owner.post(
            "/documents/templates/supervision",
            {"file": (io.BytesIO(content), name), "reason": reason},
            content_type="multipart/form-data",
        )

    bad = upload(word.written("好的", "错的 {{承办人员}}"))
    assert bad.status_code == 422
    assert "正文第 2 段有不认识的占位符 {{承办人员}}" in bad.text and 'value="换抬头"' in bad.text
    assert upload(b"no word", "x.doc").status_code == 422
    assert upload(word.written("{{文号}}"), reason="").status_code == 422
    assert owner.post("/documents/templates/supervision", {"reason": "x"}).status_code == 422
    assert upload(word.written("新抬头 {{文号}}")).status_code == 303

    office = desk.seat("wangfang")
    number = made(office, case, "supervision")
    assert word.text(office.get(f"/documents/{number}/docx").data).startswith("新抬头 许自然资舆督〔2026〕")
    assert "在用" in owner.get("/documents/templates/supervision").text
    assert owner.post("/documents/templates/supervision/restore", {"number": "0", "reason": "改回"}).status_code == 303
    assert owner.post("/documents/templates/supervision/restore", {"number": "77", "reason": "x"}).status_code == 404
    assert owner.get("/documents/templates/poem").status_code == 404
    assert desk.seat("zhaoming").post("/documents/templates/press/restore", {"number": "0"}).status_code == 403


def test_documents_are_never_given_to_a_stranger(desk: Desk, case: CaseView):
    number = made(desk.seat("wangfang"), case, "assignment")

    answer = desk.app.test_client().get(f"/documents/{number}/pdf")

    assert answer.status_code == 303 and answer.location.startswith("/login")
