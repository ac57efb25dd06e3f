"""Servers that are stopped when a test ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.outbox.servers import HttpServer, MailServer, RawServer


@pytest.fixture
def started() -> Iterator[Callable[[Any], Any]]:
    """`started(server)` gives the server back and stops it in the end."""
    running: list[MailServer | HttpServer | RawServer] = []

    def keep(server: Any) -> Any:
        running.append(server)
        return server

    yield keep
    for server in running:
        server.stop()


@pytest.fixture
def mail(started: Callable[[Any], Any]) -> MailServer:
    return started(MailServer())


@pytest.fixture
def http(started: Callable[[Any], Any]) -> HttpServer:
    return started(HttpServer())
