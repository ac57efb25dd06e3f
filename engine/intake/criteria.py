"""The criteria N1-N4, M1-M5, neutral and positive, with the words that matched: what the tables are asked of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from . import signals
from .item import Item
from .majors import Majors
from .reading import Reading
from .words import WordList, tagged

NAMES: Final = ("m1", "m2", "m3", "m4", "m5", "n1", "n2", "n3", "n4", "neutral", "p1", "p2")
_ORDINARY: Final = {name: WordList([(word, name) for word in words]) for name, words in signals.ORDINARY.items()}
_NEUTRAL: Final = WordList(list(tagged({"neutral": signals.NEUTRAL})))
_PRAISE: Final = WordList(list(tagged({"praise": signals.PRAISE})))
_ACHIEVEMENT: Final = WordList(list(tagged({"achievement": signals.ACHIEVEMENT})))
_IRONY: Final = WordList(list(tagged({"irony": signals.IRONY_WORDS})))
_ASKS: Final = re.compile(r"[?？]|吗(?:[。！!]|$)|呢(?:[。！!]|$)")
_SOLVED: Final = re.compile(
    r"(?:解决|化解|破解|整治|查处|整改|打通|清除|杜绝|告别|消除|拆除|制止|打击|取缔|关停|治理|修复|清理|遏制|不再|"
    r"无需|免|减少|避免|回应|处置|严禁|严厉|防止|零)[^，。,;；！!？?]{0,8}$"
)


@dataclass(frozen=True, slots=True)
class Criteria:
    """`words`: criterion -> what matched, for those that hold. `doubtful`: the same for those a person must judge.
    `unsure`: why no grade can be suggested, () when one can. `outlets`: media named; `crowd`: words for a number."""

    words: Mapping[str, tuple[str, ...]]
    doubtful: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsure: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    central_media: bool = False
    hot_list: bool = False
    old: bool = False
    rumour: bool = False
    crowd: tuple[str, ...] = ()


def criteria(reading: Reading, majors: Majors) -> Criteria:
    """The criteria that the words of one item meet."""
    text = reading.text
    words: dict[str, tuple[str, ...]] = {}
    doubtful = {name: tuple(found) for name, found in majors.doubtful.items() if name not in majors.sure}
    unsure: list[str] = []
    notes: list[str] = []
    official = is_official(reading.item)
    complaint = {name: _matched(text, name, official) for name in _ORDINARY}
    old = _old(reading)
    rumour = tuple(dict.fromkeys(match[0] for match in signals.RUMOUR.finditer(text)))
    praise, achievement = _found(_PRAISE, text), _found(_ACHIEVEMENT, text)
    mocking = _mocking(reading, praise, complaint["n1"], official)
    if mocking:
        complaint["n1"] = (*complaint["n1"], *mocking)
        notes.append(f"疑似反讽：{'、'.join(mocking[:4])}")
    if old:
        complaint["n4"] = (*complaint["n4"], *old)
        notes.append(f"疑似旧闻翻炒：{'、'.join(old[:3])}")
    neutral = _found(_NEUTRAL, text)
    good = _good(official, achievement, praise, complaint, mocking, text)
    for name, sure in majors.sure.items():
        if name == "m3" and (old or rumour):
            doubtful[name] = tuple(sure)
            if not old:
                unsure.append("突发事件的说法未经证实，请先核实")
        elif name in ("m4", "m1", "m2") and (old or (rumour and name != "m4")):
            doubtful[name] = tuple(sure)
            if not old:
                unsure.append("重大标准出自传言，请先核实")
        elif name == "m5" and good == "clear":
            notes.append("多家媒体，但为正面宣传")
        else:
            words[name] = tuple(sure)
    by_table = bool(majors.central and majors.hot) and good != "clear"
    if not words and not old and not by_table:
        if doubtful and good != "clear":
            unsure.append(
                "可能符合重大标准，词语不足以认定："
                + "、".join(f"{n.upper()} {'、'.join(w[:3])}" for n, w in doubtful.items())
            )
        elif doubtful and any(name in doubtful for name in ("m3", "m4")):
            unsure.append("宣传内容中提到突发或聚集，请人工判断")
    for name, found in complaint.items():
        if found and not (good == "clear" and name in ("n1", "n2")):
            words[name] = found
    if neutral or (_ASKS.search(text) and not complaint["n1"]):
        words["neutral"] = neutral or ("？",)
    if good == "clear" and not any(name in words for name in ("m1", "m2", "m3", "m4", "m5", "n1", "n3", "n4")):
        words.pop("neutral", None)
        local = bool(reading.places.districts) and not reading.places.city_wide
        words["p2" if local else "p1"] = (*achievement[:5], *praise[:3])
    elif good == "clear":
        unsure.append("既像宣传报道又有负面内容，请人工判断")
    elif good == "perhaps" and not majors.sure and not by_table:
        unsure.append("像是表扬或宣传，但不能确定，请人工判断")
    central, hot = bool(majors.central), bool(majors.hot)
    if good == "clear" or old:
        central = hot = False
    return Criteria(
        words, doubtful, tuple(dict.fromkeys(unsure)), tuple(notes), central, hot, bool(old), bool(rumour), majors.crowd
    )


def is_official(item: Item) -> bool:
    """Whether the source is an office or a medium that speaks for itself, not netizens under its name."""
    if item.parent_id or "跟贴" in item.source_type or "跟帖" in item.source_type or "留言" in item.source_name:
        return False
    if re.search(r"网友|匿名|群聊|截图|自媒体|论坛|贴吧|热线|个人|博主|抖友", item.source_name):
        return False
    return item.source_type in signals.OFFICIAL_TYPES or bool(signals.OFFICIAL.search(item.source_name))


def _matched(text: str, name: str, official: bool) -> tuple[str, ...]:
    """Words of complaint that stand; what an official text says was put right does not count against it."""
    found = []
    for hit in _ORDINARY[name].hits(text):
        if (
            official
            and name == "n1"
            and (hit.word in signals.SOFT or _SOLVED.search(text[max(0, hit.start - 12) : hit.start]))
        ):
            continue
        if hit.word == "怎么" and name == "n1" and text[hit.end : hit.end + 1] in "办走填写":
            continue
        found.append(hit.word)
    return tuple(dict.fromkeys(found))


def _mocking(reading: Reading, praise: tuple[str, ...], complaint: tuple[str, ...], official: bool) -> tuple[str, ...]:
    """Signs that praise is not meant: 真是好规划，绿地都规划成门面房了."""
    if official:
        return ()
    signs = [*_found(_IRONY, reading.text), *sorted(reading.emoji & signals.IRONY_EMOJI)]
    signs += [match[0] for match in signals.QUOTED_PRAISE.finditer(f"{reading.item.title}{reading.item.body}")]
    if signs and (praise or complaint):
        return tuple(signs)
    if praise and complaint:
        return (*praise[:2], *signs)
    return tuple(signs) if len(signs) > 1 else ()


def _good(
    official: bool, achievement: tuple[str, ...], praise: tuple[str, ...], complaint: Mapping[str, tuple[str, ...]],
    mocking: tuple[str, ...], text: str,
) -> str:  # fmt: skip
    """ "clear": publicity; "perhaps": praise that nobody official gives, or a report that is neither; "" otherwise."""
    against = bool(complaint["n1"] or complaint["n3"] or complaint["n4"])
    asks = bool(_ASKS.search(text))
    reply = bool(signals.OUR_OWN_REPLY.search(text))
    if official:
        shaded = [
            m[0] for m in signals.SHADE.finditer(text) if not _SOLVED.search(text[max(0, m.start() - 12) : m.start()])
        ]
        if achievement and not against and not asks and not reply and not shaded:
            return "clear"
        if reply or (
            achievement and not complaint["n3"] and not complaint["n4"] and len(achievement) >= 2 * len(complaint["n1"])
        ):
            return "perhaps"
        return "" if against or (shaded and not achievement) else "perhaps"
    if mocking or against:
        return ""
    if praise and not asks:
        return "perhaps"
    return "perhaps" if len(achievement) >= 3 and not asks and not complaint["n2"] else ""


def _old(reading: Reading) -> tuple[str, ...]:
    """Signs that something old goes round again: the words, or a year long before the item was published."""
    text = reading.text
    found = list(dict.fromkeys(match[0] for match in signals.OLD.finditer(text)))
    published = reading.item.published_at or reading.item.discovered_at
    if published is not None:
        for match in signals.OLD_YEAR.finditer(text):
            after = text[match.end() : match.end() + 24]
            if int(match[1]) < published.year and re.search(
                r"视频|画面|照片|影像|那场|那次|发生的|事故|旧事|报道", after
            ):
                found.append(f"{match[1]}年")
    return tuple(found)


def _found(words: WordList[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hit.word for hit in words.hits(text)))
