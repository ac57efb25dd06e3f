"""Criteria of a major case (R45-R48): what the text says has happened, with the words; sure or doubtful.

A doubtful one is never decided here: the suggestion becomes "unsure" and a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from .signals import DENIED, UNREAL

_EVENT: Final = re.compile(
    r"滑坡|滑塌|塌方(?!式)|泥石流|地陷|塌陷|沉陷|透水|突水|瓦斯(?:爆炸|突出|事故)|井下(?:事故|爆炸|起火)|矿难|"
    r"冒顶|山崩|山体(?:给)?(?:崩|垮|塌)|(?:山|坡|崖|土崖|边坡|矿|坑|窑|路基|路面|地面|地|"
    r"塘)[^，。,;；！!？?房屋墙楼]{0,6}(?:塌|垮|崩|陷|坍)(?:了|下|出|方|进|落|塌)?"
    r"|(?:塌|陷|裂)(?:了|出|开)(?:个|一个|一道|道|好几|几)?(?:大|深)?(?:坑|洞|口子|窟窿)|塌下来|垮下来|滚下来|"
    r"冲下来|陷下去|落石砸|(?:石头|石块|巨石|土块)[^，。,]{0,4}(?:滚|砸|落)(?:下|向|到|在|了)|尾矿库(?:溃|泄|渗)"
)
_FALL: Final = re.compile(r"坍塌|垮塌|崩塌|塌了|溃坝|溃决|掉进坑|倒塌")
"""Of earth only when the text speaks of mines, pits or slopes."""
_EARTH: Final = re.compile(r"山|坡|矿|采空|取土|采石|石料|砂|土方|边坡|窑|尾矿|挖沙|挖土|地质|崖|土坑|土场")
_CRACK: Final = re.compile(r"地裂|裂缝|裂口|开裂|沉降|下沉")
_FLEEING: Final = re.compile(
    r"转移|撤离|疏散|封路|抢险|突然|一夜之间|连夜(?!打电话|赶)|赶紧(?:走|跑|撤)|往下滚|轰隆隆|逃|不让住|搬出去|安置点|叫人走|往外跑"
)
_SUDDEN: Final = re.compile(
    r"突然|突发|紧急|连夜|转移|撤离|疏散|封路|封闭道路|道路中断|交通中断|断路|抢险|救援|清晨|凌晨|昨夜|夜里|刚刚|"
    r"今早|今天早上|被埋|被困|伤亡|失联|瞬间|轰的一声|一声巨响|急转"
)
_HARM: Final = re.compile(
    r"被埋|掩埋|遇难|死亡|身亡|溺亡|溺水|失联|被困|砸死|砸伤|伤亡|人没了|死了人|受伤|重伤|埋了(?:人|一|两|三|\d)|"
    r"压住人|埋人|埋住"
)
_ALARM: Final = re.compile(r"出事了|出大事|救护车|没上来|没出来|消防车|出人命|人命|生死不明|愿平安|祈祷")
_NO_HARM: Final = re.compile(r"(?:无|没有|未造成|暂无|没)(?:人员)?$")
_LEAK: Final = re.compile(
    r"泄露|泄漏|外泄|流出|外传|泄密|涉密|境外网站|被挂(?:到|在|上)?网|挂网|倒卖|暗网|拖库|黑客|可随意(?:查|下载)|随便能?查|公开售卖|兜售|裸奔|被爬"
)
_LEAKED: Final = re.compile(
    r"不动产|登记信息|登记系统|产权信息|房产信息|业主信息|测绘|地理信息|数据|坐标|个人信息|查档"
)
_OTHER_SLIP: Final = re.compile(
    r"(?:成绩|业绩|销量|道德|收入|口碑|效益|股价|状态|票房|利润|人设|心态|信仰|房价|市值|球队|士气|价格|经济|人气|"
    r"质量|数学|英语|排名|系统|网站|服务器|三观|情绪|世界观|房|屋|房子|房屋|老屋|围墙|院墙|墙|楼|楼房|棚|大桥|桥|"
    r"校舍|车棚|屋顶|脚手架|吊顶|广告牌|舞台|货架|鼻子|山根|床|沙发|牙)[^，。,]{0,6}$"
)
_BIG_CROWD: Final = re.compile(
    r"(?:近|约|上|数|好?几|超|超过|大约|有)?(?:\d{2,}|[一二两三四五六七八九几数]?[十百千]+)(?:余|多|来|几)?(?:名|"
    r"位|户|个|号|口子?)?(?:口子|村民|业主|群众|居民|家长|职工|人|乡亲|老乡|住户|商户|农户|老少|老人)|全村(?:人|"
    r"老少|都)|黑压压|乌泱泱|坐满了?人|站满了?人|挤满了?人|人挤人|全是人|一大群人?|一大帮人?|人山人海|数百|上百|"
    r"几十号|几百|大批(?:村民|业主|群众|居民)|成群"
)
_GATHER: Final = re.compile(
    r"聚集(?!区|地|效应|度|人气)|集聚(?=在|到)|围堵|围住(?:了)?(?:政府|大门|工地|施工|挖|镇|局|县|市|铲)|"
    r"围了(?:镇|县|市|局|政府|工地|售楼)|堵门|堵路|堵了(?:路|门|大门|工地|镇|县|施工)|堵住(?:了)?(?:路|门|大门|"
    r"工地|镇|县|施工|铲|挖|国道|省道|车)|堵(?:在)?(?:镇|县|市)?政府|堵大门|堵(?:了)?(?:国道|省道|马路)"
    r"|(?:拉|打|扯|举)(?:起|着|了|出)?(?:了)?(?:白色|红色|几条|一条|条|大)*(?:的)?(?:横幅|条幅|标语|牌子抗议)|"
    r"扯(?:着|起)?白布|静坐|坐在(?:政府|大厅|镇|县|市|局)?(?:门口|路上|大门)|集体(?:上访|维权|下跪|抗议|围|"
    r"到(?:市|县|镇|政府|局|省|信访)|去(?:市|县|镇|政府|局|省|信访)|前往)|群访|集访|上访|示威|游行|聚众|对峙|"
    r"(?:肢体|爆发|激烈|发生|起了)冲突|推搡|阻工|阻拦施工"
    r"|喊口号|躺在(?:挖掘机|铲车|地上|车轮)|把[^，。,]{0,8}围(?:住|得|了|个)|围得水泄不通|涌(?:到|向|入|进)(?:市|"
    r"县|镇|政府|局|售楼|大厅)|拦(?:住|停|下)(?:了)?(?:挖掘机|施工|铲车|推土机|车)|占领(?:工地|售楼)|讨说法"
)
_SOFT_GATHER: Final = frozenset(("上访", "讨说法", "推搡"))
"""Words that a single person's complaint has too."""
_AT_OFFICE: Final = re.compile(
    r"(?:政府|资源局|规划局|自规局|管委会|信访局|信访办|市局|县局|国土所|售楼部|指挥部|市委|县委|办公楼|登记中心|"
    r"登记大厅)[^，。,;；]{0,4}(?:门口|门前|大门|台阶|楼下|大厅|广场|院里|院子|门外)"
)
_CALMED: Final = re.compile(
    r"过不去|走不动|劝走|劝返|劝离|疏导|维持秩序|特警|民警|警车|工作组|全是人|坐的|躺|不让走|不散|越级|去省里|赴省|进京|到省"
)
"""Beside a number of people: signs of a gathering, no proof."""
_ACTS: Final = re.compile(
    r"坐满|站满|坐在|站在|跪|围|堵|举(?:着|起|牌)|喊|不走|不见|讨|要说法|横幅|聚|集体|抗议|要求|静坐|还我"
)
_OFFICE: Final = re.compile(
    r"(?:到|去|来到|来|赶到|在|跑到|前往|找到|齐聚|走进).{0,12}?(?:政府|自然资源局|规划局|自规局|国土所|信访局|"
    r"信访|管委会|指挥部|售楼部|工地|门口|大厅|省城|省里|北京|办公楼|登记中心)"
)
_PLANNED: Final = re.compile(
    r"准备|扬言|号召|相约|打算|计划|商量|要去|约好|约着|组织大家|群里喊|明天(?:一起|都)|"
    r"周[一二三四五六日末](?:一起|都|去)|再不.{0,10}就|联合起来|呼吁大家|不行就"
)
_MEDIA: Final = re.compile(
    r"(?:[五六七八九十数]|[5-9]|\d{2,}|十几|好几)(?:多|余|来)?(?:家|个)(?:省级|中央|主流|外地|本地|网络|"
    r"新闻)*(?:媒体|报社|报纸|网站|电视台)|多家(?:省级|中央|主流|外地|网络|新闻|权威|省内|知名|境内外)*(?:媒体|"
    r"电视台|报社)|各大媒体|众多媒体|各路媒体|媒体扎堆|媒体(?:集中|纷纷|接连|轮番|连续|相继|竞相)|全网(?:都|刷|疯|"
    r"热)|多家央媒|多家省媒|媒体和(?:大v|自媒体)|(?:几|十)家媒体"
)
_SOME_MEDIA: Final = re.compile(
    r"(?:[两二三四]|[234])家(?:省级|中央|主流|外地|本地)*媒体|多家自媒体|自媒体(?:集中|纷纷|大量|扎堆|轮番)|"
    r"多个(?:大v|账号|帐号|博主)|大v|几十个(?:账号|博主)|网红(?:博主)?(?:纷纷|转发)|(?:[几数]十|上百|\d{2,})(?:多|"
    r"余)?(?:个|家)(?:账号|帐号|公众号|自媒体|博主)"
)
_CENTRAL: Final = re.compile(
    r"新闻联播|央视|新华社|人民日报|央媒|焦点访谈|新华网|人民网|中新社|中新网|澎湃|新京报|中国之声|央广|经济半小时|"
    r"光明日报|半月谈|法治日报|中国青年报|南方周末|财新|第一财经|红星新闻|极目新闻|省级媒体|省媒|省级卫视|"
    r"省电视台|省报|河南日报|大河报|河南卫视|大象新闻|河南广播电视台|大河网|顶端新闻|正观新闻|都市频道|民生频道|"
    r"小莉帮忙|东方今报|映象网|河南交通广播|海外媒体|外媒|境外媒体"
)
_CENTRAL_ASKS: Final = re.compile(
    r"播了|播了|曝光|报道|追问|暗访|调查|采访|点名|评论|跟进|刊发|聚焦|关注|致电|介入|连线|播出|转载|发文|约访|披露|连发"
)
_HOT: Final = re.compile(
    r"热搜|热榜|热点榜|同城榜|话题榜|冲上榜|登上?[^，。,]{0,6}榜(?!样)|引爆|刷屏|刷爆|冲上(?:热|榜|本地|同城)|"
    r"阅读(?:量)?.{0,8}(?:\d+(?:\.\d+)?(?:万|亿)|[几数上]?[十百千]万|破|快速上升|飙升|激增)|"
    r"播放(?:量)?.{0,8}(?:\d+(?:\.\d+)?(?:万|亿)|[几数上]?[十百千]万|破)|(?:\d+(?:\.\d+)?|"
    r"[几数上]?[十百千])万(?:\+|多|余)?(?:次|人次)?(?:的)?(?:阅读|播放|转发|点赞|观看|评论|浏览)|10万\+|十万加|"
    r"持续发酵|迅速发酵|舆论哗然|全网|转发(?:量)?(?:过|超|破)?\d*万"
)
_CITY_MATTER: Final = re.compile(
    r"总体规划|国土空间规划|市级(?:规划|决策|项目|重大|重点)|市(?:委|政府)|全市|许昌市?(?:的)?(?:重大|重点|新|"
    r"城市|规划|政策|决策)|重大项目|重大工程|重点项目|重点工程|城市更新|三区三线|综合地价|补偿标准|宅基地政策|"
    r"土地政策|供地政策|城镇开发边界|市里(?:的)?(?:决策|决定|规划|政策|项目)|高铁(?:站|新城)|新城规划|专项规划|"
    r"控规|停批|决策"
)
_CONTEST: Final = re.compile(
    r"叫停|撤销|废止|重新论证|改址|反对|抵制|撤回|推翻|朝令夕改|决策失误|拍脑袋|重新选址|另选址|要求停止|行政诉讼|"
    r"起诉|状告|违背民意|劳民伤财|收回成命|炮轰|被迫|下马|停摆|一片哗然|强烈质疑|广泛质疑|集中质疑|质疑声|"
    r"引发质疑|被质疑|受质疑|质疑市"
    r"|(?:暂停|暂缓|搁置|取消|作废|推迟)(?:该|这一|此|了)?(?:规划|项目|方案|决策|实施|选址|建设)|(?:规划|项目|"
    r"方案|决策|选址)[^，。,]{0,6}(?:暂停|暂缓|搁置|取消|作废|推迟)"
)
_CITY_ONLY: Final = re.compile(r"选址|市级|市政府|市委|全市|重大项目|重点项目|总体规划|重大工程|重点工程|许昌市")
_ECONOMY: Final = re.compile(
    r"投资方|外资|产业链|供应链|百亿|十亿|\d+亿|[一二三五几数十]+亿|龙头企业|上市公司|gdp|财政收入|房地产市场|"
    r"楼市|土地财政|全市经济|招商引资|营商环境|市场信心|多家企业|数十家企业|几十家企业|支柱产业|全市房价|土地市场|"
    r"经济发展|国民经济|资本市场|税收|就业|重大投资|房企|开发商集体"
)
_ECONOMY_HARM: Final = re.compile(
    r"撤资|撤离|外迁|停产|停摆|断供|搁浅|恐慌|崩盘|搬走|市场猜测|猜测|抢购潮|暴跌|大跌|腰斩|停工|全部暂停|流拍|"
    r"退出|解约|毁约|违约|告吹|黄了|断链|损失|拖累|重创|冲击|观望|下滑|缺口|受阻"
)


