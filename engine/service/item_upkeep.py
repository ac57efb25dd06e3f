"""What happens to items by itself, every few minutes: whatever a program that ended left half done is made up for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete

from engine.domain.codec import JSON, instant_text

from . import item_decisions, item_triage, items
from .items_tables import api_answers, api_calls
from .transactions import writing

EVERY_SECONDS: Final = 300
ANSWERS_KEPT: Final = timedelta(days=7)
"""How long a request with an Idempotency-Key may come again."""


def run(services: Any, args: Mapping[str, JSON]) -> None:
    """The task: links items whose case was opened and not told, asks for triage of what waits, forgets old answers."""
    item_decisions.settle(services)
    now = services.clock.now()
    with services.engine.connect() as conn:
        waits = item_triage.anything_waits(conn)
    with writing(services.engine) as conn:
        if waits:
            items.ask_for_triage(services, conn)
        conn.execute(delete(api_answers).where(api_answers.c.at < instant_text(now - ANSWERS_KEPT)))
        conn.execute(delete(api_calls).where(api_calls.c.minute < int(now.timestamp()) // 60 - 60))
