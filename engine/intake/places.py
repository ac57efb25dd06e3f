"""Where an item plays: which districts of Xuchang it names, and whether it plays elsewhere.

Names are read with what stands beside them. A name that other places have too counts for Xuchang only when something
else in the item says Xuchang, and never right after the name of another city: 北京东城区 is not ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from . import gazetteer
from .normal import plain
from .words import Hit, WordList

Where = Literal["here", "elsewhere", "both", "unknown"]
Tag = tuple[str, str]
"""(kind, district): kinds are city, strong, weak, elsewhere, province, none."""


@dataclass(frozen=True, slots=True)
class Places:
    """`districts`: those of the matter, in the order of the text. `named`: all that are named. `exact`: towns and
    other small places. `cross_city`: Xuchang together with another city. `city_wide`: said of the whole city."""

    where: Where
    districts: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    exact: frozenset[str] = frozenset()
    elsewhere: tuple[str, ...] = ()
    cross_city: bool = False
    city_wide: bool = False
    reasons: tuple[str, ...] = ()


def _tagged() -> list[tuple[str, Tag]]:
    found: list[tuple[str, Tag]] = [(word, ("none", "")) for word in gazetteer.NOT_PLACES]
    found += [(word, ("city", "")) for word in (*gazetteer.CITY_NAMES, *gazetteer.CITY_PLACES)]
    for kind, lists in (("strong", gazetteer.STRONG), ("weak", gazetteer.WEAK)):
        found += [(word, (kind, district)) for district, words in lists.items() for word in words]
    found += [(word, ("elsewhere", "")) for word in gazetteer.ELSEWHERE]
    return found


_NAMES: Final = WordList(_tagged())
_HERE: Final = ("city", "strong")
_DISTRICT_WORDS: Final = {
    **{name: name for name in gazetteer.DISTRICTS},
    "许昌县": "建安区",
    "城乡一体化示范区": "示范区",
}
_OUTWEIGHED: Final = frozenset(("莲城", "0374"))
"""Nicknames that another city has too: another city in the text outweighs them."""
_SHORT: Final = frozenset((*(name[:-1] for name in gazetteer.DISTRICTS), "襄县", "钧都", "东城", "开发区管委会"))
"""Other names of whole districts."""
_NO_PLACE_AFTER: Final = re.compile(
    r"^(?:路|街|大道|大街|道口|时间|日报|晚报|晨报|青年报|卫视|大学|师范|户口|现代|牌照|烤鸭|火锅|拉面|西路|东路|"
    r"南路|北路|中路|银行|证券|奥运)"
)
_OF_ORIGIN: Final = re.compile(
    r"^市?(?:人|网友|老乡|籍|小伙|姑娘|市民|游客|客商|老板|企业|公司|开发商|经验|模式|做法|记者|媒体|打工|上班|"
    r"务工|工作|读书|上学|救援队|消防|蓝天|来的|回来|"
    r"的?[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹苏潘葛范彭鲁韦马方任袁柳史唐薛雷贺倪汤罗郝安常于时傅齐康伍余顾孟黄穆萧尹姚邵汪祁毛米戴宋庞熊纪舒屈项祝董梁杜阮蓝季贾江童郭梅林钟徐邱骆高夏蔡田樊胡凌霍万柯卢莫丁邓石崔吉龚程裴陆翁段侯武刘景龙叶白赖乔闫][某女先]?(?:女士|"
    r"先生|某))"
)
_AT_WORK_THERE: Final = re.compile(r"(?:在|去|从|到|自)$")
_JOINED: Final = re.compile(r"^[市县区]?(?:[、与和同及跟至到—~/\-]|以及|还有){1,2}[^，。,;；]{0,4}$")
_BORDER: Final = re.compile(
    r"交界|两市|两县|两地|三市|跨市|跨界|跨区|跨县|界河|上下游|接壤|毗邻|一河之隔|搭界|交接处|接合部|结合部|共管|"
    r"插花地|两边|双方都"
)
_CITY_WIDE: Final = re.compile(r"全市|我市|市区|各县[（(]?市|各县区|许昌全|市级|全域|市政府|市委|市局|市里|多个县|多地")
_SEVERAL: Final = re.compile(r"两县|两地|两区|三县|多个县|多地|多县|分别|交界|接壤|之间|沿线|跨")
_PART_OF: Final = re.compile(r"^(?:省|市|县|区|的|[一-鿿]{1,3}[市县区])?(?:的)?$")
"""What may stand between another city's name and a shared name that belongs to it: 襄阳市的襄城."""


