"""Every route with everybody: who gets in is what the table of engine.domain.access says, and nothing else.

The walk takes the routes from the running application, so a new page is walked from the day it exists.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from engine.domain.access import WRITE_ACTIONS, may
from engine.domain.rejection import Rejection
from engine.journal.schema import deployments
from engine.service import (
    document_templates,
    documents,
    feeds,
    items,
    long_jobs,
    migrations,
    people,
    register_records,
    topics,
    verify_job,
    whatif,
)
from engine.service.bundle_drafts import Draft
from engine.service.item_fields import NewItem
from engine.service.people_tables import person_roles, security_log
from engine.service.transactions import writing
from tests.support import word
from tests.support.desk import GRADED, ITEM, SCREENED, Browser, Desk
from tests.support.world import CaseView
from webui import create_app, looks
from webui.guards import requires
from webui.views_registry import Requirement, requirement_of, undeclared

PERSONAS = {
    "staff": "yangyang", "section_head": "liqiang", "leader": "zhangmin", "chief": "liuwei", "office": "wangfang",
    "supervision": "fengxue", "process_owner": "sunli", "auditor": "zhaoming", "system_admin": "qianjin",
    "security_admin": "wumin", "other_unit": "zhouwei", "no_role": "pengyu",
}  # fmt: skip
"""One of the cast for each role, one of a unit that has nothing to do with the case, one without any role."""

EXPORTS: set[str] = {
    "agreement.csv", "agreement.xlsx", "audit.find", "checkpoints.compare", "checkpoints.take_out", "compare.export",
    "compliance.csv", "duty.csv", "evidence.case_csv", "evidence.csv", "ledger.registrations_csv",
    "ledger.reports_csv", "list_files.of_cases", "list_files.of_clocks", "list_files.of_coverage",
    "list_files.of_items", "mining.make", "packages.make", "packages.make_case", "performance.table",
    "register_files.csv", "register_files.xlsx",
    "statistics.csv", "statistics.repeated_csv", "statistics.xlsx", "studio_tests.record", "unit_scores.csv",
    "unit_scores.xlsx",
}  # fmt: skip
"""POST routes that the auditor may use: what they hand out is numbered and logged, nothing else changes."""

CHECKS = {"verifications.start", "verifications.cancel"}
"""POST routes that the auditor may use because to check the record is his work: a request and, later, a report are
written into a table of their own; the verification itself reads only, and nothing of a case or a log changes."""

DOWNLOADS = {
    "deployments.download", "deployments.file", "document_templates.download", "documents.docx", "documents.pdf",
    "studio_changes.download",
}  # fmt: skip
"""GET routes that hand out a file: numbered and logged as exports."""

TOKENS = {"api.add", "api.status"}
"""Routes of programs: whoever comes without a token of theirs, a signed-in person too, is told so (401)."""

SAFE = ("GET", "HEAD")
NO_CASE = "WQ-2026-999999"
ALWAYS_DIFFERENT = re.compile(r"WQ-2026-\d+|[0-9a-f]{8} ·|[\w-]{30,}\.[\w-]+\.[\w-]+")  # case, error number, CSRF token


@dataclass(frozen=True)
class Installation:
    desk: Desk
    case: CaseView
    addresses: dict[str, str]

    @property
    def app(self) -> Flask:
        return self.desk.app

    def rules(self) -> list[Rule]:
        return sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.rule)

    def calls(self) -> list[tuple[str, Rule]]:
        """Every (method, route), but for what every server answers by itself."""
        return [
            (method, rule)
            for rule in self.rules()
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
            if rule.endpoint != "static"
        ]

    def path(self, rule: Rule, case_id: str = "") -> str:
        """The address of a route for the objects that exist here, or for another case."""
        known = {**self.addresses, "case_id": case_id or self.case.id}
        values = {name: known[name] for name in rule.arguments}
        return self.app.url_map.bind("localhost").build(rule.endpoint, values)

    def refusals(self) -> int:
        with self.desk.world.services.engine.connect() as conn:
            count = select(func.count()).select_from(security_log).where(security_log.c.event == "access_refused")
            return conn.execute(count).scalar_one()

    def needed(self, rule: Rule) -> Requirement:
        found = requirement_of(self.app, rule.endpoint)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation with a case that the units gengbao and guihua handle."""
    made = installed(Desk(tmp_path_factory.mktemp("matrix")))
    yield made
    made.desk.world.services.engine.dispose()


