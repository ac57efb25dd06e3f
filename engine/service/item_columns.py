"""Which column of a brought table holds what: guessed from its header in Chinese or English, corrected by a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from .item_fields import FIELDS, words

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "title": ("标题", "题目", "主题", "信息标题", "文章标题", "新闻标题", "title", "subject", "headline"),
    "body": ("内容", "正文", "摘要", "内容摘要", "原文", "全文", "文章内容", "诉求内容", "body", "content", "text",
             "summary"),
    "source_type": ("来源类型", "媒体类型", "平台类型", "类型", "渠道", "平台", "source_type", "type", "media_type",
                    "channel"),
    "source_name": ("来源", "来源名称", "媒体", "媒体名称", "网站", "网站名称", "站点", "发布媒体", "账号", "source",
                    "source_name", "site", "media", "outlet"),
    "url": ("网址", "链接", "地址", "原文链接", "url", "link", "网页地址", "href"),
    "author": ("作者", "发布人", "网友", "昵称", "用户", "用户名", "来电人", "author", "user", "nickname", "name"),
    "contact": ("电话", "联系电话", "手机", "手机号", "来电号码", "phone", "tel", "contact"),
    "district": ("区划", "地区", "区县", "县区", "所属地区", "涉及区划", "涉及地区", "district", "region", "area"),
    "item_kind": ("信息类别", "类别", "诉求类型", "性质", "kind", "category"),
    "callback": ("回电", "是否回电", "需要回电", "callback"),
    "published_at": ("发布时间", "发表时间", "发帖时间", "时间", "日期", "来电时间", "published", "published_at",
                     "pubdate", "publish_time", "date", "time"),
    "captured_at": ("采集时间", "抓取时间", "监测时间", "入库时间", "captured", "captured_at", "crawl_time"),
    "discovered_at": ("发现时间", "discovered", "discovered_at", "found_at"),
    "parent_url": ("所评论网址", "原帖链接", "原帖网址", "主帖链接", "父链接", "parent_url", "parent", "in_reply_to"),
}  # fmt: skip
"""Field -> headers that mean it, the usual one first."""
_PLAIN: Final = {field: tuple(words(one) for one in known) for field, known in WORDS.items()}


def guessed(header: Sequence[str]) -> dict[str, int]:
    """Field -> number of its column (from 0), for the columns whose header is known. An exact header goes before one
    that only contains a known word; no column is used twice."""
    names = [words(name) for name in header]
    found: dict[str, int] = {}
    for fits in (lambda name, known: name == known, lambda name, known: len(known) > 1 and known in name):
        for field in FIELDS:
            if field in found:
                continue
            for known in _PLAIN[field]:
                place = next((n for n, name in enumerate(names) if n not in found.values() and fits(name, known)), None)
                if place is not None:
                    found[field] = place
                    break
    return found
