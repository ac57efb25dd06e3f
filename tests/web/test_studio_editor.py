"""The page of an editor: which one a file gets, what it loads, and that no other page loads it."""

from __future__ import annotations

import re

import pytest

from tests.support.desk import Desk
from tests.support.world import ROOT

PAGES = ROOT / "webui" / "templates"


@pytest.fixture
def draft(desk: Desk) -> str:
    """The id of a draft of the live version."""
    made = desk.world.services.bundle_drafts.create(desk.world.actor("sunli"), "试改时限")
    return str(made.draft_id)


def loaded(page: str) -> set[str]:
    """Names of the bundles that a page loads, without their hash."""
    return set(re.findall(r'(?:src|href)="/static/dist/([\w-]+?)(?:-[0-9a-f]{12})?\.(?:js|css)"', page))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("bpmn/unit_handling.bpmn", "bpmn"),
        ("bpmn/routing.dmn", "dmn"),
        ("forms/grade.form", "form"),
        ("bpmn/regulation.toml", "text"),
    ],
)
def test_a_file_opens_in_the_editor_of_its_kind(desk: Desk, draft: str, path: str, kind: str):
    page = desk.seat("sunli").get(f"/studio/{draft}/edit/{path}").text

    assert loaded(page) == {"app", f"studio-{kind}"}
    assert f'data-file-url="/studio/{draft}/files/{path}"' in page
    assert "data-readonly" not in page


def test_any_file_opens_as_text_when_asked(desk: Desk, draft: str):
    page = desk.seat("sunli").get(f"/studio/{draft}/edit/bpmn/unit_handling.bpmn?as=text").text

    assert loaded(page) == {"app", "studio-text"}


def test_a_closed_draft_is_shown_and_not_changed(desk: Desk, draft: str):
    services = desk.world.services
    services.bundle_drafts.discard(draft)

    page = desk.seat("sunli").get(f"/studio/{draft}/edit/bpmn/routing.dmn").text

    assert " data-readonly" in page
    assert 'data-do="save"' not in page and "data-upload" not in page


@pytest.mark.parametrize("address", ["none/edit/bpmn/routing.dmn", "{draft}/edit/bpmn/none.dmn"])
def test_what_is_not_there_is_not_found(desk: Desk, draft: str, address: str):
    assert desk.seat("sunli").get(f"/studio/{address.format(draft=draft)}").status_code == 404


def test_who_may_not_edit_gets_no_editor(desk: Desk, draft: str):
    assert desk.seat("wangfang").get(f"/studio/{draft}/edit/bpmn/routing.dmn").status_code == 403


def test_no_other_page_loads_an_editor():
    asking = {path.name for path in PAGES.rglob("*.html") if "asset('studio-" in path.read_text(encoding="utf-8")}

    assert asking == {"editor.html"}