@dataclass(slots=True)
class Majors:
    """Words by criterion: `sure` ones decide, `doubtful` ones make the suggestion unsure. `crowd`: the words that give
    a number of people. `central`, `hot`: media and lists for the rule of R48."""

    sure: dict[str, list[str]] = field(default_factory=dict)
    doubtful: dict[str, list[str]] = field(default_factory=dict)
    crowd: tuple[str, ...] = ()
    central: tuple[str, ...] = ()
    hot: tuple[str, ...] = ()

    def add(self, criterion: str, words: tuple[str, ...], *, sure: bool) -> None:
        into = (self.sure if sure else self.doubtful).setdefault(criterion, [])
        into += [word for word in words if word not in into]


def majors(text: str, ground: bool, own: bool) -> Majors:
    """The major criteria in a `plain` text. `ground`: it speaks of earth, rock, mines or land; `own`: of the
    bureau's business at all."""
    found = Majors()
    _sudden(text, ground, own, found)
    _group(text, own, found)
    _media(text, own, found)
    _city_and_economy(text, own, found)
    return found


def fallen(text: str) -> str:
    """The word of a slide or a cave-in of earth in a `plain` text, "" if none: it is ours without any other word."""
    for match in _EVENT.finditer(text):
        if not _OTHER_SLIP.search(text[max(0, match.start() - 12) : match.start()]):
            return match[0]
    return ""


