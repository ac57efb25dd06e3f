"""Who may read the figures: the monitoring system by its token, or, while developing, this very machine."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from .settings import Settings

FORWARDED: Final = frozenset({"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip"})
"""Headers that a proxy adds: behind one, everybody's requests come from this machine."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: address it came from, names of its headers in lower case, and the header Authorization."""

    address: str
    headers: frozenset[str]
    authorization: str


def may_read(settings: Settings, asked: Asked) -> bool:
    """With a token set only who brings it. Without one nobody in production, where a proxy that adds no header can't
    be told from this machine; else only this machine itself."""
    if settings.metrics_token:
        scheme, _, given = asked.authorization.partition(" ")
        # Bytes: compare_digest refuses text that is not ASCII.
        same = hmac.compare_digest(given.strip().encode(), settings.metrics_token.encode())
        return scheme.lower() == "bearer" and same
    if settings.production or asked.headers & FORWARDED:
        return False
    try:
        return ip_address(asked.address).is_loopback
    except ValueError:
        return False
