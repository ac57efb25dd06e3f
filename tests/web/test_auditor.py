"""The auditor sees everything and writes nothing: every route of the program, read and sent to, with its effect on
every table of the database."""

from __future__ import annotations

import io
import json
import os
import random
import re
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from engine.domain.access import ACTIONS, WRITE_ACTIONS, may
from engine.domain.organisation import AUDITOR, Actor
from tests.support.desk import GRADED, SCREENED, Browser, Desk
from tests.web import test_access_matrix as matrix
from tests.web.test_access_matrix import PERSONAS, SAFE, Installation, ask

place = matrix.place

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
OWN = {"auth.logout", "auth.change_password", "auth.language", "auth.enter", "contacts.save_own"}
"""What everybody may send about himself: sign in and out, password, language, where messages reach him."""
EXPORTS = matrix.EXPORTS
CHECKS = matrix.CHECKS
TOKENS = matrix.TOKENS
"""Routes of the interface for programs: a token is asked for, a session is nothing there."""
NOT_THERE = {"compare.findings", "items.download", "whatif.side_by_side"}
"""Parts of pages that this installation has no object for: two versions, a file of an item, an ended what-if."""
REQUESTS = {"jobs", "long_jobs"}
"""Where the wish that the record be verified lies, and the job that wakes a worker for it."""
LOGS = {"security_log", "access_log", "export_log", "export_results", "sqlite_sequence"}
SEALED = {"entries", "unsealed", "leaves", "subtrees", "checkpoints", "checkpoint_keys", "journal_format"}
"""Tables of the sealed log: an archive package is made of a sealed log, so its export seals what waits."""
OF_ONESELF = {"sessions", "sign_in_guards", "persons", "contacts", "people_log"}
NAMES = re.compile(r"<(?:input|select|textarea|button)[^>]*\sname=\"([a-z_]+)\"")
SEED = int(os.environ.get("AUDITOR_SEED", "20260302"))
BODIES = 4
"""Random bodies per route."""


@pytest.fixture(scope="module")
def audited(place: Installation) -> Installation:
    """The installation with one of everything that can be looked at: a paper and a file of the case."""
    desk = place.desk
    case = desk.registered()
    desk.world.wait(minutes=40)
    browser = desk.seat("wangfang")
    sent = browser.post(
        f"/cases/{case.id}/files", {"files": (io.BytesIO(PNG), "截图.png"), "command_id": "a-file"},
        content_type="multipart/form-data",
    )  # fmt: skip
    assert sent.status_code == 303
    page = browser.get(f"/cases/{case.id}/papers").text
    paper = re.search(rf"/cases/{case.id}/documents/([\w.-]+)", page)
    file = re.search(rf"/cases/{case.id}/files/([0-9a-f-]+)", page)
    assert paper, "no paper"
    assert file, "no file"
    known = {**place.addresses, "task": next(iter(case.live.tasks)), "name": paper[1], "file_id": file[1]}
    return replace(place, case=case, addresses=known)


def test_every_action_that_changes_nothing_is_the_auditors_but_an_inbox_of_his_own():
    auditor = Actor("a", "a", frozenset({AUDITOR}), frozenset({AUDITOR}), "")

    not_his = {action for action in ACTIONS.keys() - WRITE_ACTIONS if not may(auditor, action)}

    assert not_his == {"view_inbox"}


def test_the_auditor_gets_every_page_that_is_there_to_be_read(audited: Installation):
    browser, wrong, shown = audited.desk.seat("zhaoming"), [], 0
    for method, rule in audited.calls():
        if method != "GET" or rule.endpoint.startswith("auth.") or rule.endpoint in TOKENS:
            continue
        needed = set(audited.needed(rule).any_of)  # none: what monitoring asks for, without a session
        writes = bool(needed) and needed <= WRITE_ACTIONS | {"view_inbox"}
        with ask(browser, "GET", audited.path(rule)) as answer:
            shown += answer.status_code == 200
            if answer.status_code != (403 if writes else 404 if rule.endpoint in NOT_THERE else 200):
                wrong.append(f"{rule.rule} [{', '.join(audited.needed(rule).any_of)}]: {answer.status_code}")

    assert wrong == []
    assert shown >= 25


