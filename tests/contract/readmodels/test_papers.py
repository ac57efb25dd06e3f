"""What gathers around a case: papers, copies, buttons, notifications, the trail, people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from engine.domain.events import (
    CaseCopied,
    CommentAdded,
    DecisionMade,
    DocumentDrafted,
    FileAttached,
    MessageAwaited,
    MessageNoLongerAwaited,
    MessageReceived,
    NotificationQueued,
    SignalThrown,
    TaskCompleted,
    TaskUrged,
    TokensMoved,
)
from engine.readmodels import dossier, outbox, trail
from engine.readmodels.rebuild import rebuild
from tests.contract.readmodels.asking import OFFICE, UNIT, listed, tell
from tests.unit.readmodels.story import START, Story, task


def test_comments_files_and_documents_are_kept_in_order(conn: Connection) -> None:
    story = Story()
    file = {"id": "f1", "name": "截图.png", "size": 12, "sha256": "ab" * 32, "media_type": "image/png"}
    story.opened(FileAttached(file, "wangfang", path="evidence.0"))
    story.entry(CommentAdded("已电话核实", "liqiang", "Task_verify#1"), CommentAdded("好", "zhangmin"))
    story.entry(DocumentDrafted("late_report", "late_report_no_1", "Svc", "迟报", {"unit": "gengbao"}))
    tell(conn, story)

    comments = [(row.author, row.text, row.task, row.at) for row in dossier.comments_of(conn, story.case_id)]
    (attached,) = dossier.files_of(conn, story.case_id)
    (document,) = dossier.documents_of(conn, story.case_id)

    said_at = START + timedelta(minutes=1)
    assert comments == [("liqiang", "已电话核实", "Task_verify#1", said_at), ("zhangmin", "好", "", said_at)]
    assert (attached.name, attached.size, attached.path, attached.author) == ("截图.png", 12, "evidence.0", "wangfang")
    assert dossier.file(conn, "f1") == (attached,)
    assert (document.document, document.title, document.content) == ("late_report", "迟报", {"unit": "gengbao"})


def test_urging_is_counted_at_the_task_and_kept_as_evidence(conn: Connection) -> None:
    story = Story()
    story.opened(task())
    story.entry(TaskUrged("Task_verify#1", "wangfang", "请抓紧"))
    story.entry(TaskUrged("Task_verify#1", "zhangmin"))
    tell(conn, story)

    assert [(row.author, row.note) for row in dossier.urges_of(conn, story.case_id)] == [
        ("wangfang", "请抓紧"), ("zhangmin", ""),
    ]  # fmt: skip
    assert listed(conn, "unit", UNIT, story).rows[0].urged == 2


def test_a_message_with_a_label_is_a_button_for_its_groups(conn: Connection) -> None:
    story = Story()
    story.opened(
        MessageAwaited("Catch#1", "regrade", "Catch", "调整等级", "regrade", ("office", "chief")),
        MessageAwaited("Catch#2", "county_named", "Catch2"),
    )
    tell(conn, story)

    assert len(dossier.messages_awaited_of(conn, story.case_id)) == 2
    (button,) = dossier.messages_awaited_of(conn, story.case_id, OFFICE)
    assert (button.message, button.label, button.form) == ("regrade", "调整等级", "regrade")
    assert dossier.messages_awaited_of(conn, story.case_id, UNIT) == ()

    story.entry(MessageReceived("regrade", "wangfang", 1), MessageNoLongerAwaited("Catch#1", "regrade"))
    tell(conn, story)

    assert [row.message for row in dossier.messages_awaited_of(conn, story.case_id)] == ["county_named"]


def test_the_outbox_holds_what_was_not_sent_and_a_rebuild_sends_nothing_twice(conn: Connection) -> None:
    story = Story()
    story.opened(NotificationQueued(("unit:gengbao", "user:liqiang"), "notice.task", "T#1", {"label": "核实"}))
    story.entry(NotificationQueued(("office",), "notice.info"))
    tell(conn, story)

    first, second, third = outbox.unsent(conn, 10)
    assert (first.grp, first.message, first.params) == ("unit:gengbao", "notice.task", {"label": "核实"})
    assert outbox.mark_sent(conn, [first.id, third.id], story.at) == 2
    assert outbox.mark_sent(conn, [first.id], story.at) == 0
    assert outbox.unsent(conn, 10) == (second,)
    assert [row.id for row in outbox.latest(conn, OFFICE | UNIT, 2)] == [third.id, second.id]

    rebuild(conn, story.entries)

    assert outbox.unsent(conn, 10) == (second,)
    assert [row.sent_at for row in outbox.latest(conn, frozenset({"office"}), 1)] == [story.at]


def test_the_trail_counts_visits_by_scope_and_says_where_tokens_are(conn: Connection) -> None:
    story = Story()
    story.opened(
        TokensMoved((("", "Start", "entered"), ("", "Start", "left"), ("", "F1", "taken"), ("", "Call", "entered")))
    )
    story.entry(
        TokensMoved(
            (("Call#1[0]", "Task", "entered"), ("Call#1[1]", "Task", "entered"), ("Call#1[0]", "Task", "left"),
             ("Call#1[0]", "F9", "taken"), ("Call#1[0]", "Task", "entered"), ("Call#1[1]", "Task", "cancelled"))
        ),
        SignalThrown("stop", "Throw", 0),
        DecisionMade("Rule", "grading", ({"decision": "grading", "rule": 1},), {}, "positive"),
    )  # fmt: skip
    tell(conn, story)

    main, first, second = trail.summary(conn, story.case_id)

    assert main.scope == "" and main.flows == {"F1": 1}
    assert main.elements == {"Call": trail.ElementTrail(1, 1, 0), "Start": trail.ElementTrail(1, 0, 0)}
    assert first.elements == {"Task": trail.ElementTrail(2, 1, 0)} and first.flows == {"F9": 1}
    assert second.elements == {"Task": trail.ElementTrail(1, 0, 1)}
    assert trail.merged([first, second]).elements == {"Task": trail.ElementTrail(3, 1, 1)}


def test_participants_are_those_who_acted_or_have_to(conn: Connection) -> None:
    story = Story()
    story.opened(task(), task("Task_reply#1", assignee="zhangmin"))
    story.entry(TaskCompleted("Task_verify#1", "liqiang", "Task_verify"))
    story.entry(CommentAdded("好", "liqiang"), CaseCopied(("office",), "system:process"))
    tell(conn, story)

    people = dossier.participants_of(conn, story.case_id)

    assert [(one.user_id, one.did, one.last_at) for one in people] == [
        ("liqiang", {"completed": 1, "commented": 1}, story.at),
        ("wangfang", {"opened": 1}, START),
        ("zhangmin", {"holds": 1}, None),
    ]
