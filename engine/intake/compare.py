"""Whether two items may be about one event: a score with the reasons it is made of.

1. A text passed on: shared shingles. 2. The same matter in other words: matters of the lexicon and weighted grams.
3. The same place, names and figures, within days. Another district or another kind of event speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from . import gazetteer, lexicon
from .named import amounts, named
from .reading import Reading
from .similar import Query, Vector, bands, contained, shingles, signature, vector
from .word_files import load, words

_FILE: Final = load("spelling.toml")
_FUNCTION: Final = frozenset(_FILE["function_signs"])
_OFTEN: Final = frozenset(words(_FILE["often"]))
REPOST: Final = 0.5
"""Share of the smaller text from which it counts as passed on."""
_CONCEPT_WEIGHT: Final = {
    "土地": 0.35, "规划": 0.6, "违规": 0.3, "办事": 0.5, "围挡施工": 0.5, "用途变更": 0.35, "聚集": 0.5,
    "硬化": 0.8, "资金": 0.6, "登记": 0.8, "征地": 0.8, "补偿": 0.7,
}  # fmt: skip
"""How telling it is that both speak of a matter; 1 unless said."""


@dataclass(frozen=True, slots=True)
class Print:
    """What is kept of an item for comparing. `marks`: what it is found by, with how telling each is."""

    shingles: frozenset[int]
    vector: Vector
    names: frozenset[str]
    amounts: frozenset[str]
    marks: Mapping[str, float]

    def share_of(self, other: Print) -> float:
        """Share of another text's shingles that this one has, 0..1."""
        return len(self.shingles & other.shingles) / len(other.shingles) if len(other.shingles) >= 10 else 0.0


@dataclass(frozen=True, slots=True)
class Compared:
    """`score`: 0..1; `reasons`: what speaks for and against, for people."""

    score: float
    reasons: tuple[str, ...]


def print_of(reading: Reading) -> Print:
    """The print of an item that has been read."""
    grams = vector(reading.text)
    names = named(reading.text)
    marks: dict[str, float] = {f"g:{gram}": 1.0 for gram in grams.counts if len(gram) == 2}
    marks.update({f"c:{name}": 2.0 for name in reading.concepts})
    marks.update({f"n:{name}": 4.0 for name in names})
    marks.update({f"x:{name}": 4.0 for name in reading.places.exact})
    marks.update({f"d:{name}": 2.0 for name in reading.places.districts})
    found = shingles(reading.text)
    marks.update({f"b:{name}": 6.0 for name in bands(signature(found))})
    return Print(found, grams, names, amounts(reading.text), marks)


def compare(one: Reading, mine: Print, query: Query, other: Reading, theirs: Print, norm: float) -> Compared:
    """How likely two items are of one event, with the reasons. `query`: the first one's grams, weighed; `norm`: the
    other's."""
    reasons: list[str] = []
    share = contained(mine.shingles, theirs.shingles)
    likeness = query.cosine(theirs.vector, norm)
    common, matters = _matters(one, other)
    score = 0.34 * min(1.0, likeness * 2.6) + 0.30 * matters
    if share >= REPOST:
        score = max(score, 0.62 + 0.33 * share)
        reasons.append(f"文字大部分相同（{round(100 * share)}%）")
    elif likeness >= 0.08:
        reasons.append(f"用词相近（{round(100 * min(1.0, likeness * 2.6))}%）")
    rare = _rare(query, theirs)
    if rare:
        score += min(0.18, 0.035 * len(rare))
        reasons.append(f"少见词相同：{'、'.join(rare[:5])}")
    if common:
        reasons.append(f"同类事项：{'、'.join(common[:4])}")
    against: list[str] = []
    for change, reason in _circumstances(one, mine, other, theirs):
        score += change
        if reason:
            (against if change < 0 else reasons).append(reason)
    reasons += [f"但{reason}" for reason in against]
    return Compared(max(0.0, min(1.0, round(score, 4))), tuple(reasons))


