"""Lines of the program's log: one event a line, as text or JSON, with the id of the request or run it belongs to.

Operators read logs, and they may not read cases (R71). So a line says which case, who and what kind of thing, never
what was written: only the extras named here are told, and of a failure its class and the places in the program, not
its message, which may quote a title or a database row. The log is never the audit record.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from .settings import LogFormat
from .system import new_id

TOLD: Final = (
    "case_id", "seq", "actor", "command", "task", "timer", "work", "fired", "failed", "route", "method", "status",
    "milliseconds", "error_id", "fault", "figure", "kind", "host", "pid", "job", "channel", "attempt", "seconds",
    "number", "bucket", "count",
)  # fmt: skip
"""Extras that a line may carry: ids, names of kinds, numbers. Anything else that a caller adds is left out."""
LONGEST: Final = 2_000
"""Characters of one value; what is longer is cut, so that a line stays a line."""

_request: ContextVar[str] = ContextVar("request", default="")


def current() -> str:
    """The id of the request or run at work in this thread, "" outside of one."""
    return _request.get()


@contextmanager
def within(ident: str = "") -> Iterator[str]:
    """Lines written inside belong to this id (a new one if none is given)."""
    chosen = ident or new_id()[:16]
    token = _request.set(chosen)
    try:
        yield chosen
    finally:
        _request.reset(token)


def install(form: LogFormat, *, private: bool, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Sends all lines to `stream` (standard error). `private`: messages of failures are not told; so in production."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(form, private=private))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its line for every busy moment says nothing that the metrics do not.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class Lines(logging.Formatter):
    """One record as one line."""

    def __init__(self, form: LogFormat, *, private: bool) -> None:
        super().__init__()
        self._json = form == "json"
        self._private = private

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if ident := current():
            told["request"] = ident
        told |= {name: record.__dict__[name] for name in TOLD if name in record.__dict__}
        if record.exc_info and record.exc_info[1] is not None:
            told |= failure(record.exc_info[1], private=self._private)
        told = {name: _short(value) for name, value in told.items()}
        return json.dumps(told, ensure_ascii=False) if self._json else _as_text(told)


def failure(error: BaseException, *, private: bool) -> Mapping[str, str]:
    """`failure`: its class and, where that can hold no content, its message; `trace`: places in the program."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    said = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = _message(error) if private else str(error)
    if error.__cause__ is not None:
        message = f"{message} <- {type(error.__cause__).__qualname__}".strip()
    return {"failure": f"{said}: {message}" if message else said, "trace": " > ".join(places)}


def _message(error: BaseException) -> str:
    """What a failure says, where it quotes nothing that people wrote: the machine's own faults."""
    inner = getattr(error, "orig", None) or error  # SQLAlchemy's own message quotes the row
    state = getattr(inner, "sqlstate", None)
    if state:
        return f"SQLSTATE {state}"
    if isinstance(inner, sqlite3.Error):
        return str(inner)
    if isinstance(inner, OSError):
        return inner.strerror or ""
    return ""


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _as_text(told: Mapping[str, Any]) -> str:
    fixed = ("at", "level", "logger", "message")
    rest = [f"{name}={_visible(str(value))}" for name, value in told.items() if name not in fixed]
    head = f"{told['at']} {told['level'].upper()} {told['logger']} {_visible(str(told['message']))}"
    return " ".join([head, *rest])


def _visible(text: str) -> str:
    """Without line breaks and control characters: a value can't begin a line of its own or move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
