"""台账 and 待明确事项: what the office keeps beside its cases."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from engine.service import register_records, settled_points
from engine.service.catalogue import sentences
from engine.service.log_tables import export_results
from engine.service.register_records import STREAM, Record
from engine.service.registers import REGISTERS
from engine.service.settled_points import Standing
from tests.support.desk import Browser, Desk
from tests.support.world import xuchang
from webui import register_files

SINCE = re.compile(r"((?:已同意|尚未确认)：[^，<]+，[^<·]+?) ·")
PATROL: dict[str, Any] = {
    "began_at": "2026-03-02T08:30", "ended_at": "2026-03-02T09:00", "sources": ["forum", "weibo"], "result": "nothing",
}  # fmt: skip
CONTACT: dict[str, Any] = {"outlet": "中原观察(虚构)", "person": "记者甲", "phone": "0374-1234567"}


def journaled(desk: Desk) -> int:
    with desk.world.services.journal.reading() as tx:
        head = tx.head(STREAM)
    return 0 if head is None else head.seq


def keep(seat: Browser, name: str, **values: Any) -> Any:
    return seat.post(f"/registers/{name}", values)


def test_a_patrol_that_found_nothing_is_a_record_and_an_entry_of_the_journal(desk: Desk):
    seat, before = desk.seat("chenjing"), journaled(desk)

    answered = keep(seat, "patrol", **PATROL)
    page = seat.get("/registers/patrol").text

    assert answered.status_code == 303
    assert "未发现" in page and "论坛、微博" in page
    assert journaled(desk) == before + 1


def test_a_patrol_of_another_unit_is_seen_by_the_office_and_not_by_other_units(own_desk: Desk):
    keep(own_desk.seat("chenjing"), "patrol", **PATROL, note="只给办公室看")

    assert "只给办公室看" in own_desk.seat("wangfang").get("/registers/patrol").text
    assert "只给办公室看" not in own_desk.seat("zhouwei").get("/registers/patrol").text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"began_at": ""}, "必填"),
        ({"ended_at": "2026-03-02T08:00"}, "不得早于开始"),
        ({"ended_at": "2026-03-02T23:00"}, "不能晚于现在"),
        ({"sources": ["telegraph"]}, "请从列表中选择"),
        ({"note": "长" * 1001}, "最多 1000 个字"),
    ],
)
def test_a_refused_record_keeps_what_was_typed_and_says_why(desk: Desk, wrong: dict[str, Any], said: str):
    seat, before = desk.seat("wangfang"), journaled(desk)

    answered = keep(seat, "patrol", **{**PATROL, "found": "许都论坛第三帖", **wrong})

    assert answered.status_code == 422
    assert said in answered.text and "许都论坛第三帖" in answered.text
    assert journaled(desk) == before


def test_an_amendment_stands_for_the_subject_and_the_earlier_record_stays(own_desk: Desk):
    seat = own_desk.seat("wangfang")
    keep(seat, "media_contact", **CONTACT)

    amended = seat.post("/registers/media_contact/1", {**CONTACT, "phone": "0374-7654321"})
    listed, history = seat.get("/registers/media_contact").text, seat.get("/registers/media_contact/1").text

    assert amended.status_code == 303
    assert "0374-7654321" in listed and "0374-1234567" not in listed
    assert "0374-1234567" in history


def test_media_contacts_are_the_offices_alone(desk: Desk):
    assert desk.seat("zhangmin").get("/registers/media_contact").status_code == 404
    assert desk.seat("zhaoming").get("/registers/media_contact").status_code == 404
    assert desk.seat("liqiang").post("/registers/media_contact", CONTACT).status_code == 404


def test_what_belongs_to_a_case_is_read_and_written_by_who_sees_the_case(desk: Desk):
    case = desk.graded()
    case.fill("Task_assign", lead_unit="gengbao")
    told = {"trend": "rising", "reach": "city", "note": "转发在增加"}

    handler = desk.seat("liqiang").post(f"/cases/{case.id}/registers/judgement", told)
    stranger = desk.seat("zhouwei").post(f"/cases/{case.id}/registers/judgement", told)

    assert (handler.status_code, stranger.status_code) == (303, 404)
    assert "转发在增加" in desk.seat("wangfang").get(f"/cases/{case.id}/registers").text
    assert desk.seat("zhouwei").get(f"/cases/{case.id}/registers").status_code == 404


def test_a_shared_summary_shows_the_named_units_the_summary_and_nothing_else(own_desk: Desk):
    case = own_desk.registered(title="只有办公室知道的标题")
    own_desk.seat("wangfang").post(
        f"/cases/{case.id}/registers/sharing", {"units": ["yuzhou"], "summary": "禹州一处堆场扬尘，正在核实"}
    )

    named, other = own_desk.seat("chenjing").get("/shared").text, own_desk.seat("zhouwei").get("/shared").text

    assert "禹州一处堆场扬尘" in named and "只有办公室知道的标题" not in named and f"/cases/{case.id}" not in named
    assert "禹州一处堆场扬尘" not in other


def test_a_sharing_that_holds_is_shown_though_thirty_newer_ones_do_not_concern_the_unit(own_desk: Desk):
    case, services, office = own_desk.registered(), own_desk.world.services, own_desk.world.actor("wangfang")
    told = [{"units": ["yuzhou"], "summary": "禹州的老事情"}, {"units": ["yuzhou"], "until_date": "2026-03-01"}]
    told += [{"units": ["gengbao"], "summary": f"别的单位 {number}"} for number in range(30)]
    for one in told:
        register_records.add(services, office, "sharing", {"summary": "过期的", **one}, case_id=case.id)

    named, other = own_desk.seat("chenjing").get("/shared").text, own_desk.seat("liqiang").get("/shared").text
    first, second = (own_desk.seat("wangfang").get(f"/shared?page={page}").text for page in (1, 2))

    assert "禹州的老事情" in named and "过期的" not in named and "别的单位" not in named
    assert other.count("别的单位") == 30 and "禹州" not in other
    assert first.count("别的单位") == 30 and "禹州的老事情" not in first and "1 / 2" in first
    assert "禹州的老事情" in second and "过期的" not in first + second


def test_a_patrol_before_midnight_that_was_entered_after_it_counts_on_its_day(own_desk: Desk):
    own_desk.world.clock.set(xuchang("2026-03-03 00:10"))
    keep(
        own_desk.seat("wangfang"),
        "patrol",
        **{**PATROL, "began_at": "2026-03-02T23:30", "ended_at": "2026-03-02T23:50"},
    )
    own_desk.world.clock.set(xuchang("2026-03-10 09:00"))
    seat = own_desk.seat("wangfang")

    on_its_day, day_after, before = (
        seat.get(f"/registers/patrol/coverage?day=2026-03-{day}").text.count("status-ok") for day in ("02", "09", "01")
    )

    assert (on_its_day, day_after, before) == (3, 0, 0)  # two sources, one unit; a week that begins on the 3rd


def test_the_coverage_page_tells_where_nobody_looked(own_desk: Desk):
    seat = own_desk.seat("wangfang")
    keep(seat, "patrol", **PATROL)

    page = seat.get("/registers/patrol/coverage").text

    assert page.count("status-ok") == 3  # two sources, one unit
    assert "09:00、15:00、21:00" in page


def test_a_record_cannot_be_changed_or_deleted_by_the_database_s_own_user(own_desk: Desk):
    keep(own_desk.seat("wangfang"), "patrol", **PATROL)
    engine = own_desk.world.services.engine

    for statement in ("UPDATE register_records SET body = '{}'", "DELETE FROM register_records"):
        with pytest.raises(DBAPIError), engine.connect().execution_options(writing=True) as conn, conn.begin():
            conn.execute(text(statement))


def test_a_leader_approves_a_default_and_a_changed_one_is_open_again(own_desk: Desk):
    leader, auditor = own_desk.seat("liuwei"), own_desk.seat("zhaoming")
    chosen = "回复澄清，严重的登记移送公安、网信部门"

    before = auditor.get("/points").text
    answered = leader.post("/points/G-9", {"chosen": chosen, "state": "approved", "note": "同意"})
    after = auditor.get("/points").text
    stale = leader.post("/points/G-9", {"chosen": "别的做法", "state": "approved"})

    assert before.count('data-point="approved"') == 0
    assert answered.status_code == 303
    assert after.count('data-point="approved"') == 1 and "刘伟" in after
    assert stale.status_code == 409
    assert auditor.post("/points/G-9", {"chosen": chosen, "state": "approved"}).status_code == 403


def test_compliance_says_who_approved_a_default_and_since_when(own_desk: Desk):
    def said(page: str) -> tuple[str, list[str]]:
        row = page.split(">G-9</td>")[1].split("</tr>")[0]
        return page.split(">G-9</td>")[0].rpartition('data-point="')[2].partition('"')[0], SINCE.findall(row)

    leader, reader = own_desk.seat("liuwei"), own_desk.seat("fengxue")
    typed = {"chosen": "回复澄清，严重的登记移送公安、网信部门", "note": "按此办"}
    before = reader.get("/compliance").text
    leader.post("/points/G-9", {**typed, "state": "approved"})
    own_desk.world.clock.set(own_desk.world.clock.now() + timedelta(minutes=20))
    approved, own = reader.get("/compliance").text, reader.get("/points").text
    leader.post("/points/G-9", {**typed, "state": "open"})
    reopened = reader.get("/compliance").text

    assert said(before) == ("open", [])
    assert said(approved) == ("approved", ["已同意：刘伟，2026-03-02 09:00"]) and "按此办" in approved
    assert SINCE.findall(own) == said(approved)[1], "the page of the points says the same"
    assert approved.count('data-point="approved"') == 1
    assert said(reopened) == ("open", ["尚未确认：刘伟，2026-03-02 09:20"])
    assert 'href="/points"' in approved


def test_a_default_that_a_new_version_changed_is_no_longer_approved(own_desk: Desk):
    with own_desk.world.services.engine.connect() as conn:
        bundle = own_desk.world.services.deployments.bundle()
        fresh = settled_points.standing(conn, bundle)[0]
    values = {"state": "approved", "chosen": fresh.point.chosen}
    record = Record(1, "point", 1, "", "julingdao", "liuwei", own_desk.world.clock.now(), values)

    states = [
        fresh.state,
        Standing(fresh.point, record).state,
        Standing(replace(fresh.point, chosen="改为另一做法"), record).state,
    ]

    assert states == ["open", "approved", "changed"]


def test_the_process_owner_finds_the_points_in_his_menu_and_changes_none(desk: Desk):
    owner, stranger = desk.seat("sunli"), desk.seat("qianjin")

    menu, page = owner.get("/account").text, owner.get("/points").text

    assert 'href="/points"' in menu and "待明确事项" in menu
    assert 'data-point="' in page and 'action="/points/' not in page
    assert 'href="/points"' not in stranger.get("/account").text
    assert stranger.get("/points").status_code == 403


def test_every_register_has_words_for_its_fields_and_values_in_both_languages(desk: Desk):
    for register in REGISTERS.values():
        for field in register.fields:
            keys = [f"register.{register.name}.{field.name}"]
            keys += [f"{keys[0]}.{value}" for value in field.options if field.name != "sources"]
            for key in keys:
                for language in ("zh", "en"):
                    assert key in sentences(language), key


def lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def exports(desk: Desk) -> int:
    with desk.world.services.engine.connect() as conn:
        return conn.execute(select(func.count()).select_from(export_results)).scalar_one()


def test_a_register_is_taken_out_as_csv_and_excel_and_logged(own_desk: Desk):
    seat = own_desk.seat("wangfang")
    keep(seat, "patrol", **PATROL)
    keep(seat, "media_contact", **CONTACT)
    seat.post("/registers/media_contact/2", {**CONTACT, "phone": "0374-7654321", "note": "=1+1"})
    before = exports(own_desk)

    patrols = lines(seat.post("/registers/patrol/export.csv").data)
    contacts = lines(seat.post("/registers/media_contact/export.csv").data)
    book = load_workbook(io.BytesIO(seat.post("/registers/patrol/export.xlsx").data))

    assert "wangfang" in patrols[0][0] and patrols[1][0] == "记录号"
    assert patrols[2][1:5] == ["2026-03-02 08:30", "2026-03-02 09:00", "论坛、微博", "未发现"]
    assert contacts[2][0] == "3" and contacts[2][-1] == "2", "the record that stands, and which it amends"
    assert "0374-7654321" in contacts[2] and "'=1+1" in contacts[2] and len(contacts) == 3
    assert [cell.value for cell in book.worksheets[0][3]][4] == "未发现"
    assert exports(own_desk) == before + 3


def test_a_file_of_a_register_holds_what_the_page_lists_for_the_person_and_nothing_else(own_desk: Desk):
    case = own_desk.registered()
    office, unit, auditor = own_desk.seat("wangfang"), own_desk.seat("zhouwei"), own_desk.seat("zhaoming")
    keep(own_desk.seat("chenjing"), "patrol", **PATROL, note="只给办公室看")
    keep(unit, "patrol", **PATROL, note="本单位的")
    told = {"to": "petition", "number": "XF-1", "state": "sent"}
    office.post(f"/cases/{case.id}/registers/link", told)

    mine = unit.post("/registers/patrol/export.csv").text
    of_cases = lines(auditor.post("/registers/link/export.csv").data)

    assert "本单位的" in mine and "只给办公室看" not in mine
    assert of_cases[1][1] == "案件编号" and of_cases[2][1] == case.id and "XF-1" in of_cases[2]
    for seat, name in ((unit, "link"), (auditor, "media_contact"), (office, "phrases"), (office, "point")):
        assert seat.post(f"/registers/{name}/export.csv").status_code == 404, name
        assert seat.post(f"/registers/{name}/export.xlsx").status_code == 404, name


def test_a_file_that_holds_not_all_records_says_so(own_desk: Desk, monkeypatch: pytest.MonkeyPatch):
    seat = own_desk.seat("wangfang")
    for _ in range(3):
        keep(seat, "patrol", **PATROL)
    monkeypatch.setattr(register_files, "MOST_ROWS", 2)

    cut = lines(seat.post("/registers/patrol/export.csv").data)
    monkeypatch.setattr(register_files, "MOST_ROWS", 3)
    whole = lines(seat.post("/registers/patrol/export.csv").data)

    assert [line[0] for line in cut[2:]] == ["3", "2", "只列出最新的 2 条"]
    assert [line[0] for line in whole[2:]] == ["3", "2", "1"]