def _sudden(text: str, ground: bool, own: bool, found: Majors) -> None:
    found_events = [*_EVENT.finditer(text), *(_FALL.finditer(text) if _EARTH.search(text) else ())]
    events = [
        match for match in found_events if not _OTHER_SLIP.search(text[max(0, match.start() - 12) : match.start()])
    ]
    real = [match for match in events if not _unreal(text, match)]
    urgent = _words(_SUDDEN, text)
    harm = tuple(
        match[0]
        for match in _HARM.finditer(text)
        if not _NO_HARM.search(text[max(0, match.start() - 5) : match.start()])
    )
    if real and ground:
        found.add("m3", tuple(match[0] for match in real) + urgent[:2] + harm[:2], sure=True)
    elif events and (ground or own):
        found.add("m3", tuple(match[0] for match in events), sure=bool(harm and real))
    if harm and ground and not real:
        accident = bool(re.search(r"事故|突发|险情|井下|矿工|施救|救援|搜救", text)) and not UNREAL.search(text)
        found.add("m3", harm, sure=accident and bool(_EARTH.search(text)))
    alarm = _words(_ALARM, text)
    if alarm and ground and _EARTH.search(text) and not real:
        found.add("m3", alarm, sure=False)
    cracks = _words(_CRACK, text)
    if cracks and ground and not real and _FLEEING.search(text):
        found.add("m3", cracks + urgent[:2], sure=not UNREAL.search(text) and "是否需要" not in text)
    leak = [match for match in _LEAK.finditer(text) if not _unreal(text, match)]
    if leak and _LEAKED.search(text) and own:
        found.add("m3", tuple(match[0] for match in leak) + _words(_LEAKED, text)[:1], sure=True)


