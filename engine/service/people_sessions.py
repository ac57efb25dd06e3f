"""Signing in and out: attempts, locks, sessions on the server, and a person's own password."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, text, update

from engine.domain.clock import Clock
from engine.domain.codec import instant_text, parse_instant
from engine.domain.organisation import Actor
from engine.domain.rejection import Rejection

from . import passwords, people, people_log
from .people_tables import persons, sessions, sign_in_guards
from .settings import PasswordProfile, Settings
from .system import new_id
from .transactions import writing

ATTEMPTS_PER_LOGIN: Final = 5
ATTEMPTS_PER_ADDRESS: Final = 50
"""Failures per address in one window: a whole office may share one address, one person needs five."""
LOCK: Final = timedelta(minutes=15)
TOUCH: Final = timedelta(minutes=1)
"""A session's last use is written at most this often: reading a page must stay cheap."""

# One statement, so that two attempts at the same moment cannot both be the fifth. A window that is over starts anew;
# the fifth attempt stretches it to a full lock from then on.
_COUNT = text(
    """
    INSERT INTO sign_in_guards (subject, failures, until) VALUES (:subject, 1, :window)
    ON CONFLICT (subject) DO UPDATE SET
      failures = CASE WHEN sign_in_guards.until <= :now THEN 1 ELSE sign_in_guards.failures + 1 END,
      until = CASE WHEN sign_in_guards.until <= :now OR sign_in_guards.failures + 1 = :most THEN :window
                   ELSE sign_in_guards.until END
    RETURNING failures, until
    """
)


@dataclass(frozen=True, slots=True)
class Session:
    """A living session. `must_change`: everything but a new password waits (first sign-in, or too old)."""

    actor: Actor
    must_change: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One row of a person's own sessions. `current`: the one he is looking from."""

    created_at: str
    seen_at: str
    ip: str
    user_agent: str
    current: bool


def sign_in(
    engine: Engine, clock: Clock, user_id: str, password: str, *, ip: str, user_agent: str = ""
) -> str | Rejection:
    """The random id of a new session, or why not.

    1. The attempt is counted before the password is looked at, per login (known or not) and per address.
    2. The hash is verified outside of any transaction, as long for an unknown login as for a known one.
    3. Success forgets the count and opens the session; failure leaves the count and a line in the security log.
    """
    login = user_id.strip().lower()
    with writing(engine) as conn:
        refused = _count_attempt(conn, clock.now(), login, ip)
        row = conn.execute(select(persons).where(persons.c.user_id == login)).one_or_none()
    if refused is not None:
        return refused
    right = passwords.verify(row.password_hash if row is not None else None, password)
    with writing(engine) as conn:
        if not right or row is None or not row.active:
            people_log.security(conn, clock.now(), "sign_in_failed", _shown(login, row is not None), ip)
            return Rejection("forbidden", "auth.wrong")
        if passwords.outdated(row.password_hash):
            renewed = passwords.hash_password(password)
            conn.execute(update(persons).where(persons.c.user_id == login).values(password_hash=renewed))
        conn.execute(delete(sign_in_guards).where(sign_in_guards.c.subject == _login_subject(login)))
        conn.execute(
            update(sign_in_guards)
            .where(sign_in_guards.c.subject == f"ip:{ip}", sign_in_guards.c.failures > 0)
            .values(failures=sign_in_guards.c.failures - 1)
        )
        people_log.security(conn, clock.now(), "signed_in", login, ip)
        return open_session(conn, clock.now(), login, ip, user_agent)


def open_session(conn: Connection, now: datetime, user_id: str, ip: str, user_agent: str = "") -> str:
    """Opens a session without asking for a password; returns its random id, of which only the hash is stored."""
    sid = new_id()
    at = instant_text(now)
    conn.execute(
        insert(sessions).values(
            sid_hash=_hash(sid), user_id=user_id, created_at=at, seen_at=at, ended_at="", end_reason="",
            ip=ip[:64], user_agent=user_agent[:200],
        )
    )  # fmt: skip
    return sid


_SESSION: Final = (
    select(sessions, persons.c.must_change, persons.c.password_at)
    .join(persons, persons.c.user_id == sessions.c.user_id)
    .where(sessions.c.sid_hash == bindparam("sid_hash"), sessions.c.ended_at == "")
)


def session(conn: Connection, sid: str, now: datetime, settings: Settings) -> Session | None:
    """The session of this id if it lives at `now` (idle and absolute limits, person active), else None."""
    row = conn.execute(_SESSION, {"sid_hash": _hash(sid)}).one_or_none()
    if row is None:
        return None
    seen_at = parse_instant(row.seen_at)
    idle = now - seen_at >= timedelta(minutes=settings.session_idle_minutes)
    old = now - parse_instant(row.created_at) >= timedelta(hours=settings.session_absolute_hours)
    actor = None if idle or old else people.actor(conn, row.user_id, now)
    if actor is None:
        return None
    max_age = passwords.MAX_AGE[settings.password_profile]
    stale = max_age is not None and now - parse_instant(row.password_at) >= max_age
    return Session(actor, row.must_change or stale, seen_at)


def touch(conn: Connection, sid: str, now: datetime) -> None:
    """Writes that the session was used now; the caller asks only when `TOUCH` has gone by."""
    conn.execute(
        update(sessions)
        .where(sessions.c.sid_hash == _hash(sid), sessions.c.ended_at == "")
        .values(seen_at=instant_text(now))
    )


