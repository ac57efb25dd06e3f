"""Every look at a case leaves a row, whoever looks and wherever; what cannot be logged is not shown (R71)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from engine.service.log_tables import access_log
from tests.support.desk import SCREENED, Browser, Desk, task_url
from tests.support.world import CaseView
from webui import looks
from webui.guards import requires

UNSEEN = {"tasks.draft", "messages.draft"}
"""Routes of a case that are no looks: a script saves what is typed, nothing of the case comes back."""


def seen(desk: Desk, case: CaseView) -> list[tuple[str, str, str]]:
    """(login, page, right) of every look at the case, in order."""
    query = select(access_log).where(access_log.c.case_id == case.id).order_by(access_log.c.number)
    with desk.world.services.engine.connect() as conn:
        return [(row.user_id, row.page, row.by_right) for row in conn.execute(query)]


def test_every_route_of_a_case_is_logged_but_for_those_that_save_drafts(desk: Desk):
    of_a_case = [rule for rule in desk.app.url_map.iter_rules() if "case_id" in rule.arguments]

    not_logged = {rule.endpoint for rule in of_a_case if not looks.counts(desk.app, rule)}

    assert len(of_a_case) >= 25
    assert not_logged == UNSEEN
    for endpoint in UNSEEN:
        methods = {method for rule in of_a_case if rule.endpoint == endpoint for method in rule.methods or ()}
        assert methods <= {"POST", "OPTIONS"}, endpoint


def test_no_route_names_a_case_by_another_word(desk: Desk):
    """The hook goes by the argument `case_id`; a page with `case` or `number_of_case` would go unseen."""
    words = {name for rule in desk.app.url_map.iter_rules() for name in rule.arguments if "case" in name}

    assert words == {"case_id"}


def test_a_future_page_of_a_case_is_logged_without_asking(own_desk: Desk):
    app: Flask = own_desk.app
    app._got_first_request = False

    @requires("view_case")
    def invented(case_id: str) -> str:
        return f"all about {case_id}"

    app.add_url_rule("/invented/<case_id>", "cases.invented", invented)
    case = own_desk.registered()

    answer = own_desk.seat("zhaoming").get(f"/invented/{case.id}")

    assert answer.status_code == 200
    assert seen(own_desk, case) == [("zhaoming", "cases.invented", "role:auditor")]


@pytest.mark.parametrize("page", ["", "/timeline", "/papers", "/people"])
@pytest.mark.parametrize("login", ["zhaoming", "wangfang", "liuwei"])
def test_each_page_of_a_case_leaves_one_row(desk: Desk, page: str, login: str):
    case = desk.registered()

    answer = desk.seat(login).get(f"/cases/{case.id}{page}?topic=")

    (look,) = seen(desk, case)
    assert answer.status_code == 200
    assert look[:2] == (login, f"cases.{page[1:] or 'show'}")


def test_a_task_page_and_the_form_that_was_refused_are_looks_and_what_is_done_is_none(desk: Desk):
    case = desk.registered()
    browser = desk.seat("wangfang")
    url = task_url(case, case.task("Task_screen"))

    browser.get(url)
    refused = browser.send_form(url, {**SCREENED, "business_line": "no such line"}, page="-")
    after_refusal = [page for _, page, _ in seen(desk, case)]
    done = browser.send_form(url, SCREENED)

    assert (refused.status_code, done.status_code) == (422, 303)
    assert after_refusal == ["tasks.show", "tasks.submit"]
    assert [page for _, page, _ in seen(desk, case)] == ["tasks.show", "tasks.submit", "tasks.show"]


def test_who_is_involved_looks_by_that(desk: Desk):
    case = desk.registered()
    case.submit("wangfang", "Task_screen", **SCREENED)
    with desk.world.services.engine.connect() as conn:
        before = len(conn.execute(select(access_log)).all())

    desk.seat("zhouwei").get(f"/cases/{case.id}")
    own = desk.registered(login="yangyang")
    desk.seat("yangyang").get(f"/cases/{own.id}")

    with desk.world.services.engine.connect() as conn:
        added = conn.execute(select(access_log).order_by(access_log.c.number)).all()[before:]
    assert [(row.user_id, row.case_id, row.by_right) for row in added] == [
        ("yangyang", own.id, "group:user:yangyang"),
    ]


def test_a_look_tells_the_address_and_which_part_of_the_page(desk: Desk):
    case = desk.registered()

    desk.seat("zhaoming").get(f"/cases/{case.id}?scope=x", environ_overrides={"REMOTE_ADDR": "10.9.8.7"})
    desk.seat("zhaoming").get(f"/cases/{case.id}/timeline?topic=limits", environ_overrides={"REMOTE_ADDR": "10.9.8.7"})

    with desk.world.services.engine.connect() as conn:
        row = conn.execute(select(access_log).where(access_log.c.case_id == case.id)).one()
    assert (row.page, row.address) == ("cases.timeline", "10.9.8.7")  # the scope does not exist: 404, nothing shown
    assert row.target == f"/cases/{case.id}/timeline?topic=limits"
    assert row.at == "2026-03-02T01:00:00.000000Z"


def test_lists_and_polls_and_assets_are_no_looks(desk: Desk):
    desk.registered()
    with desk.world.services.engine.connect() as conn:
        before = conn.execute(select(access_log)).all()
    browser = desk.seat("wangfang")

    for path in ("/start", "/inbox", "/inbox/unread", "/cases", "/clocks", "/clocks/board", "/static/favicon.svg"):
        with browser.get(path) as answer:
            assert answer.status_code == 200, path

    with desk.world.services.engine.connect() as conn:
        assert conn.execute(select(access_log)).all() == before


def test_what_only_asks_for_headers_is_no_look(desk: Desk):
    case = desk.registered()

    answer = desk.seat("zhaoming").client.head(f"/cases/{case.id}")

    assert (answer.status_code, answer.data) == (200, b"")
    assert seen(desk, case) == []


def test_a_stranger_and_a_refused_person_leave_no_look(desk: Desk):
    case = desk.registered()

    away = desk.app.test_client().get(f"/cases/{case.id}")
    hidden = desk.seat("zhouwei").get(f"/cases/{case.id}")

    assert (away.status_code, hidden.status_code) == (303, 404)
    assert seen(desk, case) == []


def refused_log(desk: Desk, browser: Browser, url: str) -> TestResponse:
    """The answer when the database takes no row of the log."""
    engine = desk.world.services.engine

    def full(_conn, _cursor, statement, _parameters, _context, _many):
        if statement.startswith("INSERT INTO access_log"):
            raise OperationalError(statement, None, Exception("database or disk is full"))

    event.listen(engine, "before_cursor_execute", full)
    try:
        return browser.get(url)
    finally:
        event.remove(engine, "before_cursor_execute", full)


@pytest.mark.parametrize("page", ["", "/timeline", "/papers"])
def test_what_cannot_be_logged_is_not_shown(desk: Desk, page: str):
    case = desk.registered(title="不得外传的标题")
    browser = desk.seat("wangfang")
    url = f"/cases/{case.id}{page}"

    shown, answer = browser.get(url), refused_log(desk, browser, url)

    assert "不得外传的标题" in shown.text
    assert answer.status_code == 503
    assert "不得外传的标题" not in answer.text
    assert case.id not in answer.text.replace(f"/cases/{case.id}", "")
    assert "查看案件必须留痕" in answer.text
    assert "Content-Security-Policy" in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(seen(desk, case)) == 1


def test_the_steps_of_an_open_replay_are_part_of_the_look_and_one_asked_for_alone_is_a_look(desk: Desk):
    case = desk.registered()
    seat = desk.seat("zhaoming")
    steps = [f"/cases/{case.id}/replay/{number}" for number in (1, 1, 1)]

    alone = [seat.get(path).status_code for path in steps]
    first = [page for _, page, _ in seen(desk, case)]
    desk.world.clock.advance(minutes=11)
    seat.get(f"/cases/{case.id}/replay")
    desk.world.clock.advance(minutes=9)
    seat.get(steps[0])
    opened = [page for _, page, _ in seen(desk, case)]
    desk.world.clock.advance(minutes=2)
    seat.get(steps[0])
    later = [page for _, page, _ in seen(desk, case)]

    assert alone == [200, 200, 200]
    assert first == ["replay.step"]
    assert opened == ["replay.step", "replay.show"]
    assert later == ["replay.step", "replay.show", "replay.step"]


def test_a_look_by_another_person_or_at_another_case_does_not_cover_a_step(desk: Desk):
    case, other = desk.registered(), desk.registered()
    desk.seat("zhaoming").get(f"/cases/{other.id}/replay")
    desk.seat("wangfang").get(f"/cases/{case.id}/replay")

    desk.seat("zhaoming").get(f"/cases/{case.id}/replay/1")

    assert [(who, page) for who, page, _ in seen(desk, case)] == [
        ("wangfang", "replay.show"),
        ("zhaoming", "replay.step"),
    ]


def test_a_list_that_polls_is_no_look_at_a_case(desk: Desk):
    """Negative control of the walk above."""
    (board,) = [rule for rule in desk.app.url_map.iter_rules() if rule.endpoint == "clocks.board"]

    assert not looks.counts(desk.app, board)
