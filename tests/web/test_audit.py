"""The auditor's pages: where he lands, who looked at what, what was taken out, and whose page a print is."""

from __future__ import annotations

import hashlib
import html
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from engine.service import access_log, access_lookup, export_lookup, exports
from engine.service.access_lookup import PAGE_SIZE, Asked
from tests.support.desk import Desk
from tests.support.world import MONDAY
from webui import looks
from webui.catalogue import sentences

PAGE = b"%PDF-1.7 what was handed out"
SHA256 = hashlib.sha256(PAGE).hexdigest()


def look(desk: Desk, login: str, case_id: str = "WQ-2026-000009", page: str = "cases.show") -> None:
    access_log.looked(desk.world.services, desk.world.actor(login), case_id, page, "10.0.0.7", f"/cases/{case_id}")


def taken_out(desk: Desk, login: str = "zhaoming", kind: str = "evidence", content: bytes = PAGE) -> exports.Watermark:
    watermark = exports.begin(desk.world.services, desk.world.actor(login), kind, "WQ-2026-000001", "10.0.0.7")
    exports.made(desk.world.services, watermark.number, hashlib.sha256(content).hexdigest(), len(content))
    return watermark


def lines(page: str) -> list[tuple[str, ...]]:
    """Cells of each row of the page's table, as text."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)
    assert body
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    return [
        tuple(
            " ".join(html.unescape(re.sub(r"<[^>]+>", " ", cell)).split())
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        )
        for row in rows
    ]


# --- where the auditor lands ---


def test_the_auditor_lands_on_his_own_page_and_everybody_else_where_he_did(desk: Desk):
    landed = {login: desk.seat(login).get("/").location for login in ("zhaoming", "wangfang", "sunli", "qianjin")}

    assert landed == {"zhaoming": "/audit", "wangfang": "/start", "sunli": "/start", "qianjin": "/admin/persons"}


def test_on_a_phone_the_auditors_page_is_the_first_of_the_bar(desk: Desk):
    bars = {
        login: desk.seat(login).get("/account").text.rpartition("fixed-bottom")[2] for login in ("zhaoming", "wangfang")
    }

    firsts = {login: re.findall(r'class="nav-link[^"]*" href="([^"]+)"', bar)[0] for login, bar in bars.items()}

    assert firsts == {"zhaoming": "/audit", "wangfang": "/inbox"}


@pytest.mark.parametrize("login", ["wangfang", "liuwei", "sunli", "qianjin", "wumin"])
def test_only_the_auditor_has_these_pages(desk: Desk, login: str):
    seat = desk.seat(login)

    assert [seat.get(path).status_code for path in ("/audit", "/audit/looks", "/audit/exports")] == [403, 403, 403]
    assert "/audit" not in seat.get("/account").text


def test_the_start_page_leads_only_to_pages_that_are_there_and_open_to_the_auditor(desk: Desk):
    seat = desk.seat("zhaoming")

    doors = re.findall(r'list-group-item-action" href="(/[^"]+)"', seat.get("/audit").text)

    assert {"/cases", "/audit/looks", "/audit/exports", "/admin/security", "/deployments"} <= set(doors)
    for path in doors:
        assert seat.get(path).status_code == 200, path


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_door_has_its_two_sentences(desk: Desk, language: str):
    seat = desk.seat("zhaoming")
    seat.post("/language", {"language": language, "back": "/audit"})

    page = seat.get("/audit").text

    assert "audit.door" not in page and "audit.shelf" not in page


def test_the_start_page_counts_the_looks_of_today_and_the_exports_of_a_month(own_desk: Desk):
    desk = own_desk
    for login, case_id in (("wangfang", "WQ-1"), ("wangfang", "WQ-2"), ("liqiang", "WQ-1")):
        look(desk, login, case_id)
    taken_out(desk)
    exports.begin(desk.world.services, desk.world.actor("liuwei"), "csv", "", "")
    desk.world.clock.advance(hours=15)  # past midnight in Xuchang
    look(desk, "wangfang", "WQ-3")

    page = desk.seat("zhaoming").get("/audit").text

    assert re.findall(r'datagrid-content fs-2">(\d+)<', page) == ["1", "1", "1", "2"]
    assert "其中 1 次没有产出文件" in page
    assert page.index("第2号") < page.index("第1号")


def test_the_start_page_tells_how_far_the_record_is_sealed(own_desk: Desk):
    desk, seat = own_desk, own_desk.seat("zhaoming")
    before = seat.get("/audit").text
    desk.registered()
    waiting = seat.get("/audit").text
    made = desk.world.services.sealer.seal()
    sealed = seat.get("/audit").text

    assert made is not None
    assert "还没有校验点" in before
    assert re.search(r"还有 \d+ 条记录等待封存，最早的记于 2026-03-02 09:00:00", waiting)
    assert f"第 {made.number} 号校验点" in sealed and f"共 {made.size} 条记录" in sealed
    assert "没有等待封存的记录" in sealed


# --- who looked at what ---


def test_looks_are_told_newest_first_with_the_right_in_words(own_desk: Desk):
    desk = own_desk
    case = desk.registered(login="yangyang", title="占用耕地")
    desk.seat("yangyang").get(f"/cases/{case.id}/papers")
    desk.world.clock.advance(minutes=1)
    desk.seat("zhaoming").get(f"/cases/{case.id}")

    told = lines(desk.seat("zhaoming").get("/audit/looks").text)

    assert [(row[0][:19], row[1], row[3]) for row in told] == [
        ("2026-03-02 09:01:00", "赵明 zhaoming", "职责：审计管理员"),
        ("2026-03-02 09:00:00", "杨洋 yangyang", "参与：杨洋"),
    ]
    assert told[0][2].startswith(f"案件现状 {case.id} 占用耕地")
    assert told[1][2].startswith(f"信息与材料 {case.id}")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("who=李强", ["liqiang"]),
        ("who=LIQIANG", ["liqiang"]),
        ("who=wangfang&case=WQ-1", ["wangfang"]),
        ("case=wq-1", ["liqiang", "wangfang"]),
        ("since=2026-03-03", ["zhangmin"]),
        ("until=2026-03-02", ["liqiang", "wangfang", "wangfang"]),
        ("since=2026-03-02&until=2026-03-03&who=王芳", ["wangfang", "wangfang"]),
        ("who=nobody", []),
        ("since=gibberish", ["zhangmin", "liqiang", "wangfang", "wangfang"]),
    ],
)
def test_looks_are_narrowed_by_person_case_and_days_of_xuchang(own_desk: Desk, query: str, expected: list[str]):
    desk = own_desk
    look(desk, "wangfang", "WQ-1")
    look(desk, "wangfang", "WQ-2")
    desk.world.clock.set(MONDAY + timedelta(hours=14, minutes=59))  # 23:59 on Monday
    look(desk, "liqiang", "WQ-1")
    desk.world.clock.advance(minutes=1)
    look(desk, "zhangmin", "WQ-2")

    page = desk.seat("zhaoming").get(f"/audit/looks?{query}").text

    assert [row[1].split()[-1] for row in lines(page) if len(row) > 1] == expected
    assert ("没有姓名或账号为“nobody”的人" in page) is (query == "who=nobody")


def test_pages_of_looks_go_on_from_a_row_and_come_back(own_desk: Desk):
    desk = own_desk
    for number in range(PAGE_SIZE * 2 + 10):
        if number % 7 == 0:
            desk.world.clock.advance(seconds=1)
        look(desk, "wangfang", f"WQ-{number}")
    asked = Asked(people=("wangfang",))
    with desk.world.services.engine.connect() as conn:
        first = access_lookup.looks(conn, asked)
        second = access_lookup.looks(conn, asked, before=first.older)
        third = access_lookup.looks(conn, asked, before=second.older)
        back = access_lookup.looks(conn, asked, after=third.newer)
        front = access_lookup.looks(conn, asked, after=back.newer)
        nowhere = access_lookup.looks(conn, asked, before=10_000)

    seen = [one.number for page in (first, second, third) for one in page.looks]
    assert seen == list(range(PAGE_SIZE * 2 + 10, 0, -1))
    assert (first.newer, third.older) == (None, None)
    assert (back.looks, front.looks) == (second.looks, first.looks)
    assert (front.newer, front.older) == (None, first.older)
    assert nowhere.looks == ()


def test_the_links_of_a_page_keep_what_was_asked_for(own_desk: Desk):
    desk = own_desk
    for number in range(PAGE_SIZE + 1):
        look(desk, "wangfang", "WQ-1")
        look(desk, "liqiang", f"WQ-{number}")

    page = desk.seat("zhaoming").get("/audit/looks?who=wangfang&case=WQ-1&since=2026-03-01").text
    (older,) = re.findall(r'href="(/audit/looks\?[^"]*before=\d+[^"]*)"', page)
    rest = desk.seat("zhaoming").get(html.unescape(older)).text

    assert len(lines(page)) == PAGE_SIZE
    assert [row[1].split()[-1] for row in lines(rest)] == ["wangfang"]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Asked(people=("wangfang",)), "access_log_by_person"),
        (Asked(case_id="WQ-1"), "access_log_by_case"),
        (Asked(), "access_log_by_time"),
        (Asked(since=MONDAY, until=MONDAY + timedelta(days=1)), "access_log_by_time"),
        (Asked(people=("wangfang",), since=MONDAY), "access_log_by_person"),
    ],
)
def test_every_question_about_looks_walks_an_index_and_sorts_nothing(own_desk: Desk, asked: Asked, index: str):
    statements: list[tuple[str, object]] = []
    engine = own_desk.world.services.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _k, sql, given, _x, _m: statements.append((sql, given)))
    look(own_desk, "wangfang")
    statements.clear()
    with engine.connect() as conn:
        for start in ({}, {"before": 1}, {"after": 1}):
            access_lookup.looks(conn, asked, **start)
        plans = [
            " ".join(str(row[-1]) for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters))
            for sql, parameters in list(statements)
            if "LIMIT" in sql
        ]

    assert len(plans) == 3
    for plan in plans:
        assert f"access_log USING INDEX {index}" in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def test_the_case_page_leads_the_auditor_to_who_looked_at_it(desk: Desk):
    case = desk.registered()

    own, other = (desk.seat(login).get(f"/cases/{case.id}").text for login in ("zhaoming", "wangfang"))

    assert f'href="/audit/looks?case={case.id}"' in own
    assert "/audit/looks" not in other


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_a_case_has_a_name_in_the_log(desk: Desk, language: str):
    known = sentences(language)

    missing = {
        f"look.{rule.endpoint}"
        for rule in desk.app.url_map.iter_rules()
        if looks.counts(desk.app, rule) and f"look.{rule.endpoint}" not in known
    }

    assert missing == set()


# --- what was taken out ---


def test_exports_are_listed_with_who_what_when_and_the_hash(own_desk: Desk):
    taken_out(own_desk)
    exports.begin(own_desk.world.services, exports.COMMAND_LINE, "witness", "", "")
    exports.begin(own_desk.world.services, own_desk.world.actor("liuwei"), "something_new", "", "")

    told = lines(own_desk.seat("zhaoming").get("/audit/exports").text)

    assert [row[0] for row in told] == ["3", "2", "1"]
    assert told[2] == (
        "1", "2026-03-02 09:00:00 10.0.0.7", "赵明 zhaoming", "时限证据 WQ-2026-000001", f"28 Bytes · {SHA256}",
    )  # fmt: skip
    assert told[1][2:] == ("命令行 system:command", "校验点见证文件", "没有产出")
    assert told[0][3] == "something_new"


@pytest.mark.parametrize("typed", ["1", "第1号", " 1 "])
def test_an_export_is_found_by_the_number_that_its_file_carries(own_desk: Desk, typed: str):
    watermark = taken_out(own_desk)

    page = own_desk.seat("zhaoming").get("/audit/exports", query_string={"q": typed}).text

    assert "编号 1 的导出" in page
    assert watermark.text in page


@pytest.mark.parametrize("typed", [SHA256, SHA256.upper(), f"  {SHA256[:32]} {SHA256[32:]} "])
def test_an_export_is_found_by_the_hash_of_its_file(own_desk: Desk, typed: str):
    watermark = taken_out(own_desk)
    taken_out(own_desk, content=b"another")

    page = own_desk.seat("zhaoming").get("/audit/exports", query_string={"q": typed}).text

    assert "是从本系统导出的" in page
    assert page.count(watermark.text) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("7", "没有编号为 7 的导出"),
        ("99999999999999999999", "既不是编号"),
        ("00" * 32, "它不是从本系统导出的"),
        ("hello <b>", "“hello &lt;b&gt;”既不是编号"),
        ("²", "既不是编号"),
    ],
)
def test_what_is_not_found_is_said_clearly(own_desk: Desk, typed: str, sentence: str):
    answer = own_desk.seat("zhaoming").get("/audit/exports", query_string={"q": typed})

    assert answer.status_code == 200
    assert sentence in answer.text


def sent(desk: Desk, content: bytes, name: str = "拿到的文件.pdf") -> str:
    return desk.seat("zhaoming").post(
        "/audit/exports", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data"
    ).text  # fmt: skip


def test_a_file_is_compared_and_one_changed_byte_is_seen(own_desk: Desk):
    watermark = taken_out(own_desk)

    same, other = sent(own_desk, PAGE), sent(own_desk, PAGE + b" ")

    assert "“拿到的文件.pdf”是从本系统导出的，与导出时一字不差" in same
    assert watermark.text in same
    assert "没有一次导出产出过“拿到的文件.pdf”" in other
    assert watermark.text not in other
    assert hashlib.sha256(PAGE + b" ").hexdigest() in other


def test_nothing_of_a_compared_file_is_kept(own_desk: Desk):
    folder = own_desk.world.settings.data_dir
    before = sorted(path for path in folder.rglob("*") if path.is_file() and "opinion.db" not in path.name)

    sent(own_desk, b"secret" * 70_000)

    assert sorted(path for path in folder.rglob("*") if path.is_file() and "opinion.db" not in path.name) == before
    assert b"secretsecret" not in (folder / "opinion.db").read_bytes()


def test_an_attachment_of_a_case_is_recognised_and_leads_to_who_saw_it(own_desk: Desk):
    desk = own_desk
    case = desk.registered()
    png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    desk.seat("wangfang").post(
        f"/cases/{case.id}/files", {"files": (io.BytesIO(png), "现场.png")}, content_type="multipart/form-data"
    )

    page = sent(desk, png, "现场.png")

    assert "不是导出的文件，而是案件的附件" in page
    assert f'href="/audit/looks?case={case.id}"' in page


def test_a_comparison_without_a_file_is_asked_for_one(desk: Desk):
    answer = desk.seat("zhaoming").post("/audit/exports", {})

    assert answer.status_code == 422
    assert "请先选择文件" in answer.text


def test_exports_go_on_from_a_number_and_come_back(own_desk: Desk):
    for _ in range(PAGE_SIZE + 3):
        exports.begin(own_desk.world.services, own_desk.world.actor("zhaoming"), "csv", "", "")
    with own_desk.world.services.engine.connect() as conn:
        first = export_lookup.exports(conn)
        rest = export_lookup.exports(conn, before=first.older)
        back = export_lookup.exports(conn, after=rest.newer)
        nobodys = export_lookup.exports(conn, user_id="liqiang")

    assert [one.number for one in (*first.exports, *rest.exports)] == list(range(PAGE_SIZE + 3, 0, -1))
    assert (first.newer, rest.older) == (None, None)
    assert back == first
    assert nobodys.exports == ()


# --- whose page a print is ---


def test_every_page_of_a_signed_in_person_carries_his_name_login_and_the_time(desk: Desk):
    case = desk.registered()
    desk.world.clock.advance(minutes=7)
    seat = desk.seat("liuwei")

    for path in ("/start", "/cases", f"/cases/{case.id}", f"/cases/{case.id}/timeline", "/no/such/page"):
        page = seat.get(path).text
        assert page.count("刘伟 liuwei 2026-03-02 09:07</text>") == 3, path
        assert "watermark-on-screen" not in page, path


def test_internal_papers_carry_it_on_the_screen_too(desk: Desk):
    case = desk.registered()
    desk.world.wait(minutes=40)
    seat = desk.seat("wangfang")
    papers = seat.get(f"/cases/{case.id}/papers").text
    paper = re.search(rf"/cases/{case.id}/documents/[\w.-]+", papers)
    assert paper

    assert "watermark-on-screen" in papers
    assert "watermark-on-screen" in seat.get(paper[0]).text


def test_a_stranger_sees_no_mark(desk: Desk):
    assert "watermark" not in desk.app.test_client().get("/login").text


def test_a_name_is_text_in_the_mark_whatever_it_holds(own_desk: Desk):
    with own_desk.world.services.engine.connect().execution_options(writing=True) as conn, conn.begin():
        conn.exec_driver_sql("UPDATE persons SET name = '</text><script>x()' WHERE user_id = 'liuwei'")

    page = own_desk.seat("liuwei").get("/start").text

    assert "<script>x()" not in page
    assert "&lt;/text&gt;&lt;script&gt;x() liuwei 2026" in page
