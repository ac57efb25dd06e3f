"""常用批示: changed by the office without a new version, journaled, and what a tap on an outdated page does."""

from __future__ import annotations

import json
import re

import pytest

from engine.definitions.bundle import read_bundle
from engine.service import options
from engine.service.phrases import REGISTER
from engine.service.register_records import STREAM
from engine.service.registers import MOST_LINES
from tests.support.desk import Browser, Desk, blocks, task_url

REGISTER_LIST = "instruction_phrases"
SHIPPED = "请速核实并报结果。"
OWN = ["请执法支队牵头核实。", "同意。", "请当天报结果。"]


@pytest.fixture
def place(own_desk: Desk) -> Desk:
    return own_desk


def after(page: str) -> str:
    found = re.search(r'name="after" value="(\d+)"', page)
    assert found is not None
    return found[1]


def keep(seat: Browser, lines: list[str], **more: str) -> int:
    data = {"phrases": "\r\n".join(lines), "after": after(seat.get("/phrases").text), **more}
    return seat.post("/phrases", data).status_code


def buttons(page: str) -> list[str]:
    return re.findall(r'name="phrase" value="([^"]*)"', page)


def test_the_office_writes_its_own_phrases_and_leaders_get_them_in_that_order(place: Desk):
    case = place.graded()
    leader, url = place.seat("zhangmin"), task_url(case, case.task("Task_instruct_vice"))
    before = buttons(leader.get(url).text)

    answered = keep(place.seat("wangfang"), ["", f"  {OWN[0]} ", *OWN[1:], ""])
    shown = buttons(leader.get(url).text)
    tapped = leader.post(url, {"phrase": OWN[0]})

    assert SHIPPED in before and answered == 303 and shown == OWN
    assert tapped.status_code == 303
    assert case.data["instructions"][-1]["text"] == OWN[0]


def test_a_phrase_that_is_gone_is_told_and_stands_in_the_text(place: Desk):
    case = place.graded()
    leader, url = place.seat("zhangmin"), task_url(case, case.task("Task_instruct_vice"))
    page = leader.get(url).text
    keep(place.seat("wangfang"), OWN)

    tapped = leader.post(url, {"phrase": SHIPPED})
    typed = leader.send_form(url, {"instruction_text": "先由办公室核实。"}, page, phrase=SHIPPED)

    row = place.row(case, case.task("Task_instruct_vice"))
    assert (tapped.status_code, typed.status_code, row.state) == (422, 422, "open")
    (fault,) = blocks(tapped)["form-faults"]["instruction_text"]
    assert "常用批示刚刚改过" in fault and SHIPPED in fault and buttons(tapped.text) == OWN
    assert blocks(tapped)["form-data"]["instruction_text"] == SHIPPED
    assert blocks(typed)["form-data"]["instruction_text"] == "先由办公室核实。", "not written over"


@pytest.mark.parametrize(
    "lines, says",
    [
        ([], "必填"),
        ([OWN[0], "同意", OWN[0]], "第 3 行与第 1 行相同"),
        (["同意", "批" * 61], "第 2 行太长"),
        ([f"第{number}句" for number in range(MOST_LINES + 1)], f"最多 {MOST_LINES} 句"),
    ],
)
def test_a_list_that_can_not_be_is_refused_and_stays_in_the_page(place: Desk, lines: list[str], says: str):
    seat = place.seat("wangfang")

    answer = seat.post("/phrases", {"phrases": "\n".join(lines), "after": "0"})

    assert answer.status_code == 422 and says in answer.text
    assert all(line in answer.text for line in lines)
    assert after(seat.get("/phrases").text) == "0"


def test_two_people_who_change_the_list_at_once_do_not_undo_each_other(place: Desk):
    first, second = place.seat("wangfang"), place.seat("lina")
    seen = after(second.get("/phrases").text)
    keep(first, OWN)

    answer = second.post("/phrases", {"phrases": "照办。", "after": seen})

    assert answer.status_code == 409 and "别人又改过" in answer.text and "照办。" in answer.text
    assert buttons_of_page(second.get("/phrases").text) == OWN


def buttons_of_page(page: str) -> list[str]:
    return re.findall(r"<li[^>]*>([^<]+)</li>", page.partition("data-phrases")[2])


def test_the_office_goes_back_to_the_phrases_of_the_version_and_every_change_stays(place: Desk):
    seat = place.seat("wangfang")
    keep(seat, OWN)
    answered = keep(seat, OWN, action="default")

    page = place.seat("zhaoming").get("/phrases").text

    assert answered == 303 and SHIPPED in buttons_of_page(page)
    assert "恢复为流程包自带的" in page and page.count("王芳") >= 2
    with place.world.services.journal.reading() as tx:
        entries = [entry for entry in tx.read(STREAM) if entry.command["register"] == REGISTER]
    assert [entry.actor for entry in entries] == ["wangfang", "wangfang"]
    assert entries[0].events[0]["values"] == {"phrases": OWN}
    assert "values" not in entries[1].events[0]


def test_the_process_owner_may_change_them_too_and_nobody_else(place: Desk):
    assert keep(place.seat("sunli"), OWN) == 303
    assert place.seat("zhaoming").get("/phrases").status_code == 200
    assert place.seat("zhaoming").post("/phrases", {"phrases": "同意。"}).status_code == 403
    assert place.seat("zhangmin").get("/phrases").status_code == 403


def test_the_list_has_no_page_among_the_registers(place: Desk):
    assert place.seat("wangfang").get("/registers/phrases").status_code == 404
    assert place.seat("wangfang").post("/registers/phrases", {"phrases": "同意。"}).status_code == 404


def test_a_form_that_offers_the_phrases_itself_offers_those_of_the_office(place: Desk):
    services = place.world.services
    files = services.deployments.files(services.deployments.live())
    form = json.loads(files["forms/instruction.form"])
    form["components"].append({"type": "select", "key": "usual", "label": "常用", "valuesKey": REGISTER_LIST})
    changed = read_bundle({**files, "forms/instruction.form": json.dumps(form).encode()})
    keep(place.seat("wangfang"), OWN)

    with services.engine.connect() as conn:
        offered = options.options(conn, changed)[REGISTER_LIST]
        accepted = options.FINDERS[REGISTER_LIST](conn, changed, [OWN[0], SHIPPED])

    assert offered == OWN and accepted == [OWN[0]]
