"""The pages of evidence, ledgers and compliance: who sees what, what is refused and how, what is taken out."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from engine.service.log_tables import export_log, export_results
from engine.service.people_tables import security_log
from tests.support import walks
from tests.support.desk import Desk
from tests.support.world import CaseView
from webui import evidence, ledger
from webui.catalogue import sentences

PAGES = ("/evidence", "/ledger", "/ledger?sheet=reports", "/compliance", "/compliance/R50")
MAY = ("zhaoming", "wangfang", "zhangmin", "liuwei", "fengxue")
"""Auditor, office, vice leader, chief, supervision."""
MAY_NOT = ("yangyang", "liqiang", "sunli", "qianjin", "wumin")
"""Staff, head of a unit, process owner, both admins."""
DANGEROUS = '=HYPERLINK("http://x.example","点我")'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, CaseView]]:
    """An office with a case whose unit was late and that was accounted for, and a late registration."""
    desk = Desk(tmp_path_factory.mktemp("evidence"))
    world = desk.world
    case = walks.graded(world)
    walks.assign(case)
    world.wait(hours=9)
    walks.account_for(case)
    world.open(title=DANGEROUS, discovered_at=world.stamp(-90), discovered_by="leader", published_at=world.stamp(-200))
    yield desk, case
    world.services.engine.dispose()


@pytest.fixture
def desk(place: tuple[Desk, CaseView]) -> Desk:
    return place[0]


@pytest.fixture
def case(place: tuple[Desk, CaseView]) -> CaseView:
    return place[1]


def rows(answer: TestResponse) -> list[list[str]]:
    assert answer.status_code == 200, answer.text[:300]
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def said(text: str) -> str:
    """A page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("login", MAY)
def test_auditor_office_leaders_and_supervision_see_the_pages(desk: Desk, login: str, page: str):
    assert desk.seat(login).get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("login", MAY_NOT)
def test_nobody_else_does(desk: Desk, login: str, page: str):
    assert desk.seat(login).get(page).status_code == 403


@pytest.mark.parametrize("login", [*MAY, "liqiang", "lina"])
def test_those_involved_see_the_evidence_of_their_own_case(desk: Desk, case: CaseView, login: str):
    page = desk.seat(login).get(f"/cases/{case.id}/evidence")

    assert page.status_code == 200
    assert "提出回复意见" in page.text


@pytest.mark.parametrize("number", ["", "WQ-2026-999999"])
def test_others_can_not_tell_it_from_a_case_that_is_not(desk: Desk, case: CaseView, number: str):
    stranger = desk.seat("zhouwei")

    page = stranger.get(f"/cases/{number or case.id}/evidence")
    file = stranger.post(f"/cases/{number or case.id}/evidence.csv")

    assert (page.status_code, file.status_code) == (404, 404)
    assert "8小时" not in page.text


def test_the_page_of_a_case_tells_rule_clause_anchor_due_stop_and_follow_up(desk: Desk, case: CaseView):
    text = said(desk.seat("zhaoming").get(f"/cases/{case.id}/evidence").text)

    for words in (
        "R50 八小时：在交办相关科室（单位）后，由分管领导和相关科室（单位）在收到网络舆情后8小时内提出回复意见",
        "五个时点之一：交办送达时间",
        "不在五个时点之列，由流程写入",
        "按自然时间（北京时间）计算，算式未使用节假日日历",
        "2026-03-02 17:00:00",
        "50%：2026-03-02 13:00:00 → 耕地保护科、分管耕地保护与用地审批的局领导",
        "超时记录于 2026-03-02 17:00:00",
        "仍在计时",
        "单位说明（事项复杂）： 现场勘测耗时较长。",
        "处置决定 通报；决定内容 予以通报。",
        "落实情况 已通报。",
        "耕地保护科（无人签收）：9小时00分（100%）",
        "王芳于 2026-03-02 09:00:00 提交“定级”",
    ):
        assert words in text, words


def test_the_list_of_a_period_has_totals_and_leads_to_the_cases(desk: Desk, case: CaseView):
    page = desk.seat("wangfang").get("/evidence?from=2026-03-02&to=2026-03-02&state=broken")

    assert f"/cases/{case.id}/evidence" in page.text
    assert re.search(r"合计.*?1.*?0.*?0.*?1", said(page.text))
    other = desk.seat("wangfang").get("/evidence?from=2026-03-02&to=2026-03-02&state=broken&unit=guihua")
    assert f"/cases/{case.id}/evidence" not in other.text


