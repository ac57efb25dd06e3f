"""R53: promises past their date are marked and counted, and what a reply promised is filled in for the register."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.event import listen

from tests.support.desk import Browser, Desk
from tests.support.walks import publish, until_composing
from tests.support.world import CaseView, xuchang

SAID = {"has_promise": True, "promise_due": "2026-03-20", "promise_text": "三月二十日前复垦到位。"}
PILL = "已过期</span>"


def keep(seat: Browser, case: CaseView, promise: str, due: str, state: str = "open", subject: int = 0) -> None:
    path = f"/registers/promise/{subject}" if subject else f"/cases/{case.id}/registers/promise"
    answered = seat.post(path, {"promise": promise, "due_date": due, "state": state})
    assert answered.status_code == 303, answered.text


def test_a_promise_is_overdue_from_the_day_after_its_date_until_it_is_settled(own_desk: Desk):
    case, office = own_desk.registered(), own_desk.seat("wangfang")
    keep(office, case, "三月一日前清理", "2026-03-01")
    keep(office, case, "三月二日前清理", "2026-03-02")
    keep(office, case, "早已兑现", "2026-02-01", "kept")
    pages = ("/registers/promise", f"/cases/{case.id}/registers", "/registers/promise/1")

    today = [office.get(page).text.count(PILL) for page in pages]
    only = office.get("/registers/promise?overdue=1").text
    start = office.get("/start").text
    own_desk.world.clock.set(xuchang("2026-03-03 00:00"))
    tomorrow = own_desk.seat("wangfang").get("/registers/promise").text.count(PILL)
    keep(own_desk.seat("wangfang"), case, "三月一日前清理", "2026-03-01", "kept", subject=1)
    keep(own_desk.seat("wangfang"), case, "三月二日前清理", "2026-03-09", subject=2)

    assert today == [1, 1, 1] and tomorrow == 2
    assert "三月一日前清理" in only and "三月二日前清理" not in only and "早已兑现" not in only
    assert re.search(r'lh-1 text-danger">1</div><div class="text-secondary">承诺已过期', start)
    assert PILL not in own_desk.seat("wangfang").get("/registers/promise").text
    assert "承诺已过期" not in own_desk.seat("wangfang").get("/start").text


def test_promises_of_cases_that_a_person_may_not_see_are_not_counted_for_him(own_desk: Desk):
    keep(own_desk.seat("wangfang"), own_desk.registered(), "三月一日前清理", "2026-03-01")

    assert "承诺已过期" in own_desk.seat("liuwei").get("/start").text
    assert "承诺已过期" not in own_desk.seat("zhouwei").get("/start").text


def test_the_number_of_statements_does_not_grow_with_the_promises(own_desk: Desk):
    case, office = own_desk.registered(), own_desk.seat("wangfang")
    asked: list[str] = []
    keep(office, case, "第一条", "2026-03-01")
    listen(own_desk.world.services.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    def statements(page: str) -> int:
        asked.clear()
        assert office.get(page).status_code == 200
        return len(asked)

    pages = ("/registers/promise", "/registers/promise?overdue=1", "/start")
    few = [min(statements(page) for _ in range(2)) for page in pages]
    for number in range(12):
        keep(office, case, f"再一条 {number}", "2026-03-01")

    assert [statements(page) for page in pages] == few


def test_a_promise_of_the_published_reply_is_filled_in_until_it_is_in_the_register(own_desk: Desk):
    case = until_composing(own_desk.world)
    office, page = own_desk.seat("wangfang"), f"/cases/{case.id}/registers"
    unpublished = office.get(page).text
    publish(case, **SAID)

    offered, unit = office.get(page).text, own_desk.seat("liqiang").get(page).text
    values: dict[str, Any] = {"promise": SAID["promise_text"], "due_date": "", "state": "open"}
    refused = office.post(f"{page}/promise", {**values, "promise": "三月二十日前全部复垦到位。"}).text
    kept = office.post(f"{page}/promise", {**values, "due_date": SAID["promise_due"]})
    after = office.get(page).text

    assert ">三月二十日前复垦到位。</textarea>" in offered and 'value="2026-03-20"' in offered
    assert "已按发布的回复填好" in offered and "已按发布的回复填好" not in unpublished + unit + refused + after
    assert ">三月二十日前全部复垦到位。</textarea>" in refused, "what was typed is not replaced"
    assert kept.status_code == 303 and ">三月二十日前复垦到位。</textarea>" not in after


def test_a_promise_of_several_lines_or_worded_better_is_not_offered_again(own_desk: Desk):
    case = until_composing(own_desk.world)
    office, page = own_desk.seat("wangfang"), f"/cases/{case.id}/registers"
    publish(case, **{**SAID, "promise_text": "三月二十日前复垦到位。\n四月前公布结果。"})
    offered = office.get(page).text

    keep(office, case, "三月二十日前复垦到位。\r\n四月前公布结果。", "2026-03-31")
    after = office.get(page).text
    keep(office, case, "三月二十日前完成复垦并验收。", "2026-03-20", subject=1)
    amended = office.get(page).text

    assert "已按发布的回复填好" in offered
    assert "已按发布的回复填好" not in after + amended
