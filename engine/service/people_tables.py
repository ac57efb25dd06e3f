"""Tables of people, sessions and their two logs, and the database's own refusals that belong to them.

Two rules do not depend on this program behaving: the separated roles exclude one another (and every other role), and
the rows of the two logs can neither be changed nor deleted. Both are enforced by SQLite and by PostgreSQL.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    exists,
    text,
)

from engine.domain.organisation import POSTS, ROLES, SEPARATED_ROLES, UNIT_KINDS
from engine.journal.append_only import after_create, postgresql_guards, sqlite_guards, sqlite_no_replacing
from engine.journal.schema import metadata


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


lines = Table(
    "lines",
    metadata,
    Column("line_id", Text, primary_key=True, comment="business line (业务条线), e.g. gengbao"),
    Column("name", Text, nullable=False, comment="shown to people"),
    Column("leader", Text, nullable=False, comment="login of the vice leader in charge; '' when nobody is"),
    comment="Lines of responsibility: which bureau leader a matter is reported to (R26)",
)

units = Table(
    "units",
    metadata,
    Column("unit_id", Text, primary_key=True, comment="short latin id, e.g. gengbao; part of group names"),
    Column("name", Text, nullable=False, unique=True, comment="full name as on documents"),
    Column("kind", Text, CheckConstraint(_one_of("kind", UNIT_KINDS)), nullable=False, comment="section, county..."),
    Column("district", Text, nullable=False, comment="where it answers for"),
    Column("line_id", Text, ForeignKey(lines.c.line_id), comment="business line it belongs to, if one"),
    Column("position", Integer, nullable=False, comment="order in lists"),
    Column("active", Boolean, nullable=False, comment="false: kept for old cases, no longer offered"),
    comment="Sections, county branches, affiliated units",
)

persons = Table(
    "persons",
    metadata,
    Column("user_id", Text, primary_key=True, comment="login, lower case; never reused"),
    Column("name", Text, nullable=False, comment="as shown"),
    Column("unit_id", Text, ForeignKey(units.c.unit_id), nullable=False, comment="where he belongs", index=True),
    Column("title", Text, nullable=False, comment="position in words, e.g. 科长"),
    Column("phone", Text, nullable=False, comment="for the duty roster; '' when not given"),
    Column("active", Boolean, nullable=False, comment="false: cannot sign in, gets no tasks"),
    Column("password_hash", Text, nullable=False, comment="argon2id, encoded with its parameters"),
    Column("password_at", Text, nullable=False, comment="instant of the last change, UTC"),
    Column("must_change", Boolean, nullable=False, comment="true: the next sign-in asks for a new password"),
    Column("demo_password", Boolean, nullable=False, comment="true: the published password of the demo cast"),
    Column("created_at", Text, nullable=False, comment="instant, UTC"),
    comment="Everybody who can sign in; rows are never deleted",
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("user_id", Text, ForeignKey(persons.c.user_id), primary_key=True, comment="who"),
    Column("role", Text, CheckConstraint(_one_of("role", ROLES)), primary_key=True, comment="holds which role"),
    Column("granted_at", Text, nullable=False, comment="instant, UTC"),
    Column("granted_by", Text, nullable=False, comment="login of the security admin"),
    comment="Roles granted; see the index and the triggers for the separated ones",
)
Index(
    "person_roles_one_separated",
    person_roles.c.user_id,
    unique=True,
    sqlite_where=text(_one_of("role", SEPARATED_ROLES)),
    postgresql_where=text(_one_of("role", SEPARATED_ROLES)),
)

unit_posts = Table(
    "unit_posts",
    metadata,
    Column("unit_id", Text, ForeignKey(units.c.unit_id), primary_key=True, comment="in which unit"),
    Column("post", Text, CheckConstraint(_one_of("post", POSTS)), primary_key=True, comment="head, monitor..."),
    Column("user_id", Text, ForeignKey(persons.c.user_id), nullable=False, comment="who holds it", index=True),
    comment="Heads, named monitors and reply persons of units (R17, R34, R62)",
)

absences = Table(
    "absences",
    metadata,
    Column("absence_id", Integer, primary_key=True, comment="running number"),
    Column("user_id", Text, ForeignKey(persons.c.user_id), nullable=False, comment="who is away", index=True),
    Column("substitute", Text, ForeignKey(persons.c.user_id), nullable=False, comment="who acts for him"),
    Column("start_at", Text, nullable=False, comment="first instant, UTC"),
    Column("end_at", Text, nullable=False, comment="first instant back, UTC", index=True),
    Column("reason", Text, nullable=False, comment="in words"),
    Column("cancelled_at", Text, nullable=False, comment="instant it was called off, UTC; '' while it stands"),
    CheckConstraint("user_id <> substitute", name="absences_not_oneself"),
    CheckConstraint("start_at < end_at", name="absences_forward"),
    comment="Absences and substitutes; rows are kept, they say who acted for whom",
)

duty_roster = Table(
    "duty_roster",
    metadata,
    Column("duty_id", Integer, primary_key=True, comment="running number"),
    Column("on_date", Text, nullable=False, comment="day in Asia/Shanghai, YYYY-MM-DD"),
    Column("shift", Text, CheckConstraint("shift IN ('day', 'night')"), nullable=False, comment="白班 or 夜班"),
    Column("part", Text, CheckConstraint("part IN ('leader', 'officer')"), nullable=False, comment="带班 or 值班"),
    Column("user_id", Text, ForeignKey(persons.c.user_id), nullable=False, comment="who"),
    UniqueConstraint("on_date", "shift", "part", "user_id", name="duty_roster_once"),
    comment="Who is on duty (R23: round the clock)",
)

sessions = Table(
    "sessions",
    metadata,
    Column("sid_hash", Text, primary_key=True, comment="sha256 of the random id in the cookie, hex"),
    Column("user_id", Text, ForeignKey(persons.c.user_id), nullable=False, comment="who signed in", index=True),
    Column("created_at", Text, nullable=False, comment="instant of sign-in, UTC; the absolute limit counts from it"),
    Column("seen_at", Text, nullable=False, comment="last use, UTC, written at most once a minute; idle limit"),
    Column("ended_at", Text, nullable=False, comment="instant it was ended, UTC; '' while it lives"),
    Column("end_reason", Text, nullable=False, comment="signed_out, disabled, roles_changed, password, ..."),
    Column("ip", Text, nullable=False, comment="address it was opened from"),
    Column("user_agent", Text, nullable=False, comment="browser, first 200 characters"),
    comment="Sessions on the server: ending a row signs the browser out",
)

sign_in_guards = Table(
    "sign_in_guards",
    metadata,
    Column("subject", Text, primary_key=True, comment="login:<sha256 of the login> or ip:<address>"),
    Column("failures", Integer, nullable=False, comment="attempts counted in the present window"),
    Column("until", Text, nullable=False, comment="end of the window or of the lock, UTC"),
    comment="Attempts to sign in, counted also for logins that do not exist",
)

people_log = Table(
    "people_log",
    metadata,
    Column("log_id", Integer, primary_key=True, comment="running number"),
    Column("at", Text, nullable=False, comment="instant, UTC", index=True),
    Column("actor", Text, nullable=False, comment="who changed it"),
    Column("action", Text, nullable=False, comment="what was done, e.g. person_created"),
    Column("subject", Text, nullable=False, comment="kind:id of what was changed, e.g. person:liqiang", index=True),
    Column("before", Text, nullable=False, comment="JSON of the row before, null when it is new"),
    Column("after", Text, nullable=False, comment="JSON of the row after, null when it is gone"),
    comment="Every change of people, units and roles. Only ever added to",
    sqlite_autoincrement=True,
)

security_log = Table(
    "security_log",
    metadata,
    Column("log_id", Integer, primary_key=True, comment="running number"),
    Column("at", Text, nullable=False, comment="instant, UTC", index=True),
    Column("event", Text, nullable=False, comment="signed_in, sign_in_failed, locked, access_refused, ..."),
    Column("subject", Text, nullable=False, comment="login; '?' and a short hash for one that does not exist"),
    Column("ip", Text, nullable=False, comment="address of the request"),
    Column("detail", Text, nullable=False, comment="JSON object"),
    comment="Sign-ins, failures, locks, refusals. Only ever added to; kept at least 180 days (网络安全法)",
    sqlite_autoincrement=True,
)

RECEIVES_WORK: Final = ~exists().where(
    person_roles.c.user_id == persons.c.user_id, person_roles.c.role.in_(SEPARATED_ROLES)
)
"""Condition on `persons`: who holds a separated role is handed no task and no copy; he could do nothing with it."""

_SEPARATED = f"({', '.join(repr(role) for role in SEPARATED_ROLES)})"
_CLASH = (
    "EXISTS (SELECT 1 FROM person_roles r WHERE r.user_id = NEW.user_id AND r.role <> NEW.role"
    f" AND (NEW.role IN {_SEPARATED} OR r.role IN {_SEPARATED}))"
)
_APPEND_ONLY: Final = (people_log.name, security_log.name)

SQLITE_GUARDS: Final = (
    *(
        f"CREATE TRIGGER IF NOT EXISTS person_roles_separated_{verb.lower()} BEFORE {verb} ON person_roles"
        f" WHEN {_CLASH} BEGIN SELECT RAISE(ABORT, 'separated roles exclude every other role'); END"
        for verb in ("INSERT", "UPDATE")
    ),
    *sqlite_guards(_APPEND_ONLY),
    *(sqlite_no_replacing(table, ["log_id"]) for table in _APPEND_ONLY),
)

POSTGRESQL_GUARDS: Final = (
    # The row lock makes two grants to one person wait for each other: without it both could look and see nothing.
    "CREATE OR REPLACE FUNCTION person_roles_separated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " PERFORM 1 FROM persons WHERE user_id = NEW.user_id FOR UPDATE;"
    f" IF {_CLASH} THEN RAISE EXCEPTION"
    " USING MESSAGE = 'separated roles exclude every other role', ERRCODE = '23514'; END IF;"
    " RETURN NEW; END $$",
    "CREATE OR REPLACE TRIGGER person_roles_separated BEFORE INSERT OR UPDATE ON person_roles"
    " FOR EACH ROW EXECUTE FUNCTION person_roles_separated()",
    *postgresql_guards(_APPEND_ONLY),
)


def install_guards(conn: Connection) -> None:
    """Creates the triggers above where they are missing; for migrations. `metadata.create_all` does it by itself."""
    for statement in SQLITE_GUARDS if conn.dialect.name == "sqlite" else POSTGRESQL_GUARDS:
        conn.exec_driver_sql(statement)


after_create("sqlite", SQLITE_GUARDS)
after_create("postgresql", POSTGRESQL_GUARDS)