def test_no_page_offers_the_auditor_anything_to_send(audited: Installation):
    """A button that leads to a refusal is a fault too: forms that post lead to his own matters, to an export,
    or to a check of the record."""
    browser, offered = audited.desk.seat("zhaoming"), []
    bind = audited.app.url_map.bind("localhost")
    for method, rule in audited.calls():
        if method != "GET":
            continue
        with ask(browser, "GET", audited.path(rule)) as answer:
            if answer.mimetype != "text/html":
                continue
            for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", answer.text, re.S):
                action = re.search(r"action=\"([^\"?#]+)", form)
                target = bind.match(action[1], method="POST")[0] if action else rule.endpoint
                pressed = re.search(r"<button(?![^>]*disabled)", form)
                if target not in OWN | EXPORTS | CHECKS and pressed:
                    offered.append(f"{rule.rule}: {target}")

    assert offered == []


class Bodies:
    """Plausible forms: the fields that the pages of the program have, filled with what exists here."""

    def __init__(self, place: Installation, names: set[str], seed: int) -> None:
        self.random = random.Random(seed)
        self.place = place
        self.names = sorted(names)
        tasks = sorted(place.case.live.tasks)
        self.known: dict[str, list[str]] = {
            "task": tasks, "to": ["lina", "yangyang"], "users": ["lina", "zhangmin"], "user": ["lina"],
            "groups": ["unit:gengbao", "user:lina"], "user_id": ["newcomer", "tanjun"], "name": ["新名字"],
            "unit_id": ["gengbao", "newunit"], "unit": ["gengbao"], "line_id": ["gengbao", "newline"],
            "kind": ["section"], "district": ["市本级"], "leader": ["zhangmin"], "role": ["staff", "leader"],
            "active": ["yes", "no"], "substitute": ["lina"], "start_at": ["2026-03-02T10:00"],
            "end_at": ["2026-03-05T10:00"], "on_date": ["2026-03-03"], "shift": ["day"], "part": ["officer"],
            "head": ["liqiang"], "seq": ["2", "3"], "agree": ["yes"], "action": ["submit"], "title": ["科员"],
            "position": ["1"], "process": ["opinion_case"], "page": ["1"],
        }  # fmt: skip
        self.submissions = [SCREENED, GRADED, {"instruction_text": "请核实"}, {}]

    def body(self, number: int) -> dict[str, object]:
        fields: dict[str, object] = {
            name: self.random.choice(self.known.get(name, ["请办理", "2026-03-02", "1"])) for name in self.names
        }
        fields |= {"command_id": f"c-{number}", "submission": json.dumps(self.random.choice(self.submissions))}
        if self.random.random() < 0.3:
            fields["files"] = (io.BytesIO(PNG), "截图.png")
        for name in self.random.sample(self.names, len(self.names) // 8):
            fields.pop(name, None)
        return fields


def field_names(place: Installation) -> set[str]:
    """Names of the inputs of every page, as whoever may see it is shown it."""
    names: set[str] = set()
    for login in PERSONAS.values():
        browser = place.desk.seat(login)
        for method, rule in place.calls():
            if method == "GET":
                with ask(browser, "GET", place.path(rule)) as answer:
                    names |= set(NAMES.findall(answer.text)) if answer.mimetype == "text/html" else set()
    return names - {"csrf_token", "language"}


def tables(place: Installation) -> dict[str, list[tuple[object, ...]]]:
    path = str(place.desk.world.services.engine.url.database)
    database = sqlite3.connect(path)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}
    database.close()
    return found


