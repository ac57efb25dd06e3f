"""Drafts: one per person and form, kept for a while, never part of a case."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from engine.domain.clock import FixedClock
from engine.domain.rejection import Rejection
from engine.journal.database import create_tables, open_database
from engine.service.drafts import Drafts, drafts, message_form, start_form, task_form

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FORM = task_form("WQ-2026-000001", "Call_triage#1/Task_screen#1")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path}/drafts.db")
    create_tables(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def kept(engine: Engine, clock: FixedClock) -> Drafts:
    return Drafts(engine, clock)


def test_a_draft_comes_back_as_it_was_typed(kept: Drafts):
    saved = kept.put(
        "wangfang", FORM, {"note": "写到一半", "rows": [{"a": 1.5, "b": None}]}, {"files::a": [{"id": "1"}]}
    )

    draft = kept.get("wangfang", FORM)
    assert saved == NOW
    assert draft is not None
    assert draft.values == {"note": "写到一半", "rows": [{"a": 1.5, "b": None}]}
    assert draft.files == {"files::a": [{"id": "1"}]}
    assert draft.saved_at == NOW


def test_a_later_draft_replaces_the_earlier_one(kept: Drafts, clock: FixedClock, engine: Engine):
    kept.put("wangfang", FORM, {"note": "一"})
    clock.advance(minutes=1)
    kept.put("wangfang", FORM, {"note": "二"})

    draft = kept.get("wangfang", FORM)
    assert draft is not None and draft.values == {"note": "二"} and draft.saved_at == clock.now()
    with engine.connect() as conn:
        assert conn.execute(select(func.count()).select_from(drafts)).scalar_one() == 1


def test_nobody_else_sees_a_draft(kept: Drafts):
    kept.put("wangfang", FORM, {"note": "一"})

    assert kept.get("lina", FORM) is None


def test_forms_do_not_mix(kept: Drafts):
    for form in (FORM, start_form("opinion_case"), message_form("WQ-2026-000001", "regrade")):
        kept.put("wangfang", form, {"form": form})

    for form in (FORM, start_form("opinion_case"), message_form("WQ-2026-000001", "regrade")):
        draft = kept.get("wangfang", form)
        assert draft is not None and draft.values == {"form": form}


def test_a_deleted_draft_is_gone_and_deleting_twice_is_harmless(kept: Drafts):
    kept.put("wangfang", FORM, {"note": "一"})

    kept.delete("wangfang", FORM)
    kept.delete("wangfang", FORM)

    assert kept.get("wangfang", FORM) is None


def test_a_draft_that_is_too_large_is_refused_and_the_earlier_one_stays(kept: Drafts):
    kept.put("wangfang", FORM, {"note": "一"})

    outcome = kept.put("wangfang", FORM, {"note": "长" * 100_000})

    assert isinstance(outcome, Rejection) and outcome.key == "draft.too_large"
    draft = kept.get("wangfang", FORM)
    assert draft is not None and draft.values == {"note": "一"}


def test_half_a_character_does_not_break_a_draft(kept: Drafts):
    kept.put("wangfang", FORM, {"note": "\ud83d"})

    draft = kept.get("wangfang", FORM)
    assert draft is not None and draft.values == {"note": "\ud83d"}


def test_drafts_of_three_months_ago_go_when_their_owner_saves_another(kept: Drafts, clock: FixedClock):
    kept.put("wangfang", FORM, {"note": "旧"})
    kept.put("lina", FORM, {"note": "旧"})
    clock.advance(days=91)

    kept.put("wangfang", start_form("opinion_case"), {"note": "新"})

    assert kept.get("wangfang", FORM) is None
    assert kept.get("lina", FORM) is not None