def _group(text: str, own: bool, found: Majors) -> None:
    big = _words(_BIG_CROWD, text)
    found.crowd = big
    if not own:
        return
    at_office = _words(_AT_OFFICE, text)
    if big and at_office and _ACTS.search(text):
        found.add(
            "m4",
            (*big[:1], *at_office[:1], *_words(_ACTS, text)[:2]),
            sure=not _PLANNED.search(text) and "排队" not in text,
        )
    elif big and (words := _words(_CALMED, text)):
        found.add("m4", (*big[:1], *words[:2]), sure=False)
    for sentence in re.split(r"[。！!；;\n]", text):
        gathers = [
            m for m in _GATHER.finditer(sentence) if not DENIED.search(sentence[max(0, m.start() - 8) : m.start()])
        ]
        offices = list(_OFFICE.finditer(sentence)) if _BIG_CROWD.search(sentence) else []
        if not gathers and not offices:
            continue
        words = tuple(m[0] for m in gathers) or tuple(m[0] for m in offices[:1])
        crowd = _words(_BIG_CROWD, sentence) or big
        planned = bool(_PLANNED.search(sentence)) or bool(re.search(r"演练|预案|化解|劝返|产业", sentence))
        several = bool(crowd) or bool(
            re.search(r"集体|村民们|业主们|大家|群众|众人|村民|业主|居民|聚众|群访|集访", text)
        )
        hard = any(word not in _SOFT_GATHER for word in words) or bool(_BIG_CROWD.search(sentence))
        if gathers and (hard or several and crowd):
            found.add("m4", words + crowd[:1], sure=several and not planned)
        elif gathers and not several:
            continue
        else:
            found.add("m4", words + crowd[:1], sure=False)


