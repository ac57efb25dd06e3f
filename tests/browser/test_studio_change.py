"""Issue 6, from the modeler to the undo: eight hours become six. What-if lists exactly the past cases that would have
been late; the version is approved and deployed; running cases move with their anchors kept, and come back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from engine.domain.clock import FixedClock
from engine.domain.codec import parse_instant
from engine.service.settings import Settings
from tests.browser.office import Office, Seat, Staff, follow
from tests.support.walks import account_for, assign, feed_back, give_opinion, graded, publish
from tests.support.world import CaseView, World
from webui.formats import minute

MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
"""Tuesday 09:00 in Xuchang: when the past cases are assigned to their units."""
TRACKED = timedelta(days=31)
"""After so long an archived case is closed."""
FILE = "bpmn/unit_handling.bpmn"
LIMIT = "[data-element-id=Event_eight_hours]"
EIGHT_HOURS = "8小时意见时限"
IN_EVIDENCE = "提出回复意见"
PROVEN = re.compile("全部 \\d+ 步重新执行，与记录一致")
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
REASON = "按 3 月例会意见，提出意见的时限由 8 小时缩短为 6 小时。"


class Past(World):
    """The office's own database before its server begins: cases made through the same door, not by clicks."""

    def __init__(self, office: Office) -> None:
        self.settings = Settings(database_url=f"sqlite:///{office.folder}/opinion.db", data_dir=office.folder)
        self.clock = FixedClock(office.now)
        self.numbers = itertools.count(1)
        self.start()


@dataclass
class Change:
    """The office on an evening in April. `late`: past cases in which a unit took more than six hours and at most eight;
    `others`: all other past cases; `running`: their eight hours tick; `delivered`: when they came to their units."""

    office: Office
    late: set[str]
    others: set[str]
    running: dict[str, datetime]


def assigned(world: World, *units: str) -> CaseView:
    case = graded(world)
    case.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
    assign(case, *units)
    return case


def close(world: World, *closing: CaseView) -> None:
    for case in closing:
        publish(case)
        feed_back(case)
        case.fill_all("Task_closing_review", "Task_archive")
    world.wait(days=TRACKED.days)
    assert {case.live.status for case in closing} == {"closed"}


def prepared(office: Office) -> Change:
    """Six past cases by how long their units took, and two running ones delivered at different times."""
    world = Past(office)
    quick, just_in_time, just_late, slow, both = (
        assigned(world, *units)
        for units in (("gengbao",), ("guihua",), ("gengbao",), ("guihua",), ("gengbao", "guihua"))
    )
    broken = assigned(world, "yuzhou")
    world.wait(hours=3)
    give_opinion(quick)
    give_opinion(both, "guihua")
    world.wait(hours=2, minutes=59)
    give_opinion(just_in_time)
    world.wait(minutes=2)
    give_opinion(just_late)
    world.wait(hours=1)
    give_opinion(both, "gengbao")
    world.wait(minutes=58)
    give_opinion(slow)
    world.wait(hours=1)
    account_for(broken)
    give_opinion(broken)
    close(world, quick, just_in_time, just_late, slow, both, broken)

    running = {}
    for hours in (1, 2):
        case = assigned(world, "gengbao")
        (limit,) = [one for one in case.live.limits.values() if one.plan.limit == "eight_hours"]
        running[case.id] = parse_instant(limit.anchor_at)
        world.wait(hours=hours)
    world.services.sealer.seal()
    world.services.engine.dispose()
    office.set_clock(world.clock.now())
    late = {just_late.id, slow.id, both.id}
    return Change(office, late, {quick.id, just_in_time.id, broken.id}, running)


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Change]:
    office = Office(tmp_path_factory.mktemp("office"), MORNING)
    office.environment["OPINION_TWO_APPROVERS"] = "yes"
    made = prepared(office)
    with office:
        yield made
    assert "Traceback" not in office.log.read_text(), office.log.read_text()


@pytest.fixture
def staff(change: Change, open_page: Callable[..., Page]) -> Staff:
    return Staff(change.office, open_page)


def test_six_hours_are_tried_out_deployed_and_given_to_running_cases_which_come_back(change: Change, staff: Staff):
    owner = staff["sunli"]
    draft = shortened(owner.go("/studio"))

    found = tried_out(owner.go(draft))
    assert found["breach"] == change.late
    assert found["same"] == change.others | set(change.running)
    assert not found["stuck"] and not found["other"]
    shown_side_by_side(owner.page, sorted(change.late)[0])

    accept_what_the_scenarios_do_now(owner.go(draft))
    agreed_and_deployed(staff, draft)

    page = looked_at_for_migration(owner.page)
    for case, delivered in change.running.items():
        expect(dues(page, case)).to_have_text(
            [minute(delivered), minute(delivered + timedelta(hours=8)), minute(delivered + timedelta(hours=6))]
        )
    page.get_by_label("迁移原因").fill(REASON)
    page.get_by_role("button", name="迁移全部 2 件").click()
    expect(page.locator("[data-case]", has_text="已迁移")).to_have_count(2)
    batch = page.url.removeprefix(change.office.url)
    clerk = staff["wangfang"]
    for case, delivered in change.running.items():
        assert on_record(clerk, case) == [("已终止", delivered, 8), ("进行中", delivered, 6)]
        expect(clerk.page.get_by_text("案件改用另一版流程时重新计算；起算点不变")).to_be_visible()

    page = owner.go(batch)
    page.get_by_role("button", name="全部撤销（2 件）").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(page.locator("[data-case]", has_text="已撤销")).to_have_count(2)
    auditor = staff["zhaoming"]
    for case, delivered in change.running.items():
        assert on_record(clerk, case)[1:] == [("已终止", delivered, 6), ("进行中", delivered, 8)]
        expect(clerk.go(f"/cases/{case}/timeline").get_by_text(REASON).first).to_be_visible()
        expect(auditor.go(f"/cases/{case}/replay").get_by_text(PROVEN)).to_be_visible()


