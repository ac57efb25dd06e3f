"""From a notification to a message: once, to whom it concerns, again where it failed, never again where it went out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from engine.domain.codec import instant_text
from engine.journal.imports import imported_streams
from engine.readmodels.schema import notifications
from engine.service import outbox
from engine.service.bootstrap import Services
from engine.service.channel_mail import Mail
from engine.service.channels import Outcome
from engine.service.delivery_text import Notice
from engine.service.outbox import ATTEMPTS, LEASE, Counts
from engine.service.outbox_tables import contacts, deliveries, outbox_marks
from engine.service.people_tables import absences, persons
from engine.service.transactions import writing
from engine.worker.outbox import OutboxRunner
from tests.outbox.offices import MONDAY, SHORT, Office, hook, mail_to
from tests.outbox.servers import HANG, HttpServer, MailServer

Opened = Callable[..., Office]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opened(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Opened]:
    """`opened(mail=..., webhook=...)` makes an office with these channels, on each database."""
    made: list[Office] = []

    def open_office(**channels: Any) -> Office:
        url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
        made.append(Office(tmp_path, url, **channels))
        return made[-1]

    yield open_office
    for office in made:
        office.services.engine.dispose()


def test_everybody_who_speaks_for_the_group_is_told_once_in_each_of_his_channels(
    opened: Opened, mail: MailServer, http: HttpServer
):
    office = opened(mail=mail_to(mail.port), webhook=hook(http))
    office.wants("webhook", wangfang="wf")
    office.told("user:wangfang", "user:liqiang", "user:nobody")

    first, second = office.deliver(), office.deliver()

    assert (first, second) == (Counts(handed=3, sent=3), Counts())
    assert sorted(message["To"] for message in mail.taken) == ["liqiang@xc.example", "wangfang@xc.example"]
    assert [json.loads(body)["to"] for _, _, body in http.got] == ["wf"]
    assert office.states() == ["sent", "sent", "sent"]
    assert len({message["Message-ID"] for message in mail.taken}) == 2


def test_who_acts_for_an_absent_person_is_told_as_well(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    away = {"start_at": instant_text(MONDAY), "end_at": instant_text(MONDAY + timedelta(days=1))}
    with writing(office.services.engine) as conn:
        conn.execute(
            insert(absences).values(user_id="wangfang", substitute="liqiang", reason="", cancelled_at="", **away)
        )
    office.told("user:wangfang")

    office.deliver()

    assert sorted(message["To"] for message in mail.taken) == ["liqiang@xc.example", "wangfang@xc.example"]


def test_what_one_entry_tells_a_person_is_one_message_with_the_most_pressing_of_it(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    limit = instant_text(MONDAY)
    office.told("user:wangfang", n=0, message="notice.task")
    office.told("user:wangfang", n=1, message="notice.limit_breached", deadline=limit)
    office.told("user:wangfang", n=2, message="notice.copied")
    office.told("user:wangfang", seq=2)

    office.deliver()

    assert [message["Subject"] for message in mail.taken] == [
        "案件 WQ-2026-000001：时限已超时",
        "案件 WQ-2026-000001：新待办",
    ]
    assert "已于 2026-03-02 09:00 超时" in mail.taken[0].get_content()


def test_a_failure_for_now_is_tried_again_when_its_rest_is_over_and_not_before(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")
    mail.recipients += ["450 busy", "450 busy"]

    seen = []
    for _ in range(3):
        seen.append(office.deliver())
        seen.append(office.deliver())
        office.clock.advance(seconds=120)

    later, done = Counts(later=1), Counts(sent=1)
    assert seen == [Counts(handed=1, later=1), Counts(), later, Counts(), done, Counts()]
    assert len(mail.taken) == 1
    assert [(row.state, row.attempts, row.error) for row in office.rows()] == [("sent", 3, "")]


def test_rests_double_up_to_an_hour_differ_between_deliveries_and_are_always_the_same():
    rests = [outbox.rest("a/1/mail/x", attempt).total_seconds() for attempt in range(1, 11)]

    assert rests == [outbox.rest("a/1/mail/x", attempt).total_seconds() for attempt in range(1, 11)]
    for attempt, seconds in enumerate(rests):
        usual = min(3600, 30 * 2**attempt)
        assert 0.75 * usual <= seconds <= 1.25 * usual
    assert len({outbox.rest(f"a/{n}/mail/x", 1) for n in range(50)}) == 50


def test_a_message_refused_for_good_is_dead_at_once_and_stays_to_be_seen(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")
    mail.recipients.append("550 no such user")

    assert office.deliver() == Counts(handed=1, dead=1)
    office.clock.advance(days=2)
    assert office.deliver() == Counts()

    (row,) = office.rows()
    assert (row.state, row.error, row.detail) == ("dead", "delivery.error.refused", "550 no such user")


def test_after_its_last_attempt_a_delivery_is_dead(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")
    mail.recipients += ["450 busy"] * 20

    for _ in range(ATTEMPTS + 3):
        office.deliver()
        office.clock.advance(seconds=3600 * 1.25)

    (row,) = office.rows()
    assert (row.state, row.attempts) == ("dead", ATTEMPTS)
    assert len(mail.recipients) == 20 - ATTEMPTS


def test_a_channel_that_hangs_neither_holds_up_the_others_nor_is_tried_for_each_message(
    opened: Opened, mail: MailServer, http: HttpServer
):
    office = opened(wecom=hook(http), mail=mail_to(mail.port))
    office.wants("wecom", wangfang="WangFang", liqiang="LiQiang")
    office.told("user:wangfang", "user:liqiang")
    http.answers += [(HANG, b"")] * 5

    counts = office.deliver()

    assert counts == Counts(handed=2, sent=2, later=1)
    assert len(http.got) == 1


def test_a_channel_that_is_not_set_up_lets_its_messages_wait_until_they_are_stale(opened: Opened, mail: MailServer):
    office = opened()
    office.told("user:wangfang")

    assert office.deliver() == Counts(handed=1)
    assert office.states() == ["waiting"]
    late = [Mail(mail_to(mail.port), SHORT)]
    office.clock.advance(hours=71)
    office.told("user:liqiang", case="WQ-2026-000002")
    office.clock.advance(hours=1)

    assert office.deliver(ways=late) == Counts(handed=1, sent=1, dead=1)
    assert [(row.state, row.error) for row in office.rows()] == [("dead", "delivery.error.stale"), ("sent", "")]


def test_who_has_left_or_wants_no_more_messages_gets_none(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang", "user:liqiang")
    office.deliver(ways=[])
    with writing(office.services.engine) as conn:
        conn.execute(update(persons).where(persons.c.user_id == "wangfang").values(active=False))
        conn.execute(delete(contacts).where(contacts.c.user_id == "liqiang"))

    assert office.deliver() == Counts(dead=2)
    assert mail.taken == []
    assert {row.error for row in office.rows()} == {"delivery.error.no_address"}


def test_news_from_before_three_days_is_handed_out_in_silence(opened: Opened, mail: MailServer):
    """The first start with an outbox finds every notification of the journal unsent."""
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang", at=MONDAY - timedelta(days=4))
    office.told("user:wangfang", seq=2, at=MONDAY - timedelta(days=1))

    assert office.deliver() == Counts(handed=2, sent=1)
    assert len(office.rows()) == 1


def test_a_case_out_of_a_package_tells_nobody(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    with writing(office.services.engine) as conn:
        values = {"entries": 1, "origin": "", "checkpoint": "", "package": "", "at": "", "actor": ""}
        conn.execute(insert(imported_streams).values(case_id="WQ-2026-000001", **values))
    office.told("user:wangfang")
    office.told("user:wangfang", case="WQ-2026-000002")

    assert office.deliver() == Counts(handed=2, sent=1)
    assert [row.case_id for row in office.rows()] == ["WQ-2026-000002"]


def test_a_robot_is_not_asked_more_often_than_it_allows(opened: Opened, http: HttpServer):
    office = opened(wecom=hook(http))
    office.wants("wecom", wangfang="WangFang")
    for seq in range(1, 41):
        office.told("user:wangfang", seq=seq)

    first = office.deliver()
    at_once = office.deliver()
    office.clock.advance(seconds=61)
    second = office.deliver()

    assert (first.sent, at_once.sent, second.sent) == (18, 0, 18)
    assert len(http.got) == 36


def test_the_pressing_ones_go_first(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang", seq=1)
    office.told("user:wangfang", seq=2, message="notice.limit_warning", deadline=instant_text(MONDAY))

    office.deliver(sends=1)

    assert [message["Subject"] for message in mail.taken] == ["案件 WQ-2026-000001：时限预警"]


class Killed(BaseException):
    """The process ends here."""


class Dying:
    """A mail channel whose process is killed after the server has taken the message."""

    name = "mail"
    per_minute = 0

    def __init__(self, real: Mail) -> None:
        self.real = real

    def send(self, notice: Notice) -> Outcome:
        assert self.real.send(notice) == Outcome("sent")
        raise Killed

    def close(self) -> None:
        self.real.close()


def test_a_worker_killed_between_sending_and_marking_leaves_a_second_message_of_the_same_name(
    opened: Opened, mail: MailServer
):
    """At least once: this is the case that cannot be told from one in which nothing was sent."""
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")

    with pytest.raises(Killed):
        office.deliver(ways=[Dying(Mail(mail_to(mail.port), SHORT))])
    assert office.states() == ["sending"]
    before = office.deliver()
    office.clock.advance(seconds=LEASE.total_seconds())
    after = office.deliver()

    assert (before, after) == (Counts(), Counts(sent=1))
    assert len(mail.taken) == 2
    assert len({message["Message-ID"] for message in mail.taken}) == 1


def test_a_delivery_whose_sender_dies_each_time_is_given_up(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")

    for _ in range(ATTEMPTS):
        with pytest.raises(Killed):
            office.deliver(ways=[Dying(Mail(mail_to(mail.port), SHORT))])
        office.clock.advance(seconds=LEASE.total_seconds())

    assert office.deliver() == Counts(dead=1)
    assert [(row.state, row.error) for row in office.rows()] == [("dead", "delivery.error.lost")]


class Overtaken(Dying):
    """One that takes longer than the lease: another worker sends and marks meanwhile."""

    def __init__(self, real: Mail, meanwhile: Callable[[], object]) -> None:
        super().__init__(real)
        self.meanwhile = meanwhile

    def send(self, notice: Notice) -> Outcome:
        self.meanwhile()
        return Outcome("later", "delivery.error.busy", "")


def test_a_worker_that_was_overtaken_does_not_undo_what_the_other_one_marked(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")

    def meanwhile() -> None:
        office.clock.advance(seconds=LEASE.total_seconds())
        assert office.deliver() == Counts(sent=1)

    office.deliver(ways=[Overtaken(Mail(mail_to(mail.port), SHORT), meanwhile)])

    assert office.states() == ["sent"]


# --- many workers ----------------------------------------------------------------------------------------------------

MESSAGES = 30
WORKERS = 4


def together(work: Callable[[Services], None], office: Office) -> None:
    """Lets WORKERS processes' worth of services work at once; fails if one of them does."""
    crew = [office.another() for _ in range(WORKERS)]
    gate = threading.Barrier(WORKERS)
    faults: list[BaseException] = []

    def run(services: Services) -> None:
        try:
            gate.wait(20)
            work(services)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(services,)) for services in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for services in crew:
        services.engine.dispose()
    assert faults == []


