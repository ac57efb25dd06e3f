"""The long lists as files: as the page is filtered, for the same eyes, logged, and honest about where they end."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, select, update

from engine.service import item_triage, items
from engine.service.item_fields import NewItem
from engine.service.items_tables import items as items_table
from engine.service.log_tables import export_log, export_results
from engine.service.transactions import writing
from tests.support import walks
from tests.support.desk import Browser, Desk
from webui import list_files

PATROL: dict[str, Any] = {
    "began_at": "2026-03-02T08:30", "ended_at": "2026-03-02T09:00", "sources": ["forum", "weibo"], "result": "nothing",
}  # fmt: skip
_numbers = iter(range(10_000))
LISTS = {"cases": "/cases/export", "items": "/items/export", "clocks": "/clocks/export"}
PAGES = {"cases": "/cases", "items": "/items", "clocks": "/clocks", "coverage": "/registers/patrol/coverage"}
FORM = re.compile(r'<form method="post" action="([^"]+)"[^>]*data-download>(.*?)</form>', re.S)
FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def taken(browser: Browser, address: str, **asked: str) -> list[list[str]]:
    """Lines of the CSV file below the one that says who took it out."""
    answer = browser.post(f"{address}.csv", asked)
    assert answer.status_code == 200, answer.text
    found = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert browser.login in found[0][0] and "导出 第" in found[0][0]
    return found[1:]


def column(lines: list[list[str]], name: str) -> list[str]:
    return [line[lines[0].index(name)] for line in lines[1:]]


def post(title: str, **more: Any) -> NewItem:
    told = {"body": "网帖", "source_type": "forum", "source_name": "许都论坛(虚构)", "route": "manual",
            "entered_by": "wangfang", "author": "禹州小李", "url": f"https://lists.example/{title}"}  # fmt: skip
    return NewItem(title=title, **{**told, **more})


def brought(desk: Desk, *new: NewItem) -> None:
    with writing(desk.world.services.engine) as conn:
        items.add_all(conn, desk.world.clock.now(), new)


def filled(desk: Desk, more: int) -> None:
    """`more` cases with running limits, and as many items."""
    for _ in range(more):
        walks.graded(desk.world)
    brought(desk, *(post(f"第{next(_numbers)}帖") for _ in range(more)))


def test_cases_are_taken_out_as_the_page_is_filtered(own_desk: Desk):
    browser = own_desk.seat("wangfang")
    graded, fresh = walks.graded(own_desk.world), own_desk.registered(title="=1+1")

    everything = taken(browser, LISTS["cases"])
    ordinary = taken(browser, LISTS["cases"], grade="ordinary_negative", page="7")
    none = taken(browser, LISTS["cases"], q="没有这样的词")

    assert sorted(column(everything, "案件编号")) == sorted([graded.id, fresh.id])
    assert "'=1+1" in column(everything, "标题"), "no spreadsheet runs a title"
    assert column(ordinary, "案件编号") == [graded.id] and column(ordinary, "等级") == ["普通负面"]
    assert column(ordinary, "登记时间") == ["2026-03-02 09:00"] and column(ordinary, "最近到期") != [""]
    assert len(none) == 1


def test_items_are_taken_out_in_the_words_of_the_list_with_names_masked(own_desk: Desk):
    browser = own_desk.seat("wangfang")
    brought(own_desk, post("某村耕地被硬化停车", district="禹州市"), post("说明", source_type="hotline", callback=True))
    waiting = taken(browser, LISTS["items"], q="耕地")
    item_triage.run(own_desk.world.services, {})
    with writing(own_desk.world.services.engine) as conn:
        echo = {"assessment": '{"echo":{"mere":true}}', "assessed_at": "2026-03-02T01:00:00.000000Z"}
        conn.execute(update(items_table).where(items_table.c.title == "说明").values(**echo))

    found = taken(browser, LISTS["items"])
    calls = taken(browser, LISTS["items"], source_type="hotline")
    page = browser.get("/items").text

    assert column(waiting, "标题") == ["某村耕地被硬化停车"] and column(waiting, "建议") == ["分析中"]
    assert column(found, "标题") == ["说明", "某村耕地被硬化停车"], "the newest first"
    assert column(found, "作者") == ["禹**", "禹**"] and "禹州小李" not in str(found)
    assert column(calls, "标记") == ["希望回电"] and column(calls, "录入") == ["王芳"]
    for hint in column(found, "建议"):
        assert hint in page, "the file says what the page says"


def test_running_limits_are_taken_out_with_who_has_to_act(own_desk: Desk):
    browser = own_desk.seat("wangfang")
    case = walks.graded(own_desk.world)
    walks.assign(case, "gengbao", "shengtai")

    found = taken(browser, LISTS["clocks"])
    one = taken(browser, LISTS["clocks"], limit="eight_hours", unit="shengtai")
    late = taken(browser, LISTS["clocks"], overdue="1")

    page = browser.get("/clocks").text
    assert len(found) - 1 == page.count('class="board-left"')
    assert column(one, "案件编号") == [case.id] and column(one, "到期") == ["2026-03-02 17:00"]
    assert column(one, "剩余时间") == ["剩余 8小时00分"] and "签收" in column(one, "谁在办")[0]
    assert len(late) == 1


def test_the_coverage_of_patrols_is_taken_out_as_the_page_shows_it(own_desk: Desk):
    browser = own_desk.seat("wangfang")
    browser.post("/registers/patrol", PATROL)

    lines = taken(browser, "/registers/patrol/coverage")
    before = taken(browser, "/registers/patrol/coverage", day="2026-03-01")
    strange = [taken(browser, "/registers/patrol/coverage", day=day) for day in ("0001-01-01", "9999-12-31", "x")]

    looked = {(line[0], line[1]): line[-1] for line in lines[1:] if line[-1] != "0"}
    assert lines[0][-1] == "2026-03-02" and len(lines[0]) == 9
    assert looked == {("按来源", "论坛"): "1", ("按来源", "微博"): "1", ("按单位", "办公室"): "1"}
    assert before[0][-1] == "2026-03-01" and all(set(line[2:]) == {"0"} for line in before[1:])
    assert strange == [lines] * 3
    for day in ("0001-01-01", "9999-12-31"):
        assert browser.get(f"/registers/patrol/coverage?day={day}").status_code == 200


@pytest.mark.parametrize("name", [*LISTS, "coverage"])
def test_a_list_is_an_excel_file_too_and_every_file_is_logged_with_its_hash(desk: Desk, name: str):
    browser = desk.seat("zhaoming")
    filled(desk, 1)
    address = {**LISTS, "coverage": "/registers/patrol/coverage"}[name]

    lines = taken(browser, address)
    book = load_workbook(io.BytesIO(browser.post(f"{address}.xlsx").data)).worksheets[0]

    rows = [["" if cell is None else str(cell) for cell in row] for row in book.iter_rows(values_only=True)]
    assert [row[: len(lines[0])] for row in rows[1:]] == lines
    with desk.world.services.engine.connect() as conn:
        told = select(export_log.c.kind, export_log.c.subject, export_log.c.user_id).order_by(export_log.c.number)
        logged = conn.execute(told).all()
        sizes = conn.execute(select(export_results.c.size)).scalars().all()
    assert [(kind, subject.split()[0], who) for kind, subject, who in logged[-2:]] == [
        ("csv", name, "zhaoming"), ("xlsx", name, "zhaoming"),
    ]  # fmt: skip
    assert len(sizes) == len(logged) and min(sizes) > 0


def test_a_person_takes_out_what_he_may_see_and_nothing_else(own_desk: Desk):
    case = walks.graded(own_desk.world)
    brought(own_desk, post("办公室的"), post("外单位的", entered_by="zhouwei"))
    office, other = own_desk.seat("wangfang"), own_desk.seat("zhouwei")

    for name in ("cases", "clocks"):
        assert case.id in str(taken(office, LISTS[name])), name
        assert len(taken(other, LISTS[name])) == 1, name
        assert len(taken(other, LISTS[name], q="网")) == 1, name
    assert column(taken(other, LISTS["items"]), "标题") == ["外单位的"]
    assert len(taken(office, LISTS["items"])) == 3


@pytest.mark.parametrize("name", LISTS)
def test_a_file_that_ends_before_the_list_says_so_in_its_last_line(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
):
    browser = desk.seat("wangfang")
    filled(desk, 2)
    whole = taken(browser, LISTS[name])
    monkeypatch.setattr(list_files, "MOST_ROWS", len(whole) - 1)
    exact = taken(browser, LISTS[name])
    monkeypatch.setattr(list_files, "MOST_ROWS", 1)

    cut = taken(browser, LISTS[name])

    assert exact == whole and len(whole) >= 3
    assert cut == [*whole[:2], ["只列出前 1 条，请缩小范围后再导出"]]


@pytest.mark.parametrize("name", LISTS)
def test_more_rows_ask_the_database_no_more_often(desk: Desk, name: str):
    browser, asked = desk.seat("wangfang"), []
    filled(desk, 1)
    event.listen(desk.world.services.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def statements() -> int:
        taken(browser, LISTS[name])
        asked.clear()
        taken(browser, LISTS[name])
        return len(asked)

    few = statements()
    filled(desk, 3)
    assert statements() == few > 0


@pytest.mark.parametrize(
    ("name", "query", "carried"),
    [
        ("cases", "q=网&status=open&overdue=&order=due&page=1", {"q": "网", "status": "open", "order": "due"}),
        ("items", "state=new&source_type=forum&page=1", {"state": "new", "source_type": "forum"}),
        ("clocks", "q=网&grade=ordinary_negative&page=1", {"q": "网", "grade": "ordinary_negative"}),
        ("coverage", "day=2026-03-01", {"day": "2026-03-01"}),
    ],
)
def test_the_buttons_of_a_page_carry_its_filters(desk: Desk, name: str, query: str, carried: dict[str, str]):
    filled(desk, 1)
    browser = desk.seat("wangfang")

    page = browser.get(f"{PAGES[name]}?{query}").text

    forms = {
        action: {field: value for field, value in FIELD.findall(body) if field != "csrf_token"}
        for action, body in FORM.findall(page)
    }
    assert list(forms) == [f"{ {**LISTS, 'coverage': PAGES['coverage']}[name] }.{form}" for form in ("csv", "xlsx")]
    assert all(fields == carried for fields in forms.values()), forms


def test_a_screen_on_the_wall_has_no_buttons(desk: Desk):
    filled(desk, 1)

    assert not FORM.findall(desk.seat("wangfang").get("/clocks?wall=1").text)


@pytest.mark.long
def test_ten_thousand_items_are_one_file_that_says_there_are_more(own_desk: Desk):
    browser = own_desk.seat("wangfang")
    brought(own_desk, *(post(f"第{number}帖", body="长" * 100) for number in range(10_001)))

    lines = taken(browser, LISTS["items"])

    assert len(lines) == 10_002 and lines[-1] == ["只列出前 10000 条，请缩小范围后再导出"]
