"""What an auditor sees in a real Chromium, and what comes out of its printer: the mark on every sheet."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import Office, Staff

AFTERNOON = datetime(2026, 3, 3, 8, 40, 30, tzinfo=UTC)
OBJECT = re.compile(rb"(\d+) 0 obj\r?\n(.*?)endobj", re.S)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The demo office on Tuesday afternoon, with its cases."""
    with Office(tmp_path_factory.mktemp("audit"), AFTERNOON, cases=True) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


def marked_sheets(pdf: bytes) -> list[bool]:
    """For each sheet, whether it draws the tile of the mark: a form filled with a pattern over the whole sheet."""
    objects = {int(number): body for number, body in OBJECT.findall(pdf)}

    def drawn(number: int) -> bytes:
        head, _, rest = objects[number].partition(b"stream")
        data = rest.lstrip(b"\r\n").rpartition(b"endstream")[0]
        return zlib.decompress(data) if b"FlateDecode" in head else data

    def is_mark(number: int) -> bool:
        return b"/Subtype /Form" in objects[number] and re.search(rb"/Pattern cs\s?/P\d+ scn|/P\d+ scn", drawn(number))

    sheets = []
    for body in objects.values():
        if not re.search(rb"/Type\s*/Page\b", body):
            continue
        content = re.search(rb"/Contents (\d+) 0 R", body)
        assert content
        forms = re.findall(rb"/X(\d+) Do", drawn(int(content[1])))
        sheets.append(any(is_mark(int(form)) for form in forms))
    return sheets


def test_every_sheet_of_a_printed_case_carries_whose_print_it_is(staff: Staff):
    page = staff["wangfang"].go("/cases/WQ-2026-000001/papers")
    page.wait_for_load_state("networkidle")

    marked = page.pdf(format="A4")
    page.evaluate("document.querySelector('.watermark').remove()")
    unmarked = page.pdf(format="A4")

    assert len(marked_sheets(marked)) >= 3
    assert all(marked_sheets(marked))
    assert not any(marked_sheets(unmarked))


def test_the_mark_stands_on_internal_papers_lets_clicks_through_and_on_other_pages_is_for_paper_only(staff: Staff):
    seat = staff["zhaoming"]
    mark = seat.page.locator(".watermark")

    seat.go("/cases/WQ-2026-000001/papers")
    expect(mark).to_be_visible()
    seat.page.get_by_role("link", name="办理过程").click()

    expect(seat.page).to_have_url(re.compile("/timeline$"))
    expect(mark).to_be_hidden()
    seat.page.emulate_media(media="print")
    expect(mark).to_be_visible()


def test_the_auditor_goes_from_his_start_page_to_a_case_and_finds_his_own_look(staff: Staff):
    seat = staff["zhaoming"]
    page = seat.page
    expect(page.get_by_role("heading", level=1)).to_have_text("审计首页")

    page.get_by_role("main").get_by_role("link", name="案件 打开任一案件").click()
    expect(page).to_have_url(re.compile("/cases$"))
    seat.go("/cases/WQ-2026-000001")
    page.get_by_role("link", name="谁看过本案").click()

    first = page.locator("tbody tr").first
    expect(first).to_contain_text("赵明")
    expect(first).to_contain_text("WQ-2026-000001")
    expect(first).to_contain_text("职责：审计管理员")


def test_the_audit_pages_fit_a_phone(staff: Staff):
    seat = staff.at_phone("zhaoming")

    for path in ("/audit", "/audit/looks", "/audit/exports"):
        page = seat.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