@pytest.mark.parametrize("path", ["/evidence", "/ledger", "/compliance", "/compliance/R50"])
@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-13-40", "2026-03-02", "period.no_date"),
        ("<b>", "2026-03-02", "period.no_date"),
        ("2026-03-03", "2026-03-02", "period.turned_round"),
        ("0001-01-01", "2026-03-02", "period.no_date"),
        ("2026-03-01", "9999-12-31", "period.no_date"),
    ],
)
def test_a_wrong_period_is_refused_in_words_and_keeps_what_was_typed(
    desk: Desk, path: str, first: str, last: str, sentence: str
):
    page = desk.seat("zhaoming").get(path, query_string={"from": first, "to": last, "unit": "gengbao"})

    assert page.status_code == 422
    assert sentences("zh")[sentence] in page.text and sentences("zh")["period.mend"] in page.text
    for typed in (first, last):
        assert f'value="{typed.replace("<", "&lt;").replace(">", "&gt;")}"' in page.text
    assert "<b>" not in page.text.partition("<main")[2]


@pytest.mark.parametrize("query", ["state=lost", "grade=worst", "state=met&grade=1"])
def test_an_unknown_choice_is_refused_instead_of_showing_more_than_was_asked(desk: Desk, query: str):
    page = desk.seat("zhaoming").get(f"/evidence?{query}")

    assert page.status_code == 422
    assert sentences("zh")["evidence.unknown_choice"] in page.text


@pytest.mark.parametrize("path", ["/ledger?sheet=secrets", "/ledger?kind=stolen"])
def test_the_ledger_refuses_what_it_does_not_have(desk: Desk, path: str):
    assert desk.seat("zhaoming").get(path).status_code == 422


def test_a_clause_that_does_not_exist_is_not_found(desk: Desk):
    assert desk.seat("zhaoming").get("/compliance/R75").status_code == 404


@pytest.mark.parametrize("page", ["0", "-5", "x", "99999999999999999999"])
def test_a_page_number_out_of_range_shows_an_empty_page_or_the_first(desk: Desk, page: str):
    assert desk.seat("zhaoming").get(f"/evidence?page={page}").status_code == 200


def test_the_ledger_lists_what_came_late_and_what_another_route_brought(desk: Desk):
    text = said(desk.seat("fengxue").get("/ledger?from=2026-03-02&to=2026-03-02").text)

    assert "迟报 漏报" in text
    assert "网上早 110 分钟发布" in text
    assert "90" in text
    assert sentences("zh")["ledger.cannot_know"] in text


def test_the_ledger_of_late_handling_follows_each_report_to_its_end(desk: Desk):
    text = said(desk.seat("fengxue").get("/ledger?sheet=reports&from=2026-03-02&to=2026-03-02").text)

    for words in ("现场勘测耗时较长。", "造成负面影响", "予以通报。", "已落实"):
        assert words in text, words


def test_the_compliance_page_has_every_clause_and_leads_to_its_cases(desk: Desk, case: CaseView):
    browser = desk.seat("liuwei")

    page = browser.get("/compliance?from=2026-03-01&to=2026-03-31").text
    cases = browser.get("/compliance/R50?verdict=broken&from=2026-03-01&to=2026-03-31").text

    assert re.findall(r'<tr id="(R\d\d)">', page) == [f"R{number:02}" for number in range(1, 75)]
    assert "/compliance/R50?verdict=broken" in page
    assert f"/cases/{case.id}/evidence" in cases
    assert [f"G-{number}" in page for number in range(1, 16)] == [True] * 15
    assert page.count('data-point="open"') == 15 and "尚未确认" in page and "巡查记录" in page


FILES = {
    "/evidence.csv": {"from": "2026-03-01", "to": "2026-03-31"},
    "/ledger/registrations.csv": {"from": "2026-03-01", "to": "2026-03-31"},
    "/ledger/reports.csv": {"from": "2026-03-01", "to": "2026-03-31", "sheet": "reports"},
    "/compliance.csv": {"from": "2026-03-01", "to": "2026-03-31"},
}


@pytest.mark.parametrize("path", ["/evidence.csv", "/ledger/registrations.csv", "/ledger/reports.csv"])
def test_a_file_that_holds_not_all_rows_says_so_in_its_last_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
):
    seat, module = desk.seat("zhaoming"), evidence if path == "/evidence.csv" else ledger
    whole = rows(seat.post(path, FILES[path]))
    count = len(whole) - 2

    monkeypatch.setattr(module, "MOST_ROWS", count - 1)
    cut = rows(seat.post(path, FILES[path]))
    monkeypatch.setattr(module, "MOST_ROWS", count)
    exact = rows(seat.post(path, FILES[path]))

    assert count >= 1 and exact[1:] == whole[1:]
    assert cut[2:] == [*whole[2:-1], [f"只列出前 {count - 1} 条，请缩短期间"]]


