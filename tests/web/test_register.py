"""登记舆情: the start form, from the page to the new case's number."""

import json
import re
from datetime import timedelta

from engine.readmodels import cases
from tests.support.desk import Desk, blocks
from tests.support.world import MONDAY

ITEM = {
    "title": "网友反映河道旁采砂",
    "body": "视频称河道旁夜间采砂, 林地受损。",
    "source_type": "short_video",
    "source_name": "某短视频平台",
    "url": "https://v.example/1",
    "discovered_at": "2026-03-02T08:50+08:00",
    "district": "禹州市",
    "item_kind": "tip_off",
    "discovered_by": "patrol",
    "reporter": "陈静",
    "no_state_secret": True,
}


def test_the_form_comes_with_the_present_minute_as_the_instant_of_discovery(desk: Desk):
    desk.world.clock.set(MONDAY + timedelta(minutes=7, seconds=31))

    page = desk.seat("chenjing").get("/register")

    assert page.status_code == 200
    assert blocks(page)["form-schema"]["id"] == "register"
    assert blocks(page)["form-data"]["discovered_at"] == "2026-03-02T09:07+08:00"


def test_a_registered_item_is_a_case_whose_number_is_shown(desk: Desk):
    clerk = desk.seat("chenjing")

    answer = clerk.send_form("/register", ITEM)

    assert answer.status_code == 303
    number = re.fullmatch(r"/cases/(WQ-2026-\d{6})", answer.location)[1]
    assert f"已登记，案件编号 {number}。" in clerk.get("/inbox").text
    with desk.world.services.engine.connect() as conn:
        row = cases.get(conn, number)
    assert (row.title, row.opened_by, row.district) == ("网友反映河道旁采砂", "chenjing", "禹州市")


def test_a_refused_registration_keeps_what_was_typed(desk: Desk):
    answer = desk.seat("chenjing").send_form("/register", {**ITEM, "url": "no address", "source_name": ""})

    given = blocks(answer)
    assert answer.status_code == 422
    assert given["form-data"]["title"] == ITEM["title"]
    assert set(given["form-faults"]) == {"url", "source_name"}


def test_an_instant_of_discovery_in_the_future_is_refused_at_its_field(desk: Desk):
    answer = desk.seat("chenjing").send_form("/register", {**ITEM, "discovered_at": "2026-03-02T10:00+08:00"})

    assert answer.status_code == 422
    assert list(blocks(answer)["form-faults"]) == ["discovered_at"]


def test_the_same_page_sent_twice_opens_one_case(desk: Desk):
    clerk = desk.seat("chenjing")
    page = clerk.get("/register").text

    first = clerk.send_form("/register", ITEM, page)
    again = clerk.send_form("/register", ITEM, page)

    assert first.location == again.location


def test_nobody_opens_a_case_in_the_name_of_somebody_elses_page(desk: Desk):
    page = desk.seat("chenjing").get("/register").text
    desk.seat("chenjing").send_form("/register", ITEM, page)
    first = desk.seat("chenjing").send_form("/register", ITEM, page).location

    other = desk.seat("yangyang").send_form("/register", ITEM, page)

    assert other.status_code == 303
    assert other.location != first


def test_a_registration_under_way_is_saved_restored_and_forgotten(desk: Desk):
    clerk = desk.seat("panyue")

    saved = clerk.post("/drafts/register", {"submission": json.dumps({"title": "写到一半"})})
    restored = clerk.get("/register")
    clerk.send_form("/register", ITEM, restored.text)

    assert saved.status_code == 204
    assert blocks(restored)["form-data"]["title"] == "写到一半"
    assert blocks(clerk.get("/register"))["form-data"].get("title") in (None, "")


def test_a_draft_can_be_discarded(desk: Desk):
    clerk = desk.seat("jiangnan")
    clerk.post("/drafts/register", {"submission": json.dumps({"title": "不要了"})})

    clerk.post("/drafts/register/discard")

    assert blocks(clerk.get("/register"))["form-data"].get("title") in (None, "")


def test_a_draft_that_is_too_large_or_unreadable_is_refused(desk: Desk):
    clerk = desk.seat("jiangnan")

    assert clerk.post("/drafts/register", {"submission": json.dumps({"title": "很" * 200_000})}).status_code == 422
    assert clerk.post("/drafts/register", {"submission": "{"}).status_code == 422


def test_who_does_no_case_work_registers_nothing(desk: Desk):
    for login in ("qianjin", "wumin", "zhaoming", "sunli"):
        assert desk.seat(login).get("/register").status_code == 403
        assert desk.seat(login).post("/register", {"submission": json.dumps(ITEM)}).status_code == 403
