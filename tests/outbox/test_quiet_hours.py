"""Quiet hours hold ordinary messages until the morning, and never one that the regulation's clock depends on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text, parse_instant
from engine.readmodels.schema import NO_DUE, cases, notifications
from engine.service.channel_mail import Mail
from engine.service.handing_out import MARGIN, hand_out, is_urgent
from engine.service.outbox import Counts
from engine.service.outbox_tables import deliveries, outbox_marks
from engine.service.quiet_hours import QuietHours, quiet_hours
from engine.service.transactions import writing
from tests.outbox.offices import MONDAY, SHORT, Office, mail_to
from tests.outbox.servers import MailServer
from tests.support.world import xuchang

NIGHT = quiet_hours("22:00-07:00")
NOON = quiet_hours("12:00-13:30")
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=3 * 365)).map(
    lambda later: datetime(2026, 1, 1, tzinfo=UTC) + later
)
HOURS = st.sampled_from([NIGHT, NOON, quiet_hours("00:00-00:01"), quiet_hours("23:59-00:00")])


@pytest.mark.parametrize("text", ["", "22:00", "22:00-22:00", "24:00-07:00", "22-07", "22:00-07:60", "22:00–07:00"])
def test_hours_that_cannot_be_read_are_none(text: str):
    assert quiet_hours(text) is None


@pytest.mark.parametrize(
    ("at", "goes"),
    [
        ("2026-03-02 21:59", "2026-03-02 21:59"),
        ("2026-03-02 22:00", "2026-03-03 07:00"),
        ("2026-03-02 23:59", "2026-03-03 07:00"),
        ("2026-03-03 00:00", "2026-03-03 07:00"),
        ("2026-12-31 23:00", "2027-01-01 07:00"),
        ("2028-02-28 23:00", "2028-02-29 07:00"),
        ("2026-03-03 07:00", "2026-03-03 07:00"),
    ],
)
def test_the_night_ends_in_the_morning_after_it(at: str, goes: str):
    assert NIGHT is not None
    assert NIGHT.over(xuchang(at)) == xuchang(goes)


@given(at=INSTANTS, hours=HOURS)
def test_what_waits_goes_at_the_first_instant_that_is_not_quiet(at: datetime, hours: QuietHours):
    over = hours.over(at)

    assert at <= over < at + timedelta(days=1)
    assert hours.over(over) == over
    if over > at:
        assert over.astimezone(ZONE).time() == hours.end
        assert hours.over(over - timedelta(microseconds=1)) == over  # it was quiet up to there


@given(
    at=INSTANTS,
    hours=HOURS,
    kind=st.sampled_from(["breached", "warning"]),
    grade=st.sampled_from(["", "ordinary_negative", "major_negative"]),
)
def test_a_statutory_message_is_urgent_at_every_instant(at: datetime, hours: QuietHours, kind: str, grade: str):
    assert is_urgent(at, hours, kind, grade, NO_DUE)


@given(at=INSTANTS, hours=HOURS, ahead=st.timedeltas(timedelta(days=-1), timedelta(days=3)))
def test_an_ordinary_message_waits_only_where_that_leaves_the_shortest_limit_its_eight_hours(
    at: datetime, hours: QuietHours, ahead: timedelta
):
    due = at + ahead

    urgent = is_urgent(at, hours, "todo", "ordinary_negative", instant_text(due))

    assert urgent == (due <= hours.over(at) + MARGIN)
    assert is_urgent(at, hours, "todo", "major_negative", NO_DUE)
    assert not is_urgent(at, hours, "todo", "ordinary_negative", NO_DUE)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("quiet"), "", quiet=NIGHT)
    yield made
    made.services.engine.dispose()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=INSTANTS,
    kind=st.sampled_from(["notice.limit_warning", "notice.limit_breached", "notice.task", "notice.copied"]),
    major=st.booleans(),
)
def test_what_is_handed_out_goes_at_once_if_it_is_statutory_and_never_at_night_if_it_is_not(
    office: Office, at: datetime, kind: str, major: bool
):
    """Through the database, at any instant of three years."""
    office.clock.set(at)
    with writing(office.services.engine) as conn:
        for table in (notifications, deliveries, outbox_marks, cases):
            conn.execute(delete(table))
    office.case(grade="major_negative" if major else "ordinary_negative")
    office.told("user:wangfang", message=kind, deadline=instant_text(at))

    with writing(office.services.engine) as conn:
        hand_out(conn, at, NIGHT, 100)

    (row,) = office.rows()
    statutory = kind in ("notice.limit_warning", "notice.limit_breached")
    goes = parse_instant(row.next_at)
    if statutory or major:
        assert goes == at
    else:
        assert NIGHT is not None
        assert goes == NIGHT.over(at)
        assert 7 <= goes.astimezone(ZONE).hour < 22


def test_at_night_a_warning_goes_out_and_an_ordinary_message_comes_in_the_morning(tmp_path: Path, mail: MailServer):
    office = Office(tmp_path, "", mail=mail_to(mail.port), quiet=NIGHT)
    office.clock.set(xuchang("2026-03-02 23:30"))
    office.told("user:wangfang", message="notice.task")
    office.told("user:liqiang", case="WQ-2026-000002", message="notice.limit_warning", deadline=instant_text(MONDAY))

    night = office.deliver()
    at_night = [message["To"] for message in mail.taken]
    office.clock.set(xuchang("2026-03-03 06:59"))
    early = office.deliver()
    office.clock.set(xuchang("2026-03-03 07:00"))
    morning = office.deliver()
    office.services.engine.dispose()

    assert (night, early, morning) == (Counts(handed=2, sent=1), Counts(), Counts(sent=1))
    assert at_night == ["liqiang@xc.example"]
    assert [message["To"] for message in mail.taken[1:]] == ["wangfang@xc.example"]


def test_a_retry_that_falls_into_the_night_waits_but_not_that_of_a_warning(tmp_path: Path, mail: MailServer):
    office = Office(tmp_path, "", mail=mail_to(mail.port), quiet=NIGHT)
    office.clock.set(xuchang("2026-03-02 21:59:50"))
    office.told("user:wangfang", message="notice.task")
    office.told("user:liqiang", case="WQ-2026-000002", message="notice.limit_warning", deadline=instant_text(MONDAY))
    mail.recipients += ["450 busy", "450 busy"]

    office.deliver(ways=[Mail(mail_to(mail.port), SHORT)])
    next_at = {row.user_id: parse_instant(row.next_at) for row in office.rows()}
    office.services.engine.dispose()

    assert next_at["wangfang"] == xuchang("2026-03-03 07:00")
    assert next_at["liqiang"] < xuchang("2026-03-02 22:01")