def _media(text: str, own: bool, found: Majors) -> None:
    central = tuple(
        match[0]
        for match in _CENTRAL.finditer(text)
        if _CENTRAL_ASKS.search(text[max(0, match.start() - 12) : match.end() + 14])
    )
    found.central, found.hot = tuple(dict.fromkeys(central)), _words(_HOT, text)
    if not own:
        return
    many = _words(_MEDIA, text)
    if many:
        found.add("m5", many + found.hot[:2], sure=True)
    if found.central and found.hot:
        return  # the table has a rule of its own for the two together
    some = _words(_SOME_MEDIA, text)
    if not many and ((some and found.hot) or len(found.hot) >= 2):
        found.add("m5", some + found.hot[:2], sure=len(set(found.hot)) >= 3)
    elif not many and found.hot:
        found.add("m5", found.hot, sure=False)
    elif not many and central and some:
        found.add("m5", some + central[:1], sure=False)


def _city_and_economy(text: str, own: bool, found: Majors) -> None:
    if not own:
        return
    city, contest = _words(_CITY_MATTER, text), _words(_CONTEST, text)
    if city and contest:
        found.add("m1", city[:2] + contest[:2], sure=bool(_CITY_ONLY.search(text)))
    economy, harm = _words(_ECONOMY, text), _words(_ECONOMY_HARM, text)
    if economy and harm:
        found.add("m2", economy[:2] + harm[:2], sure=len(economy) + len(harm) >= 3)
    elif "流拍" in text or "市场猜测" in text:
        found.add("m2", harm[:2], sure="市场猜测" in text)


def _unreal(text: str, match: re.Match[str]) -> bool:
    """Whether the clause around says that it has not happened: drills, fears, warnings, denials."""
    start = max(text.rfind(sign, 0, match.start()) for sign in "。！!；;\n") + 1
    around = text[max(start, match.start() - 16) : match.end() + 8]
    return bool(UNREAL.search(around)) or bool(DENIED.search(text[max(start, match.start() - 8) : match.start()]))


def _words(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(match[0] for match in _nonempty(pattern, text)))


def _nonempty(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    return (match for match in pattern.finditer(text) if match[0])
