"""The duty roster: kept by the office, read by everybody who works on cases, taken out as a file."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from sqlalchemy import select

from engine.service import people, people_units
from engine.service.log_tables import export_log, export_results
from engine.service.people_tables import duty_roster
from engine.service.people_tables import people_log as people_log_table
from engine.service.transactions import writing

NIGHT = {"on_date": "2026-03-04", "shift": "night", "part": "leader", "user_id": "zhangmin"}
REMOVE = "取消 张敏 的值班"


def kept(services) -> list[tuple[str, str, str, str]]:
    with services.engine.connect() as conn:
        rows = conn.execute(select(duty_roster).order_by(duty_roster.c.duty_id))
        return [(row.on_date, row.shift, row.part, row.user_id) for row in rows]


@pytest.mark.parametrize("login", ["wangfang", "qianjin"])
def test_the_roster_shows_the_week_and_a_line_can_be_taken_off(seat, login):
    keeper = seat(login)

    added = keeper.post("/duty", NIGHT)
    week = keeper.get("/duty?day=2026-03-08").text
    next_week = keeper.get("/duty?day=2026-03-09").text
    removed = keeper.post("/duty/1/remove", {"day": "2026-03-04"})

    assert (added.status_code, removed.status_code) == (303, 303)
    assert added.location == removed.location == "/duty?day=2026-03-04"
    assert REMOVE in week and REMOVE not in next_week
    assert REMOVE not in keeper.get("/duty?day=2026-03-04").text


def test_who_keeps_the_roster_is_in_the_log_of_people(seat, services):
    seat("wangfang").post("/duty", NIGHT)
    seat("wangfang").post("/duty/1/remove")

    with services.engine.connect() as conn:
        rows = conn.execute(select(people_log_table).order_by(people_log_table.c.log_id.desc()).limit(2)).all()
    assert [(row.actor, row.action, row.subject) for row in rows] == [
        ("wangfang", "duty_removed", "duty:2026-03-04"),
        ("wangfang", "duty_added", "duty:2026-03-04"),
    ]
    assert json.loads(rows[1].after) == NIGHT
    assert "安排值班" in seat("wumin").get("/admin/changes?q=2026-03-04").text


@pytest.mark.parametrize("login", ["zhangmin", "liuwei", "liqiang", "yangyang", "fengxue", "zhaoming", "wumin"])
def test_others_read_the_roster_and_change_nothing(seat, services, login):
    seat("wangfang").post("/duty", NIGHT)
    reader = seat(login)

    page = reader.get("/duty?day=2026-03-04").text
    answers = [reader.post("/duty", {**NIGHT, "shift": "day"}), reader.post("/duty/1/remove")]

    assert "张敏" in page and "夜班" in page and "带班" in page
    assert REMOVE not in page and 'name="user_id"' not in page
    assert [answer.status_code for answer in answers] == [403, 403]
    assert kept(services) == [("2026-03-04", "night", "leader", "zhangmin")]


def test_the_process_owner_has_no_roster(seat):
    owner = seat("sunli")

    assert owner.get("/duty").status_code == 403
    assert 'href="/duty"' not in owner.get("/account").text


@pytest.mark.parametrize("login", ["zhangmin", "sunli", "zhaoming", "wumin"])
def test_the_service_refuses_who_may_not_keep_it_whatever_page_asks(services, login):
    now = services.clock.now()
    with writing(services.engine) as conn:
        actor = people.actor(conn, login, now)
        keeper = people.actor(conn, "wangfang", now)
        asked = {"on_date": now.date(), "shift": "day", "part": "officer", "user_id": "lina"}

        refused = people_units.add_duty(conn, actor, now, **asked)
        made = people_units.add_duty(conn, keeper, now, **asked)
        left = people_units.remove_duty(conn, actor, now, 1)

    assert made is None
    assert [one.code for one in (refused, left)] == ["forbidden", "forbidden"]
    assert len(kept(services)) == 1


def test_one_s_own_name_stands_out(seat):
    seat("wangfang").post("/duty", NIGHT)

    own, other = (seat(login).get("/duty?day=2026-03-04").text for login in ("zhangmin", "liuwei"))

    assert '<span class="text-nowrap fw-bold">张敏</span>' in own
    assert '<span class="text-nowrap fw-bold">张敏</span>' not in other


@pytest.mark.parametrize("login", ["wangfang", "zhangmin", "yangyang", "zhaoming", "qianjin", "wumin"])
def test_the_menu_leads_to_the_roster_once(seat, login):
    page = seat(login).get("/account").text

    assert page.split("</aside>")[0].count('href="/duty"') == 1


def test_the_admins_still_begin_with_the_people(seat):
    assert seat("qianjin").get("/").location == "/admin/persons"


def test_the_address_of_before_still_leads_to_the_week_asked_for(seat):
    answer = seat("qianjin").client.get("/admin/duty?day=2026-03-09")

    assert answer.status_code == 308
    assert re.search(r"/duty\?day=2026-03-09$", answer.location)
    assert not answer.location.endswith("/admin/duty?day=2026-03-09")


def test_a_refused_entry_keeps_what_was_typed_and_says_why(seat, services):
    office = seat("wangfang")
    office.post("/duty", NIGHT)

    twice = office.post("/duty", NIGHT)
    no_day = office.post("/duty", {**NIGHT, "on_date": "30. Februar", "shift": "day"})
    nobody = office.post("/duty", {**NIGHT, "user_id": "nobody"})

    assert (twice.status_code, no_day.status_code, nobody.status_code) == (409, 422, 422)
    assert "该人员已安排在这个班次" in twice.text and 'value="2026-03-04"' in twice.text
    assert '<option value="zhangmin" selected>' in no_day.text and "invalid-feedback" in no_day.text
    assert "没有这个人员" in nobody.text
    assert len(kept(services)) == 1


@pytest.mark.parametrize("day", ["", "x", "0001-01-01", "9999-12-31", "2026-02-30"])
def test_the_roster_of_any_day_can_be_asked_for(seat, day):
    assert seat("wangfang").get(f"/duty?day={day}").status_code == 200


def test_a_period_is_taken_out_as_a_file_that_is_logged(seat, services):
    office = seat("wangfang")
    for entry in (
        {"on_date": "2026-03-04", "shift": "day", "part": "officer", "user_id": "lina"},
        NIGHT,
        {"on_date": "2026-03-10", "shift": "day", "part": "officer", "user_id": "lina"},
    ):
        assert office.post("/duty", entry).status_code == 303

    answer = seat("zhangmin").post("/duty/export.csv", {"from": "2026-03-02", "to": "2026-03-09"})

    marked, header, *rows = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert "zhangmin" in marked[0]
    assert header == ["日期", "星期", "班次", "值班类别", "姓名"]
    assert rows == [
        ["2026-03-04", "星期三", "白班", "值班", "李娜"],
        ["2026-03-04", "星期三", "夜班", "带班", "张敏"],
    ]
    with services.engine.connect() as conn:
        log = conn.execute(export_log.select().order_by(export_log.c.number.desc())).first()
        made = conn.execute(export_results.select().order_by(export_results.c.number.desc())).first()
    assert (log.user_id, log.kind, log.subject) == ("zhangmin", "csv", "duty 2026-03-02 2026-03-09")
    assert (made.export, made.size) == (log.number, len(answer.data))


def test_no_file_is_made_for_a_wrong_period(seat, services):
    answer = seat("wangfang").post("/duty/export.csv", {"from": "2026-03-09", "to": "2026-03-02"})

    with services.engine.connect() as conn:
        assert conn.execute(export_log.select()).all() == []
    assert answer.status_code == 422
    assert "结束日期不能早于开始日期" in answer.text and 'value="2026-03-09"' in answer.text
