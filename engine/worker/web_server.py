"""Serves a WSGI application until it is told to stop, and then ends without cutting off anybody.

1. `stop` is called (from a signal handler). The caller has made the process unready; for `notice` seconds connections
   are still accepted, so that a load balancer can see it and send no more. Every answer from now on closes its
   connection.
2. What waits in the listening socket's queue is taken, and the socket is closed: the port is free for a successor.
3. Requests that have begun are answered, up to `patience` seconds after the call. Idle connections are closed a moment
   later than the socket, because a request may be under way on them.

A second `stop` ends at once. The server is waitress, whose own `run` cuts off what has begun; what is asked of it here
beyond its documentation (the map of its dispatchers, a channel's requests and buffers) is held by tests.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

log = logging.getLogger("opinion.web")

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]

THREADS: Final = 8
LINGER_SECONDS: Final = 1.0
"""How long a connection that stands idle is kept after the listening socket has gone."""
LOOK_SECONDS: Final = 0.1
"""Between two looks at what is left while stopping."""


@dataclass(frozen=True, slots=True)
class Config:
    """`notice`, `patience`: seconds, see above; `patience` counts from the call of `stop` and covers all."""

    host: str
    port: int
    notice: float = 0.0
    patience: float = 30.0


class _LastAnswer(WSGITask):
    def build_response_header(self) -> bytes:
        if self.channel.server.stopping.is_set():
            # As if the client had asked for it: waitress then says `Connection: close` and does so.
            self.request.headers["CONNECTION"] = "close"
        made: bytes = super().build_response_header()
        return made


class _Channel(HTTPChannel):
    task_class = _LastAnswer

    @property
    def busy(self) -> bool:
        """A request is under way, in part or as a whole, or an answer is not sent yet."""
        return bool(self.requests or self.request is not None or self.total_outbufs_len)


class WebServer:
    """Binds when it is made, so that a port in use is told before anything else starts."""

    def __init__(self, app: Wsgi, config: Config) -> None:
        self.config = config
        self._stopping = threading.Event()
        self._asked_at = 0.0
        self._map: dict[int, Any] = {}
        first = create_server(
            app,
            map=self._map,
            host=config.host,
            port=config.port,
            threads=THREADS,
            ident=None,
            # What a proxy says is judged in webui (OPINION_TRUSTED_PROXIES); waitress would take it away before.
            clear_untrusted_proxy_headers=False,
        )
        self._dispatcher = first.task_dispatcher
        for server in self._servers():
            server.channel_class = _Channel
            server.stopping = self._stopping

    def stop(self) -> None:
        """Begins to stop; may be called from a signal handler. Called again it raises KeyboardInterrupt."""
        if self._stopping.is_set():
            raise KeyboardInterrupt
        self._asked_at = time.monotonic()
        self._stopping.set()
        for server in self._servers():
            server.pull_trigger()

    def run(self) -> int:
        """Serves until stopped; returns how many connections were cut off with a request under way."""
        while not self._stopping.is_set():
            self._poll(1.0)
        while self._passed() < min(self.config.notice, self.config.patience):
            self._poll(LOOK_SECONDS)
        self._stop_accepting()
        closed_at = self._passed()
        while self._channels() and self._passed() < self.config.patience:
            self._poll(LOOK_SECONDS)
            if self._passed() - closed_at >= LINGER_SECONDS:
                self._close_idle()
        left = sum(channel.busy for channel in self._channels())
        if left:
            log.warning("requests cut off", extra={"count": left})
        self._dispatcher.shutdown(timeout=0.1)
        wasyncore.close_all(self._map, ignore_all=True)
        return left

    def _poll(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, map=self._map, count=1)

    def _passed(self) -> float:
        return time.monotonic() - self._asked_at

    def _servers(self) -> list[Any]:
        return [one for one in list(self._map.values()) if isinstance(one, BaseWSGIServer)]

    def _channels(self) -> list[_Channel]:
        return [one for one in list(self._map.values()) if isinstance(one, _Channel)]

    def _stop_accepting(self) -> None:
        for server in self._servers():
            before = -1
            while len(self._map) != before:  # each takes one connection from the queue, and none when it is empty
                before = len(self._map)
                server.handle_accept()
            server.accepting = False
            # Not server.close(): that takes the trigger away by which the threads wake this loop.
            server.del_channel()
            server.socket.close()

    def _close_idle(self) -> None:
        for channel in self._channels():
            with channel.requests_lock:
                if not channel.busy:
                    channel.will_close = True
