"""Importing tables of items: columns are guessed and corrected, rows shown first, good ones come in, bad ones come back
with reasons, and the same file again changes nothing."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from engine.service import item_columns, item_import, items, long_jobs, sheets
from engine.service.item_journal import STREAM
from engine.service.items_tables import items as table
from engine.worker.tasks import LONG_WORK
from tests.support.desk import Browser, Desk

HEADER = ["标题", "内容", "平台", "来源", "链接", "发布时间", "备注"]
BAD_OF_100 = 3


def row(number: int, mark: str) -> list[str]:
    return [
        f"{mark} 第{number}号地块的反映", f"网友反映第{number}号地块的情况，希望有人管。",
        "微博", f"网友{number % 7}(虚构)",
        f"https://import.example/{mark}/{number}", f"2026-03-0{1 + number % 2} 0{number % 8}:1{number % 6}", "",
    ]  # fmt: skip


def spoiled(cells: list[str], number: int) -> list[str]:
    """The row with one of three faults."""
    change = {0: (5, "昨天下午"), 1: (4, "不是网址"), 2: (2, "报纸摊")}[number % 3]
    return [change[1] if place == change[0] else cell for place, cell in enumerate(cells)]


def rows(count: int, mark: str) -> list[list[str]]:
    """Rows of which 3 in 100 are faulty."""
    return [spoiled(row(n, mark), n) if n % 100 < BAD_OF_100 else row(n, mark) for n in range(count)]


def as_csv(data: list[list[str]], encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([HEADER, *data])
    return text.getvalue().encode(encoding)


def as_xlsx(data: list[list[Any]]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in [HEADER, *data]:
        sheet.append(line)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def uploaded(browser: Browser, content: bytes, name: str) -> TestResponse:
    return browser.post("/items/import", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def mapping(header: list[str]) -> dict[str, str]:
    return {f"column_{field}": str(place) for field, place in item_columns.guessed(header).items()}


def imported(desk: Desk, browser: Browser, content: bytes, name: str, **more: str) -> dict[str, int]:
    """What came of an import from the upload to the end of its job."""
    place = uploaded(browser, content, name).location
    begun = browser.post(place, {**mapping(HEADER), **more, "action": "start"})
    assert begun.status_code == 303, begun.text
    return finished(desk, place)


def finished(desk: Desk, place: str) -> dict[str, int]:
    services = desk.world.services
    with services.engine.connect() as conn:
        found = item_import.get(conn, place.rpartition("/")[2])
    assert found is not None and found.job
    long_jobs.run(services, {"id": found.job}, LONG_WORK)
    with services.engine.connect() as conn:
        job = long_jobs.get(conn, found.job)
    assert job is not None and job.status == "done", job
    return dict(job.result)


def count(desk: Desk, mark: str) -> int:
    with desk.world.services.engine.connect() as conn:
        found = select(func.count()).select_from(table).where(table.c.title.startswith(f"{mark} "))
        return conn.execute(found).scalar_one()


@pytest.mark.parametrize("size", [1_000, pytest.param(10_000, marks=pytest.mark.long)])
def test_good_rows_come_in_bad_rows_are_told_and_the_same_file_again_changes_nothing(desk: Desk, size: int):
    browser, mark = desk.seat("wangfang"), f"大表{size}"
    content = as_csv(rows(size, mark))
    bad = size * BAD_OF_100 // 100

    first = imported(desk, browser, content, "监测.csv")
    again = imported(desk, browser, content, "监测.csv")

    assert first == {"good": size - bad, "repeated": 0, "bad": bad, "rows": size}
    assert again == {"good": 0, "repeated": size - bad, "bad": bad, "rows": size}
    assert count(desk, mark) == size - bad
    with desk.world.services.journal.reading() as tx:
        told = [entry.events[0] for entry in tx.read(STREAM) if entry.events[0]["kind"] == "ItemsImported"]
    assert told[-2]["good"] == size - bad and told[-2]["file"] == told[-1]["file"]


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.csv", lambda data: as_csv(data, "gb18030")),
        ("a.csv", lambda data: as_csv(data, "utf-8", ";")),
        ("a.csv", lambda data: as_csv(data, "utf-16", "\t")),
        ("a.xlsx", as_xlsx),
    ],
    ids=["gb18030", "utf-8 with semicolons", "utf-16 with tabs", "xlsx"],
)
def test_tables_are_read_in_the_encodings_and_forms_that_offices_have(desk: Desk, name: str, make: Any, request):
    browser, mark = desk.seat("wangfang"), request.node.callspec.id.replace(" ", "")
    place = uploaded(browser, make(rows(10, mark)), name).location

    page = browser.get(place).text
    result = imported(desk, browser, make(rows(10, mark)), name)

    assert f"{mark} 第9号地块的反映" in page
    assert (result["good"], result["bad"]) == (7, 3)


def test_the_preview_says_of_each_row_which_column_is_wrong_and_what_to_do(desk: Desk):
    browser = desk.seat("wangfang")
    place = uploaded(browser, as_csv(rows(3, "预览")), "a.csv").location

    page = browser.get(place).text

    assert "发布时间：请写明日期和时间" in page
    assert "链接：请填写以 http:// 或 https:// 开头的完整网址" in page
    assert "平台：不认识“报纸摊”" in page


def test_columns_are_guessed_from_usual_headers_in_both_languages():
    chinese = item_columns.guessed(
        ["序号", "标题", "摘要", "媒体名称", "媒体类型", "原文链接", "发布时间", "作者", "采集时间"]
    )
    english = item_columns.guessed(["Title", "Content", "Source", "Source Type", "URL", "Published At", "Author"])
    unknown = item_columns.guessed(["甲", "乙", "丙"])

    assert chinese == {
        "title": 1, "body": 2, "source_name": 3, "source_type": 4, "url": 5, "published_at": 6, "author": 7,
        "captured_at": 8,
    }  # fmt: skip
    assert english == {
        "title": 0, "body": 1, "source_name": 2, "source_type": 3, "url": 4, "published_at": 5, "author": 6,
    }  # fmt: skip
    assert unknown == {}


def test_a_wrong_guess_is_corrected_by_hand_and_a_missing_column_gets_one_value(desk: Desk):
    browser = desk.seat("wangfang")
    text = "甲,乙\n手工对应列的标题,https://import.example/by-hand\n"
    place = uploaded(browser, text.encode(), "b.csv").location

    without = browser.post(place, {"column_title": "0", "action": "start"})
    more = {"default_source_type": "portal", "default_source_name": "某站(虚构)"}
    begun = browser.post(place, {"column_title": "0", "column_url": "1", **more, "action": "start"})

    assert without.status_code == 422 and "请为“来源类型”选择列" in without.text
    assert begun.status_code == 303
    assert finished(desk, place)["good"] == 1


def test_refused_rows_come_home_as_text_with_reasons_and_go_in_once_mended(desk: Desk):
    browser, mark = desk.seat("wangfang"), "带回"
    data = rows(3, mark)
    data[0][0] = '=HYPERLINK("https://evil.example")'
    place = uploaded(browser, as_csv(data), "c.csv").location
    browser.post(place, {**mapping(HEADER), "action": "start"})
    assert finished(desk, place)["bad"] == 3

    as_text = browser.post(f"{place}/bad", {"form": "csv"})
    as_book = browser.post(f"{place}/bad", {"form": "xlsx"})

    lines = list(csv.reader(io.StringIO(as_text.data.decode("utf-8-sig"))))
    assert lines[1][:2] == ["标题", "内容"] and lines[1][-1] == "原因"
    assert lines[2][0].startswith("'=HYPERLINK") and "发布时间" in lines[2][-1]
    cells = [cell for line in load_workbook(io.BytesIO(as_book.data)).worksheets[0].iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f"]
    for number, line in enumerate(lines[2:]):
        line[2], line[4], line[5] = "微博", f"https://import.example/mended/{number}", "2026-03-02 07:00"
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    result = imported(desk, browser, text.getvalue().encode(), "mended.csv")
    assert (result["good"], result["bad"]) == (3, 0)


def test_comments_in_a_table_stand_below_what_they_comment_on(desk: Desk):
    browser = desk.seat("wangfang")
    url = "https://import.example/parent"
    text = f"标题,平台,来源,链接,原帖链接,作者\n跟贴一,跟贴,某站(虚构),{url},{url},甲\n主帖,论坛,某站(虚构),{url},,乙\n"
    place = uploaded(browser, text.encode(), "d.csv").location
    columns = mapping(["标题", "平台", "来源", "链接", "原帖链接", "作者"])
    browser.post(place, {**columns, "action": "start"})

    assert finished(desk, place)["good"] == 2
    with desk.world.services.engine.connect() as conn:
        found = conn.execute(select(table.c.item_id).where(table.c.title == "主帖")).scalar_one()
        assert [one.title for one in items.comments(conn, found, 5)] == ["跟贴一"]


def bomb() -> bytes:
    """A workbook of some kilobytes whose sheet unpacks to more than is taken."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        with zipfile.ZipFile(io.BytesIO(as_xlsx(rows(1, "炸弹")))) as whole:
            for entry in whole.infolist():
                archive.writestr(entry, whole.read(entry))
        with archive.open("xl/media/image1.bin", "w", force_zip64=True) as part:
            for _ in range(sheets.MOST_UNPACKED // (1024 * 1024) + 1):
                part.write(b"\0" * 1024 * 1024)
    return made.getvalue()


def laughs() -> bytes:
    """A workbook whose sheet expands entities a thousand million times."""
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    evil = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY l0 "ha">{levels}]><worksheet xmlns='.encode()
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx([["a"] * 7]))) as whole, zipfile.ZipFile(made, "w") as archive:
        for entry in whole.infolist():
            content = whole.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                content = evil + content.partition(b"xmlns=")[2].replace(b"</v>", b"&l9;</v>", 1)
            archive.writestr(entry.filename, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.xlsx", bomb),
        ("x.xlsx", laughs),
        ("x.xlsx", lambda: b"PK\x03\x04 no workbook"),
        ("x.csv", lambda: b"\x89PNG\r\n\x1a\n\0\0\0"),
        ("x.csv", lambda: b"\n\n\n"),
        ("x.xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("x.exe", lambda: b"MZ"),
    ],
    ids=["bomb", "laughs", "broken", "no text", "blank", "xls", "program"],
)
def test_what_is_no_table_or_too_much_of_one_is_refused_with_what_to_do(
    desk: Desk, name: str, content: Any, monkeypatch
):
    monkeypatch.setattr(sheets, "MOST_UNPACKED", 4 * 1024 * 1024)
    answer = uploaded(desk.seat("wangfang"), content(), name)

    if answer.status_code == 303:  # entities of a sheet are met when its rows are read
        answer = desk.seat("wangfang").get(answer.location)
        assert "haha" not in answer.text
    else:
        assert answer.status_code == 422
    assert 'role="alert"' in answer.text or "表格中没有数据行" in answer.text


