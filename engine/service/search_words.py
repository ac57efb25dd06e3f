"""How texts are compared when something is searched: full and half width alike, without case of letters."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_WORDS: Final = 8
LONGEST: Final = 60
"""Words of a query looked at, and characters of one."""
_SPACE: Final = re.compile(r"\s+")


def plain(text: str) -> str:
    """The text as it is compared: NFKC, lower case, each run of white space one blank."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def grams(text: str) -> set[str]:
    """Pairs of characters that follow each other within a run without blanks, and the last character of each run.

    `text`: as `plain` gives it.
    """
    found: set[str] = set()
    for run in text.split(" "):
        found.update(run[at : at + 2] for at in range(len(run) - 1))
        found.add(run[-1:])
    found.discard("")
    return found


def words(query: str) -> list[str]:
    """What is looked for: each must occur."""
    return list(dict.fromkeys(word[:LONGEST] for word in plain(query).split(" ") if word))[:MOST_WORDS]


def excerpt(body: str, wanted: list[str], around: int = 40) -> tuple[str, str, str]:
    """(before, what was found, after) of the first place in `body` where a word occurs; ("", "", its beginning) when
    the words stand in the title only. `wanted`: of `words`."""
    flat = _SPACE.sub(" ", unicodedata.normalize("NFKC", body)).strip()
    low = flat.lower()
    at, word = min(((low.find(one), one) for one in wanted if one in low), default=(-1, ""))
    if at < 0 or len(low) != len(flat):
        return "", "", flat[: 2 * around]
    end = at + len(word)
    start = max(0, at - around)
    return ("…" if start else "") + flat[start:at], flat[at:end], flat[end : end + around]