def shortened(page: Page) -> str:
    """A draft with six hours, changed in the modeler; its address. No clause forbids it; a hint is given."""
    page.get_by_label("草稿名称").fill("缩短时限")
    draft = re.sub("^https?://[^/]+", "", follow(page.get_by_role("button", name="开始修改")).url)
    link = page.locator(f"a.text-break[href$='/edit/{FILE}']")
    page.locator("details.card").filter(has=link).locator("summary").first.click()
    link.click()
    expect(page.locator("#editor[data-ready=yes][data-marked]")).to_be_visible()
    page.locator(LIMIT).click()
    page.get_by_label("期限长度").fill("PT6H")
    expect(page.locator("#editor[data-state=saved]")).to_be_visible()
    expect(page.locator("[data-counts]")).to_have_text("1 处提示")
    expect(page.locator(".finding-info")).to_contain_text("名称里写的是 8小时，实际期限是 PT6H")
    return draft


def tried_out(page: Page) -> dict[str, set[str]]:
    """Runs all cases over the draft; verdict -> the cases that the page lists under it."""
    page.get_by_role("link", name="试算", exact=True).click()
    page.get_by_role("button", name="开始试算").click()
    expect(page.locator("[data-verdict]")).to_have_count(4)
    found = {}
    for verdict in ("breach", "stuck", "other", "same"):
        follow(page.locator(f"[data-verdict={verdict}]"))
        expect(page).to_have_url(re.compile(f"verdict={verdict}"))
        found[verdict] = {str(row.get_attribute("data-case")) for row in page.locator("[data-case]").all()}
    return found


def shown_side_by_side(page: Page, case: str) -> None:
    page.locator("[data-verdict=breach]").click()
    page.locator(f"[data-case={case}]").click()
    first = page.locator("[data-first-difference]")
    expect(first.locator("td").nth(1)).not_to_contain_text("超时")
    expect(first.locator("td").nth(2)).to_contain_text(f"超时：{EIGHT_HOURS}")
    expect(page.locator("[data-diagram-id=drawn-now] svg .djs-shape").first).to_be_visible()


def accept_what_the_scenarios_do_now(page: Page) -> None:
    """The bundle's own scenarios hold it to eight hours: refused until the process owner says that six are meant."""
    page.get_by_label("发布理由").fill(REASON)
    page.get_by_role("button", name="提请批准").click()
    sure(page)
    expect(page.get_by_role("alert")).to_contain_text("测试情形")
    page.get_by_role("alert").get_by_role("link").click()
    failing = page.get_by_role("button", name="采用现在的结果")
    expect(failing.first).to_be_visible()
    for left in range(failing.count() - 1, -1, -1):
        failing.first.click()
        sure(page)
        expect(page.locator("#messages")).to_contain_text("已更新")
        expect(failing).to_have_count(left)
    expect(page.get_by_text("5 个全部通过")).to_be_visible()


def agreed_and_deployed(staff: Staff, draft: str) -> None:
    page = staff["sunli"].go(draft)
    page.get_by_label("发布理由").fill(REASON)
    page.get_by_role("button", name="提请批准").click()
    sure(page)
    expect(page.get_by_text("等待他人批准")).to_be_visible()
    chief = staff["liuwei"].go(draft)
    chief.get_by_role("button", name="批准", exact=True).click()
    sure(chief)
    expect(chief.locator("#messages")).to_contain_text("已批准")  # else the proposer may look before it is recorded
    page = staff["sunli"].go(draft)
    page.get_by_role("button", name="发布", exact=True).click()
    sure(page)
    expect(page.locator("#messages")).to_contain_text("已发布版本")
    expect(page.get_by_text(REASON)).to_be_visible()


def looked_at_for_migration(page: Page) -> Page:
    page.get_by_role("link", name="运行中案件的迁移").click()
    expect(page.get_by_text("有 2 件在办案件不在这一版上")).to_be_visible()
    page.get_by_role("button", name="试算", exact=True).click()
    expect(page.locator("[data-case]", has_text="可以迁移")).to_have_count(2)
    return page


def dues(page: Page, case: str) -> Locator:
    """The cells of the limit in the dry run: since when, due now, due after."""
    row = page.locator(f"[data-case={case}]")
    row.locator("summary").click()
    return row.get_by_role("row", name=EIGHT_HOURS).get_by_role("cell").filter(has_text=re.compile("^2026"))


def on_record(seat: Seat, case: str) -> list[tuple[str, datetime, int]]:
    """The evidence of the eight hours: of each time that they ran the state, the anchor, and for how many hours."""
    page = seat.go(f"/cases/{case}/evidence")
    found = []
    for section in page.locator("section").filter(has=page.get_by_role("heading", name=IN_EVIDENCE)).all():
        state = section.locator("h3 .status-pill").inner_text()
        stamps = [STAMP.search(row(section, name).inner_text()) for name in ("起算", "到期")]
        anchor, due = (datetime.fromisoformat(f"{one[0]}+08:00").astimezone(UTC) for one in stamps if one)
        found.append((state, anchor, round((due - anchor) / timedelta(hours=1))))
    return found


def row(section: Locator, name: str) -> Locator:
    named = section.page.get_by_role("rowheader", name=re.compile(f"^{name}$"))
    return section.get_by_role("row").filter(has=named).first


def sure(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
