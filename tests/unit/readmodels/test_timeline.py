"""The timeline says in sentences what the entries of a case hold."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings

from engine.domain.events import (
    EVENTS,
    CommentAdded,
    DataWritten,
    LimitBreached,
    LimitMet,
    LimitWarned,
    SubmissionWithdrawn,
    TaskCompleted,
    TaskReturned,
    TaskTransferred,
    TimerArmed,
    TimerCancelled,
    TimerFired,
    TokensMoved,
)
from engine.readmodels import timeline
from engine.readmodels.timeline import TimelineItem, build
from tests.unit.readmodels.offices import many_stories
from tests.unit.readmodels.story import START, Story, limit, task, warning

PEOPLE = {"wangfang": "王芳", "liqiang": "李强", "unit:gengbao": "耕保科", "head:gengbao": "耕保科科长", "": "?"}


def names(who: str) -> str:
    return PEOPLE.get(who, who)


def test_every_kind_of_event_is_told_or_known_to_say_nothing() -> None:
    assert set(timeline._TELLERS) | timeline.UNTOLD == set(EVENTS)
    assert not set(timeline._TELLERS) & timeline.UNTOLD


def test_an_entry_tells_who_did_what_with_names_for_people() -> None:
    story = Story()
    story.opened(DataWritten({"title": "绿地", "grade": "positive"}, by="register"), task())

    (entry,) = build(story.entries, names)

    assert (entry.seq, entry.at, entry.actor, entry.actor_name, entry.by_clock) == (1, START, "wangfang", "王芳", False)
    assert entry.items == (
        TimelineItem("timeline.case_opened", {"title": "绿地被围挡施工"}),
        TimelineItem(
            "timeline.data_written", {"fields": ["grade", "title"], "by": "register", "scope": ""}, minor=True
        ),
        TimelineItem("timeline.task_created", {"task": "核实情况", "to": "耕保科、耕保科科长", "due_at": ""}),
    )


def test_a_task_is_called_by_its_label_in_later_entries() -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskTransferred("Task_verify#1", "wangfang", "liqiang", "属地"))
    story.entry(TaskReturned("Task_verify#1", "liqiang", "", "非我科室"))
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"), actor="liqiang")

    told = [entry.items for entry in build(story.entries, names)[1:]]

    moved = {"task": "核实情况", "from": "王芳", "to": "李强", "reason": "属地"}
    back = {"task": "核实情况", "from": "李强", "to": "", "reason": "非我科室"}
    assert told == [
        (TimelineItem("timeline.task_transferred", moved),),
        (TimelineItem("timeline.task_returned", back),),
        (TimelineItem("timeline.task_completed", {"task": "核实情况"}),),
    ]


def test_a_limit_is_told_from_its_start_over_warning_and_breach_to_its_late_end() -> None:
    story = Story()
    deadline = story.text(hours=8)
    story.opened(limit("Timer#1", deadline, "Task#1"), warning("Timer#1", "50%", story.text(hours=4), deadline))
    story.entry(
        TimerFired("Timer#1!50%", "Timer", story.text(hours=4), 0.0),
        LimitWarned("eight_hours", "Timer#1", "50%", deadline, ("unit:gengbao",)),
        actor="system:timer",
    )
    story.entry(
        TimerFired("Timer#1", "Timer", deadline, 2.0),
        LimitBreached("eight_hours", "Timer#1", "Timer", deadline, unit="gengbao", cause="limit.cause.server_down"),
        actor="system:timer",
    )
    story.entry(LimitMet("eight_hours", "Timer#1", "Timer", deadline, 90.0), TimerCancelled("Timer#1", "Timer"))

    started, warned, broken, met = (entry.items for entry in build(story.entries, names))

    common = {"limit": "8小时", "deadline": deadline}
    assert started[1:] == (TimelineItem("timeline.limit_started", common),)
    assert warned == (TimelineItem("timeline.limit_warned", {**common, "mark": "50%", "to": "耕保科"}),)
    breach = {**common, "cause": "limit.cause.server_down", "unit": "耕保科"}
    assert broken == (TimelineItem("timeline.limit_breached", breach),)
    assert met == (TimelineItem("timeline.limit_met_late", {**common, "late_seconds": 90.0}),)
    assert [entry.by_clock for entry in build(story.entries, names)] == [False, True, True, False]


def test_a_timer_that_is_no_limit_tells_its_own_name_when_it_fires() -> None:
    story = Story()
    story.opened(TimerArmed("Remind#1", "Remind", story.text(hours=2), label="提醒县局"))
    story.entry(
        TimerFired("Remind#1", "Remind", story.text(), 0.0), TimerArmed("Remind#1", "Remind", story.text(hours=2))
    )
    story.entry(TimerFired("Remind#1", "Remind", story.text(), 0.0))

    fired = TimelineItem("timeline.timer_fired", {"timer": "提醒县局"})

    assert [entry.items for entry in build(story.entries, names)[1:]] == [(fired,), (fired,)]


def test_an_entry_that_says_nothing_to_people_is_left_out() -> None:
    story = Story()
    story.opened()
    story.entry(TokensMoved((("", "A", "left"),)), TimerCancelled("Timer#1", "Timer"))
    story.entry(CommentAdded("好", "liqiang"), after=timedelta(hours=1))

    assert [entry.seq for entry in build(story.entries, names)] == [1, 3]


def test_a_withdrawn_entry_stays_in_the_timeline_with_a_mark() -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"))
    story.entry(SubmissionWithdrawn(2, "liqiang", "填错"), task())

    assert [(entry.seq, entry.withdrawn) for entry in build(story.entries, names)] == [
        (1, False),
        (2, True),
        (3, False),
    ]


@settings(max_examples=30, deadline=None)
@given(stories=many_stories())
def test_any_history_can_be_told_with_the_published_keys(stories: list[Story]) -> None:
    for story in stories:
        for entry in build(story.entries, names):
            assert {item.key for item in entry.items} <= timeline.KEYS
