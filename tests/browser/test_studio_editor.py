"""The process owner changes the 8-hour limit in the browser; the check of the regulation says at once what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import Office, Staff

MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
FILE = "bpmn/unit_handling.bpmn"
LIMIT = "[data-element-id=Event_eight_hours]"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("office"), MORNING) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


def editor_of(staff: Staff, title: str) -> Page:
    """A new draft of the live version, with the diagram of the unit's work open."""
    page = staff["sunli"].go("/studio")
    page.get_by_label("草稿名称").fill(title)
    page.get_by_role("button", name="开始修改").click()
    link = page.locator(f"a.text-break[href$='/edit/{FILE}']")
    page.locator("details.card").filter(has=link).locator("summary").first.click()
    link.click()
    expect(page.locator("#editor[data-ready=yes][data-marked]")).to_be_visible()
    return page


def saved(page: Page, state: str = "saved") -> None:
    expect(page.locator(f"#editor[data-state={state}]")).to_be_visible()


def test_a_longer_limit_is_marked_with_its_clause_and_undoing_it_clears_the_mark(staff: Staff):
    page = editor_of(staff, "放宽时限")
    expect(page.locator("[data-counts]")).to_have_text("没有发现问题")
    assert int(page.locator("#editor").get_attribute("data-open-ms") or 0) > 0

    page.locator(LIMIT).click()
    expect(page.get_by_label("期限长度")).to_have_value("PT8H")
    page.get_by_label("期限长度").fill("PT9H")
    saved(page)

    badge = page.locator(".lint-badge-error")
    expect(badge).to_have_text("2")  # and a hint: the clock is still called by eight
    expect(badge).to_have_attribute("title", re.compile("R50"))
    expect(page.locator(".finding-error")).to_contain_text("R50")
    expect(page.locator(LIMIT)).to_have_class(re.compile("lint-error"))

    page.locator("[data-do=undo]").click()
    expect(page.locator(".lint-badge-error")).to_have_count(0)
    expect(page.locator("[data-counts]")).to_have_text("没有发现问题")


def test_two_people_at_one_file_are_told_of_each_other(staff: Staff, open_page: Callable[..., Page]):
    page = editor_of(staff, "两人同改")
    beside = page.context.new_page()
    beside.goto(page.url)
    expect(beside.locator("#editor[data-ready=yes]")).to_be_visible()
    page.locator(LIMIT).click()
    page.get_by_label("期限长度").fill("PT6H")
    saved(page)

    beside.locator(LIMIT).click()
    beside.get_by_label("期限长度").fill("PT7H")
    expect(beside.locator("dialog.ask")).to_contain_text("孙丽")
    beside.get_by_role("button", name="用对方的").click()

    saved(beside, "clean")
    beside.locator(LIMIT).click()
    expect(beside.get_by_label("期限长度")).to_have_value("PT6H")


def test_a_phone_shows_the_diagram_and_hands_out_the_file(staff: Staff):
    address = editor_of(staff, "手机查看").url.removeprefix(staff.office.url)
    phone = staff.at_phone("sunli").go(address)

    expect(phone.get_by_text("编辑需要更宽的屏幕")).to_be_visible()
    expect(phone.locator(LIMIT)).to_be_visible()
    expect(phone.locator(".djs-palette")).to_be_hidden()
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    with phone.expect_download() as handed:
        phone.get_by_role("link", name="下载").click()
    assert handed.value.suggested_filename == "unit_handling.bpmn"
