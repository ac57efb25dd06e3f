"""The words of the business: the matters of lexicon.toml, in classes of words that mean the same.

A text meets another through its matters: "绿地被围挡" and "楼下公园盖门面房" share two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .word_files import lists, load, words


@dataclass(frozen=True, slots=True)
class Concept:
    """`line`: id of the business line, "" for none. `own`: how surely it is ours, 0..2. `event`: kind of event for
    comparing, "" for none."""

    line: str
    own: int
    event: str
    words: tuple[str, ...]


_FILE: Final = load("lexicon.toml")
CONCEPTS: Final[Mapping[str, Concept]] = {
    name: Concept(one["line"], one["own"], one["event"], words(one["words"])) for name, one in _FILE["matters"].items()
}
FALSE_FRIENDS: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["false_friends"])
"""Words that look like the business and are not."""
OTHER_BUSINESS: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["other_business"])
"""Matters of other departments (R28) or of nobody's office."""
WEAK_OTHERS: Final = frozenset(words(_FILE["weak_others"]))
"""Of these words, those that our own matters have beside them too."""
DEPARTMENTS: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["departments"])
