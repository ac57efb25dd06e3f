"""Entering an item in a real Chromium: what a bookmark carries behind the #, a screenshot from the clipboard, and what
becomes of both; then the list on a phone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import Office, Staff

MORNING = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
PASTE = """async () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 20;
  const image = await new Promise((done) => canvas.toBlob(done));
  const carried = new DataTransfer();
  carried.items.add(new File([image], "image.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("items"), MORNING) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


def test_a_bookmark_fills_the_form_a_screenshot_is_pasted_and_both_are_kept(office: Office, staff: Staff):
    told = {"title": "神垕镇一处耕地被硬化", "url": "https://post.example/1", "body": "有没有手续？"}
    page = staff["wangfang"].go("/items/new?kind=page")

    page.goto(f"{page.url}#{quote(json.dumps(told))}")
    page.reload()
    expect(page.locator("[name=title]")).to_have_value(told["title"])
    assert "#" not in page.url, "what the bookmark carried stays in the address"
    page.evaluate(PASTE)
    page.select_option("[name=source_type]", "forum")
    page.fill("[name=source_name]", "许都论坛(虚构)")
    page.click(".action-bar .btn-primary")

    expect(page.locator("h1")).to_have_text(told["title"])
    expect(page.get_by_text("screenshot-")).to_be_visible()
    assert "神垕镇" not in office.log.read_text()
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.url.rpartition("/")[0])
    expect(page.get_by_role("link", name=told["title"])).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    filters = page.get_by_label("来源类型")
    expect(filters).to_be_hidden()
    page.get_by_text("筛选", exact=True).click()
    expect(filters).to_be_visible()
