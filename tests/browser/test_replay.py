"""An auditor steps through a case with a breach, and what the page shows is what the record says."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import Office, Seat, Staff

AFTERNOON = datetime(2026, 3, 3, 8, 40, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The demo office: cases under way, some of them late."""
    with Office(tmp_path_factory.mktemp("office"), AFTERNOON, cases=True) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


@pytest.fixture(scope="module")
def recorded(office: Office) -> dict[str, Any]:
    """The record of a late case with some steps after its first breach, as the command line reads it."""
    told = office.command("replay", _late(office), "--json")
    assert told.returncode == 0, told.stderr
    case: dict[str, Any] = json.loads(told.stdout)
    late = [step for step, frame in enumerate(case["frames"], 1) if "LimitBreached" in _kinds(frame)]
    return {**case, "breach": late[0]}


def _late(office: Office) -> str:
    """The first case whose breach is not among its first entries. Looked up in the file: asking the command for each
    case in turn would start a dozen processes."""
    with closing(sqlite3.connect(f"file:{office.folder}/opinion.db?mode=ro", uri=True)) as database:
        breaches: dict[str, int] = {}
        for case_id, seq, body in database.execute("SELECT case_id, seq, body FROM entries ORDER BY case_id, seq"):
            if "LimitBreached" in {event["kind"] for event in json.loads(body)["events"]}:
                breaches.setdefault(case_id, seq)
    return next(case_id for case_id, seq in breaches.items() if seq > 3)


def _kinds(frame: dict[str, Any]) -> set[str]:
    return {event["kind"] for event in frame["events"]}


def at_step(page: Page, step: int) -> None:
    expect(page.locator("#replay")).to_have_attribute("data-step", str(step))
    expect(page.locator("#replay-step h2").first).to_contain_text(f"第 {step} / ")


def assert_shows(page: Page, frame: dict[str, Any]) -> None:
    """Tasks, limits, digest and actor of the step are those of the record."""
    tasks = page.locator("[data-tasks] li .fw-bold:first-child").all_text_contents()
    assert sorted(tasks) == sorted(task["label"] for task in frame["tasks"])
    assert page.locator("[data-limits] li .fw-bold:first-child").count() == len(frame["limits"])
    proof = page.locator("#replay-step dl").first.text_content() or ""
    assert frame["digest"]["recorded"] in proof and frame["digest"]["recorded"] == frame["digest"]["again"]
    expect(page.locator("[data-digest]")).to_contain_text("与记录一致")
    scope = page.locator("#replay-step [data-scope][aria-current=true]").get_attribute("data-scope") or ""
    here = [task["task"].rpartition("/") for task in frame["tasks"]]
    for element in {name.partition("#")[0] for inside, _, name in here if inside == scope}:
        shown = page.locator(f".djs-element[data-element-id={element}]").get_attribute("class") or ""
        assert "mark-waiting" in shown or "mark-soon" in shown or "mark-overdue" in shown, element


def test_a_late_case_is_stepped_forward_and_back_and_shows_the_record(office: Office, staff: Staff, recorded):
    case = recorded
    frames, breach = case["frames"], case["breach"]
    page = staff["zhaoming"].go(f"/cases/{case['case']}/replay")
    expect(page.locator("#replay[data-ready=yes]")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    at_step(page, 1)
    assert_shows(page, frames[0])

    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at_step(page, 3)
    assert_shows(page, frames[2])

    page.keyboard.press("b")
    at_step(page, breach)
    assert_shows(page, frames[breach - 1])
    expect(page.locator("[data-sentences] .text-danger").first).to_contain_text("时限超时")
    expect(page.locator("#replay-list [aria-current=step]")).to_have_attribute("data-step", str(breach))

    page.keyboard.press("ArrowLeft")
    at_step(page, breach - 1)
    assert_shows(page, frames[breach - 2])

    track = page.get_by_label("步骤", exact=True)
    track.fill("2")
    at_step(page, 2)
    assert_shows(page, frames[1])
    expect(page.locator("[data-form-ready=yes], [data-form-schema-id]").first).to_be_attached()

    page.keyboard.press("Tab")
    page.locator("#replay-list").focus()
    page.keyboard.press("End")
    at_step(page, len(frames))
    assert all(url.startswith(office.url) for url in asked), asked


def test_the_player_plays_to_the_end_and_stops(office: Office, staff: Staff, recorded):
    case = recorded
    count = len(case["frames"])
    page = staff["zhaoming"].go(f"/cases/{case['case']}/replay?step={max(1, count - 2)}")
    expect(page.locator("#replay[data-ready=yes]")).to_be_visible()

    page.get_by_label("速度").select_option("400")
    page.get_by_role("button", name="播放").click()

    at_step(page, count)
    expect(page.get_by_role("button", name="播放")).to_have_attribute("aria-pressed", "false")


def test_on_a_phone_the_page_is_no_wider_than_the_screen(office: Office, staff: Staff, recorded):
    case = recorded
    seat: Seat = staff.at_phone("zhaoming")
    page = seat.go(f"/cases/{case['case']}/replay?step={case['breach']}")
    expect(page.locator("#replay[data-ready=yes]")).to_be_visible()

    page.get_by_label("下一步").click()

    at_step(page, min(case["breach"] + 1, len(case["frames"])))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
