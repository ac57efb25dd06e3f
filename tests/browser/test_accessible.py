"""Every page of the menu and those behind them, for each kind of person: no serious finding of axe, nothing wider than
a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.office import Office, Staff

AFTERNOON = datetime(2026, 3, 3, 8, 40, 30, tzinfo=UTC)
AXE = Path(__file__).parents[1] / "support" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
PHONE = {"width": 390, "height": 844}
BESIDE: dict[str, tuple[str, ...]] = {
    "wangfang": ("/cases/WQ-2026-000001", "/cases/WQ-2026-000001/registers", "/items/new", "/items/import",
                 "/registers/media_contact", "/registers/patrol/coverage", "/search?q=堆场", "/documents/briefing",
                 "/cases/WQ-2026-000001/timeline", "/cases/WQ-2026-000001/papers", "/cases/WQ-2026-000001/people",
                 "/cases/WQ-2026-000006/comment", "/cases/WQ-2026-000006/copy", "/cases/WQ-2026-000006/files",
                 "/items/bookmarklet", "/password"),
    "zhangmin": ("/points", "/shared", "/statistics/scores", "/statistics/repeated"),
    "sunli": ("/play?of=live&sample=1", "/compare?from=live&to=live"),
    "zhaoming": ("/cases/WQ-2026-000004/replay", "/cases/WQ-2026-000004/evidence", "/cases/WQ-2026-000001/package"),
    "qianjin": ("/admin/persons/new", "/admin/units/new"),
    "wumin": (),
}  # fmt: skip
"""Person -> pages that the menu does not name."""
INNER: dict[str, dict[str, str]] = {
    "wangfang": {"/inbox?view=role": "a[href^='/tasks/']", "/cases/WQ-2026-000006": "main a[href*='/messages/']",
                 "/cases/WQ-2026-000004/papers": "main a[href*='/documents/late']",
                 "/documents/templates": "main a[href^='/documents/templates/']"},
    "zhangmin": {"/inbox?view=role": "a[href^='/tasks/']"},
    "sunli": {"/deployments": "main a[href^='/deployments/']"},
    "zhaoming": {"/audit/checkpoints": "main a[href^='/audit/checkpoints/']",
                 "/compliance": "main a[href^='/compliance/R']"},
    "qianjin": {"/admin/persons": "main a[href^='/admin/persons/']:not([href$=new])",
                "/admin/units": "main a[href^='/admin/units/']:not([href$=new])"},
    "wumin": {"/admin/roles": "main a[href^='/admin/roles/']"},
}  # fmt: skip
"""Person -> page -> the links on it of which the first is followed: pages with an address of their own only there."""
MENU = "els => [...new Set(els.map(one => new URL(one.href).pathname))]"
CHECK = """async () => {
  const found = await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] });
  return found.violations.map(one => [one.id, one.impact, one.nodes.length, one.nodes[0].html.slice(0, 160)]);
}"""


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with Office(tmp_path_factory.mktemp("accessible"), AFTERNOON, cases=True) as opened:
        yield opened
    assert "Traceback" not in opened.log.read_text(), opened.log.read_text()


@pytest.fixture(scope="module")
def checked() -> set[str]:
    """Addresses that somebody's page was examined at: the next person's is not, it is made of the same templates."""
    return set()


def findings(page: Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8"))  # from outside: the pages' own policy lets no such script in
    found: list[Any] = page.evaluate(CHECK)
    return [one for one in found if one[1] in GRAVE]


@pytest.mark.parametrize("login", BESIDE)
def test_every_page_of_the_menu_is_accessible_and_fits_a_phone(
    office: Office, open_page: Callable[..., Page], checked: set[str], login: str
):
    page = Staff(office, open_page)[login].go("/account")
    page.set_viewport_size(PHONE)
    menu: list[str] = page.locator("nav a[href], aside a[href]").evaluate_all(MENU)
    wrong, wide = {}, []
    paths = [one for one in dict.fromkeys([*menu, *BESIDE[login]]) if one not in checked | {"/"}]
    checked.update(paths)
    for listed, links in INNER.get(login, {}).items():
        page.goto(f"{office.url}{listed}")
        paths.append(str(page.locator(links).first.get_attribute("href")))
    paths.append("/")  # each person's own start
    for path in paths:
        page.goto(f"{office.url}{path}")
        page.wait_for_load_state("networkidle")
        if grave := findings(page):
            wrong[path] = grave
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide.append(path)

    assert len(menu) > 3 and not wrong, "\n".join(f"{path}: {one}" for path, found in wrong.items() for one in found)
    assert wide == []


def test_a_field_without_a_name_is_found(office: Office, open_page: Callable[..., Page]):
    page = Staff(office, open_page)["wangfang"].go("/account")

    page.evaluate("document.querySelector('main, body').append(document.createElement('input'))")

    assert "label" in {one[0] for one in findings(page)}
