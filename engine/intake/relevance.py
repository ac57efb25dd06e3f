"""Whether an item is the bureau's business (R24-R28): yes, no, or a person must look.

"No" needs evidence: another city, another office's matter, or a word that only looks like ours. Where nothing is found
either way the answer is None, never no.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from .lexicon import CONCEPTS, WEAK_OTHERS
from .majors import Majors
from .reading import Reading

_BUREAU: Final = re.compile(
    r"自然资源(?:和规划)?局|自规局|规划局|国土局|国土所|自然资源所|不动产登记|不动产(?:中心|大厅|窗口)"
)
_GENERIC: Final = frozenset(
    (
        "土地",
        "绿地",
        "商铺",
        "违规",
        "围挡施工",
        "用途变更",
        "硬化",
        "办事",
        "资金",
        "扬尘",
        "工业",
        "聚集",
        "规划道路",
        "水源地",
        "泄露",
        "配套",
    )
)
_OF_LAND: Final = re.compile(
    r"(?<![当本外各场工基产内陆实原倒就立])地(?!铁|方|点|址|下车|区|段|暖|摊|图|沟油|产股)|山|矿|挖|占(?!道)|征(?!婚|文)|拆|塌|埋|砂|沙(?!发)|窑|坑(?!人|爹)|林|宅|证"
)
"""Signs of land or of papers: beside them one word of another office puts nothing aside."""
_NO_HINT: Final = frozenset(("办事", "聚集", "资金", "工业"))
_SALES: Final = ("广告", "文艺", "游戏", "股市", "网络挖矿")


@dataclass(frozen=True, slots=True)
class Relevance:
    """`value`, `directly_related`: None when a person must look."""

    value: bool | None
    directly_related: bool | None
    reasons: tuple[str, ...]


def relevance(reading: Reading, majors: Majors, complains: bool = True, official: bool = False) -> Relevance:
    """What the words say; `majors` found in them keep an item from being put aside. `complains`: somebody wants or
    reports something, or a major criterion may hold; `official`: the source is one."""
    told = list(reading.places.reasons)
    matters = "、".join(f"{name}（{'、'.join(words[:3])}）" for name, words in list(reading.concepts.items())[:5])
    if matters:
        told.append(f"业务词：{matters}")
    false = "、".join(word for words in reading.false_friends.values() for word in words[:3])
    if false:
        told.append(f"形似而非：{false}")
    others = "、".join(f"{name}（{'、'.join(words[:2])}）" for name, words in list(reading.others.items())[:4])
    if others:
        told.append(f"其他部门：{others}")
    value = _value(reading, majors, complains, official, told)
    if value is not True:
        return Relevance(value, value, tuple(told))
    specific = [name for name in reading.concepts if name not in _GENERIC]
    direct: bool | None = True
    if not specific and not _BUREAU.search(reading.text) and _other_points(reading) > 2:
        direct = None
        told.append("业务词只是旁及，是否直接相关请人工判断")
    return Relevance(True, direct, tuple(told))


def _value(reading: Reading, majors: Majors, complains: bool, official: bool, told: list[str]) -> bool | None:
    where = reading.places.where
    alarming = any(name in majors.sure or name in majors.doubtful for name in ("m3", "m4")) and reading.own >= 2
    if where == "elsewhere":
        told.append("事发外地，与许昌无关")
        return False
    own, others = _own_points(reading), _other_points(reading)
    sales = sum(len(reading.false_friends.get(name, ())) for name in _SALES)
    if where == "both" and not reading.places.cross_city:
        told.append("同时提到许昌和外地，事发地请人工判断")
        return None
    if own <= 0:
        if alarming:
            return None
        hinted = len(reading.concepts.keys() - _NO_HINT)
        if (
            (reading.false_friends and not hinted)
            or sales >= 2
            or others >= 4 + 4 * hinted
            or (others >= (4 if _OF_LAND.search(reading.text) else 2) and not hinted)
        ):
            told.append("没有本局业务，只有其他事项")
            return False
        told.append("文字太少，看不出事项" if reading.little else "没有找到本局业务的词")
        return None
    if alarming or _BUREAU.search(reading.text):
        return None if sales >= 2 and own < 4 else True
    if sales >= 2 and (own < 4 or where == "unknown"):
        told.append("像是广告、作品或娱乐内容")
        return False
    if own == 1 and others >= 6:
        told.append("主要是其他部门的事项")
        return False
    if own <= 2 and others >= 6:
        told.append("以其他部门的事项为主，请人工判断")
        return None
    if own == 1 and (sales or others) and not _complaint_of_land(reading):
        told.append("业务词单薄，请人工判断")
        return None
    if not complains and own <= 2 and not official:
        told.append("业务词单薄，也没有诉求，请人工判断")
        return None
    if where == "unknown" and sales:
        told.append("像是作品或买卖，又没有地点，请人工判断")
        return None
    if where == "unknown" and not complains:
        told.append("没有地点，也没有诉求，请人工判断")
        return None
    if where == "unknown":
        told.append("文中没有地点，按本市监测所得处理，请核实")
    return True


def _own_points(reading: Reading) -> int:
    """Points of matters that are ours; 2 for each specific one, 1 for all shared ones together."""
    specific = sum(
        1 if words == ("规划",) else CONCEPTS[name].own
        for name, words in reading.concepts.items()
        if name not in _GENERIC
    )
    shared = [name for name in reading.concepts if name in _GENERIC]
    strong_shared = (
        "土地" in shared or "绿地" in shared or "水源地" in shared or "规划道路" in shared or "配套" in shared
    )
    return specific + (2 if strong_shared and len(shared) > 1 else int(bool(strong_shared)))


def _other_points(reading: Reading) -> int:
    found = [word for words in reading.others.values() for word in words[:3]]
    return sum(1 if word in WEAK_OTHERS else 2 for word in found)


def _complaint_of_land(reading: Reading) -> bool:
    return "绿地" in reading.concepts and any(
        name in reading.concepts for name in ("围挡施工", "商铺", "用途变更", "违规")
    )
