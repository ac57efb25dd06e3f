"""One POST over HTTP(S), and nothing more: no redirect followed, no proxy asked, the answer read up to a size."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from engine.domain.codec import JSON

from .channels import Outcome, Patience, cut_after, printable

ANSWER_BYTES: Final = 64 * 1024
"""Read of an answer; the rest is left and the connection closed."""
_TRY_AGAIN: Final = frozenset({408, 425, 429})
USER_AGENT: Final = "opinion-cases"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Mapping[str, JSON]:
        """The body as a JSON object; {} for anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def post(
    url: str, body: bytes, headers: Mapping[str, str], patience: Patience, secrets: tuple[str, ...]
) -> Answer | Outcome:
    """Sends `body` as JSON. An Outcome where no usable answer came: not reached, refused (4xx, redirect), busy (5xx).

    Requires an http or https address (NoticeSettings). The answer of status 2xx is left to the caller.
    """
    parts = urlsplit(url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, patience)
    # What is on the connection's hands: an answer of unknown length takes the socket from it.
    line: list[Any] = []
    try:
        with cut_after(patience.whole, lambda: line[0] if line else connection.sock):
            connection.connect()
            line.append(connection.sock)
            every = {"Content-Type": "application/json; charset=utf-8", "User-Agent": USER_AGENT, "Connection": "close"}
            connection.request("POST", target, body, {**every, **headers})
            response = connection.getresponse()
            answer = Answer(response.status, response.read(ANSWER_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as fault:
        detail = printable(f"{type(fault).__name__}: {fault}", *secrets)
        return Outcome("later", "delivery.error.unreachable", detail, halt=True)
    finally:
        connection.close()
    return _judged(answer, secrets)


def _judged(answer: Answer, secrets: tuple[str, ...]) -> Answer | Outcome:
    if 200 <= answer.status < 300:
        return answer
    detail = printable(f"HTTP {answer.status} {answer.body[:1000].decode('utf-8', 'replace')}", *secrets)
    if answer.status >= 500 or answer.status in _TRY_AGAIN:
        return Outcome("later", "delivery.error.busy", detail, halt=True)
    return Outcome("never", "delivery.error.refused", detail)


def _connection(scheme: str, host: str, port: int | None, patience: Patience) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=patience.step, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=patience.step)
