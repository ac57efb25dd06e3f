"""Takes the pictures in docs/images: `make screenshots`. The demo office on Tuesday afternoon, seen by its people."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect

from tests.browser.office import ROOT, Office, Seat
from tests.support.browser import FLAGS, NoBrowser, driver, found

IMAGES = ROOT / "docs" / "images"
AFTERNOON = datetime(2026, 3, 3, 8, 40, 30, tzinfo=UTC)
"""Tuesday 16:40 in Xuchang: two statements are due before midnight, one unit is late. Half a minute past, so that a
slow machine writes the same minutes into the pictures as a fast one."""
LIMIT_BYTES = 400_000


def open_page(browser: Browser, width: int = 1280, height: int = 900) -> Page:
    phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
    )
    return context.new_page()


def take(page: Page, name: str, height: int = 0, part: str = "") -> None:
    """The window (of `height`), from the top or from `part` of the page on, as docs/images/NAME.png."""
    page.wait_for_load_state("networkidle")
    size = page.viewport_size
    assert size is not None
    if height:
        page.set_viewport_size({"width": size["width"], "height": height})
    top = page.locator(part or "body").evaluate("(one) => one.getBoundingClientRect().top + scrollY - 8")
    page.evaluate("(top) => { document.activeElement?.blur(); scrollTo(0, top); }", top)
    # The badge of the test clock is no part of the product.
    page.evaluate("document.querySelector('header .bg-yellow-lt')?.remove()")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    written = path.stat().st_size
    sys.stdout.write(f"{path.relative_to(ROOT)}  {written // 1000} kB\n")
    assert written < LIMIT_BYTES, f"{name}: {written} bytes"


def start(office: Office, seat: Callable[..., Seat]) -> None:
    take(seat("zhangmin").go("/start"), "start", 860)


def inbox(office: Office, seat: Callable[..., Seat]) -> None:
    take(seat("wangfang").go("/inbox?view=role"), "inbox", 1000)


def form(office: Office, seat: Callable[..., Seat]) -> None:
    page = seat("wangfang").open("水源地旁要建化工厂", "甄别")
    expect(page.locator("[data-form-ready=yes]")).to_be_visible()
    take(page, "form", 1300)


def case(office: Office, seat: Callable[..., Seat]) -> None:
    take(case_page(seat), "case", 1330)


def diagram(office: Office, seat: Callable[..., Seat]) -> None:
    page = case_page(seat)
    page.locator("#diagram-card").get_by_role("link", name="本轮办理", exact=True).click()
    expect(page.locator("#diagram-card [aria-current=page]")).to_have_text("本轮办理")
    expect(page.locator(".djs-container")).to_be_visible()
    take(page, "diagram", 1000, part="#diagram-card")


def case_page(seat: Callable[..., Seat]) -> Page:
    """An ordinary case that two county branches are working on."""
    page = seat("wangfang").go("/cases?q=砂石堆场")
    page.get_by_role("row").get_by_role("link").filter(has_text="砂石堆场").click()
    expect(page.locator(".djs-container")).to_be_visible()
    return page


def clocks(office: Office, seat: Callable[..., Seat]) -> None:
    take(seat("zhaogang").go("/clocks"), "clocks", 1000)


def deployments(office: Office, seat: Callable[..., Seat]) -> None:
    """A changed file with a mistake in it, as a process owner sees it before anything happens."""
    page = seat("sunli").go("/studio")
    diagram = (ROOT / "bpmn" / "triage.bpmn").read_text(encoding="utf-8")
    mistaken = diagram.replace('camunda:decisionRef="grading"', 'camunda:decisionRef="grading-2026"')
    page.get_by_label("选择文件").set_input_files(
        {"name": "triage.bpmn", "mimeType": "application/xml", "buffer": mistaken.encode()}
    )
    page.get_by_role("button", name="上传并检查").click()
    expect(page.locator("#pending")).to_be_visible()
    take(page, "deployments", 650, part="#pending")


def draft_of(page: Page, title: str) -> None:
    """A new draft of the live version, with its page open."""
    page.get_by_label("草稿名称").fill(title)
    page.get_by_role("button", name="开始修改").click()
    expect(page.get_by_role("heading", name=title)).to_be_visible()


def studio(office: Office, seat: Callable[..., Seat]) -> None:
    """The process owner lengthens the eight hours: draft, editor with its mark, both versions side by side."""
    page = seat("sunli", width=1440, height=900).go("/studio")
    draft_of(page, "放宽提出意见的时限")
    address = page.url
    page.goto(f"{address}/edit/bpmn/unit_handling.bpmn")
    expect(page.locator("#editor[data-ready=yes][data-marked]")).to_be_visible()
    page.locator("[data-element-id=Event_eight_hours]").click()
    page.get_by_label("期限长度").fill("PT9H")
    expect(page.locator(".lint-badge-error")).to_be_visible()
    take(page, "studio-editor")
    page.goto(address)
    take(page, "studio-draft", 900)
    page.goto(f"{address.split('/studio/')[0]}/compare?from=live&to=draft:{address.rpartition('/')[2]}")
    expect(page.get_by_text("由8小时改为9小时").first).to_be_visible()
    take(page, "studio-compare", 1000)


def studio_tests(office: Office, seat: Callable[..., Seat]) -> None:
    """The process owner shortens the eight hours: what the bundle's own scenarios say to that."""
    page = seat("sunli").go("/studio")
    draft_of(page, "缩短提出意见的时限")
    address = page.url
    page.goto(f"{address}/edit/bpmn/unit_handling.bpmn")
    expect(page.locator("#editor[data-ready=yes][data-marked]")).to_be_visible()
    page.locator("[data-element-id=Event_eight_hours]").click()
    page.get_by_label("期限长度").fill("PT6H")
    expect(page.locator("#editor[data-state=saved]")).to_be_visible()
    page.goto(f"{address}/tests")
    take(page, "studio-tests", 620)


