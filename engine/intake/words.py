"""Finding the words of a list in a text: all of them in one pass, the longest at each place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """A word found at `start`..`end` of the text, with what the list says of it."""

    start: int
    end: int
    word: str
    tag: T


class WordList(Generic[T]):
    """Words with a tag each. Immutable once made."""

    __slots__ = ("_by_first",)

    def __init__(self, words: Iterable[tuple[str, T]]) -> None:
        tagged: dict[str, T] = {}
        for word, tag in words:
            tagged.setdefault(word, tag)
        by_first: dict[str, list[tuple[str, T]]] = {}
        for word in sorted(tagged, key=lambda one: (-len(one), one)):
            by_first.setdefault(word[0], []).append((word, tagged[word]))
        self._by_first: Mapping[str, list[tuple[str, T]]] = by_first

    def hits(self, text: str) -> Iterator[Hit[T]]:
        """From left to right, the longest word at each place, none within another."""
        place, end = 0, len(text)
        while place < end:
            for word, tag in self._by_first.get(text[place], ()):
                if text.startswith(word, place):
                    yield Hit(place, place + len(word), word, tag)
                    place += len(word)
                    break
            else:
                place += 1


def tagged(lists: Mapping[T, Iterable[str]]) -> Iterator[tuple[str, T]]:
    """(word, name of its list) for every word of some lists."""
    for tag, words in lists.items():
        for word in words:
            yield word, tag
