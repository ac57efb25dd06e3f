"""试运行: a bundle stepped through with its real forms and a clock of its own; nothing real is touched."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import func, select
from werkzeug.test import TestResponse

from engine.journal.schema import entries, metadata
from tests.support.desk import Browser, Desk, blocks
from tests.support.world import shipped_files

OF = "/play?of=live"
UNCHANGED = frozenset(
    table.name for table in metadata.sorted_tables if table.name not in ("drafts", "sessions", "request_marks")
)


def answer(page: TestResponse) -> dict[str, Any]:
    """The example that the page filled in, as the viewer would send it: only fields that the form has."""
    found = blocks(page)
    keys: set[str] = set()

    def walk(components: list[dict[str, Any]]) -> None:
        for one in components:
            if one["type"] == "group":
                walk(one["components"])
            elif one.get("key") and not one.get("readonly") and not one.get("disabled"):
                keys.add(one["key"])

    walk(found["form-schema"]["components"])
    return {key: value for key, value in found["form-data"].items() if key in keys}


def act(seat: Browser, query: str = "", **over: Any) -> TestResponse:
    """Takes a step with the example that the page offers, `over` laid over it."""
    page = seat.get(f"{OF}&sample=1{query}")
    return seat.send_form(f"/play/step?of=live{query}", {**answer(page), **over}, page.text)


def waiting(page: TestResponse) -> list[str]:
    return re.findall(r'href="/play\?of=live&amp;task=([^"]+)#form"', page.text)


def do(seat: Browser, element: str, **over: Any) -> TestResponse:
    task = next(one for one in waiting(seat.get(OF)) if element in one)
    return act(seat, f"&task={task}", **over)


def clock(seat: Browser, **fields: str) -> TestResponse:
    return seat.post("/play/clock?of=live", fields)


def opened(desk: Desk) -> Browser:
    seat = desk.seat("sunli")
    seat.post("/play/forget?of=live")
    answered = act(seat, title="试一试的标题", url="https://a.example/1")
    assert answered.status_code == 303, blocks(answered).get("form-faults")
    return seat


def counts(desk: Desk) -> dict[str, int]:
    with desk.world.services.engine.connect() as conn:
        return {
            table.name: conn.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name in UNCHANGED
        }


def test_a_case_is_stepped_through_with_the_real_forms_and_nothing_real_is_touched(desk: Desk):
    before = counts(desk)
    seat = opened(desk)

    screened, graded = do(seat, "Task_screen"), do(seat, "Task_grade")
    page = seat.get(OF)

    assert (screened.status_code, graded.status_code) == (303, 303)
    assert any("Task_assign" in one or "Task_instruct" in one for one in waiting(page)), waiting(page)
    assert {name: count for name, count in counts(desk).items() if count != before[name]} == {}


def test_the_clock_moves_to_what_is_due_and_a_limit_that_passes_is_told(desk: Desk):
    seat = opened(desk)
    at = re.search(r"data-trial-clock>([^<]+)<", seat.get(OF).text)

    moved = clock(seat, move="day")
    page = seat.get(OF)
    later = re.search(r"data-trial-clock>([^<]+)<", page.text)

    assert moved.status_code == 303
    assert at is not None and later is not None and later[1] > at[1]
    assert "超时" in page.text


def test_a_clock_that_is_to_run_backward_is_refused_with_a_reason(desk: Desk):
    seat = opened(desk)

    answered = clock(seat, at="2020-01-01T09:00")

    assert answered.status_code == 422
    assert "时钟只能往后拨" in answered.text


def test_a_refused_form_keeps_what_was_typed_and_takes_no_step(desk: Desk):
    seat = opened(desk)
    task = next(one for one in waiting(seat.get(OF)) if "Task_screen" in one)

    answered = seat.send_form(f"/play/step?of=live&task={task}", {"screen_note": "只写了这一句"})

    assert answered.status_code == 422
    assert blocks(answered)["form-data"]["screen_note"] == "只写了这一句"
    assert "authenticity" in blocks(answered)["form-faults"]
    assert any("Task_screen" in one for one in waiting(seat.get(OF)))


def test_a_step_is_undone_and_the_whole_is_begun_again(desk: Desk):
    seat = opened(desk)
    do(seat, "Task_screen")

    seat.post("/play/back?of=live")
    undone = waiting(seat.get(OF))
    seat.post("/play/back?of=live", {"to": "0"})
    again = seat.get(OF)

    assert any("Task_screen" in one for one in undone)
    assert "form-schema" in blocks(again) and waiting(again) == []


def test_the_same_steps_are_taken_on_what_the_bundle_has_become(own_desk: Desk):
    seat = opened(own_desk)
    files = dict(shipped_files())
    drawn = files["bpmn/triage.bpmn"].decode()
    files["bpmn/triage.bpmn"] = drawn.replace('id="Task_screen" name="甄别"', 'id="Task_screen" name="细看"').encode()
    assert files["bpmn/triage.bpmn"] != shipped_files()["bpmn/triage.bpmn"]

    own_desk.world.services.deployments.deploy(files, "sunli", "改名", "deploy-2")
    page = seat.get(OF)

    assert "流程包在上一步之后改过" in page.text
    assert "细看" in page.text


def test_an_unknown_bundle_is_not_found_and_a_task_that_is_gone_is_refused(desk: Desk):
    seat = opened(desk)

    unknown = seat.get("/play?of=ffffffffffff")
    gone = seat.send_form("/play/step?of=live&task=Task_nothing%231", {}, "")

    assert unknown.status_code == 404
    assert gone.status_code == 409


def test_the_journal_has_no_entry_of_a_trial(desk: Desk):
    opened(desk)

    with desk.world.services.engine.connect() as conn:
        found = conn.scalar(select(func.count()).select_from(entries).where(entries.c.case_id.startswith("PLAY")))

    assert found == 0