def sign_out(conn: Connection, now: datetime, sid: str, user_id: str, ip: str) -> None:
    """Ends one session."""
    conn.execute(
        update(sessions)
        .where(sessions.c.sid_hash == _hash(sid), sessions.c.ended_at == "")
        .values(ended_at=instant_text(now), end_reason="signed_out")
    )
    people_log.security(conn, now, "signed_out", user_id, ip)


def end_sessions(conn: Connection, now: datetime, user_id: str, reason: str, *, but: str = "") -> None:
    """Ends every session of a person at once, except the one with id `but`."""
    conn.execute(
        update(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at == "", sessions.c.sid_hash != _hash(but))
        .values(ended_at=instant_text(now), end_reason=reason)
    )


def open_sessions(conn: Connection, user_id: str, now: datetime, settings: Settings, sid: str) -> list[OpenSession]:
    """The person's sessions that live at `now`, newest first."""
    used_since = instant_text(now - timedelta(minutes=settings.session_idle_minutes))
    rows = conn.execute(
        select(sessions)
        .where(sessions.c.user_id == user_id, sessions.c.ended_at == "", sessions.c.seen_at > used_since)
        .order_by(sessions.c.created_at.desc())
    )
    return [
        OpenSession(row.created_at, row.seen_at, row.ip, row.user_agent, row.sid_hash == _hash(sid)) for row in rows
    ]


def change_own_password(
    engine: Engine, clock: Clock, actor: Actor, sid: str, old: str, new: str, *, profile: PasswordProfile, ip: str
) -> Rejection | None:
    """Sets a person's own password and ends his other sessions; None when done.

    Rejection(invalid) with the fault at its field. A wrong old password counts as a failed attempt to sign in.
    """
    fault = passwords.fault(profile, new, actor.user_id, actor.name)
    if fault is not None:
        return Rejection("invalid", "password.refused", fields=(fault,))
    with writing(engine) as conn:
        refused = _count_attempt(conn, clock.now(), actor.user_id, ip)
        stored = conn.execute(select(persons.c.password_hash).where(persons.c.user_id == actor.user_id)).scalar_one()
    if refused is not None:
        return refused
    if not passwords.verify(stored, old):
        return Rejection("invalid", "password.old_wrong")
    if passwords.verify(stored, new):
        return Rejection("invalid", "password.unchanged")
    hashed = passwords.hash_password(new)
    with writing(engine) as conn:
        now = clock.now()
        conn.execute(
            update(persons)
            .where(persons.c.user_id == actor.user_id)
            .values(password_hash=hashed, password_at=instant_text(now), must_change=False, demo_password=False)
        )
        conn.execute(delete(sign_in_guards).where(sign_in_guards.c.subject == _login_subject(actor.user_id)))
        end_sessions(conn, now, actor.user_id, "password", but=sid)
        people_log.security(conn, now, "password_changed", actor.user_id, ip)
    return None


def is_locked(conn: Connection, user_id: str, now: datetime) -> bool:
    """Whether sign-ins of this login are refused at the moment."""
    row = conn.execute(select(sign_in_guards).where(sign_in_guards.c.subject == _login_subject(user_id))).one_or_none()
    return row is not None and row.failures >= ATTEMPTS_PER_LOGIN and row.until > instant_text(now)


def unlock(conn: Connection, by: Actor, user_id: str, now: datetime, ip: str) -> None:
    """Lifts a lock before its time."""
    conn.execute(delete(sign_in_guards).where(sign_in_guards.c.subject == _login_subject(user_id)))
    people_log.security(conn, now, "unlocked", user_id, ip, {"by": by.user_id})


def _count_attempt(conn: Connection, now: datetime, login: str, ip: str) -> Rejection | None:
    """Counts one attempt per address and per login; a Rejection when it is one too many."""
    if _one_more(conn, now, f"ip:{ip}", ATTEMPTS_PER_ADDRESS) > ATTEMPTS_PER_ADDRESS:
        return Rejection("forbidden", "auth.address_locked", {"minutes": _minutes(LOCK)})
    failures = _one_more(conn, now, _login_subject(login), ATTEMPTS_PER_LOGIN)
    if failures <= ATTEMPTS_PER_LOGIN:
        return None
    if failures == ATTEMPTS_PER_LOGIN + 1:
        known = conn.execute(select(persons.c.user_id).where(persons.c.user_id == login)).first() is not None
        people_log.security(conn, now, "locked", _shown(login, known), ip)
    return Rejection("forbidden", "auth.locked", {"minutes": _minutes(LOCK)})


def _one_more(conn: Connection, now: datetime, subject: str, most: int) -> int:
    """Attempts of the subject in its window, this one included."""
    blanks = {"subject": subject, "now": instant_text(now), "window": instant_text(now + LOCK), "most": most}
    failures: int = conn.execute(_COUNT, blanks).one().failures
    return failures


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def _hash(sid: str) -> str:
    return hashlib.sha256(sid.encode()).hexdigest()


def _login_subject(login: str) -> str:
    return f"login:{hashlib.sha256(login.encode()).hexdigest()}"


def _shown(login: str, known: bool) -> str:
    """What the log may keep of a login that does not exist: somebody may have typed a password into its field."""
    return login if known else f"?{hashlib.sha256(login.encode()).hexdigest()[:8]}"