def installed(desk: Desk) -> Installation:
    """The cast, one case and one of everything that an address can name."""
    case = desk.world.open(**ITEM)
    case.submit("wangfang", "Task_screen", **SCREENED)
    case.submit("wangfang", "Task_grade", **GRADED)
    task = next(iter(case.live.tasks))
    with writing(desk.world.services.engine) as conn:
        conn.execute(person_roles.delete().where(person_roles.c.user_id == PERSONAS["no_role"]))
    with desk.world.services.engine.connect() as conn:
        version = conn.execute(select(deployments.c.version)).scalars().first() or ""
    made = documents.make(desk.world.services, "submission", case.id, desk.world.actor("wangfang"))
    assert not isinstance(made, Rejection), made
    kept = document_templates.replace(
        desk.world.services, desk.world.actor("sunli"), "submission", word.written("{{文号}}"), "呈批单.docx", "试用"
    )
    assert isinstance(kept, document_templates.Template), kept
    desk.world.services.sealer.seal()
    with writing(desk.world.services.engine) as conn:
        job = long_jobs.start(desk.world.services, conn, verify_job.KIND, {}, PERSONAS["auditor"])
        run = whatif.start(desk.world.services, conn, PERSONAS["process_owner"], version, "", {})
        batch = migrations.look(desk.world.services, conn, PERSONAS["process_owner"], version, {})
    services = desk.world.services
    patrol = {
        "began_at": "2026-03-02T00:30:00.000000Z",
        "ended_at": "2026-03-02T00:50:00.000000Z",
        "sources": ["forum"],
        "result": "nothing",
    }
    watched = register_records.add(services, desk.world.actor("wangfang"), "patrol", patrol)
    assert not isinstance(watched, Rejection), watched
    feed = feeds.add(
        services,
        desk.world.actor("wangfang"),
        {"name": "订阅", "url": "https://matrix.example/rss", "source_type": "portal", "every_minutes": "30"},
    )
    assert not isinstance(feed, Rejection), feed
    draft = services.bundle_drafts.create(desk.world.actor("sunli"), "草稿")
    assert isinstance(draft, Draft)
    item, topic = a_topic(desk)
    return Installation(
        desk,
        case,
        {
            "draft_id": draft.draft_id, "item_id": item, "topic_id": topic, "edit_id": "1", "feed_id": str(feed),
            "token_id": "1", "import_id": "0" * 32,
            "task": task, "user_id": "tanjun", "unit_id": "gengbao", "line_id": "gengbao",
            "absence_id": "1", "duty_id": "1", "number": "1", "step": "1", "message": "regrade_request",
            "file_id": "0" * 32, "name": "case_log", "clause": "R24", "version": version,
            "path": "bpmn/opinion_case.bpmn", "job": job, "batch": batch, "run": run, "kind": "submission",
            "register": "patrol", "subject": watched.subject, "ident": "G-9", "form": "csv",
        },
    )  # fmt: skip


def a_topic(desk: Desk) -> tuple[str, str]:
    """Numbers of an item and of its topic."""
    services = desk.world.services
    words = {"body": "网帖", "source_type": "forum", "source_name": "论坛", "route": "manual", "entered_by": "wangfang"}
    new = [NewItem(title=f"第{n}条", url=f"https://matrix.example/{n}", **words) for n in (1, 2)]
    with writing(services.engine) as conn:
        first, second = items.add_all(conn, desk.world.clock.now(), new)
    made = topics.confirm(services, desk.world.actor("wangfang"), second.item_id, f"i:{first.item_id}")
    assert isinstance(made, topics.Topic)
    return str(second.item_id), str(made.topic_id)


def ask(browser: Browser, method: str, path: str) -> TestResponse:
    if method == "GET":
        return browser.client.get(path)
    if not browser.token:
        browser.get("/account")
    return browser.client.open(path, method=method, data={"csrf_token": browser.token})


def test_every_route_declares_what_it_needs(place: Installation):
    assert undeclared(place.app) == []


def test_an_undeclared_route_is_refused_when_the_program_starts(place: Installation, monkeypatch):
    from webui import admin

    def forgotten() -> str:
        return "nobody declared me"

    monkeypatch.setattr(admin.blueprint, "deferred_functions", list(admin.blueprint.deferred_functions))
    monkeypatch.setattr(admin.blueprint, "_got_registered_once", False)
    admin.blueprint.add_url_rule("/forgotten", view_func=forgotten)

    with pytest.raises(RuntimeError, match="missing: admin.forgotten"):
        create_app(place.desk.world.services)


def test_a_declaration_names_an_action_of_the_table():
    with pytest.raises(ValueError, match="view_everything"):
        requires("view_everything")
    with pytest.raises(ValueError, match="expected actions"):
        requires()


@pytest.mark.parametrize("persona", PERSONAS)
def test_everybody_gets_where_the_table_lets_him_and_nowhere_else(place: Installation, persona: str):
    login = PERSONAS[persona]
    world = place.desk.world
    with world.services.engine.connect() as conn:
        actor = people.actor(conn, login, world.clock.now())
    assert actor is not None
    wrong = []
    browser = place.desk.seat(login)
    for method, rule in place.calls():
        needed = place.needed(rule)
        expected = not needed.any_of or any(may(actor, action) for action in needed.any_of)
        refusals = place.refusals()

        answer = ask(browser, method, place.path(rule))

        if rule.endpoint == "auth.logout":
            browser = place.desk.seat(login)
            continue
        refused = answer.status_code == 403 and place.refusals() == refusals + 1
        if rule.endpoint in TOKENS:
            expected, refused = True, answer.status_code != 401
        elif answer.status_code == 401:
            refused = expected
        if refused == expected or answer.status_code == 500 or answer.location in ("/password", "/login"):
            wrong.append(
                f"{method} {rule.rule} [{', '.join(needed.any_of)}]: {answer.status_code}, allowed: {expected}"
            )
    assert wrong == []