def play(office: Office, seat: Callable[..., Seat]) -> None:
    """A trial run, a day after registration."""
    page = seat("sunli").go("/play?of=live&sample=1")
    expect(page.locator("[data-form-ready=yes]")).to_be_visible()
    page.get_by_role("button", name="提交这一步").click()
    expect(page.locator(".djs-container")).to_be_visible()
    page.get_by_role("button", name="1小时后").click()
    expect(page.locator("[data-trial-told]")).to_contain_text("超时")
    take(page, "studio-play", 1250)


def phone_inbox(office: Office, seat: Callable[..., Seat]) -> None:
    take(seat("liuwei", width=390, height=844).go("/inbox?view=role"), "phone-inbox")


def phone_instruction(office: Office, seat: Callable[..., Seat]) -> None:
    page = seat("liuwei", width=390, height=844).open("砖厂", "主要领导批示")
    expect(page.locator("[data-form-ready=yes]")).to_be_visible()
    take(page, "phone-instruction")


def replay(office: Office, seat: Callable[..., Seat]) -> None:
    """The auditor at the first breach of a case of two units."""
    page = seat("zhaoming", height=1400).go("/cases/WQ-2026-000004/replay")
    expect(page.locator("#replay[data-ready=yes]")).to_be_visible()
    page.keyboard.press("b")
    expect(page.locator("[data-sentences] .text-danger").first).to_be_visible()
    take(page, "replay", 1250)


PICTURES = (
    start, inbox, form, case, diagram, clocks, deployments, studio, studio_tests, play, phone_inbox,
    phone_instruction, replay,
)  # fmt: skip


def main() -> int:
    IMAGES.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:] or [picture.__name__ for picture in PICTURES]
    with TemporaryDirectory() as folder, driver() as playwright:
        chromium = found(playwright)
        if chromium is None:
            raise NoBrowser("no Chromium on this machine: `make browser` installs one")
        browser = playwright.chromium.launch(
            executable_path=chromium.path, args=list(FLAGS), env={**os.environ, **chromium.environment}
        )
        with Office(Path(folder), AFTERNOON, cases=True) as office:
            for picture in PICTURES:
                if picture.__name__ in wanted:
                    picture(office, partial(seated, office, browser))
        browser.close()
    return 0


def seated(office: Office, browser: Browser, login: str, **size: int) -> Seat:
    return Seat(office, open_page(browser, **size), login)


if __name__ == "__main__":
    sys.exit(main())
