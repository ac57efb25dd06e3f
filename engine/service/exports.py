"""Exports (R71): each is numbered and logged before its bytes are made, and carries who took it out and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert

from engine.domain.calendar import ZONE
from engine.domain.codec import instant_text
from engine.domain.organisation import Actor

from .log_tables import export_log, export_results, next_number
from .transactions import writing

COMMAND_LINE: Final = Actor("system:command", "命令行", frozenset(), frozenset(), "")
"""Who is recorded for an export by command: whoever can start the program on the server, known there and not here."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Goes into every exported file. `number`: of the export in `export_log`; `at`: when it was begun, aware UTC."""

    number: int
    user_id: str
    name: str
    at: datetime

    @property
    def text(self) -> str:
        """`赵明（zhaoming） 2026-03-02 10:05 导出 第12号`, the time in Asia/Shanghai."""
        return f"{self.name}（{self.user_id}） {self.at.astimezone(ZONE):%Y-%m-%d %H:%M} 导出 第{self.number}号"


def begin(services: Any, actor: Actor, kind: str, subject: str, address: str) -> Watermark:
    """Logs that `actor` takes out `subject` as a `kind` of export; the watermark to put into the file.

    Committed when this returns: an export that fails later, or is broken off, stays in the log without a result.
    """
    now = services.clock.now()
    with writing(services.engine) as conn:
        number = next_number(conn, export_log)
        conn.execute(
            insert(export_log).values(
                number=number,
                at=instant_text(now),
                user_id=actor.user_id,
                name=actor.name,
                kind=kind,
                subject=subject[:200],
                address=address[:64],
            )
        )
    return Watermark(number, actor.user_id, actor.name, now)


def made(services: Any, number: int, sha256: str, size: int) -> None:
    """Logs what came out of export `number`: hash and size of the very bytes that are handed out. Once per export."""
    with writing(services.engine) as conn:
        conn.execute(
            insert(export_results).values(
                number=next_number(conn, export_results),
                export=number,
                at=instant_text(services.clock.now()),
                sha256=sha256,
                size=size,
            )
        )