def district_of(text: str) -> str | None:
    """The district of Xuchang that a source names; 市本级 for the city itself, 外地 for elsewhere, None if unclear."""
    text = plain(text)
    if not text:
        return None
    for name, district in _DISTRICT_WORDS.items():
        if name in text:
            before = text[: text.index(name)]
            return "外地" if any(other in before for other in gazetteer.ELSEWHERE) else district
    if text in ("市本级", "全市", "市直", "许昌", "许昌市", "市局") or text.startswith("许昌"):
        return gazetteer.CITY
    for hit in _NAMES.hits(text):
        if hit.tag[0] == "strong":
            return hit.tag[1]
    if text in ("外地", "市外", "外市", "外省") or any(hit.tag[0] == "elsewhere" for hit in _NAMES.hits(text)):
        return "外地"
    return None


def places(title: str, body: str, district: str = "", source: str = "") -> Places:
    """Where an item plays. `title`, `body`: `plain` texts. `district`, `source`: as the source says, "" if nothing."""
    text = f"{title}。{body}"
    stated = district_of(district)
    hits = [hit for hit in _NAMES.hits(text) if hit.tag[0] != "none" and not _is_no_place(text, hit)]
    foreign = [hit for hit in hits if hit.tag[0] == "elsewhere"]
    located = [hit for hit in foreign if not _of_origin(text, hit)]
    sure = [
        hit
        for hit in hits
        if hit.tag[0] in _HERE and not _after_foreign(text, hit, foreign) and not (foreign and hit.word in _OUTWEIGHED)
    ]
    here_source = any(hit.tag[0] in _HERE for hit in _NAMES.hits(plain(source)))
    at_home = bool(sure) or stated not in (None, "外地") or (here_source and not located)
    weak = [
        hit
        for hit in hits
        if hit.tag[0] == "weak" and at_home and stated != "外地" and not _after_foreign(text, hit, foreign)
    ]
    borrowed = [hit for hit in hits if hit.tag[0] == "weak" and hit not in weak]
    native = [hit for hit in sure if not _of_origin(text, hit)]
    joined = _joined(text, [*sure, *weak], located) or (bool(located) and bool(_BORDER.search(text)) and at_home)
    where = _where(native, weak, sure, located, stated, joined, here_source, title)
    named = tuple(dict.fromkeys(hit.tag[1] for hit in sorted([*native, *weak], key=_start) if hit.tag[1]))
    exact = frozenset(
        hit.word for hit in (*sure, *weak) if hit.tag[1] and hit.word not in _DISTRICT_WORDS and hit.word not in _SHORT
    )
    districts = _districts(text, title, named, stated) if where != "elsewhere" else ()
    elsewhere = tuple(dict.fromkeys(hit.word for hit in located))
    told = tuple(dict.fromkeys(hit.word for hit in sorted([*sure, *weak], key=_start)))
    reasons = []
    if told:
        reasons.append(f"许昌地名：{'、'.join(told[:6])}")
    if stated not in (None, "外地"):
        reasons.append(f"来源标注：{stated}")
    if elsewhere or stated == "外地":
        reasons.append(f"外地地名：{'、'.join(elsewhere[:6]) or district}")
    if borrowed and where == "elsewhere":
        reasons.append(f"同名异地：{'、'.join(sorted({hit.word for hit in borrowed}))}")
    return Places(
        where, districts, named, exact, elsewhere, joined and where != "elsewhere", bool(_CITY_WIDE.search(text)),
        tuple(reasons),
    )  # fmt: skip


