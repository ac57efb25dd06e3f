"""Things with a name of their own in a text: estates, villages, roads, companies, projects, quoted names, amounts."""

from __future__ import annotations

import re
from typing import Final

from .word_files import load, words

_SUFFIXED: Final = re.compile(
    r"([一-鿿]{2,8}?(?:小区|花园|家园|华府|学府|公馆|新城|名城|国际城|嘉园|佳苑|[河湖江海星月龙凤金银]湾|郡|苑|"
    r"国际|首府|壹号|一号院|名邸|雅居|社区|花苑|府邸|御园|豪庭|半岛|庄园|广场|中学|小学|村|营|寨|路|街|大道|巷|河|"
    r"渠|水库|桥|山|沟|湖|公司|集团|厂|矿|砖厂|项目|工程|产业园|工业园|铁路|高速|线))"
)
_QUOTED: Final = re.compile(r"[“\"「『《]([^”\"」』》]{2,16})[”\"」』》]")
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(亩|方|户|万元|亿元|亿|平方米|平米|平|栋|号楼|米|吨|公里|组|队)")
_LETTERED: Final = re.compile(r"(?<![A-Za-z])[A-Za-z][A-Za-z0-9\-]{2,12}(?![A-Za-z])")
_EMPTY: Final = frozenset(words(load("spelling.toml")["no_names"]))
_LEADING: Final = re.compile(
    r"^(?:在|到|把|的|了|和|与|从|是|有|对|就|我|这|那|该|某|一|个|处|条|家|位于|关于|因|为|俺|给|向|被|又|也|都|"
    r"说|去|来|上|于|市|县|区|镇|乡)+"
)
TAIL: Final = 4
"""Characters before the suffix that are kept: names rarely have more, and what stands before them varies."""


def named(text: str) -> frozenset[str]:
    """Names in a `plain` text, without what every second text has."""
    found = set()
    for match in _SUFFIXED.finditer(text):
        name = _LEADING.sub("", match[1])
        name = name[-6:]
        if len(name) >= 3 and name not in _EMPTY:
            found.add(name)
    found.update(match[1] for match in _QUOTED.finditer(text) if len(match[1]) >= 3)
    found.update(
        match[0].lower()
        for match in _LETTERED.finditer(text)
        if match[0].lower() not in ("http", "https", "www", "com")
    )
    return frozenset(found)


def amounts(text: str) -> frozenset[str]:
    """Figures with their unit, as `2000方`: two texts that share one mostly speak of the same thing."""
    return frozenset(f"{match[1]}{match[2]}" for match in _AMOUNT.finditer(text) if match[1] not in ("1", "2", "3"))
