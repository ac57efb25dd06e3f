"""Passwords: argon2id hashes, and what a new one must be like.

Two profiles, because the two rule books contradict each other. `dengbao` (GB/T 22239-2019: complexity and regular
change): 12 characters, three of four classes, 90 days. `asvs` (OWASP ASVS 5.0 6.2.5, 6.2.10: no composition rules, no
forced rotation): 12 characters. Both refuse common passwords and those made of the person's own names.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.domain.rejection import FieldFault

from .settings import PasswordProfile

MINIMUM_LENGTH: Final = 12
MAXIMUM_LENGTH: Final = 128
"""Characters; longer ones only cost time."""
DEMO_PASSWORD: Final = "Yuqing#2026demo"
"""Password of the demo cast. It is published, so nobody may choose it, and a production start refuses it."""
CLASSES_NEEDED: Final = 3
MAX_AGE: Final[dict[str, timedelta | None]] = {"dengbao": timedelta(days=90), "asvs": None}

_LOOK_ALIKES: Final = str.maketrans("@4301!$5|", "aaeoiissi")
_RUNS: Final = (
    "0123456789012345678909876543210987654321",
    "abcdefghijklmnopqrstuvwxyzyxwvutsrqponmlkjihgfedcba",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "!@#$%^&*()_+",
)

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash with its parameters (RFC 9106, low-memory profile: 64 MiB, 3 passes)."""
    return _hasher.hash(_normal(password))


def verify(stored: str | None, password: str) -> bool:
    """Whether `password` belongs to the hash. With None it works as long and answers no: an unknown login must not
    be told from a known one by the time it takes."""
    try:
        _hasher.verify(stored or _decoy(), _normal(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def fault(profile: PasswordProfile, password: str, user_id: str, name: str) -> FieldFault | None:
    """What is wrong with a new password, or None."""
    text = _normal(password)
    if len(text) < MINIMUM_LENGTH:
        return FieldFault("password", "password.too_short", {"minimum": MINIMUM_LENGTH})
    if len(text) > MAXIMUM_LENGTH:
        return FieldFault("password", "password.too_long", {"maximum": MAXIMUM_LENGTH})
    if profile == "dengbao" and _classes(text) < CLASSES_NEEDED:
        return FieldFault("password", "password.too_plain", {"classes": CLASSES_NEEDED})
    if _common(text):
        return FieldFault("password", "password.common")
    if user_id.lower() in text.lower() or (name and name in text):
        return FieldFault("password", "password.own_name")
    return None


@cache
def _common_stems() -> frozenset[str]:
    """What is left of a common password when case, look-alikes and the usual digits around it are taken away."""
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="ascii").split())


@cache
def _decoy() -> str:
    return _hasher.hash("nobody has this password")


def _normal(password: str) -> str:
    """One form for characters that keyboards give in several (full-width letters)."""
    return unicodedata.normalize("NFKC", password)


def _classes(text: str) -> int:
    return sum(
        (
            any(c.islower() for c in text),
            any(c.isupper() for c in text),
            any(c.isdigit() for c in text),
            any(not c.isalnum() or (c.isalpha() and not c.isascii()) for c in text),
        )
    )


def _common(text: str) -> bool:
    lower = text.lower()
    if lower == DEMO_PASSWORD.lower() or len(set(lower)) < 5:
        return True
    # Digits and signs around a word, and look-alikes inside it, are what everybody adds to a common password.
    bare = lower.strip("0123456789!@#$%^&*()_+-=.,;:?~ ")
    if any(lower in run * 2 or (len(bare) > 4 and bare in run * 2) for run in _RUNS):
        return True
    letters = "".join(c for c in lower if c.isalpha())
    return bool({bare, bare.translate(_LOOK_ALIKES), letters} & _common_stems())
