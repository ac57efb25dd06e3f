"""时限处理延迟: the line on every page while due timers are not fired in time, and the record of such spells."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from flask import Blueprint, Flask, current_app, render_template
from sqlalchemy.exc import SQLAlchemyError

from engine.service import delays

from .guards import actor_or_none, reading, requires, services

blueprint = Blueprint("delays", __name__)

LOOK_SECONDS: Final = 5.0
"""Pages ask the database so often at most, whatever their number: one look into an index each time."""


class Watch:
    """How far behind the firing is, remembered for a few seconds. Says so also where no worker is left to notice."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self.look_seconds = look_seconds
        self._looked = float("-inf")
        self._behind = timedelta(0)

    def behind(self) -> timedelta:
        """How long the oldest timer that should have fired is overdue; zero when that is less than a minute."""
        now = time.monotonic()
        if now - self._looked >= self.look_seconds:
            self._looked = now
            with reading() as conn:
                self._behind = delays.behind(conn, services().clock.now())
        return self._behind if self._behind > delays.RAISED_AFTER else timedelta(0)


def install(app: Flask, watch: Watch | None = None) -> None:
    """Gives templates `timers_behind()`: seconds, 0 when all is well or nobody is signed in."""
    app.extensions["delay_watch"] = watch or Watch()
    app.jinja_env.globals["timers_behind"] = timers_behind


def timers_behind() -> float:
    """For the layout of every page; never the reason why a page can't be shown."""
    if actor_or_none() is None:
        return 0.0
    watch: Watch = current_app.extensions["delay_watch"]
    try:
        return watch.behind().total_seconds()
    except SQLAlchemyError:
        return 0.0


@blueprint.get("/admin/delays")
@requires("view_jobs")
def index() -> str:
    now = services().clock.now()
    with reading() as conn:
        spells = delays.latest(conn)
        overdue = delays.overdue(conn, now)
    return render_template("admin/delays.html", spells=spells, overdue=overdue)