@pytest.mark.parametrize("path", FILES)
def test_a_file_is_numbered_logged_and_says_who_took_it_out(desk: Desk, path: str):
    answer = desk.seat("zhaoming").post(path, FILES[path])

    first, header, *rest = rows(answer)
    assert re.fullmatch(r"赵明（zhaoming） 2026-03-02 18:00 导出 第\d+号", first[0])
    assert rest and all(len(row) == len(header) for row in rest)
    with desk.world.services.engine.connect() as conn:
        log = conn.execute(export_log.select().order_by(export_log.c.number.desc())).first()
        made = conn.execute(export_results.select().order_by(export_results.c.number.desc())).first()
    assert log is not None and made is not None
    assert (log.user_id, log.kind, made.export, made.size) == ("zhaoming", "csv", log.number, len(answer.data))


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("login", MAY_NOT)
def test_nobody_else_takes_a_file_out(desk: Desk, login: str, path: str):
    assert desk.seat(login).post(path, FILES[path]).status_code == 403


@pytest.mark.parametrize("path", FILES)
def test_no_file_is_made_for_a_wrong_period(desk: Desk, path: str):
    with desk.world.services.engine.connect() as conn:
        before = len(conn.execute(export_log.select()).all())

    answer = desk.seat("zhaoming").post(path, {**FILES[path], "from": "gestern"})

    with desk.world.services.engine.connect() as conn:
        assert len(conn.execute(export_log.select()).all()) == before
    assert answer.status_code == 422 and sentences("zh")["period.no_file"] in answer.text


def test_a_title_that_a_spreadsheet_would_run_is_text_in_the_file(desk: Desk):
    found = [
        rows(desk.seat("zhaoming").post(path, FILES[path])) for path in ("/evidence.csv", "/ledger/registrations.csv")
    ]

    for lines in found:
        assert any(cell == f"'{DANGEROUS}" for line in lines for cell in line)
        assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


def test_the_file_of_a_case_says_what_the_page_says(desk: Desk, case: CaseView):
    _, header, *lines = rows(desk.seat("liqiang").post(f"/cases/{case.id}/evidence.csv"))

    (late,) = [dict(zip(header, line, strict=True)) for line in lines if line[0] == "提出回复意见"]
    assert late["结果"] == "已超时" and late["五个时点"] == "交办送达时间"
    assert late["单位说明"] == "现场勘测耗时较长。"
    assert late["记录编号"].split()[0] == "4"


@pytest.mark.parametrize(
    ("few", "many"),
    [
        ("/evidence?state=broken", "/evidence"),
        ("/ledger?from=2020-01-01&to=2020-01-02", "/ledger"),
        ("/ledger?sheet=reports&unit=guihua", "/ledger?sheet=reports"),
    ],
)
def test_a_list_takes_as_many_statements_however_long_it_is(desk: Desk, few: str, many: str):
    browser = desk.seat("zhaoming")
    asked: list[str] = []
    engine = desk.world.services.engine

    def count(*call: object) -> None:
        asked.append(str(call[2]))

    event.listen(engine, "before_cursor_execute", count)
    numbers = []
    for path in (few, many):
        browser.get(path)
        asked.clear()
        browser.get(path)
        numbers.append(len(asked))
    event.remove(engine, "before_cursor_execute", count)

    # Names of those who appear, and what was filed about a report, are one statement each.
    assert numbers[1] - numbers[0] <= 3


def test_a_refusal_is_on_record(desk: Desk):
    with desk.world.services.engine.connect() as conn:
        before = len(conn.execute(security_log.select()).all())

    desk.seat("liqiang").get("/evidence")

    with desk.world.services.engine.connect() as conn:
        assert len(conn.execute(security_log.select()).all()) == before + 1


def test_the_menu_offers_the_pages_to_those_who_may_open_them(desk: Desk):
    for login, offered in (("zhaoming", True), ("liuwei", True), ("liqiang", False), ("sunli", False)):
        page = desk.seat(login).get("/account").text
        assert (('href="/evidence"' in page), ('href="/compliance"' in page)) == (offered, offered), login


def test_the_pages_are_there_in_english_too(desk: Desk, case: CaseView):
    browser = desk.seat("zhaoming")
    browser.post("/language", {"language": "en"})

    texts = [browser.get(page).text for page in (*PAGES, f"/cases/{case.id}/evidence")]

    assert all('lang="en"' in text for text in texts)
    assert "Evidence of limits" in texts[0] and "Nothing missed, nothing reported late" in texts[3]


def test_without_a_bundle_the_ledger_is_there_and_compliance_is_not(seat):
    browser = seat("zhaoming")

    assert browser.get("/ledger").status_code == 200
    assert browser.get("/evidence").status_code == 200
    assert browser.get("/compliance").status_code == 404
