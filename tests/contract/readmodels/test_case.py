"""A case in the lists: its fields, who may read it, filters and search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from engine.domain.codec import parse_instant
from engine.domain.events import (
    EVENTS,
    CaseClosed,
    CaseCopied,
    CaseStageChanged,
    CosignRequested,
    DataWritten,
    MessageAwaited,
    TaskTransferred,
    TimerCancelled,
)
from engine.readmodels import cases, clocks, dossier
from engine.readmodels.projector import HANDLERS
from tests.contract.readmodels.asking import OFFICE, STRANGER, UNIT, tell
from tests.unit.readmodels.story import START, Story, limit, task


def test_every_kind_of_event_has_a_handler() -> None:
    assert set(HANDLERS) == set(EVENTS)


def test_an_opened_case_is_listed_with_the_fields_that_lists_show(conn: Connection) -> None:
    story = Story()
    values = {
        "grade": "major_negative",
        "district": "禹州市",
        "source_type": "论坛",
        "discovered_at": "2026-03-02T08:30:00+08:00",
        "body": "现场无公示牌",
        "response_subject": ["市局", "县局"],
    }
    story.opened(DataWritten(values), CaseStageChanged("triage", "研判"))
    story.entry(DataWritten({"grade": "positive"}, scope="Call_units#1[0]"), DataWritten({"title": "新标题"}))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None
    assert (case.title, case.grade, case.district, case.source_type) == ("新标题", "major_negative", "禹州市", "论坛")
    assert (case.status, case.stage, case.stage_label, case.last_seq) == ("open", "triage", "研判", 2)
    assert (case.opened_at, case.updated_at) == (START, START + timedelta(minutes=1))
    assert case.discovered_at == parse_instant("2026-03-02T00:30:00Z")
    assert case.body == "现场无公示牌"
    assert (case.opened_by, case.next_due, case.closed_at) == ("wangfang", None, None)


def test_a_field_that_is_no_instant_leaves_the_column_empty(conn: Connection) -> None:
    story = Story()
    story.opened(DataWritten({"discovered_at": "昨天", "published_at": None}))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None and case.discovered_at is None and case.published_at is None


def test_a_closed_case_has_its_outcome_and_no_running_limit(conn: Connection) -> None:
    story = Story()
    story.opened(limit("Timer#1", story.text(hours=8), "Sub#1"))
    story.entry(TimerCancelled("Timer#1", "Timer"), CaseClosed("archived"))
    story.entry(limit("Other#1", story.text(hours=8), "Sub#2"))
    story.entry(CaseClosed("archived"))
    tell(conn, story)

    case = cases.get(conn, story.case_id)

    assert case is not None
    assert (case.status, case.outcome, case.closed_at, case.next_due) == ("closed", "archived", story.at, None)
    assert [one.state for one in clocks.for_case(conn, story.case_id)] == ["cancelled", "cancelled"]


def test_only_groups_that_were_involved_may_read_a_case(conn: Connection) -> None:
    story = Story()
    story.opened(
        task(), task("Task_map#1", groups=(), unit="cehui"), limit("Timer#1", story.text(hours=8), "Task_verify#1")
    )
    story.entry(TaskTransferred("Task_verify#1", "liqiang", "chenjing", "属地"))
    story.entry(CosignRequested("Task_verify#1", ("zhaogang",)), CaseCopied(("supervision",), "wangfang"))
    story.entry(MessageAwaited("Catch#1", "regrade", "Catch", "调整等级", "regrade", ("chief",)))
    tell(conn, story)

    readers = dossier.groups_of(conn, story.case_id)

    assert readers == {
        "user:wangfang", "unit:gengbao", "head:gengbao", "line:land", "user:chenjing", "user:zhaogang", "supervision",
        "chief", "unit:cehui",
    }  # fmt: skip
    assert cases.visible(conn, story.case_id, UNIT)
    assert not cases.visible(conn, story.case_id, STRANGER)
    assert not cases.visible(conn, "WQ-2026-999999", UNIT)
    assert cases.list_cases(conn, groups=UNIT).total == 1
    assert cases.list_cases(conn, groups=STRANGER).total == 0
    assert cases.list_cases(conn, groups=STRANGER, all_cases=True).total == 1


def test_the_case_list_is_filtered_searched_and_paged(conn: Connection) -> None:
    for number in range(5):
        story = Story(f"WQ-2026-00000{number}", START + timedelta(hours=number))
        grade = "major_negative" if number == 3 else "ordinary_negative"
        values = {"grade": grade, "district": "禹州市", "body": "Garden 100% 公示" if number < 2 else "a_b"}
        story.opened(DataWritten(values), CaseStageChanged("triage", "研判"), title=f"绿地 {number}")
        tell(conn, story)

    def found(**query: Any) -> list[str]:
        return [row.case_id[-1] for row in cases.list_cases(conn, groups=OFFICE, **query).rows]

    assert found() == ["4", "3", "2", "1", "0"]
    assert found(per_page=2, page=2) == ["2", "1"]
    assert cases.list_cases(conn, groups=OFFICE, per_page=2).pages == 3
    assert found(grade="major_negative") == ["3"]
    assert found(grade="major_negative", district="长葛市") == []
    assert found(status="closed") == []
    assert found(stage="triage", q="绿地 4") == ["4"]
    assert found(q="gArDeN 公示") == ["1", "0"]
    assert found(q="100%") == ["1", "0"]
    assert found(q="%") == ["1", "0"]
    assert found(q="a_b") == ["4", "3", "2"]
    assert found(q="axb") == []
    assert found(q="000002") == ["2"]
    assert found(q=" ") == ["4", "3", "2", "1", "0"]


def test_facets_are_what_the_list_can_be_filtered_by(conn: Connection) -> None:
    for number, district in enumerate(("长葛市", "禹州市", "长葛市")):
        story = Story(f"WQ-2026-00000{number}")
        story.opened(DataWritten({"district": district}), CaseStageChanged("triage", "研判"))
        story.entry(DataWritten({"grade": "positive"}))
        tell(conn, story)
    Story("WQ-2026-000009").opened()

    found = cases.facets(conn, groups=OFFICE)

    assert found == cases.Facets(("positive",), ("禹州市", "长葛市"), (("triage", "研判"),))
    assert cases.facets(conn, groups=STRANGER) == cases.Facets((), (), ())
    assert cases.facets(conn, groups=STRANGER, all_cases=True) == found


def test_a_list_counts_and_turns_pages_up_to_a_bound(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MOST_LISTED", 3)
    for number in range(4):
        story = Story(f"WQ-2026-00000{number}")
        story.opened()
        tell(conn, story)

    first, second = (cases.list_cases(conn, groups=OFFICE, all_cases=True, page=page, per_page=2) for page in (1, 2))
    narrow = cases.list_cases(conn, groups=OFFICE, all_cases=True, q="000001")

    assert (len(first.rows), first.total, first.pages, first.cut) == (2, 3, 2, True)
    assert (len(second.rows), second.cut) == (1, True)
    assert (narrow.total, narrow.cut) == (1, False)