def prior_words() -> Iterator[str]:
    """Words so common in this business that they tell little, for the first days of an office."""
    for name in ("规划", "土地", "登记", "征地", "补偿", "违规"):
        yield from lexicon.CONCEPTS[name].words
    yield from gazetteer.DISTRICTS
    yield from (
        "许昌市",
        "反映",
        "群众",
        "村民",
        "业主",
        "网友",
        "居民",
        "希望",
        "有关部门",
        "主管部门",
        "相关部门",
        "近日",
        "没有",
        "手续",
        "现场",
        "记者",
        "问题",
    )


def _rare(query: Query, theirs: Print) -> list[str]:
    """Pairs of characters that both have and few others: names, goods, things. In alphabetical order."""
    return sorted(
        gram
        for gram in query.seldom & theirs.vector.counts.keys()
        if gram not in _OFTEN and gram[0] not in _FUNCTION and gram[1] not in _FUNCTION
    )


def _matters(one: Reading, other: Reading) -> tuple[list[str], float]:
    both = [name for name in one.concepts if name in other.concepts]
    union = [*one.concepts, *(name for name in other.concepts if name not in one.concepts)]
    smaller = min(sum(_weight(name) for name in side.concepts) for side in (one, other))
    if not both or not smaller:
        return [], 0.0
    shared = sum(_weight(name) for name in both)
    everything = sum(_weight(name) for name in union)
    return sorted(both, key=lambda name: (-_weight(name), name)), 0.5 * shared / everything + 0.5 * shared / max(
        smaller, 1.0
    )


def _weight(concept: str) -> float:
    return _CONCEPT_WEIGHT.get(concept, 1.0)


def _circumstances(one: Reading, mine: Print, other: Reading, theirs: Print) -> Iterator[tuple[float, str]]:
    """(change of the score, reason) for places, names, figures, time and kind of event."""
    ours, others = set(one.places.districts), set(other.places.districts)
    exact = sorted(one.places.exact & other.places.exact)
    if exact:
        yield 0.20, f"同一地点：{'、'.join(exact[:3])}"
    elif ours & others:
        yield 0.12, f"同一区域：{'、'.join(sorted(ours & others))}"
    elif ours and others and not (set(one.places.named) & set(other.places.named)):
        yield -0.30, f"区域不同：{'、'.join(sorted(ours))} / {'、'.join(sorted(others))}"
    elif (one.places.exact and other.places.exact) and not ours & others:
        yield -0.10, "地点不同"
    if (one.places.where == "elsewhere") != (other.places.where == "elsewhere"):
        yield -0.25, "一在本市一在外地"
    names = sorted(mine.names & theirs.names, key=lambda name: (-len(name), name))
    if names:
        yield min(0.30, 0.16 * len(names)), f"同一名称：{'、'.join(names[:3])}"
    figures = sorted(mine.amounts & theirs.amounts)
    if figures:
        yield min(0.16, 0.10 * len(figures)), f"数字相同：{'、'.join(figures[:3])}"
    kinds, other_kinds = _kinds(one), _kinds(other)
    if kinds and other_kinds and not kinds & other_kinds:
        yield -0.14, f"事件类型不同：{'、'.join(sorted(kinds))} / {'、'.join(sorted(other_kinds))}"
    yield _time(one, other)
    if one.item.url and one.item.url == other.item.url:
        yield 0.5, "同一网址"


def _kinds(reading: Reading) -> frozenset[str]:
    """Kinds of event: of the specific matters, unless there are only vague ones."""
    specific = {lexicon.CONCEPTS[name].event for name in reading.concepts if lexicon.CONCEPTS[name].own > 1}
    found = specific or {lexicon.CONCEPTS[name].event for name in reading.concepts}
    every = {lexicon.CONCEPTS[name].event for name in reading.concepts}
    return frozenset((found | every) - {"", "施工", "资金", "聚集"})


def _time(one: Reading, other: Reading) -> tuple[float, str]:
    first = one.item.published_at or one.item.discovered_at
    second = other.item.published_at or other.item.discovered_at
    if first is None or second is None:
        return 0.0, ""
    apart = abs(first - second)
    if apart <= timedelta(days=3):
        return 0.10, "三天之内"
    if apart <= timedelta(days=10):
        return 0.05, f"相隔{apart.days}天"
    if apart <= timedelta(days=45):
        return -0.02, f"相隔{apart.days}天"
    return -0.12, f"相隔{apart.days}天，时间较远"