def test_a_stranger_gets_the_sign_in_page_and_nothing_else(place: Installation):
    client = place.app.test_client()
    token = client.get("/login").text.split('name="csrf-token" content="')[1].split('"')[0]
    wrong = []
    for method, rule in place.calls():
        answer = client.open(place.path(rule), method=method, data={"csrf_token": token} if method != "GET" else None)

        sent_away = answer.status_code == 303 and (answer.location or "").startswith("/login")
        if sent_away == (place.needed(rule).kind == "public") or answer.status_code >= 500:
            wrong.append(f"{method} {rule.rule}: {answer.status_code} {answer.location}")
    assert wrong == []


def test_the_auditor_has_no_route_that_writes(place: Installation):
    own = {"auth.logout", "auth.change_password", "auth.language", "auth.enter", "contacts.save_own"}
    own |= EXPORTS | CHECKS | {"api.add"}
    open_to_him = {
        rule.endpoint
        for method, rule in place.calls()
        if method not in SAFE and (not place.needed(rule).any_of or set(place.needed(rule).any_of) - WRITE_ACTIONS)
    }

    assert open_to_him == own


@pytest.mark.parametrize("persona", ["system_admin", "security_admin"])
def test_the_two_admins_reach_no_page_of_case_work(place: Installation, persona: str):
    browser = place.desk.seat(PERSONAS[persona])
    reached = [
        rule.rule
        for method, rule in place.calls()
        if method == "GET" and "case_id" in rule.arguments and ask(browser, "GET", place.path(rule)).status_code != 403
    ]

    assert reached == []


def test_a_person_of_another_unit_cannot_tell_a_hidden_case_from_one_that_is_not(place: Installation):
    """At least 500 probes: every route of a case, by one of each unit that the case does not concern."""
    outsiders: dict[
        str, str
    ] = {}  # unit -> login; the case is not assigned yet: it concerns the office and the leaders
    with place.desk.world.services.engine.connect() as conn:
        for person in people.directory(conn).persons:
            actor = people.actor(conn, person.user_id, place.desk.world.clock.now())
            if actor and may(actor, "view_case") and not may(actor, "view_all_cases"):
                outsiders[actor.unit] = person.user_id
    calls = [(method, rule) for method, rule in place.calls() if "case_id" in rule.arguments]
    probes, wrong = 0, []
    for login in outsiders.values():
        browser = place.desk.seat(login)
        for method, rule in calls:
            hidden, missing = (ask(browser, method, place.path(rule, case)) for case in (place.case.id, NO_CASE))
            probes += 1
            texts = [ALWAYS_DIFFERENT.sub("", answer.text) for answer in (hidden, missing)]
            if hidden.status_code != missing.status_code or texts[0] != texts[1] or hidden.status_code == 200:
                wrong.append(f"{login} {method} {rule.rule}: {hidden.status_code}, but {missing.status_code} for none")

    assert wrong == []
    assert probes >= 500


class Watch:
    """Tells which tables changed, by the database's own counter of changes and a second look at the rows."""

    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path)
        self.look()

    def look(self) -> None:
        self.version = self.database.execute("PRAGMA data_version").fetchone()
        names = self.database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self.rows = {name: self.database.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}

    def changed(self) -> set[str]:
        if self.database.execute("PRAGMA data_version").fetchone() == self.version:
            return set()
        before = self.rows
        self.look()
        return {name for name in self.rows if self.rows[name] != before[name]}


def test_reading_writes_nothing(place: Installation):
    """Every GET of everybody: no table changes but the logs: of a look that was given, of one that was refused."""
    watch = Watch(str(place.desk.world.services.engine.url.database))
    shown: set[str] = set()
    wrong = []
    for persona, login in PERSONAS.items():
        browser = place.desk.seat(login)
        for method, rule in place.calls():
            if method != "GET":
                continue
            watch.changed()
            answer = ask(browser, "GET", place.path(rule))
            if answer.status_code == 200:
                shown.add(rule.endpoint)
            expected: set[str] = set()
            if answer.status_code in (403, 404):
                expected = {"security_log", "sqlite_sequence"}
            elif "case_id" in rule.arguments:
                expected = {"access_log"}
            elif rule.endpoint in DOWNLOADS:
                expected = {"export_log", "export_results"}
            changed = watch.changed()
            if not changed and rule.endpoint in looks.PARTS:
                continue  # what a script fetches for an open page is a part of the look at it
            if changed != expected and not (changed < expected and answer.status_code == 404):
                wrong.append(f"{persona} GET {rule.rule}: {answer.status_code}")
    watch.database.close()

    assert wrong == []
    assert len(shown) >= 30, sorted(shown)
