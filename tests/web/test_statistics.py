"""统计, 单位评分, 重复发生 and the wall board, from cases that went through the process."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from engine.service import unit_scores
from engine.service.log_tables import export_log, export_results
from engine.service.people_tables import duty_roster, sessions
from engine.service.transactions import writing
from engine.service.unit_scores import Scores
from tests.support import walks
from tests.support.desk import Desk

MARCH = "from=2026-03-01&to=2026-03-31"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two archived cases, and one whose opinion was sent back and then overdue."""
    desk = Desk(tmp_path_factory.mktemp("statistics"))
    world = desk.world
    walks.archived(world)
    walks.archived(world)
    case = walks.graded(world)
    walks.assign(case, "gengbao")
    world.wait(hours=1)
    case.fill_all("Task_sign", "Task_verify", "Task_opinion")
    world.wait(minutes=5)
    case.fill("Task_confirm", opinion_decision="return", confirm_comment="依据不足")
    world.wait(hours=9)
    world.work()
    yield desk
    world.services.engine.dispose()


def lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def exported(desk: Desk) -> tuple[int, int]:
    with desk.world.services.engine.connect() as conn:
        logs = (export_log, export_results)
        return tuple(conn.execute(select(func.count()).select_from(log)).scalar_one() for log in logs)


def of_march(desk: Desk) -> Scores:
    from webui.period import midnight, parse_day

    first, last = parse_day("2026-03-01"), parse_day("2026-04-01")
    assert first and last
    found = unit_scores.scores(desk.world.services, midnight(first), midnight(last))
    assert isinstance(found, Scores)
    return found


def test_the_page_has_a_table_for_each_chart_and_the_figures_of_the_cases(place: Desk):
    page = place.seat("wangfang").get(f"/statistics?{MARCH}").text

    assert page.count("data-chart=") == page.count('class="chart"') == 9
    assert page.index('id="table-trend"') < page.index('data-table="table-trend"'), "the table is read first"
    assert "普通负面" in page and "登记 → 意见确认" in page and "8小时" in page
    assert "style=" not in page.partition("<main")[2]


def test_lead_times_count_what_cannot_be_judged_apart(place: Desk):
    answer = place.seat("zhangmin").post(
        "/statistics.csv", {"table": "leads", "from": "2026-03-01", "to": "2026-03-31"}
    )

    found = {line[0]: line[4:] for line in lines(answer.data)[2:]}
    assert found["登记 → 交办"] == ["3", "0", "0", "0", "0"]
    assert found["登记 → 意见确认"] == ["2", "0", "1", "0", "0"], "an opinion that was sent back is not handled"
    assert found["发现 → 回应发布"] == ["2", "0", "1", "0", "0"]


@pytest.mark.parametrize("path", ["/statistics.xlsx", "/statistics/scores.xlsx"])
def test_excel_files_are_logged_marked_and_hold_the_tables(place: Desk, path: str):
    before = exported(place)

    answer = place.seat("zhaoming").post(path, {"from": "2026-03-01", "to": "2026-03-31"})

    book = load_workbook(io.BytesIO(answer.data))
    assert exported(place) == (before[0] + 1, before[1] + 1)
    assert len(book.worksheets) == (9 if path == "/statistics.xlsx" else 1)
    assert all("zhaoming" in str(sheet["A1"].value) for sheet in book.worksheets)
    assert all(sheet.max_row >= 3 for sheet in book.worksheets)


def test_a_wrong_period_gives_no_figures_and_no_file(place: Desk):
    seat, before = place.seat("wangfang"), exported(place)

    page = seat.get("/statistics?from=2026-03-09&to=2026-03-01")
    files = [
        seat.post(path, {"from": "gestern", "table": "leads"})
        for path in ("/statistics.csv", "/statistics.xlsx", "/statistics/scores.csv", "/statistics/scores.xlsx")
    ]
    unknown = seat.post("/statistics.csv", {"table": "people"})

    assert page.status_code == 422 and "data-chart" not in page.text
    assert {one.status_code for one in (*files, unknown)} == {422}
    assert seat.get("/statistics/scores?from=2024-01-01&to=2026-03-01").status_code == 422
    assert exported(place) == before


