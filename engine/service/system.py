"""The real clock and real chance: the only module that may ask the machine for them."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.domain.clock import Clock
from engine.domain.codec import parse_instant

from .settings import Settings


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def steady() -> float:
    """Seconds on a clock that nobody sets: it goes on while the machine sleeps, where the system offers that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class FileClock:
    """Test only: reads the instant from a file each time, so that several processes share one fake clock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def now(self) -> datetime:
        return parse_instant(self.path.read_text(encoding="utf-8").strip())


def clock_for(settings: Settings) -> Clock:
    """The machine's clock, or the file named by OPINION_TEST_CLOCK (refused in production by Settings.problems)."""
    if settings.test_clock and not settings.production:
        return FileClock(Path(settings.test_clock))
    return SystemClock()


def new_signing_key() -> Ed25519PrivateKey:
    """A fresh Ed25519 key."""
    return Ed25519PrivateKey.generate()


def new_id() -> str:
    """128 random bits, hex: for command ids and stored files."""
    return secrets.token_hex(16)
