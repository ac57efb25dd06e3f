"""The read models' tables: everything lists and pages ask, one row a thing, no joins deeper than one.

All of it can be deleted and projected again from the journal (`rebuild`). The one fact that the journal does not hold
is when a notification was sent: `notifications.sent_at`, which a rebuild carries over.

Instants are TEXT as in engine.journal.schema, "" for none; columns to sort by use `NO_DUE` for none. Lists and objects
are JSON text.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Column, Float, Index, Integer, Table, Text, text

from engine.journal.schema import metadata

NO_DUE: Final = "9999-12-31T23:59:59.999999Z"
"""Stands for 'no due instant' in columns that are sorted by, so that what has none comes last."""

_EMPTY_LIST: Final = "[]"


def _key(name: str, comment: str) -> Column[str]:
    return Column(name, Text, primary_key=True, comment=comment)


def _number_key(name: str, comment: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=False, comment=comment)


def _text(name: str, comment: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="", comment=comment)


def _list(name: str, comment: str) -> Column[str]:
    return Column(name, Text, nullable=False, default=_EMPTY_LIST, comment=comment)


def _object(name: str, comment: str) -> Column[str]:
    return Column(name, Text, nullable=False, default="{}", comment=comment)


def _number(name: str, comment: str) -> Column[int]:
    return Column(name, Integer, nullable=False, default=0, comment=comment)


def _due(name: str, comment: str) -> Column[str]:
    return Column(name, Text, nullable=False, default=NO_DUE, comment=comment)


def _table(name: str, comment: str, *parts: Any, narrow: bool = False) -> Table:
    # A narrow row lives in SQLite's primary key, one tree to write instead of two; wide rows would make that tree slow.
    return Table(name, metadata, *parts, comment=comment, sqlite_with_rowid=not narrow)


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


CASE: Final = "case the row belongs to"

cases = _table(
    "cases",
    "One row a case: what lists show and filter by",
    _key("case_id", "number of the case, e.g. WQ-2026-000123"),
    _text("title", "title given at opening, or as last written"),
    _text("process", "BPMN process that was opened"),
    _text("bundle", "bundle version the case runs on, hex"),
    _text("stage", "id of the stage entered last"),
    _text("stage_label", "label of the element that entered it"),
    _text("status", "open or closed"),
    _text("outcome", "how it ended, '' while open"),
    _text("grade", "field grade: positive, ordinary_negative, major_negative ... as last written"),
    _text("district", "field district"),
    _text("source_type", "field source_type: where it was found"),
    _text("source_name", "field source_name"),
    _text("url", "field url"),
    _text("business_line", "field business_line"),
    _text("root_cause", "field root_cause_kind: what kind of thing lay at the root, given at the closing review (R67)"),
    _text("published_at", "field published_at, instant"),
    _text("discovered_at", "field discovered_at, instant: anchor of the same-day limit"),
    _text("opened_at", "instant of the first entry"),
    _text("opened_by", "login of who opened it"),
    _text("updated_at", "instant of the last entry"),
    _text("closed_at", "instant at which no token was left"),
    _number("last_seq", "number of the last entry: what a form sends back as expected_seq"),
    _number("open_incidents", "incidents not resolved"),
    _number("breaches", "limits ever broken in this case"),
    _due("next_due", "earliest deadline of its unfinished limits"),
    # Last, because it is long: SQLite need not read it unless it is searched.
    _text("body", "field body: searched, not listed"),
    Index("cases_by_update", "status", "updated_at", "case_id"),
    Index("cases_by_due", "status", "next_due"),
    Index("cases_by_opening", "opened_at"),
    Index("cases_by_change", "updated_at", "case_id"),
    # Which values occur is asked of these: see cases.facets.
    Index("cases_by_grade", "grade"),
    Index("cases_by_district", "district"),
    Index("cases_by_stage", "stage"),
)

case_access = _table(
    "case_access",
    "Who may read a case because he was involved; rows are only ever added",
    _key("case_id", CASE),
    _key("grp", "group: a role, unit:<u>, head:<u>, line:<l>, user:<login>"),
    Index("case_access_by_group", "grp", "case_id"),
    narrow=True,
)

tasks = _table(
    "tasks",
    "Every user task, open or past",
    _key("case_id", CASE),
    _key("task", "name of the task (engine.domain.ids.TaskId)"),
    _text("element", "id of the BPMN element"),
    _text("label", "name of the element, shown to people"),
    _text("process", "BPMN process of the element"),
    _text("scope", "task name of the enclosing visit, '' at the top"),
    _text("form", "form id, '' if none"),
    _list("candidates", "groups that may take it"),
    _text("unit", "unit whose work it is, '' if none"),
    _text("assignee", "who has it, '' when unclaimed"),
    _text("owner", "who gets it back from the delegate, '' if not delegated"),
    _text("state", "open, done or cancelled"),
    _text("due", "earliest of its own due date and the limits that cover it, as it was made"),
    _text("limit_timer", "timer of the earliest limit that covers it, '' if none"),
    _text("limit_id", "id of that limit"),
    _text("limit_label", "label of that limit"),
    _due("next_due", "earlier of due and that limit's deadline: the order of the inbox"),
    _number("priority", "0..100, 50 when not set"),
    _list("clauses", "R-numbers of the regulation"),
    _object("properties", "the element's own properties"),
    _text("created_at", "instant at which it came to wait"),
    _text("claimed_at", "instant since which its assignee has it, '' when unclaimed"),
    _text("completed_at", "instant at which it was done or cancelled"),
    _text("completed_by", "login of who submitted it"),
    _number("completed_seq", "entry that completed it: what a withdrawal names; 0 while open"),
    _text("cancelled_by", "element that interrupted it, '' if not cancelled or not known"),
    _text("came_from", "who transferred, delegated or returned it last"),
    _text("came_reason", "the reason given then"),
    _text("came_how", "transferred, delegated, resolved, returned or ''"),
    _text("proposed", "JSON object of values a delegate proposes, '' if none"),
    _number("urged", "how often it was urged"),
    _partial("tasks_done_by_person", "completed_by", "completed_at", "case_id", "task", where="state = 'done'"),
)

task_groups = _table(
    "task_groups",
    "In whose inbox an open task is: a row for each group that may take it and for who has it; gone with the task",
    _key("case_id", CASE),
    _key("task", "name of the open task"),
    _key("grp", "group: a role, unit:<u>, head:<u>, line:<l>, user:<login>"),
    _text("state", "offered: unclaimed; held: grp is who has it; taken: another one has it"),
    _number("candidate", "1: one of the groups that may take it; 0: only there because he has it"),
    _due("next_due", "as in tasks: the order of the inbox"),
    Index("task_groups_by_group", "grp", "state", "next_due", "case_id", "task"),
    narrow=True,
)

cosigns = _table(
    "cosigns",
    "会签: who was asked to sign a task, and the answer",
    _key("case_id", CASE),
    _key("task", "task to be signed"),
    _key("user_id", "login of who was asked"),
    _text("note", "what was asked"),
    _text("asked_by", "login of who asked"),
    _text("asked_at", "instant of asking"),
    _text("state", "asked, agreed, disagreed or cancelled"),
    _text("comment", "the answer's words"),
    _text("answered_at", "instant of the answer, '' before"),
    _partial("cosigns_open_by_person", "user_id", "case_id", "task", where="state = 'asked'"),
    narrow=True,
)

urges = _table(
    "urges",
    "催办: reminders between people, kept as evidence",
    _key("case_id", CASE),
    _number_key("seq", "entry"),
    _number_key("n", "place of the event in the entry"),
    _text("task", "task urged"),
    _text("author", "login of who urged"),
    _text("note", "his words"),
    _text("at", "instant"),
    narrow=True,
)

copies = _table(
    "copies",
    "抄送: who was given the case to read",
    _key("case_id", CASE),
    _key("grp", "group it was copied to"),
    _text("author", "login of who copied, or the system"),
    _text("note", "his words"),
    _text("at", "instant of the last copy to this group"),
    Index("copies_by_group", "grp", "at"),
    narrow=True,
)

copy_reads = _table(
    "copy_reads",
    "已阅: read receipts of copies",
    _key("case_id", CASE),
    _key("user_id", "login of the reader"),
    _text("read_at", "instant of the last receipt; a later copy is unread again"),
    narrow=True,
)

timers = _table(
    "timers",
    "Armed timers: what the worker waits for; gone when fired or cancelled",
    _key("case_id", CASE),
    _key("timer", "name of the timer (engine.domain.ids.TimerId)"),
    _text("element", "id of the BPMN element"),
    _text("scope", "task name of the enclosing visit"),
    _text("label", "name of the element"),
    _text("due", "instant at which it fires"),
    _text("limit_id", "limit it belongs to, '' if none"),
    _text("warns_of", "timer of the limit it warns of, '' if it is no warning"),
    _text("mark", "which warning: 75%, 18:00"),
    _text("armed_at", "instant of arming"),
    _number("stuck", "incident that must be resolved before it can fire, 0 if none"),
    _partial("timers_by_due", "due", "case_id", "timer", where="stuck = 0"),
    narrow=True,
)

limits = _table(
    "limits",
    "时限: every limit that ever ran, with the evidence that explains it",
    _key("case_id", CASE),
    _key("timer", "timer that ends it"),
    _number_key("armed_seq", "entry that armed it: after a withdrawal another visit may use the timer's name again"),
    _text("limit_id", "which limit: same_day, eight_hours ..."),
    _text("element", "id of the timer's element"),
    _text("label", "name of the element"),
    _text("scope", "task name of the enclosing visit"),
    _text("host", "task name of the activity whose end meets it"),
    _text("rule", "the rule in words"),
    _text("anchor", "field of the anchor instant"),
    _text("anchor_at", "the anchor instant"),
    _text("deadline", "due instant"),
    _list("explanation", "lines {key, params} for the catalogue"),
    _list("clauses", "R-numbers"),
    _text("unit", "unit it runs for, '' if none"),
    _list("responsible", "groups that are warned"),
    _text("state", "running, met, breached, met_late or cancelled"),
    _text("armed_at", "instant at which it began to run"),
    _text("bundle", "bundle version that the entry which armed it ran on, hex"),
    _text("grade", "grade of its case now: what lists of limits filter by"),
    _text("met_at", "instant at which it was met, in time or late"),
    _text("breached_at", "instant at which the breach was recorded; stays when met late"),
    _number("breached_seq", "entry that recorded the breach, 0 if none"),
    _text("finished_at", "instant from which it no longer runs; '' while running, also past its deadline"),
    _number("finished_seq", "entry of finished_at, 0 while running"),
    _text("finished_by", "login whose entry that was, or the system"),
    _text("finished_task", "task submitted in that entry, '' if none was"),
    Column("late_seconds", Float, nullable=False, default=0.0, comment="how late it was met; 0 in time or not met"),
    _text("cause", "message key of a cause the clock itself knows"),
    _list("warnings", "warnings that came: objects {mark, at, seq, to}"),
    _number("warned", "how many warnings came"),
    _partial("limits_running_by_deadline", "deadline", "case_id", where="finished_at = ''"),
    _partial("limits_by_breach", "breached_at", "case_id", where="breached_at > ''"),
    # Holds all that the evidence of a period filters and counts by, so that the wide rows are read for one page only.
    Index(
        "limits_by_start",
        "armed_at",
        "limit_id",
        "unit",
        "grade",
        "state",
        "finished_seq",
        "breached_seq",
        "warned",
        "case_id",
        "timer",
        "armed_seq",
    ),
    # Everything that counting broken limits asks: the rows themselves are long.
    Index("limits_by_kind", "limit_id", "element", "label", "state", "unit", "case_id"),
)

comments = _table(
    "comments",
    "What people said about a case",
    _key("case_id", CASE),
    _number_key("seq", "entry"),
    _number_key("n", "place of the event in the entry"),
    _text("task", "task it is about, '' for the case"),
    _text("author", "login"),
    _text("text", "the words"),
    _text("at", "instant"),
)

files = _table(
    "files",
    "Files attached to a case; the content lies in the file store",
    _key("case_id", CASE),
    _number_key("seq", "entry"),
    _number_key("n", "place of the event in the entry"),
    _text("file_id", "id in the file store"),
    _text("name", "name as uploaded"),
    _number("size", "bytes"),
    _text("sha256", "hash of the content, hex"),
    _text("media_type", "as checked at upload"),
    _text("task", "task it was given with, '' for the case"),
    _text("path", "data path of its form field, '' if none"),
    _text("note", "words about it"),
    _text("author", "login"),
    _text("at", "instant"),
    Index("files_by_id", "file_id"),
)

documents = _table(
    "documents",
    "Papers the process made, e.g. the late report of R39",
    _key("case_id", CASE),
    _key("name", "name of the paper within the case"),
    _text("document", "kind: late_report ..."),
    _text("element", "element that made it"),
    _text("title", "shown to people"),
    _object("content", "its fields"),
    _text("at", "instant"),
    _number("seq", "entry"),
)

messages_awaited = _table(
    "messages_awaited",
    "Message events that wait: buttons on the case page when they have a label",
    _key("case_id", CASE),
    _key("task", "name of the waiting event"),
    _text("message", "name of the BPMN message"),
    _text("element", "id of the BPMN element"),
    _text("label", "words on the button, '' for none"),
    _text("form", "form to fill in, '' for none"),
    _list("candidates", "groups that may press it"),
    _text("since", "instant"),
    narrow=True,
)

notifications = _table(
    "notifications",
    "Outbox: one row a group to tell",
    _key("id", "<case>/<seq>.<n>.<group number>: the same after a rebuild, so that nothing is sent twice"),
    _text("case_id", CASE),
    _text("grp", "group to tell"),
    _text("message", "catalogue key"),
    _text("task", "task it is about, '' for the case"),
    _object("params", "blanks of the message; never content of the case outside the house (R71)"),
    _text("created_at", "instant of queueing"),
    _text("sent_at", "instant of handing out, '' before; not in the journal, carried over by a rebuild"),
    _partial("notifications_unsent", "created_at", "id", where="sent_at = ''"),
    Index("notifications_by_group", "grp", "created_at"),
)

incidents = _table(
    "incidents",
    "Where the engine stopped a case instead of going on wrongly",
    _key("case_id", CASE),
    _number_key("incident", "1, 2, 3 ... within the case"),
    _text("element", "where"),
    _text("message", "catalogue key"),
    _object("details", "its blanks"),
    _text("timer", "timer that cannot fire until it is resolved, '' if a person's command failed"),
    _text("state", "open or resolved"),
    _text("raised_at", "instant"),
    _text("resolved_at", "instant, '' while open"),
    _text("resolved_by", "login"),
    _text("reason", "why the case may go on"),
)

trail = _table(
    "trail",
    "Every step of every token: where the diagram shows the case has been and is",
    _key("case_id", CASE),
    _number_key("seq", "entry"),
    _number_key("n", "order within the entry"),
    _text("scope", "task name of the enclosing visit, '' at the top"),
    _text("element", "id of the element or sequence flow"),
    _text("action", "entered, left, cancelled, or taken (a flow)"),
    narrow=True,
)

registrations = _table(
    "registrations",
    "What was said when the case was registered: the facts of 漏报 and 迟报 (R20). Never changed afterwards",
    _key("case_id", CASE),
    _text("at", "instant of registration: the office has it from then on"),
    _text("author", "login of who registered it"),
    _text("discovered_at", "field discovered_at as registered, instant"),
    _text("published_at", "field published_at as registered, instant, '' if not given"),
    _text("captured_at", "field captured_at as registered, instant, '' if not given"),
    _text("discovered_by", "field discovered_by: patrol, unit, hotline, superior, leader, media, alert"),
    _text("source_type", "field source_type as registered"),
    _text("source_name", "field source_name as registered"),
    _text("reporter", "field reporter: who found it, in words"),
    Column("lag_seconds", Float, nullable=False, default=0.0, comment="registration minus discovery"),
    _number("judged", "1: the process said whether it was late (field register_late)"),
    _number("late", "1: it said late"),
    _text(
        "missed",
        "it came by another route though: captured (a monitoring tool had it), published (on a monitored "
        "kind of source), '' neither",
    ),
    _text("earlier_at", "since when that source had it, instant"),
    Column("ahead_seconds", Float, nullable=False, default=0.0, comment="discovery minus earlier_at"),
    Index("registrations_by_time", "at", "late", "missed", "ahead_seconds", "judged", "author"),
)

late_reports = _table(
    "late_reports",
    "不及时不得力报告 (R39), one row a report: which limit was broken",
    _key("case_id", CASE),
    _key("name", "name of the paper within the case"),
    _text("at", "instant of drafting"),
    _number("seq", "entry that drafted it"),
    _text("limit_id", "limit that was broken"),
    _text("timer", "its timer, '' when the breach was recorded in another entry"),
    _text("unit", "unit whose limit it was, '' if none"),
    _text("deadline", "due instant of the limit"),
    _text("cause", "message key of a cause the clock itself knows"),
    _text("scope", "task name of the call that follows it up, '' if none began"),
    Index("late_reports_by_time", "at", "unit"),
)

late_answers = _table(
    "late_answers",
    "What people filed about a late report: urging, explanation, assessment, disposal, follow-up",
    _key("case_id", CASE),
    _number_key("seq", "entry"),
    _number_key("n", "place of the event in the entry"),
    _text("scope", "task name of the call that follows the report up"),
    _text("task", "task submitted"),
    _text("author", "login"),
    _text("at", "instant"),
    _object("fields", "the fields filled in"),
)

case_marks = _table(
    "case_marks",
    "How the clauses of the regulation fared in each case, and which elements it came to. Many cases go the same way: "
    "they have the same digests and are counted together",
    _key("case_id", CASE),
    _text("opened_at", "instant at which the case was opened: what periods are asked by"),
    _text("fared", "digest of fared_text: first half of its sha256, hex"),
    _text("reached", "digest of reached_text"),
    _text("fared_text", "lines `kind state number clauses` of its tasks and limits (project_evidence)"),
    _text("reached_text", "ids of the elements that a token of the case ever entered, one a line, sorted"),
    Index("case_marks_by_opening", "opened_at", "fared", "reached", "case_id"),
)

passages = _table(
    "passages",
    "How often elements and flows were passed, summed over cases: the performance view",
    _key("process", "BPMN process that the cases were opened with"),
    _key("bundle", "bundle version the cases run on"),
    _key("grade", "grade of the cases as it is now"),
    _key("month", "month in which the cases were opened, Asia/Shanghai: 2026-03"),
    _number_key("part", "0..15, by the case's number: so that writers of different cases seldom add to the same row"),
    _key("path", "calls and sub-processes around the element, without visits: Call_round/Call_triage"),
    _key("element", "id of the element or sequence flow"),
    _key("action", "entered, cancelled, or taken (a flow)"),
    _number("times", "how often"),
    narrow=True,
)

task_times = _table(
    "task_times",
    "How long each finished task waited and was worked on: the performance view",
    _key("process", "BPMN process that the case was opened with"),
    _key("path", "calls and sub-processes around the task, without visits"),
    _key("element", "id of the BPMN element"),
    _key("case_id", CASE),
    _key("task", "name of the task"),
    _text("unit", "unit whose work it was, '' if none"),
    _number("waited", "seconds from waiting to being taken, or to submission if it never was"),
    _number("worked", "seconds from being taken to submission; -1 if it never was"),
    narrow=True,
)

READ_MODELS: Final[tuple[Table, ...]] = (
    cases, case_access, tasks, task_groups, cosigns, urges, copies, copy_reads, timers, limits, comments, files,
    documents, messages_awaited, notifications, incidents, trail, registrations, late_reports, late_answers,
    case_marks, passages, task_times,
)  # fmt: skip
"""Every table that a rebuild empties and fills again."""