def test_a_refused_file_is_told_of_on_its_own_page_and_not_on_the_next(desk: Desk):
    browser = desk.seat("wangfang")

    refused = uploaded(browser, b"MZ", "x.exe")
    following = browser.get(uploaded(browser, as_csv(rows(5, "改好")), "x.csv").location)

    assert refused.status_code == 422 and refused.text.count("alert-danger") == 1
    assert following.status_code == 200 and "alert-danger" not in following.text
    assert "改好" in following.text


def test_more_rows_than_are_taken_are_refused_before_anything_comes_in(desk: Desk, monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 5)
    browser = desk.seat("wangfang")
    place = uploaded(browser, as_csv(rows(6, "过多")), "e.csv").location

    page = browser.get(place)

    assert page.status_code == 422 and "最多 5 行" in page.text
    assert count(desk, "过多") == 0


def test_an_import_that_was_cut_off_goes_on_where_it_ended(desk: Desk, monkeypatch):
    monkeypatch.setattr(item_import, "BATCH", 10)
    browser, mark = desk.seat("wangfang"), "中断"
    place = uploaded(browser, as_csv(rows(50, mark)), "f.csv").location
    browser.post(place, {**mapping(HEADER), "action": "start"})
    with desk.world.services.engine.connect() as conn:
        found = item_import.get(conn, place.rpartition("/")[2])
    assert found is not None

    def stop(done: int, total: int) -> None:
        if done >= 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        item_import.work(desk.world.services, {"import": found.import_id}, stop)  # type: ignore[arg-type]
    half = count(desk, mark)
    result = finished(desk, place)

    assert half == 17
    assert (result["good"], result["repeated"], result["bad"]) == (30, 17, 3)
    assert count(desk, mark) == 47
