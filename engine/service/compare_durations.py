"""Limits in words: how long a duration is, and by how much a limit became longer or shorter."""

from __future__ import annotations

import re
from typing import Final

from .catalogue import sentence

_ISO: Final = re.compile(r"P(?:(\d+)W|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)(?![\w])")
_IN_TEXT: Final = re.compile(r"(?<![\w])P(?=[\dT])[\dWDTHMS]+(?![\w])")
_DAY: Final = 86_400
_UNITS: Final = ((_DAY, "compare.days"), (3_600, "compare.hours"), (60, "compare.minutes"), (1, "compare.seconds"))


def seconds(text: str) -> int | None:
    """Of an ISO 8601 duration of weeks, days and time; None for anything else."""
    found = _ISO.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    weeks, days, hours, minutes, rest = (int(group or 0) for group in found.groups())
    return ((weeks * 7 + days) * 24 + hours) * 3_600 + minutes * 60 + rest


def in_hours(length: int) -> bool:
    """Whether a length is told in hours, as the regulation counts: up to two days, but for one day, and up to a hundred
    hours that are no whole days."""
    return (length <= 2 * _DAY and length != _DAY) or (length % _DAY != 0 and length < 100 * 3_600)


def words(length: int, language: str, hours: bool | None = None) -> str:
    """`80小时`, `5天`: whole units, the largest first. `hours`: no larger unit than these; by default `in_hours`."""
    no_days = in_hours(length) if hours is None else hours
    parts, left = [], length
    for size, key in _UNITS:
        if size == _DAY and no_days:
            continue
        count, left = divmod(left, size)
        if count:
            parts.append(sentence(key, {"count": count}, language))
    return "".join(parts) if language == "zh" else " ".join(parts)


def told(text: str, language: str) -> str:
    """A duration also in words: `PT8H（8小时）`; anything else, expressions too, as it is written."""
    length = seconds(text)
    return (
        text if length is None else sentence("compare.said", {"text": text, "words": words(length, language)}, language)
    )


def difference(before: str, after: str, language: str) -> str:
    """`时限由8小时改为80小时，放宽72小时` for two texts that differ in one duration only; "" for others."""
    olds, news = _IN_TEXT.findall(before), _IN_TEXT.findall(after)
    if len(olds) != 1 or len(news) != 1 or _IN_TEXT.sub("P", before) != _IN_TEXT.sub("P", after):
        return ""
    old, new = seconds(olds[0]), seconds(news[0])
    if old is None or new is None or old == new:
        return ""
    by = words(abs(new - old), language, in_hours(old) and in_hours(new))
    blanks = {"before": words(old, language), "after": words(new, language), "by": by}
    return sentence("compare.longer" if new > old else "compare.shorter", blanks, language)
