"""Tables of the outbox. None of them is a read model: a rebuild leaves them alone, so that nothing is sent again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text, literal_column, text

from engine.journal.schema import metadata

from .people_tables import persons

CHANNELS: Final = ("mail", "wecom", "dingtalk", "webhook")
STATES: Final = ("waiting", "sending", "sent", "dead")
KINDS: Final = ("breached", "warning", "urged", "todo", "info", "test")
"""What a message is about, most pressing first."""
_UNDER_WAY: Final = "state IN ('waiting', 'sending')"


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})")


contacts = Table(
    "contacts",
    metadata,
    Column("user_id", Text, ForeignKey(persons.c.user_id), primary_key=True, comment="whose"),
    Column("channel", Text, _one_of("channel", CHANNELS), primary_key=True, comment="mail, wecom, dingtalk, webhook"),
    Column("address", Text, nullable=False, comment="mail address, or the person's id there; no row: not told there"),
    comment="Where people want to be told; changed by themselves and by the system admin",
)

outbox_marks = Table(
    "outbox_marks",
    metadata,
    Column("case_id", Text, primary_key=True, comment="case"),
    Column("seq", Integer, nullable=False, comment="entries up to this one have been handed to deliveries"),
    comment="How far each case's notifications went out. Whatever a rebuild projects again below the mark stays silent",
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Text, primary_key=True, comment="<case>/<seq>/<channel>/<login>, the same at each try"),
    Column("case_id", Text, nullable=False, comment="case, '' for a test message"),
    Column("user_id", Text, nullable=False, comment="who is told"),
    Column("channel", Text, _one_of("channel", CHANNELS), nullable=False, comment="by which way"),
    Column("kind", Text, _one_of("kind", KINDS), nullable=False, comment="most pressing of what the entry told"),
    Column("deadline", Text, nullable=False, comment="instant of the limit it is about, '' for none"),
    Column("urgent", Integer, nullable=False, comment="1: quiet hours do not hold it"),
    Column("state", Text, _one_of("state", STATES), nullable=False, comment="sending: a worker has it until next_at"),
    Column("attempts", Integer, nullable=False, comment="times taken; names the taking that may mark it"),
    Column("next_at", Text, nullable=False, comment="instant from which it may be taken (again)"),
    Column("since", Text, nullable=False, comment="instant of queueing or of repeating; later it is stale"),
    Column("error", Text, nullable=False, comment="catalogue key of why the last attempt failed, '' for none"),
    Column("detail", Text, nullable=False, comment="what the server said, without secrets"),
    Column("sent_at", Text, nullable=False, comment="instant the server took it, '' before"),
    comment="One message to one person by one channel; rows sent or dead are kept for half a year",
)
Index(
    "deliveries_under_way",
    deliveries.c.channel,
    deliveries.c.next_at,
    sqlite_where=text(_UNDER_WAY),
    postgresql_where=text(_UNDER_WAY),
)
Index(
    "deliveries_dead",
    deliveries.c.since,
    sqlite_where=text("state = 'dead'"),
    postgresql_where=text("state = 'dead'"),
)
Index("deliveries_by_age", deliveries.c.since, deliveries.c.delivery_id)
Index("deliveries_sent", deliveries.c.channel, deliveries.c.sent_at)

UNDER_WAY: Final = deliveries.c.state.in_([literal_column("'waiting'"), literal_column("'sending'")])
DEAD: Final = deliveries.c.state == literal_column("'dead'")
"""Words of the states stand in the SQL: with bound values SQLite would not use the partial indexes."""