def _where(
    native: list[Hit[Tag]], weak: list[Hit[Tag]], sure: list[Hit[Tag]], located: list[Hit[Tag]], stated: str | None,
    joined: bool, here_source: bool, title: str,
) -> Where:  # fmt: skip
    if stated == "外地":
        return "both" if joined else "elsewhere"
    if not located:
        return "here" if native or weak or sure or stated is not None or here_source else "unknown"
    if joined:
        return "both"
    if not native and not weak:
        return "both" if stated is not None else "elsewhere"
    # Both are named and not joined: the title says where it plays; a matter that the source gives to a district stays.
    in_title = [hit for hit in (*native, *weak) if hit.start < len(title)]
    foreign_in_title = [hit for hit in located if hit.start < len(title)]
    if stated is not None or (in_title and not foreign_in_title):
        return "here"
    if foreign_in_title and not in_title:
        return "elsewhere" if len(native) <= 1 else "both"
    return "both" if min(located, key=_start).start < min((*native, *weak), key=_start).start else "here"


def _districts(text: str, title: str, named: tuple[str, ...], stated: str | None) -> tuple[str, ...]:
    """More than one only if the text says that the matter is of all of them; a place named by the way is not one."""
    if stated == gazetteer.CITY:  # a river or a road names no district against the source
        named = tuple(name for name in named if name in text or name[:-1] in text)
    if stated in gazetteer.DISTRICTS and stated not in named:
        return (stated,) if not named or not _SEVERAL.search(text) else (*named, stated)
    if len(named) < 2:
        return named
    if _SEVERAL.search(text) or _joined(text, _district_hits(text, named[:1]), _district_hits(text, named[1:])):
        return named
    if stated in named:
        return (stated,)
    titled = tuple(name for name in named if _district_hits(title, (name,)))
    return titled[:1] or named[:1]


def _district_hits(text: str, names: tuple[str, ...]) -> list[Hit[Tag]]:
    return [hit for hit in _NAMES.hits(text) if hit.tag[1] in names]


def _joined(text: str, ours: list[Hit[Tag]], others: list[Hit[Tag]]) -> bool:
    """Whether one of ours and one of the others stand side by side: 许昌、漯河 · 禹州与郏县 · 许昌至平顶山."""
    for one in ours:
        for other in others:
            first, second = sorted((one, other), key=_start)
            if _JOINED.match(text[first.end : second.start]):
                return True
    return False


def _is_no_place(text: str, hit: Hit[Tag]) -> bool:
    after = text[hit.end : hit.end + 4]
    if hit.tag[0] in ("elsewhere", "city") and hit.word not in gazetteer.CITY_PLACES and _NO_PLACE_AFTER.match(after):
        return hit.tag[0] == "elsewhere" or after[:1] in "路街"
    return hit.word in ("许昌", "建安", "方山") and after.startswith(gazetteer.PERSON_WORDS)


def _of_origin(text: str, hit: Hit[Tag]) -> bool:
    """A name that says where somebody is from, works or learned something, not where the matter plays."""
    after = text[hit.end : hit.end + 5]
    if hit.word == "许昌" and hit.tag[0] == "city":
        return bool(re.match(r"^(?:人|籍|小伙|姑娘|老乡|救援队|消防|游客)", after))
    return hit.tag[0] == "elsewhere" and bool(_OF_ORIGIN.match(after))


def _after_foreign(text: str, hit: Hit[Tag], foreign: list[Hit[Tag]]) -> bool:
    """Whether another city's name stands right before: the name is a part of that city."""
    if hit.tag[0] == "city":
        return False
    return any(_PART_OF.match(text[other.end : hit.start]) for other in foreign if other.end <= hit.start)


def _start(hit: Hit[Tag]) -> int:
    return hit.start
