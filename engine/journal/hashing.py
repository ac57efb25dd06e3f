"""The two hashes a journal may be kept with: sha256, or sm3 (GB/T 32905-2016) where commercial-cipher rules ask."""

from __future__ import annotations

import hashlib
from typing import Final

ALGORITHMS: Final = ("sha256", "sm3")
SIZE: Final = 32
"""Bytes of a digest, the same for both."""


class Unavailable(Exception):
    """This machine's cryptographic library has no such hash."""


def digest(algorithm: str, data: bytes) -> bytes:
    """The 32 bytes of the hash of `data`. Raises ValueError for a name not in ALGORITHMS, Unavailable for sm3 where
    the library lacks it."""
    if algorithm == "sha256":
        return hashlib.sha256(data).digest()
    if algorithm != "sm3":
        raise ValueError(f"expected one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    try:
        return hashlib.new("sm3", data).digest()
    except ValueError as error:
        raise Unavailable("sm3") from error
