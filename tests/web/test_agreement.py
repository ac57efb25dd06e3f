"""建议与定级: figures, the list of what was decided differently, its files, and who reads which of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from engine.domain.commands import OpenCase
from engine.service import item_decisions, item_triage, items
from engine.service.application import Done
from engine.service.item_fields import NewItem
from engine.service.transactions import writing
from tests.support.desk import Desk
from tests.support.world import World

MARCH = "from=2026-03-01&to=2026-03-31"
TITLE = "建安区苏桥镇耕地被硬化"


def come_in(world: World, title: str, body: str, unit: str = "office") -> int:
    told = {"source_type": "forum", "source_name": "论坛", "url": "", "route": "manual", "entered_by": "wangfang"}
    with writing(world.services.engine) as conn:
        added = items.add_all(conn, world.clock.now(), [NewItem(title=title, body=body, unit=unit, **told)])
    item_triage.run(world.services, {})
    return added[0].item_id


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One item graded as suggested, one graded higher, one found not to be ours."""
    desk = Desk(tmp_path_factory.mktemp("agreement"))
    world = desk.world
    grades = {
        come_in(world, TITLE, "路边二十亩耕地浇了水泥，村民问有没有手续。"): ("major_negative", "已有聚集"),
        come_in(world, "禹州鸠山镇采石场边坡垮塌", "今晨采石场边坡垮塌，村道中断。", ""): (
            "major_negative",
            "突发事件",
        ),
    }
    for item, (grade, reason) in grades.items():
        values = {
            "title": "网友反映", "body": "网帖称某处用地有问题。", "source_type": "forum", "source_name": "论坛",
            "district": "市本级", "discovered_at": world.stamp(0), "item_kind": "appeal", "discovered_by": "patrol",
            "no_state_secret": True,
        }  # fmt: skip
        opening = OpenCase("opinion_case", values)
        done = item_decisions.open_case(world.services, world.actor("wangfang"), item, opening, f"wangfang:o{item}")
        assert isinstance(done, Done), done
        case = world.case(done.case_id)
        case.fill("Task_screen", m4=True, places=["建安区"], county_matter=True)
        case.fill("Task_grade", grade=grade, grade_reason=reason)
    other = come_in(world, "魏都区七一路天天堵车", "红绿灯配时不合理，希望交警优化。")
    item_decisions.irrelevant(world.services, world.actor("wangfang"), other, "交警的事")
    yield desk
    world.services.engine.dispose()


def lines(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def summary(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt[^>]*>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", page))


def test_the_page_counts_and_lists_what_was_decided_differently_with_its_reason(place: Desk):
    page = place.seat("wangfang").get(f"/statistics/agreement?{MARCH}").text

    assert (
        summary(page)["已决定"] == "3" and summary(page)["与建议相同"] == "2" and summary(page)["采纳率（%）"] == "66.7"
    )
    assert TITLE in page and "已有聚集" in page and "采石场" not in page
    assert re.search(r"<mark>[^<]*(耕地|手续|硬化|水泥)", page)
    assert "仅人认为符合：" in page


def test_the_filters_narrow_figures_and_list_alike(place: Desk):
    seat = place.seat("zhangmin")

    machines = seat.get(f"/statistics/agreement?{MARCH}&unit=-").text
    not_ours = seat.get(f"/statistics/agreement?{MARCH}&grade=not_ours").text
    later = seat.get("/statistics/agreement?from=2026-03-20&to=2026-03-31").text

    assert summary(machines)["已决定"] == "1" and TITLE not in machines
    assert summary(not_ours)["与建议不同"] == "0" and summary(not_ours)["已决定"] == "1"
    assert summary(later)["已决定"] == "0" and "没有这样的条目" in later


def test_a_file_of_each_table_says_what_the_page_says(place: Desk):
    seat = place.seat("zhaoming")
    asked = {"from": "2026-03-01", "to": "2026-03-31"}

    listed = lines(seat.post("/statistics/agreement.csv", {**asked, "table": "agreement_list"}).data)
    grades = lines(seat.post("/statistics/agreement.csv", {**asked, "table": "agreement_grades"}).data)
    book = load_workbook(io.BytesIO(seat.post("/statistics/agreement.xlsx", asked).data))

    assert "zhaoming" in listed[0][0] and len(listed) == 3
    assert TITLE in listed[2] and "已有聚集" in listed[2] and "王芳" in listed[2]
    assert sum(int(line[-1]) for line in grades[2:]) == 3
    assert len(book.worksheets) == 5


def test_the_process_owner_sees_figures_and_words_but_not_whose_case_it_was(place: Desk):
    seat = place.seat("sunli")

    page = seat.get(f"/statistics/agreement?{MARCH}").text
    listed = seat.post(
        "/statistics/agreement.csv", {"table": "agreement_list", "from": "2026-03-01", "to": "2026-03-31"}
    )

    assert summary(page)["已决定"] == "3" and "<mark>" in page
    for text in (page, listed.data.decode("utf-8-sig")):
        assert TITLE not in text and "已有聚集" not in text and "WQ-2026-" not in text


def test_who_may_not_see_statistics_sees_no_agreement_and_a_wrong_choice_is_told(place: Desk):
    assert place.seat("yangyang").get("/statistics/agreement").status_code == 403
    assert place.seat("wangfang").get("/statistics/agreement?grade=green").status_code == 422
    assert place.seat("wangfang").post("/statistics/agreement.csv", {"table": "people"}).status_code == 422
    assert place.seat("wangfang").post("/statistics/agreement.xlsx", {"from": "gestern"}).status_code == 422
