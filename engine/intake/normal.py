"""Text as it is compared: one form for what people write in many ways.

Full width, traditional characters, emoji, addresses, @names and the Henan dialect are brought to one spelling. What is
lost here is lost for comparing only; the item keeps its own words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TRADITIONAL: Final = str.maketrans(
    "許長縣區鎮鄉莊劃規綠園圍擋徵補償違產證動記礦採塊災價買賣樓開發圖紙網傳謠聞舊視頻報導黨書領處罰辦業務門臺灣東來對時間說話國際華農廠電車橋邊總會議學習醫療衛環護質點讚這個們為誰無沒後從過還進遠達選適種類稱號樣標準審項戶頭萬億雙應該屬實據調復現場眾體訴訟糾紛擔憂擾塵揚運輸沖毀壞縫傷險隱積淺測繪權側層遷",
    "许长县区镇乡庄划规绿园围挡征补偿违产证动记矿采块灾价买卖楼开发图纸网传谣闻旧视频报导党书领处罚办业务门台湾东来对时间说话国际华农厂电车桥边总会议学习医疗卫环护质点赞这个们为谁无没后从过还进远达选适种类称号样标准审项户头万亿双应该属实据调复现场众体诉讼纠纷担忧扰尘扬运输冲毁坏缝伤险隐积浅测绘权侧层迁",
)
DIALECT: Final = (
    ("一打听说", "一问说"), ("一打听", "一问"),
    ("木有", "没有"), ("木人", "没人"), ("冇", "没有"), ("不中了", "不行了"), ("中不中", "行不行"), ("弄啥嘞", "干什么"), ("弄啥哩", "干什么"),
    ("弄啥", "干什么"), ("咋弄", "怎么办"), ("咋着", "怎么"), ("咋", "怎么"), ("为啥", "为什么"), ("啥", "什么"), ("俺们", "我们"), ("俺", "我"),
    ("恁们", "你们"), ("恁", "你"), ("嘞", "的"), ("哩", "的"), ("不得劲", "不舒服"), ("得劲", "舒服"), ("庄上", "村里"), ("庄稼地", "耕地"),
    ("叫人家", "被人"), ("叫人", "被人"), ("叫铲", "被铲"), ("叫推", "被推"), ("叫占", "被占"), ("叫围", "被围"), ("叫挖", "被挖"), ("甭", "不要"),
    ("老早", "早就"), ("可些", "很多"), ("恁多", "这么多"), ("恁大", "这么大"), ("搁这", "在这"), ("拾掇", "整治"),
    ("当官的", "领导"), ("红本", "房产证"), ("本本", "证"), ("房本", "房产证"), ("小红本", "房产证"), ("门脸房", "门面房"),
    ("老坟", "坟地"), ("坷垃地", "耕地"), ("地界儿", "地界"),
)  # fmt: skip
"""What people here say, and the word that the lists know. Longer ones before the shorter ones within them."""

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
