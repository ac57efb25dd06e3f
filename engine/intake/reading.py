"""One item read once: its plain text, where it plays, which matters it speaks of. All else builds on this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from . import lexicon, normal
from .item import Item
from .majors import fallen
from .places import Places, places
from .words import WordList, tagged

_Tag = tuple[str, str]
_MATTERS: Final = WordList(
    [
        *((word, ("false", name)) for name, words in lexicon.FALSE_FRIENDS.items() for word in words),
        *((word, ("own", name)) for name, concept in lexicon.CONCEPTS.items() for word in concept.words),
    ]
)
_OTHERS: Final = WordList(list(tagged(lexicon.OTHER_BUSINESS)))
_DEPARTMENTS: Final = WordList(list(tagged(lexicon.DEPARTMENTS)))
GROUND: Final = frozenset(
    (
        "采矿",
        "砂石",
        "取土",
        "滑坡",
        "塌陷",
        "地灾",
        "修复",
        "征地",
        "耕地",
        "土地",
        "宅基地",
        "违建",
        "林地",
        "规划道路",
    )
)
"""Matters of earth, rock and land: an event beside them is one of natural resources."""
_PICTURE_ONLY: Final = re.compile(
    r"如图|看图|见图|图片|有图|视频(?:见|如下)?$|\[(?:图片|视频)\]|无文字|截图如下|图自己看|自己看|看视频"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """`title`, `body`, `text`: plain. `concepts`: matter -> words found. `own`: how surely it is the bureau's, summed
    over matters. `false_friends`, `others`, `departments`: name -> words. `emoji`: signs of feeling."""

    item: Item
    title: str
    body: str
    text: str
    places: Places
    concepts: Mapping[str, tuple[str, ...]]
    own: int
    false_friends: Mapping[str, tuple[str, ...]]
    others: Mapping[str, tuple[str, ...]]
    departments: Mapping[str, tuple[str, ...]]
    emoji: frozenset[str]

    @property
    def little(self) -> bool:
        """Whether there is hardly any text, as with a picture."""
        return len(normal.bare(self.text)) < 14 or bool(_PICTURE_ONLY.search(self.text) and len(self.text) < 30)

    @property
    def ground(self) -> bool:
        return any(name in GROUND for name in self.concepts)


def read(item: Item) -> Reading:
    """The item, read. Depends on its own words and on what its source says of it alone."""
    title, body = normal.plain(item.title), normal.plain(item.body)
    if title and body.startswith(title):  # a repost often has the title again
        body = body[len(title) :].lstrip("。，, ")
    text = f"{title}。{body}" if body else title
    own, false = _matters(text)
    if not {"滑坡", "塌陷"} & own.keys() and (word := fallen(text)):
        own["塌陷"] = (word,)
    points = sum(lexicon.CONCEPTS[name].own for name in own)
    return Reading(
        item=item,
        title=title,
        body=body,
        text=text,
        places=places(title, body, item.district, f"{item.source_name} {item.url}"),
        concepts=own,
        own=points,
        false_friends=false,
        others=_found(_OTHERS, text),
        departments=_found(_DEPARTMENTS, text),
        emoji=normal.emoji(f"{item.title}{item.body}"),
    )


def business_line(reading: Reading) -> str:
    """The business line that most of the matters belong to, "" when none does. The title counts twice."""
    points: dict[str, int] = {}
    for name, words in reading.concepts.items():
        concept = lexicon.CONCEPTS[name]
        if concept.line:
            weight = concept.own * 2 + len(words) + (2 if any(word in reading.title for word in words) else 0)
            points[concept.line] = points.get(concept.line, 0) + weight
    if not points:
        return ""
    return max(points, key=lambda line: (points[line], line))


def _matters(text: str) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    own: dict[str, list[str]] = {}
    false: dict[str, list[str]] = {}
    for hit in _MATTERS.hits(text):
        kind, name = hit.tag
        words = (own if kind == "own" else false).setdefault(name, [])
        if hit.word not in words:
            words.append(hit.word)
    return {name: tuple(words) for name, words in own.items()}, {name: tuple(words) for name, words in false.items()}


def _found(words: WordList[str], text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for hit in words.hits(text):
        here = found.setdefault(hit.tag, [])
        if hit.word not in here:
            here.append(hit.word)
    return {name: tuple(words) for name, words in found.items()}