def many(office: Office) -> None:
    for number in range(1, MESSAGES + 1):
        office.told("user:wangfang", case=f"WQ-2026-{number % 7:06d}", seq=number)


def test_four_workers_at_once_send_each_message_exactly_once(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    many(office)

    def work(services: Services) -> None:
        runner = OutboxRunner(services)
        while runner.run_once().fired:
            pass

    together(work, office)

    office.deliver()
    assert len(mail.taken) == MESSAGES
    assert len({message["Message-ID"] for message in mail.taken}) == MESSAGES
    assert office.states() == ["sent"] * MESSAGES


def test_workers_that_do_not_take_a_delivery_before_they_send_it_send_it_twice(opened: Opened, mail: MailServer):
    """The control: without the taking, the test above would see doubled messages."""
    office = opened(mail=mail_to(mail.port))
    many(office)
    office.deliver(ways=[])
    read = threading.Barrier(WORKERS)

    def naive(services: Services) -> None:
        channel = Mail(mail_to(mail.port))
        with services.engine.connect() as conn:
            rows = list(conn.execute(select(deliveries).where(deliveries.c.state == "waiting")))
        read.wait(20)
        for row in rows:
            channel.send(outbox._notice(row, "wangfang@xc.example", "", services.clock.now()))
            with writing(services.engine) as conn:
                conn.execute(update(deliveries).where(deliveries.c.delivery_id == row.delivery_id).values(state="sent"))
        channel.close()

    together(naive, office)

    assert len(mail.taken) == MESSAGES * WORKERS


# --- the worker ------------------------------------------------------------------------------------------------------


def test_the_runner_sleeps_until_the_next_retry_and_looks_again_in_between(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    runner = OutboxRunner(office.services)

    idle = runner.seconds_to_next()
    office.told("user:wangfang")
    mail.recipients.append("450 busy")
    failed = runner.run_once()
    resting = runner.seconds_to_next()
    office.clock.advance(seconds=36)
    nearly = outbox.seconds_to_next(office.services, 5.0)

    assert (idle, failed, resting) == (2.0, Counts(handed=1, later=1), 2.0)
    assert 0.0 <= nearly < 5.0
    office.clock.advance(seconds=2)
    assert runner.run_once() == Counts(sent=1)


def test_rows_of_half_a_year_ago_are_removed_but_their_cases_stay_silent(opened: Opened, mail: MailServer):
    office = opened(mail=mail_to(mail.port))
    office.told("user:wangfang")
    office.deliver()
    office.clock.advance(days=181)
    office.told("user:liqiang", case="WQ-2026-000002")

    office.deliver()

    assert [row.case_id for row in office.rows()] == ["WQ-2026-000002"]
    with writing(office.services.engine) as conn:
        conn.execute(update(notifications).values(sent_at="", created_at=instant_text(office.clock.now())))
        assert conn.execute(select(outbox_marks.c.case_id)).scalars().all() != []
    assert office.deliver() == Counts(handed=2)
    assert len(mail.taken) == 2
