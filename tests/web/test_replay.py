"""The replay page without scripts, what its script asks for, and who may see it."""

from __future__ import annotations

import pytest

from tests.support.desk import Desk
from tests.support.world import CaseView


@pytest.fixture
def late(desk: Desk) -> CaseView:
    """Screened after its half hour had gone: its third step is a breach, its fourth the screening."""
    case = desk.registered()
    desk.world.wait(minutes=31)
    case.fill("Task_screen")
    return case


def breach(case: CaseView) -> int:
    with case.world.services.journal.reading() as tx:
        return next(e.seq for e in tx.read(case.id) if any(x["kind"] == "LimitBreached" for x in e.events))


def test_every_step_is_a_page_that_needs_no_script(desk: Desk, late: CaseView):
    browser = desk.seat("zhaoming")
    count = late.live.seq

    pages = [browser.get(f"/cases/{late.id}/replay?step={step}").text for step in range(1, count + 1)]

    for step, page in enumerate(pages, 1):
        assert f"第 {step} / {count} 步" in page
        assert "✓ 与记录一致" in page and "不一致</span>" not in page
        assert f'data-step="{step}" aria-current="step"' in page
    assert "此刻超时" in pages[breach(late) - 1]
    assert "甄别时限（30分钟）" in pages[0] and "剩余 30分" in pages[0]
    assert "有关" in pages[-1] or "甄别" in pages[-1]


def test_a_step_shows_the_task_its_limit_and_the_form_that_was_filed(desk: Desk, late: CaseView):
    page = desk.seat("zhaoming").get(f"/cases/{late.id}/replay?step={late.live.seq}").text

    assert 'id="form-schema-' in page and "当时填写的表单：甄别" in page
    assert "定级" in page


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("-3", 1), ("zwei", 1), ("9999", None), ("1" * 30, 1)])
def test_a_number_outside_the_record_is_the_nearest_in_it(desk: Desk, late: CaseView, asked: str, shown: int | None):
    answer = desk.seat("zhaoming").get(f"/cases/{late.id}/replay?step={asked}")

    assert answer.status_code == 200
    assert f"第 {shown or late.live.seq} / {late.live.seq} 步" in answer.text


def test_the_script_gets_one_step_and_the_picture_only_when_it_lacks_it(desk: Desk, late: CaseView):
    browser = desk.seat("zhaoming")

    first = browser.get(f"/cases/{late.id}/replay/1").json
    again = browser.get(f"/cases/{late.id}/replay/1", query_string={"have": first["drawing"]["key"]}).json
    pinned = browser.get(f"/cases/{late.id}/replay/1", query_string={"scope": ""}).json

    assert first["step"] == 1 and "<definitions" in first["drawing"]["xml"] or "definitions" in first["drawing"]["xml"]
    assert "xml" not in again["drawing"] and again["html"] == first["html"]
    assert pinned["drawing"]["scope"] == "" and first["drawing"]["scope"] != ""
    assert first["said"].startswith("第 1 / ")


@pytest.mark.parametrize(
    ("login", "status"),
    [("zhaoming", 200), ("wangfang", 200), ("liuwei", 200), ("liqiang", 403), ("sunli", 403), ("qianjin", 403)],
)
def test_who_sees_all_cases_by_office_may_replay_them(desk: Desk, late: CaseView, login: str, status: int):
    browser = desk.seat(login)

    assert browser.get(f"/cases/{late.id}/replay").status_code == status
    assert browser.get(f"/cases/{late.id}/replay/1").status_code == status
    assert browser.get("/cases/WQ-2026-999999/replay").status_code == (404 if status == 200 else status)


def test_the_case_page_leads_to_the_replay_for_those_who_may(desk: Desk, late: CaseView):
    link = f'href="/cases/{late.id}/replay"'

    assert link in desk.seat("zhaoming").get(f"/cases/{late.id}").text
    assert link not in desk.seat("liqiang").get(f"/cases/{late.id}").text


@pytest.mark.parametrize(("seq", "shown"), [(1, 0), (2, 1)])
def test_a_record_that_can_not_be_read_is_a_page_that_says_where(own_desk: Desk, seq: int, shown: int):
    case = own_desk.registered()
    case.fill("Task_screen")
    with own_desk.world.services.engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER entries_no_update")
        conn.exec_driver_sql(
            'UPDATE entries SET body = CAST(replace(body, \'"kind":"SubmitTask"\', \'"kind":"Promote"\') AS BLOB)'
            f" WHERE case_id = '{case.id}' AND seq = {seq}"
        )
        conn.exec_driver_sql(
            'UPDATE entries SET body = CAST(replace(body, \'"kind":"OpenCase"\', \'"kind":"Promote"\') AS BLOB)'
            f" WHERE case_id = '{case.id}' AND seq = {seq}"
        )
    browser = own_desk.seat("zhaoming")

    page, step = browser.get(f"/cases/{case.id}/replay"), browser.get(f"/cases/{case.id}/replay/{seq}")

    assert page.status_code == 200 and step.status_code == (200 if shown else 404)
    assert f"第 {seq} 条记录无法重新执行" in page.text and "Promote" in page.text
    assert f"第 {seq} 步与记录不一致" in page.text
    assert page.text.count('aria-current="step"') == shown


def test_a_record_that_was_changed_is_shown_with_expected_and_got(own_desk: Desk):
    case = own_desk.registered()
    case.fill("Task_screen")
    engine = own_desk.world.services.engine
    with engine.begin() as conn:
        conn.exec_driver_sql("DROP TRIGGER entries_no_update")
        changed = "replace(body, '\"directly_related\":true', '\"directly_related\":false')"
        conn.exec_driver_sql(
            f"UPDATE entries SET body = CAST({changed} AS BLOB) WHERE case_id = '{case.id}' AND seq = 2"
        )
    own_desk.world.services.application.live.clear()

    page = own_desk.seat("zhaoming").get(f"/cases/{case.id}/replay?step=2").text

    assert "✗ 与记录不一致" in page and "重新执行得到的结果与记录不同" in page
    assert "记录中这一步的结果未得到证实" in page and "directly_related" in page
    assert "第 2 步与记录不一致" in page
