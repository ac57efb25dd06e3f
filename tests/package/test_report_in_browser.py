"""The HTML report of a package in a real browser: it shows Chinese, and asks for nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from engine.service.report import CaseReport, Pairs, Section
from engine.service.report_html import html
from tests.package.conftest import Office
from tests.support.forger import Unpacked


def test_the_report_shows_the_case_in_chinese_and_fetches_nothing(
    office: Office, unpack: Callable[[], Unpacked], page: Page
):
    path = unpack().root / "data" / "reports" / f"{office.late.id}.html"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(path.as_uri())

    assert page.title().startswith(office.late.id)
    assert page.get_by_role("heading", name="办理经过").is_visible()
    assert page.get_by_text("已超时").first.is_visible()
    assert asked == [path.as_uri()]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not wide, "nothing sticks out at the side"


def test_what_somebody_wrote_into_a_case_stays_text(page: Page, tmp_path: Path):
    evil = "<script>document.title='ran'</script><img src=http://d01.example/x onerror=\"document.title='ran'\">"
    made = CaseReport("X-1", evil, (Section(evil, (Pairs(((evil, evil),), evil, evil),)),))
    (tmp_path / "evil.html").write_text(html(made, evil, evil), encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto((tmp_path / "evil.html").as_uri())

    assert page.title().startswith("X-1 <script>")
    assert len(asked) == 1
    assert page.locator("script, img").count() == 0
