"""Places, words and criteria: what they catch, and what they must not be caught by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.intake.criteria import criteria
from engine.intake.item import BadItem, Item, facts_from, item_from
from engine.intake.majors import majors
from engine.intake.normal import bare, plain
from engine.intake.places import district_of, places
from engine.intake.reading import business_line, read
from engine.intake.relevance import relevance


def item(title: str, body: str = "", **more: object) -> Item:
    return Item(id="x", title=title, body=body, **more)  # type: ignore[arg-type]


def sure(title: str) -> set[str]:
    reading = read(item(title))
    return set(majors(reading.text, reading.ground, reading.own > 0).sure)


@pytest.mark.parametrize(
    ("text", "where", "districts"),
    [
        ("北京东城区胡同规划", "elsewhere", ()),
        ("襄阳市襄城区征收公告", "elsewhere", ()),
        ("襄城县征收公告", "here", ("襄城县",)),
        ("广州花都区山体滑坡", "elsewhere", ()),
        ("花都鄢陵征地", "here", ("鄢陵县",)),
        ("许昌东城区绿地", "here", ("东城区",)),
        ("神垕镇挖瓷土", "here", ("禹州市",)),
        ("上海许昌路修路", "elsewhere", ()),
        ("建安七子读后感", "unknown", ()),
        ("郑州王女士在禹州买房办不下证", "here", ("禹州市",)),
        ("许昌人在郑州买房办不下证", "elsewhere", ()),
        ("北京时间八点，长葛后河", "here", ("长葛市",)),
        ("東城區許昌", "here", ("东城区",)),
    ],
)
def test_a_shared_name_is_ours_only_where_the_text_says_so(text: str, where: str, districts: tuple[str, ...]):
    found = places(plain(text), "")

    assert (found.where, found.districts) == (where, districts)


@pytest.mark.parametrize(
    ("text", "cross"),
    [("襄城县与郏县交界挖砂", True), ("许昌、漯河两市", True), ("许昌学习郑州经验", False), ("禹州、长葛交界", False)],
)
def test_a_matter_of_two_cities_is_told_from_one_that_names_another(text: str, cross: bool):
    assert places(plain(text), "").cross_city is cross


@pytest.mark.parametrize(
    ("stated", "district"),
    [
        ("许昌市建安区", "建安区"), ("建安区", "建安区"), ("许昌县", "建安区"), ("襄阳市襄城区", "外地"),
        ("北京市东城区", "外地"), ("许昌市", "市本级"), ("市本级", "市本级"), ("外地", "外地"), ("", None),
        ("不详", None),
    ],
)  # fmt: skip
def test_what_a_source_calls_the_district_is_understood(stated: str, district: str | None):
    assert district_of(stated) == district


def test_one_spelling_for_old_characters_full_width_dialect_addresses_and_names():
    assert plain("許昌縣２０００畝 https://a.example/x @某人 #征地# 木有人管") == plain("许昌县2000畝 征地 没有人管")
    assert bare(plain("挖了300方！[微笑]")) == bare(plain("挖了5000方"))


@pytest.mark.parametrize(
    ("text", "criterion"),
    [
        ("禹州采石场边坡垮塌埋了挖掘机", "m3"),
        ("禹州村口地面突然塌了个大坑", "m3"),
        ("襄城铁矿透水三人被困", "m3"),
        ("许昌不动产登记信息泄露被挂到暗网", "m3"),
        ("襄城近百名村民聚集镇政府门口要征地补偿", "m4"),
        ("长葛业主拉横幅要房产证", "m4"),
        ("五家媒体追问许昌矿山修复资金", "m5"),
        ("许昌市总体规划引发强烈质疑，学者要求重新论证", "m1"),
        ("许昌五宗土地全部流拍，房企退出，财政收入承压", "m2"),
    ],
)
def test_a_major_criterion_is_found(text: str, criterion: str):
    assert criterion in sure(text)


@pytest.mark.parametrize(
    "text",
    [
        "禹州开展山体滑坡应急演练",
        "担心采石场边坡会垮塌",
        "矿区塌陷险情预警，提醒注意防范",
        "高二数学成绩滑坡，规划怎么补",
        "老宅基地上的房子塌了想翻建",
        "塌方式腐败与土地出让",
        "产业集聚区土地规划",
        "规划与林地冲突",
        "堵住土地出让漏洞",
        "登记大厅市民排队办证",
        "现场没有村民聚集，征地平稳",
        "全市不动产登记系统升级暂停办理",
        "三名村民到国土所反映征地补偿",
        "全村都没房产证",
    ],
)
def test_what_only_sounds_major_is_not_sure(text: str):
    assert sure(text) == set()


def judged(title: str, body: str = "", **more: object):
    reading = read(item(title, body, **more))
    found = majors(reading.text, reading.ground, reading.own > 0)
    return criteria(reading, found), relevance(reading, found)


PORTAL = {"source_type": "门户网站", "source_name": "许昌新闻网"}
WEIBO = {"source_type": "微博", "source_name": "网友"}


def test_publicity_needs_an_official_source_and_no_shade_on_it():
    good, _ = judged("许昌不动产登记半日办结，群众满意", **PORTAL)
    same_words, _ = judged("许昌不动产登记半日办结，群众满意", **WEIBO)
    shaded, _ = judged("许昌不动产登记半日办结被指走样", "记者调查发现仍有业主三年未领证", **PORTAL)
    county, _ = judged("鄢陵推行标准地出让，拿地即开工", **PORTAL)

    assert "p1" in good.words
    assert "p1" not in same_words.words
    assert same_words.unsure
    assert not {"p1", "p2"} & shaded.words.keys()
    assert "p2" in county.words


def test_praise_that_is_not_meant_counts_as_a_complaint():
    mocking, _ = judged("真是好规划，绿地都规划成门面房了👍", **WEIBO)

    assert mocking.words["n1"]
    assert not {"p1", "p2"} & mocking.words.keys()
    assert any("反讽" in note for note in mocking.notes)


def test_old_footage_and_rumours_are_no_sudden_events():
    at = datetime(2026, 3, 1, tzinfo=UTC)
    old, _ = judged("长葛山体滑坡视频疯传", "系2021年的视频，又被翻出来转发", published_at=at, **WEIBO)
    year, _ = judged("2019年禹州矿山塌方的画面", "好吓人", published_at=at, **WEIBO)
    rumour, _ = judged("网传禹州煤矿塌陷埋了人", **WEIBO)

    assert (old.old, year.old) == (True, True)
    assert "m3" not in old.words
    assert "n4" in old.words
    assert "m3" in rumour.doubtful
    assert rumour.unsure


@pytest.mark.parametrize(
    "title",
    [
        "许昌超市土地瓜特价，扫码抢购",
        "我的人生规划",
        "比特币矿机降价",
        "魏都区七一路天天堵车，交警管管",
        "长葛结婚登记排队",
    ],
)
def test_other_matters_are_told_from_ours(title: str):
    assert judged(title)[1].value is False


@pytest.mark.parametrize("title", ["[图片]看图", "刚刚山塌了，禹州", "出事了", "许昌", "这事谁管"])
def test_without_evidence_nothing_is_put_aside(title: str):
    assert judged(title)[1].value is not False


@pytest.mark.parametrize(
    ("title", "line"),
    [
        ("办不下房产证", "dengji"),
        ("绿地被围挡盖商铺，规划变了", "guihua"),
        ("耕地被硬化", "gengbao"),
        ("山上采石", "shengtai"),
    ],
)
def test_the_business_line_follows_the_matters(title: str, line: str):
    assert business_line(read(item(title))) == line


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "id"), ({"id": " "}, "id"), ({"id": True, "title": "x"}, "id"),
        ({"id": "a", "title": "", "body": " "}, "title"),
        ({"id": "a", "title": 3}, "title"), ({"id": "a", "title": "x", "url": []}, "url"),
        ({"id": "a", "title": "x", "discovered_at": "2026-03-01T00:00:00"}, "discovered_at"),
    ],
)  # fmt: skip
def test_what_is_no_item_is_refused_by_the_name_of_its_field(values: dict[str, object], field: str):
    with pytest.raises(BadItem) as refused:
        item_from(values)

    assert refused.value.field == field


@pytest.mark.parametrize("values", [[], {"other_city": 1}, {"grade": "bad"}, {"districts": 3}, {"departments": [1]}])
def test_what_is_no_fact_is_refused(values: object):
    with pytest.raises(BadItem):
        facts_from(values)
