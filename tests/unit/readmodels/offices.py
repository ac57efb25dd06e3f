"""Random but possible histories of several cases, for properties that must hold after any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import strategies as st

from engine.domain.codec import instant_text
from engine.domain.events import (
    CaseClosed,
    CaseCopied,
    CaseStageChanged,
    CommentAdded,
    CopyAcknowledged,
    CosignCancelled,
    Cosigned,
    CosignRequested,
    DataWritten,
    DecisionMade,
    DocumentDrafted,
    Event,
    FileAttached,
    IncidentRaised,
    IncidentResolved,
    LimitBreached,
    LimitMet,
    LimitWarned,
    MessageAwaited,
    MessageNoLongerAwaited,
    NotificationQueued,
    SubmissionWithdrawn,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskDelegated,
    TaskReleased,
    TaskResolved,
    TaskReturned,
    TaskTransferred,
    TaskUrged,
    TimerArmed,
    TimerCancelled,
    TimerFired,
    TokensMoved,
)
from tests.unit.readmodels.story import Story, limit, task, warning

PEOPLE = st.sampled_from(("wangfang", "liqiang", "chenjing"))
GROUPS = st.lists(
    st.sampled_from(("office", "leader", "unit:gengbao", "head:gengbao", "user:liqiang", "user:chenjing")),
    max_size=3,
    unique=True,
).map(tuple)
WORDS = st.sampled_from(("", "请抓紧", "100%_'\"\\", "多\n行"))


@dataclass
class Office:
    """What the case has open while its story is told. `limits`: timer -> deadline."""

    draw: st.DrawFn
    story: Story
    tasks: list[str] = field(default_factory=list)
    limits: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    incidents: list[int] = field(default_factory=list)
    visits: int = 0

    def due(self) -> str:
        return instant_text(self.story.at + timedelta(hours=self.draw(st.integers(-1, 30))))

    def some_task(self) -> str:
        return self.draw(st.sampled_from(self.tasks))


Act = Callable[[Office], list[Event]]


def _begin(office: Office) -> list[Event]:
    """A task with its limit, sometimes inside a sub-process that carries the limit."""
    office.visits += 1
    scope = office.draw(st.sampled_from(("", "Sub#1/", f"Call#{office.visits}[0]/")))
    name, timer = f"{scope}Task#{office.visits}", f"{scope}Timer#{office.visits}"
    deadline = office.due()
    office.tasks.append(name)
    office.limits[timer] = deadline
    host = office.draw(st.sampled_from((name, scope.rstrip("/") or name)))
    assignee = office.draw(st.one_of(st.just(""), PEOPLE))
    due = office.draw(st.sampled_from(("", deadline)))
    made = task(name, groups=office.draw(GROUPS), assignee=assignee, due=due)
    armed: list[Event] = [limit(timer, deadline, host), warning(timer, "50%", office.due(), deadline)]
    events: list[Event] = [*armed, made] if office.draw(st.booleans()) else [made, *armed]
    return [TokensMoved((("", "Task", "entered"),)), *events]


def _end(office: Office) -> list[Event]:
    name = office.some_task()
    office.tasks.remove(name)
    ended: Event = TaskCompleted(name, office.draw(PEOPLE), "Task")
    if office.draw(st.booleans()):
        ended = TaskCancelled(name, "Boundary")
    steps = (("", "Task", office.draw(st.sampled_from(("left", "cancelled")))), ("", "Flow", "taken"))
    return [TokensMoved(steps), ended, *(_stop(office) if office.limits else [])]


def _stop(office: Office) -> list[Event]:
    timer = office.draw(st.sampled_from(sorted(office.limits)))
    deadline = office.limits.pop(timer)
    met = LimitMet("eight_hours", timer, "Timer", deadline, 60.0 if timer in office.broken else 0.0)
    gone: list[Event] = [TimerCancelled(timer, "Timer"), TimerCancelled(f"{timer}!50%", "Timer")]
    return office.draw(st.sampled_from(([met, *gone], [*gone, met], gone, gone[1:])))


def _break(office: Office) -> list[Event]:
    timer = office.draw(st.sampled_from(sorted(office.limits)))
    deadline = office.limits[timer]
    office.broken.add(timer)
    fired = TimerFired(timer, "Timer", deadline, 0.0)
    return [fired, LimitBreached("eight_hours", timer, "Timer", deadline, cause=office.draw(WORDS))]


def _warn(office: Office) -> list[Event]:
    timer = office.draw(st.sampled_from(sorted(office.limits)))
    fired = TimerFired(f"{timer}!50%", "Timer", office.story.text(), 0.0)
    return [fired, LimitWarned("eight_hours", timer, "50%", office.limits[timer])]


def _hand_over(office: Office) -> list[Event]:
    name, person, other = office.some_task(), office.draw(PEOPLE), office.draw(PEOPLE)
    words = office.draw(WORDS)
    return [
        office.draw(
            st.sampled_from(
                (
                    TaskClaimed(name, person),
                    TaskReleased(name),
                    TaskTransferred(name, person, other, words),
                    TaskDelegated(name, person, other, words),
                    TaskResolved(name, person, other, {"facts": words}),
                    TaskReturned(name, person, office.draw(st.sampled_from(("", other))), words),
                    TaskUrged(name, person, words),
                    CosignRequested(name, (person,), words),
                    Cosigned(name, person, office.draw(st.booleans()), words),
                    CosignCancelled(name, person),
                )
            )
        )
    ]


def _withdraw(office: Office) -> list[Event]:
    """Takes the last entry back: one of its tasks comes again, with its clock."""
    seq = len(office.story.entries)
    name = f"Task#{office.visits}"
    events: list[Event] = [SubmissionWithdrawn(seq, office.draw(PEOPLE), office.draw(WORDS))]
    if name not in office.tasks:
        office.tasks.append(name)
        events.append(task(name, groups=office.draw(GROUPS), assignee=office.draw(PEOPLE)))
    timer = f"Timer#{office.visits}"
    office.limits.setdefault(timer, office.due())
    return [*events, limit(timer, office.limits[timer], name)]


def _papers(office: Office) -> list[Event]:
    person, words = office.draw(PEOPLE), office.draw(WORDS)
    file = {"id": f"f{office.visits}", "name": words, "size": 1, "sha256": "00", "media_type": "text/plain"}
    return [
        office.draw(
            st.sampled_from(
                (
                    CommentAdded(words, person),
                    FileAttached(file, person, words),
                    DocumentDrafted(
                        "late_report", f"report_{office.draw(st.integers(1, 2))}", "S", words, {"text": words}
                    ),
                    CaseCopied(office.draw(GROUPS), person, words),
                    CopyAcknowledged(person),
                    NotificationQueued(office.draw(GROUPS), "notice.info", "", {"label": words}),
                    DataWritten({"title": words, "grade": words, "other": 1}),
                    DataWritten({"published_at": office.story.text(), "district": None}),
                    CaseStageChanged("handling", words),
                    DecisionMade("Rule", "grading", (), {}, words),
                    TimerArmed("Reminder#1", "Reminder", office.due()),
                    TimerCancelled("Reminder#1", "Reminder"),
                    CaseClosed("archived"),
                )
            )
        )
    ]


def _message(office: Office) -> list[Event]:
    if office.messages and office.draw(st.booleans()):
        return [MessageNoLongerAwaited(office.messages.pop(), "regrade")]
    office.messages.append(f"Catch#{len(office.messages)}")
    return [MessageAwaited(office.messages[-1], "regrade", "Catch", office.draw(WORDS), "", office.draw(GROUPS))]


def _incident(office: Office) -> list[Event]:
    if office.incidents and office.draw(st.booleans()):
        return [IncidentResolved(office.incidents.pop(), "qianjin", office.draw(WORDS))]
    office.incidents.append(len(office.story.entries))
    timer = office.draw(st.sampled_from(("", *sorted(office.limits))))
    return [IncidentRaised(office.incidents[-1], "A", "incident.any", {"got": office.draw(WORDS)}, timer)]


def _possible(office: Office) -> list[Act]:
    acts: list[Act] = [_begin, _withdraw, _papers, _message, _incident]
    if office.tasks:
        acts += [_end, _hand_over, _hand_over]
    if office.limits:
        acts += [_stop, _break, _warn]
    return acts


@st.composite
def many_stories(draw: st.DrawFn) -> list[Story]:
    """One to three cases with up to a dozen entries each, of up to three acts each."""
    stories = []
    for number in range(draw(st.integers(1, 3))):
        story = Story(f"WQ-2026-{number:06}")
        office = Office(draw, story)
        story.opened(*_begin(office))
        for _ in range(draw(st.integers(0, 12))):
            events: list[Event] = []
            for _ in range(draw(st.integers(0, 3))):
                events += draw(st.sampled_from(_possible(office)))(office)
            story.entry(*events, actor=draw(PEOPLE), after=timedelta(minutes=draw(st.integers(0, 90))))
        stories.append(story)
    return stories
