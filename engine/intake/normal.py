"""Text as it is compared: one form for what people write in many ways.

Full width, traditional characters, emoji, addresses, @names and the Henan dialect are brought to one spelling. What is
lost here is lost for comparing only; the item keeps its own words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .word_files import load, words

_FILE: Final = load("spelling.toml")
TRADITIONAL: Final = {ord(pair[0]): pair[1] for pair in words(_FILE["traditional"])}
DIALECT: Final = tuple((pair.partition("=")[0], pair.partition("=")[2]) for pair in words(_FILE["dialect"]))
"""What people here say, and the word that the lists know."""

_ADDRESS: Final = re.compile(r"(?:https?://|www\.)[^\s一-鿿]+", re.IGNORECASE)
_MENTION: Final = re.compile(r"@[\w·\-]{1,30}[:：]?\s?")
_FORWARDED: Final = re.compile(r"^(?:转发微博|转发|快转|转载|【转】|\[转\]|repost|转自\S{0,12})[\s:：,，]*")
_HASHTAG: Final = re.compile(r"#([^#\n]{1,40})#")
_BRACKET_EMOJI: Final = re.compile(r"\[([一-鿿a-zA-Z]{1,6})\]")
_BLANKS: Final = re.compile(r"\s+")
_NOISE: Final = re.compile(r"[^\w一-鿿]+")
_DIGITS: Final = re.compile(r"\d+(?:\.\d+)?")


def plain(text: str) -> str:
    """The text in one spelling with its punctuation: for word lists and for people who compare."""
    text = unicodedata.normalize("NFKC", text).lower().translate(TRADITIONAL)
    text = _HASHTAG.sub(r" \1 ", _MENTION.sub(" ", _ADDRESS.sub(" ", text)))
    text = _FORWARDED.sub("", text.strip())
    for said, meant in DIALECT:
        if said in text:
            text = text.replace(said, meant)
    return _BLANKS.sub(" ", text).strip()


def bare(text: str) -> str:
    """The letters and figures of a `plain` text alone, numbers as one sign: for grams."""
    text = _BRACKET_EMOJI.sub(" ", text)
    return _NOISE.sub("", _DIGITS.sub("0", text))


def emoji(text: str) -> frozenset[str]:
    """Emoji and the names of bracketed ones such as [微笑] in a text as it was written."""
    signs = {sign for sign in text if unicodedata.category(sign) == "So"}
    return frozenset(signs | set(_BRACKET_EMOJI.findall(unicodedata.normalize("NFKC", text))))


def grams(text: str, size: int) -> tuple[str, ...]:
    """The runs of `size` characters of a `bare` text, in order, with repeats."""
    return tuple(text[place : place + size] for place in range(len(text) - size + 1))
