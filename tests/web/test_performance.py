"""The page that shows how a process runs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator

import pytest

from engine.service.export_lookup import exports
from tests.support import walks
from tests.support.desk import Desk


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An office with two cases: an ordinary one that was assigned, and one that broke its limit."""
    made = Desk(tmp_path_factory.mktemp("performance"))
    case = made.world.open()
    case.claim("wangfang", "Task_screen")
    made.world.wait(minutes=25)
    case.fill("Task_screen")
    case.fill("Task_grade")
    late = made.world.open(title="=1+1")
    made.world.wait(hours=2)
    late.fill("Task_screen")
    walks.graded(made.world)
    yield made
    made.world.services.engine.dispose()


def drawn(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="drawn">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.mark.parametrize("login", ["wangfang", "zhangmin", "liuwei", "fengxue", "sunli", "zhaoming"])
def test_who_answers_for_the_process_sees_it(desk: Desk, login: str):
    page = desk.seat(login).get("/performance?process=triage")

    assert page.status_code == 200
    assert "甄别" in page.text


@pytest.mark.parametrize("login", ["yangyang", "liqiang", "qianjin", "wumin"])
def test_nobody_else_does(desk: Desk, login: str):
    assert desk.seat(login).get("/performance").status_code == 403


def test_numbers_stand_on_the_elements_and_flows_of_the_diagram(desk: Desk):
    content = drawn(desk.seat("zhaoming").get("/performance?process=triage&colour=worked").text)

    notes = {note["element"]: note["text"] for note in content["notes"]}  # type: ignore[attr-defined]
    assert notes["Task_screen"].startswith("3 · 25分")
    assert notes["Flow_screen__direct"] == "3"
    assert content["marks"]["Task_screen"] == ["heat-5"]  # type: ignore[index]
    assert "办理：一半不超过25分" in content["about"]["Task_screen"]  # type: ignore[index]


def test_the_table_is_sorted_by_the_column_whose_link_was_followed(desk: Desk):
    seat = desk.seat("zhaoming")

    by_name = seat.get("/performance?process=triage&order=label").text
    by_times = seat.get("/performance?process=triage&order=times").text

    table = by_times.split('id="table"')[1]
    assert 'aria-sort="descending"' in table
    assert table.index(">甄别<") < table.index(">定级<")
    table = by_name.split('id="table"')[1]
    assert table.index(">定级<") < table.index(">甄别<")


def test_a_grade_a_unit_and_a_period_narrow_it(desk: Desk):
    seat = desk.seat("zhaoming")

    for narrowed in ("grade=major_negative", "since=2026-04", "until=2026-02"):
        page = seat.get(f"/performance?process=triage&{narrowed}")
        assert page.status_code == 200
        assert "所选范围内没有记录" in page.text
    assert "所选范围内没有记录" not in seat.get("/performance?process=triage&since=2026-03&until=2026-03").text
    of_unit = seat.get("/performance?process=triage&unit=gengbao").text
    assert "选了单位时" in of_unit


@pytest.mark.parametrize("odd", ["process=none", "version=ffff"])
def test_what_is_not_there_is_not_found(desk: Desk, odd: str):
    assert desk.seat("zhaoming").get(f"/performance?{odd}").status_code == 404


@pytest.mark.parametrize(
    "odd", ["since=x", "until=2026-99", "colour=pink", "order=;drop", "since=2026-05&until=2026-01"]
)
def test_an_odd_address_shows_a_page_all_the_same(desk: Desk, odd: str):
    assert desk.seat("zhaoming").get(f"/performance?{odd}").status_code == 200


def test_broken_limits_are_counted(desk: Desk):
    page = desk.seat("wangfang").get("/performance").text

    limits = re.sub(r"<[^>]+>|\s+", " ", page.split('<h2 class="card-title">时限')[1])
    assert re.search(r"甄别时限（30分钟）\s+triage\s+3\s+2\s+1\s+0\s+66\.7%", limits)


def test_the_table_can_be_taken_out_and_that_is_logged(desk: Desk):
    answer = desk.seat("wangfang").post("/performance", {"process": "triage", "order": "times"})

    with desk.world.services.engine.connect() as conn:
        newest = exports(conn).exports[0]
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert (newest.kind, newest.user_id, newest.size) == ("performance", "wangfang", len(answer.data))
    assert f"第{newest.number}号" in rows[0][-1]
    screen = next(row for row in rows if row[1] == "Task_screen")
    assert screen[:6] == ["环节", "Task_screen", "甄别", "3", "0", "3"]
    assert screen[9:11] == ["1", "1500"]
    assert [row[4:7] for row in rows if row[0] == "时限" and "甄别" in row[2]] == [["0", "2", "1"]]


def test_a_form_without_the_session_token_takes_nothing_out(desk: Desk):
    assert desk.seat("wangfang").client.post("/performance", data={"process": "triage"}).status_code == 400


def test_an_office_without_a_process_says_so(seat):
    page = seat("zhaoming").get("/performance")

    assert page.status_code == 200
    assert "还没有发布流程" in page.text