def changed(before: dict[str, list[tuple[object, ...]]], after: dict[str, list[tuple[object, ...]]]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def posts(place: Installation) -> list[tuple[str, Rule]]:
    return [(method, rule) for method, rule in place.calls() if method not in SAFE]


def send(browser: Browser, method: str, path: str, body: dict[str, object]) -> TestResponse:
    if not browser.token:
        browser.get("/account")
    data = {"csrf_token": browser.token, **body}
    return browser.client.open(path, method=method, data=data, content_type="multipart/form-data")


def test_whatever_the_auditor_sends_nowhere_changes_anything_but_the_logs(audited: Installation):
    bodies = Bodies(audited, field_names(audited), SEED)
    browser, wrong, sent = audited.desk.seat("zhaoming"), [], 0
    before = tables(audited)
    for method, rule in posts(audited):
        if rule.endpoint in OWN | TOKENS:
            continue
        # The brake on writes is not what keeps him out: each route gets a minute of its own.
        clock = audited.desk.world.clock
        clock.set(clock.now() + timedelta(minutes=1))
        for _ in range(BODIES):
            sent += 1
            with send(browser, method, audited.path(rule), bodies.body(sent)) as answer:
                expected = answer.status_code in (403, 404) or rule.endpoint in EXPORTS | CHECKS
                if not expected or answer.status_code >= 500:
                    wrong.append(f"{method} {rule.rule}: {answer.status_code}")
    after = tables(audited)

    assert wrong == [], f"AUDITOR_SEED={SEED}"
    # `sessions`: when he was last here, at most once a minute.
    assert changed(before, after) <= LOGS | SEALED | REQUESTS | {"sessions"}, f"AUDITOR_SEED={SEED}"
    assert set(before["entries"]) <= set(after["entries"])
    assert {row[0] for row in set(after["entries"]) - set(before["entries"])} <= {"_logs", "_keys"}, "no case grew"
    assert len(bodies.names) >= 40 and sent >= 120
    for log in LOGS & before.keys() - {"sqlite_sequence"}:
        assert after[log][: len(before[log])] == before[log], f"{log} has lost or changed a row"


def test_the_same_bodies_do_change_things_when_those_send_them_who_may(tmp_path):
    """Negative control: the bodies above are refused for who sends them, not for what they say."""
    office = matrix.installed(Desk(tmp_path))
    bodies = Bodies(office, field_names(office), SEED)
    effective: set[str] = set()
    before = tables(office)
    for number, (method, rule) in enumerate(posts(office)):
        for login in ("wangfang", "zhangmin", "liqiang", "sunli", "qianjin", "wumin"):
            actor, needed = office.desk.world.actor(login), office.needed(rule).any_of
            if rule.endpoint in OWN or not any(may(actor, action) for action in needed):
                continue
            browser = office.desk.seat(login)
            send(browser, method, office.path(rule), bodies.body(number)).close()
            after = tables(office)
            if changed(before, after) - LOGS - {"sessions"}:
                effective.add(rule.endpoint)
            before = after
    office.desk.world.services.engine.dispose()

    assert len(effective) >= 10, sorted(effective)


def test_what_the_auditor_sends_about_himself_changes_his_own_rows_only(audited: Installation):
    browser = audited.desk.seat("zhaoming")
    before = tables(audited)

    statuses = [
        browser.post("/language", {"language": "en", "back": "/start"}).status_code,
        browser.post("/password", {"old": "wrong", "new": "x", "again": "x"}).status_code,
        browser.post("/account/contacts", {"mail": "zhaoming@example.org"}).status_code,
        browser.post("/logout").status_code,
    ]

    after = tables(audited)
    assert statuses == [303, 422, 303, 303]
    assert changed(before, after) <= LOGS | OF_ONESELF
    assert [row for row in after["persons"] if row[0] != "zhaoming"] == [
        row for row in before["persons"] if row[0] != "zhaoming"
    ]
    audited.desk.seat("zhaoming")


def test_the_task_page_of_the_auditor_shows_the_form_to_read_and_no_empty_box_for_buttons(audited: Installation):
    path = f"/tasks/{audited.case.id}/{audited.addresses['task']}".replace("#", "%23")

    own, worker = (audited.desk.seat(login).get(path).text for login in ("zhaoming", "wangfang"))

    assert "data-readonly" in own and "data-readonly" not in worker
    assert 'aria-label="其他操作"' not in own
    assert 'aria-label="其他操作"' in worker
