"""Instants as people read them: Asia/Shanghai, `2026-03-02 09:12`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from flask import Flask

from engine.domain.codec import parse_instant

from .catalogue import t

ZONE: Final = ZoneInfo("Asia/Shanghai")


def local(at: datetime | str) -> datetime:
    """The instant (aware datetime, or stored text) in Asia/Shanghai."""
    return (parse_instant(at) if isinstance(at, str) else at).astimezone(ZONE)


def minute(at: datetime | str | None) -> str:
    """`2026-03-02 09:12`; '' for nothing."""
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


def second(at: datetime | str | None) -> str:
    """`2026-03-02 09:12:45`; '' for nothing."""
    return f"{local(at):%Y-%m-%d %H:%M:%S}" if at else ""


def day(at: datetime | str | None) -> str:
    """`2026-03-02`; '' for nothing."""
    return f"{local(at):%Y-%m-%d}" if at else ""


def parse_local(text: str) -> datetime | None:
    """The instant (aware UTC) of an `<input type=datetime-local>` value read in Asia/Shanghai, or None."""
    try:
        typed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return typed.replace(tzinfo=typed.tzinfo or ZONE).astimezone(UTC)


def parse_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def install(app: Flask) -> None:
    """Adds the filters `minute`, `second`, `day` (instants), `zip` (pairs for options) and `in_words(family)`."""
    app.jinja_env.filters.update(
        minute=minute,
        second=second,
        day=day,
        zip=zip,
        in_words=lambda value, family: t(f"{family}.{value}"),
    )