def test_scores_are_those_of_the_table_and_name_the_rules_that_matched(place: Desk):
    (row,) = [one for one in of_march(place).rows if one.unit == "gengbao"]

    page = place.seat("wangfang").get(f"/statistics/scores?{MARCH}").text

    assert dict(row.counts) == {
        "handled": 2, "kept": 2, "broken": 1, "late_registrations": 0, "late_reports": 1, "returned": 1,
    }  # fmt: skip
    assert [(one.rule, one.points) for one in row.gave] == [(1, 100), (2, 2), (4, -5), (6, -5), (7, -2)]
    assert row.score == 90
    assert "第 4 条 R39 每超时一次扣 5 分（-5）" in page and "<strong>90</strong>" in page


def test_another_table_gives_other_points_and_a_broken_one_says_so(place: Desk, monkeypatch: pytest.MonkeyPatch):
    from engine.definitions.bundle import read_bundle

    deployments = place.world.services.deployments
    files = deployments.files(deployments.live())

    def with_table(before: bytes, after: bytes) -> None:
        table = files["bpmn/unit_scoring.dmn"]
        assert before in table
        changed = read_bundle({**files, "bpmn/unit_scoring.dmn": table.replace(before, after)})
        monkeypatch.setattr(type(deployments), "bundle", lambda self, version="": changed)

    with_table(b"-5 * broken", b"-30 * broken")
    (row,) = [one for one in of_march(place).rows if one.unit == "gengbao"]
    with_table(b"-5 * broken", b'"viel"')
    broken = place.seat("wangfang").get(f"/statistics/scores?{MARCH}")
    with_table(b'id="unit_score"', b'id="another_score"')
    gone = place.seat("wangfang").get(f"/statistics/scores?{MARCH}")

    assert row.score == 65
    assert "算不出分数" in broken.text and "没有决策" in gone.text


def test_cases_are_counted_by_the_kind_of_their_root_given_at_the_closing_review(place: Desk):
    seat = place.seat("wangfang")

    page = seat.get(f"/statistics?{MARCH}").text
    listed = lines(seat.post("/statistics.csv", {"from": "2026-03-01", "to": "2026-03-31", "table": "root_cause"}).data)

    assert sorted(listed[2:]) == [["未办结评议", "1"], ["监管不到位", "2"]]
    assert "按问题根源" in page and "类别由办结评议时填写（R67）" in page


def test_the_wall_shows_limits_majors_and_who_is_on_duty(place: Desk):
    world = place.world
    major = walks.graded_major(world)
    with writing(world.services.engine) as conn:
        values = {"on_date": "2026-03-02", "shift": "night", "part": "officer", "user_id": "chenjing"}
        conn.execute(duty_roster.insert().values(**values))

    page = place.seat("wangfang").get("/board/wall").text
    hidden = place.seat("zhouwei").get("/board/wall").text

    assert "陈静" in page and "夜班" in page and f"/cases/{major.id}" in page and "board-number" in page
    assert f"/cases/{major.id}" not in hidden, "who does not see the case does not see it on the wall"


def test_a_wall_that_refreshes_does_not_keep_its_session_alive(place: Desk):
    seat = place.seat("wangfang")
    seat.get("/board/wall")

    def last_seen() -> list[str]:
        with place.world.services.engine.connect() as conn:
            return sorted(conn.scalars(select(sessions.c.seen_at)))

    before = last_seen()
    place.world.clock.set(place.world.clock.now() + timedelta(minutes=5))
    seat.get("/board/wall/today")
    assert last_seen() == before
    seat.get("/board/wall")
    assert last_seen() != before


def test_repeated_cases_are_listed_for_who_sees_all_cases(place: Desk):
    """Last, because it lets the time of tracking pass, after which archived cases are closed."""
    world = place.world
    before = place.seat("wangfang").get("/statistics/repeated").text
    world.wait(days=40)
    world.work()

    page = place.seat("wangfang").get("/statistics/repeated").text
    listed = lines(place.seat("wangfang").post("/statistics/repeated.csv").data)

    assert 'href="/cases/WQ-2026-' not in before
    assert page.count('href="/cases/WQ-2026-') == 2
    assert [line[2] for line in listed[2:]] == ["2", "2"]
    assert [line[listed[1].index("问题根源")] for line in listed[2:]] == ["监管不到位", "监管不到位"]
    assert page.count("监管不到位") == 2
    assert place.seat("sunli").get("/statistics/repeated").status_code == 403
    assert place.seat("sunli").get("/statistics/scores").status_code == 200
