"""Hears on PostgreSQL when another process, on whatever machine, has armed an earlier timer (LISTEN opinion_wake)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

import psycopg
from sqlalchemy import Engine

from engine.readmodels.timers import WAKE_CHANNEL

log = logging.getLogger("opinion.worker")
WAIT_SECONDS: Final = 2.0
"""How long the thread waits at once: bounds how late it hears that it must stop. Costs no statement."""
PROBE_SECONDS: Final = 60.0
"""A statement after so long without news: a connection that went without a word would else never be missed."""
RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)
KEEPALIVE: Final = {"keepalives": 1, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


class Listener:
    """A thread with a connection of its own. `wake` is called at each notice, and whenever it has connected: what was
    said before that went unheard. Harmless where the database has no such thing: `start` then does nothing."""

    def __init__(self, engine: Engine, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._url = ""
        if engine.dialect.name == "postgresql":
            self._url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        if self._url:
            self._thread.start()

    def ask_to_stop(self) -> None:
        """Ends within WAIT_SECONDS; nothing is lost when the process ends before."""
        self._stop.set()

    def stop(self, timeout_seconds: float = 10.0) -> None:
        self.ask_to_stop()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=10, **KEEPALIVE) as conn:  # type: ignore[arg-type]
                    conn.execute(f"LISTEN {WAKE_CHANNEL}".encode())
                    failures = 0
                    self._wake()
                    self._hear(conn)
            except psycopg.Error as error:
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                log.warning("listening again in %.1f s", pause, extra={"fault": type(error).__name__})
                self._stop.wait(pause)

    def _hear(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        quiet = 0.0
        while not self._stop.is_set():
            heard = list(conn.notifies(timeout=WAIT_SECONDS, stop_after=1))
            if heard:
                quiet = 0.0
                self._wake()
                continue
            quiet += WAIT_SECONDS
            if quiet >= PROBE_SECONDS:
                quiet = 0.0
                conn.execute(b"SELECT 1")
