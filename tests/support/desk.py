"""The deployed program with its pages: cases at a chosen step, and browsers signed in as anybody of the cast."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from engine.domain.codec import JSON
from engine.readmodels import dossier
from engine.service import people_sessions
from engine.service.transactions import writing
from tests.support.world import MONDAY, CaseView, World
from webui import create_app

TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
BLOCK = re.compile(r'<script type="application/json" id="([a-z-]+)">(.*?)</script>', re.S)
HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')

ITEM: dict[str, Any] = {"discovered_by": "patrol", "reporter": "王芳", "no_state_secret": True}
SCREENED: dict[str, Any] = {
    "relevant": True, "directly_related": True, "authenticity": "genuine", "business_line": "gengbao", "n1": True,
    "screen_note": "属实",
}  # fmt: skip
GRADED: dict[str, Any] = {"grade": "ordinary_negative", "grade_reason": "甄别结果明确"}


class Browser:
    """A browser with somebody signed in. Sends forms as our pages do, with the token of its session."""

    def __init__(self, desk: Desk, login: str) -> None:
        self.client = desk.app.test_client()
        self.login = login
        self.token = ""
        with writing(desk.world.services.engine) as conn:
            sid = people_sessions.open_session(conn, desk.world.clock.now(), login, "127.0.0.1")
        with self.client.session_transaction() as cookie:
            cookie["_user_id"] = sid
            cookie["_fresh"] = True

    def get(self, path: str, **more: Any) -> TestResponse:
        response = self.client.get(path, **more)
        found = TOKEN.search(response.text) if response.mimetype == "text/html" else None
        self.token = found[1] if found else self.token
        return response

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        if not self.token:
            self.get("/account")
        return self.client.post(path, data={"csrf_token": self.token, **(data or {})}, **more)

    def send_form(self, path: str, values: dict[str, JSON], page: str = "", **fields: Any) -> TestResponse:
        """What the viewer sends: the values as JSON beside the page's own hidden fields and the files."""
        hidden = dict(HIDDEN.findall(page or self.get(path).text))
        if not self.token:
            self.get("/account")
        data = {**hidden, "submission": json.dumps(values), "action": "submit", **fields}
        return self.client.post(path, data={**data, "csrf_token": self.token}, content_type="multipart/form-data")


class Desk:
    """One installation and its pages."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.app: Flask = create_app(self.world.services)

    def seat(self, login: str) -> Browser:
        return Browser(self, login)

    def registered(self, **values: Any) -> CaseView:
        """A case that waits for its screening."""
        return self.world.open(**{**ITEM, **values})

    def graded(self, **values: Any) -> CaseView:
        """An ordinary case: waits for the leader's instruction and for the office to assign it."""
        case = self.registered(**values)
        case.submit("wangfang", "Task_screen", **SCREENED)
        case.submit("wangfang", "Task_grade", **GRADED)
        return case

    def row(self, case: CaseView, task: str) -> dossier.TaskRow:
        with self.world.services.engine.connect() as conn:
            found = dossier.task(conn, case.id, task)
        assert found is not None, task
        return found


def task_url(case: CaseView, task: str) -> str:
    return f"/tasks/{case.id}/{quote(task)}"


def blocks(response: TestResponse) -> dict[str, Any]:
    """The JSON blocks of a page with a form, by id."""
    return {name: json.loads(text) for name, text in BLOCK.findall(response.text)}


@pytest.fixture(scope="module")
def _installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("desk"))
    yield desk
    desk.world.services.engine.dispose()


@pytest.fixture
def desk(_installation: Desk) -> Desk:
    """An installation that the tests of a module share; each makes its own cases. It is 09:00 on a Monday."""
    _installation.world.clock.set(MONDAY)
    return _installation


@pytest.fixture
def own_desk(tmp_path: Path) -> Iterator[Desk]:
    """An installation of the test's own, for counting what lies in the inbox."""
    desk = Desk(tmp_path)
    yield desk
    desk.world.services.engine.dispose()
