"""A past for the demo: some weeks of an office that end now, made by the load model through the usual door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from .bootstrap import Services
from .demo import walker
from .load_model import days, local_day
from .load_office import Office, Played
from .load_parameters import USUAL

SEED: Final = 20161212
"""Any number would do; this one makes two demos of the same day alike."""
MOST_DAYS: Final = 400


def play(services: Services, count: int, out: Callable[[str], Any]) -> Played:
    """Plays the last `count` days up to now. Requires the cast and a live bundle, and 1 <= count <= MOST_DAYS.

    Cases that are not finished stay open, as they would be. Holidays are those of the bundle's calendar.
    """
    if not 1 <= count <= MOST_DAYS:
        raise ValueError(f"expected 1 to {MOST_DAYS} days, but got {count}")
    now = services.clock.now()
    calendar = services.deployments.bundle().calendar
    parameters = USUAL if calendar is None else replace(USUAL, holidays=calendar.holidays)
    began = now - timedelta(days=count)
    arrivals = (one for one in days(SEED, local_day(began), count + 1, parameters) if began < one.registered_at <= now)
    played = Office(walker(services, began), SEED, parameters).run(arrivals, now)
    out(f"已生成 {count} 天的案件：{played.arrivals} 件，{sum(played.commands.values())} 步")
    return played
