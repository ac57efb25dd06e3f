"""Our own published words, and who passes them on: an echo is no new post of the event, a quote beside a complaint is.

A reply is found by shared shingles, never by looking at every reply. What a text says beside our words decides whether
it is a mere echo; a person confirms either way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .criteria import criteria, is_official
from .item import Item
from .majors import majors
from .normal import bare, grams, plain
from .reading import Reading, read
from .similar import SHINGLE, shingle, shingles

PASSED_ON: Final = 0.55
"""Share of one of our texts from which another text passes it on."""
QUOTED: Final = 24
"""Characters of ours in a row from which another text quotes it: a sentence, not "您好，您反映的问题已收悉"."""
RUN: Final = 12
"""Characters in a row that count as ours when what else is said is looked at."""
COMMON: Final = 4
"""Texts of ours that may have the same words before these tell nothing: openings, thanks, our name."""
LEAST: Final = 10
"""Shingles from which a share of a text means something."""
FRAME: Final = 60
"""Characters beside our words that only frame them: who said so, where, a sigh."""
COMPLAINT: Final = ("m1", "m2", "m3", "m4", "m5", "n1", "n3", "n4")
_LOOKED_AT: Final = 5


@dataclass(frozen=True, slots=True)
class Echo:
    """`reply`: id of the text of ours; `share`: of it that is passed on, 0..1; `rest`: what is said beside it, without
    punctuation; `words`: criticism found there; `mere`: nothing is said beside it that a person must take up."""

    reply: str
    share: float
    rest: str
    words: tuple[str, ...]
    mere: bool

    @property
    def reason(self) -> str:
        """For people, why it is or is no mere echo."""
        told = f"与本局已发布的回复或表态相同 {round(100 * self.share)}%"
        if self.mere:
            return f"{told}，没有新的内容，可作为转载并入"
        if self.words:
            return f"{told}，但另有批评或诉求（{'、'.join(self.words[:4])}），不是单纯转载，请人工判断"
        return f"{told}，但另有 {len(self.rest)} 字新内容，不是单纯转载，请人工判断"


@dataclass(frozen=True, slots=True)
class _Reply:
    shingles: frozenset[int]
    letters: str
    at: datetime | None


class Replies:
    """What we have published. Not safe to share between threads while it grows."""

    def __init__(self) -> None:
        self._kept: dict[str, _Reply] = {}
        self._found_by: dict[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, ident: str, text: str, at: datetime | None) -> None:
        """Keeps a text of ours, published at `at`; one of that id before is replaced."""
        self.forget(ident)
        letters = bare(plain(text))
        self._kept[ident] = _Reply(shingles(plain(text)), letters, at)
        for one in self._kept[ident].shingles:
            self._found_by.setdefault(one, []).append(ident)

    def forget(self, ident: str) -> None:
        """Leaves a text out, e.g. because its publication was withdrawn."""
        gone = self._kept.pop(ident, None)
        for one in gone.shingles if gone is not None else ():
            self._found_by[one].remove(ident)

    def echo(self, reading: Reading, found: frozenset[int]) -> Echo | None:
        """The text of ours that an item passes on or quotes, None if none. `found`: the item's shingles. What was
        published before ours can't echo it; of equal ones the newest is meant."""
        counted: dict[str, int] = {}
        for one in found:
            for ident in self._found_by.get(one, ()):
                counted[ident] = counted.get(ident, 0) + 1
        when = reading.item.published_at or reading.item.discovered_at
        after = [ident for ident in counted if when is None or (at := self._kept[ident].at) is None or when >= at]
        likely = sorted(after, key=lambda ident: (-counted[ident], self._age(ident), ident))
        letters = bare(reading.text)
        for ident in likely[:_LOOKED_AT]:
            told = self._compared(ident, letters, found, reading.item)
            if told is not None:
                return told
        return None

    def _age(self, ident: str) -> float:
        at = self._kept[ident].at
        return -at.timestamp() if at is not None else 0.0

    def _compared(self, ident: str, letters: str, found: frozenset[int], item: Item) -> Echo | None:
        kept = self._kept[ident]
        ours = _covered(letters, kept.letters)
        runs = [(start, end) for start, end in ours if end - start >= RUN]
        telling = self._telling(kept.shingles)
        share = len(telling & found) / len(telling) if telling else 0.0
        if not runs or (share < PASSED_ON and not any(self._quoted(letters[start:end]) for start, end in runs)):
            return None
        rest = _outside(letters, runs)
        beside = read(Item(id=item.id, title=rest, source_type=item.source_type, source_name=item.source_name))
        judged = criteria(beside, majors(beside.text, beside.ground, beside.own >= 1))
        said = {**judged.doubtful, **judged.words}
        # A paper that reports our answer must name what was complained of; that is no complaint of its own.
        names = COMPLAINT if not is_official(item) else tuple(name for name in COMPLAINT if name != "n1")
        words = tuple(dict.fromkeys(word for name in names for word in said.get(name, ())))
        return Echo(ident, round(share, 3), rest, words, not words and len(rest) <= FRAME)

    def _telling(self, ours: frozenset[int]) -> frozenset[int]:
        """The shingles of a text of ours that few others of ours have; all of them where those are hardly any."""
        few = frozenset(one for one in ours if len(self._found_by[one]) <= COMMON)
        return few if len(few) >= LEAST else ours

    def _quoted(self, run: str) -> bool:
        """Whether our words in a row are a sentence of few of our texts, not what most of them begin or end with."""
        if len(run) < QUOTED:
            return False
        telling = sum(len(self._found_by.get(shingle(one), ())) <= COMMON for one in grams(run, SHINGLE))
        return telling > QUOTED - SHINGLE


def _covered(letters: str, ours: str) -> list[tuple[int, int]]:
    """Runs of `letters` whose every shingle is ours."""
    runs: list[tuple[int, int]] = []
    for place, gram in enumerate(grams(letters, SHINGLE)):
        if gram not in ours:
            continue
        if runs and place <= runs[-1][1]:
            runs[-1] = (runs[-1][0], place + SHINGLE)
        else:
            runs.append((place, place + SHINGLE))
    return runs


def _outside(letters: str, runs: list[tuple[int, int]]) -> str:
    return "，".join(part for part in _parts(letters, runs) if part)


def _parts(letters: str, runs: list[tuple[int, int]]) -> Iterator[str]:
    start = 0
    for begin, end in runs:
        yield letters[start:begin]
        start = end
    yield letters[start:]
