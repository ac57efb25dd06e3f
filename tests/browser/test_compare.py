"""The process owner looks at what a deployment changed: both diagrams marked, moving together, rows leading to both."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.office import ROOT, Office, Staff

MORNING = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
FILE = "bpmn/unit_handling.bpmn"
NOTE = (
    '<bpmn:textAnnotation id="Note_new"><bpmn:text>自送达起算</bpmn:text></bpmn:textAnnotation></bpmn:process>',
    '<bpmndi:BPMNShape id="Note_new_di" bpmnElement="Note_new"><dc:Bounds x="300" y="40" width="140" height="30" />'
    "</bpmndi:BPMNShape></bpmndi:BPMNPlane>",
)


def edited(folder: Path) -> Path:
    """The shipped bundle with a tighter limit, a note, and a shape put elsewhere."""
    for name in ("bpmn", "forms"):
        shutil.copytree(ROOT / name, folder / name)
    path = folder / FILE
    drawn = path.read_text(encoding="utf-8")
    for before, after in (
        ("PT8H", "PT6H"),
        ("</bpmn:process>", NOTE[0]),
        ("</bpmndi:BPMNPlane>", NOTE[1]),
        ('bpmnElement="Event_eight_hours">', 'bpmnElement="Event_eight_hours" isMarkerVisible="true">'),
    ):
        assert before in drawn
        drawn = drawn.replace(before, after, 1)
    path.write_text(drawn, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("office"), MORNING) as opened:
        changed = edited(tmp_path_factory.mktemp("changed"))
        done = opened.command("deploy", str(changed), "--reason", "意见时限收紧到6小时", "--actor", "sunli")
        assert done.returncode == 0, done.stderr
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture
def staff(office: Office, open_page: Callable[..., Page]) -> Staff:
    return Staff(office, open_page)


def view(page: Page, side: str) -> list[float]:
    """Where the diagram of a side stands and how large, as the browser draws it."""
    shown = page.locator(f"[data-side={side}] .viewport").get_attribute("transform") or ""
    return [round(float(number), 2) for number in re.findall(r"-?\d+(?:\.\d+)?", shown)]


def classes(page: Page, side: str, element: str) -> str:
    found = page.locator(f"[data-side={side}] .djs-element[data-element-id={element}]")
    return found.first.get_attribute("class") or ""


def test_what_a_deployment_changed_is_seen_on_both_diagrams(staff: Staff):
    page = staff["sunli"].go("/deployments")

    page.get_by_role("link", name="与上一版比较").click()
    expect(page.get_by_text("由8小时改为6小时，收紧2小时。")).to_be_visible()
    expect(page.locator("[data-findings]")).to_be_visible()
    page.get_by_role("link", name=FILE).click()
    expect(page.locator("#compare-diagrams[data-ready=yes]")).to_be_visible()

    assert "mark-changed" in classes(page, "old", "Event_eight_hours")
    assert "mark-changed" in classes(page, "new", "Event_eight_hours")
    assert "mark-added" in classes(page, "new", "Note_new")
    assert page.locator("[data-side=old] [data-element-id=Note_new]").count() == 0
    expect(page.locator("[data-side=new] .diagram-note", has_text="新增")).to_be_visible()
    assert view(page, "old") == view(page, "new")

    before = view(page, "old")
    page.locator("[data-side=new]").get_by_role("button", name="放大").click()
    assert view(page, "old") == view(page, "new") != before
    page.get_by_text("两图同步移动和缩放").click()
    page.locator("[data-side=new]").get_by_role("button", name="放大").click()
    assert view(page, "old") != view(page, "new")

    page.get_by_role("button", name="8小时意见时限").first.click()
    for side in ("old", "new"):
        assert "chosen" in classes(page, side, "Event_eight_hours")
        expect(page.locator(f"[data-side={side}] .diagram-about")).to_contain_text("收紧2小时")
    expect(page.locator("tr.compare-chosen").first).to_contain_text("8小时意见时限")


def test_on_a_phone_the_words_come_first_and_nothing_is_wider_than_the_screen(staff: Staff):
    page = staff.at_phone("sunli").go("/deployments")
    page.get_by_role("link", name="与上一版比较").click()
    page.get_by_role("link", name=FILE).click()
    expect(page.locator("#compare-diagrams[data-ready=yes]")).to_be_attached()

    words = page.locator(".compare-words").bounding_box()
    pictures = [page.locator(f"[data-side={side}]").bounding_box() for side in ("old", "new")]

    assert words is not None and pictures[0] is not None and pictures[1] is not None
    assert (
        words["y"] + words["height"] <= pictures[0]["y"] < pictures[0]["y"] + pictures[0]["height"] <= pictures[1]["y"]
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
