"""Whether to offer 撤回 for a finished task. The kernel decides when it is asked; this only saves a useless click."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from engine.domain.organisation import Actor
from engine.kernel.withdraw import WINDOW

MINUTES: Final = int(WINDOW.total_seconds() // 60)


def is_offered(actor: Actor, completed_by: str, completed_at: datetime | None, now: datetime) -> bool:
    """True for a person's own submission (or one made in his name) no older than the window."""
    own = completed_by == actor.user_id or completed_by in actor.substitutes_for
    return own and completed_at is not None and now - completed_at <= WINDOW
