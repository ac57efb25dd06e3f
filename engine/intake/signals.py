"""Words by which the regulation's criteria are recognised (R41-R48), and what takes their meaning away again.

Lists are data: each match is shown to the person who decides, word by word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .word_files import lists, load, words

_FILE: Final = load("signals.toml")
ORDINARY: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["ordinary"])
"""N1 to N4 (R42-R44)."""
NEUTRAL: Final = words(_FILE["neutral"])
PRAISE: Final = words(_FILE["praise"])
ACHIEVEMENT: Final = words(_FILE["achievement"])
IRONY_WORDS: Final = words(_FILE["irony"])
IRONY_EMOJI: Final = frozenset(words(_FILE["irony_emoji"]))
SOFT: Final = frozenset(words(_FILE["soft"]))
"""Words of complaint that good news has too, of what was put right."""
QUOTED_PRAISE: Final = re.compile(
    r"[\"“”‘’「『](?:好|妙|高|赞|美|高效|惠民|便民|为民|优化|贴心|人性化|绿色|公平|合理|科学|提升|亮点|杰作|神速|"
    r"公园|绿地|惠民工程|便民工程|民心工程|民生工程|修复|治理|改造|整治|复绿|满意|高速)[\"“”‘’」』]"
)

OFFICIAL: Final = re.compile(
    r"发布$|发布[（(]|政府|日报|晨报|新闻网|融媒|电视台|广播|官网|官微|官方|自然资源|政务|宣传部|新华|人民网|"
    r"学习强国|党建|自规|报社|卫视|央视|中国自然资源报|河南省|机关|在线|网信|快讯|客户端官"
)
OFFICIAL_TYPES: Final = (
    "门户网站",
    "portal",
    "新闻网站",
    "报纸",
    "政务新媒体",
    "新闻",
    "电视",
    "广播",
    "政府网站",
    "官方",
)
OUR_OWN_REPLY: Final = re.compile(
    r"情况说明|情况通报|回应|答复|回复如下|经核实|经核查|您好[,，！!].{0,12}反映|网友您好|感谢您对.{0,12}(?:关注|"
    r"支持)"
)

SHADE: Final = re.compile(
    r"裸露|荒(?:废|草|芜|了)|竟|却|疑似|被指|记者调查|暗访|追踪|缺失|空置|闲置(?!土地(?:盘活|处置))|停滞|烂尾|"
    r"滞后|未能|亏|涉嫌|通报批评|约谈|处分|立案|被查|罚款|纠纷|诉讼|败诉|乱象|顽疾|不力|受损|中断|受伤|伤亡|死亡|"
    r"遇难|毁坏|失踪|事故|险情|争议|热议|质问|吐槽"
    r"|曝光|谎|虚假|套取|骗取|贪|腐|违纪|审查调查|落马|双开|留置|被撤|被叫停|上访|聚集|仍(?:有|未|然|在|旧)|担心|"
    r"恐|堪忧|尴尬|遭|难题|困局|谁来|怎么|为何|何以|不见|不足|不符|不实|落空|缩水|打折扣|走样|变味|流拍|撤资|泄露|"
    r"泄漏|被埋|网传|传言"
)
"""In a report: a shade on the good news, so that it is not clearly publicity."""

UNREAL: Final = re.compile(
    r"演练|防范|防治|预防|预警|隐患排查|排查隐患|避险知识|科普|知识|培训|治理工程|警示教育|应急预案|可能|担心|"
    r"担忧|害怕|怕|会不会|万一|要是|如果|容易|风险|提醒|综合治理|讲座|宣传|小心"
    r"|谨防|防止|避免|防灾|减灾|演习|模拟|桌面推演|巡查|监测点|注意|怎么预防|隐患点|以防|易发|已完成治理|治理前|"
    r"曾经|当年|历史上|险情排除"
)
"""Beside an event: it has not happened (yet, now)."""
DENIED: Final = re.compile(
    r"(?:没有|未|并未|没|不存在|未发生|并无|无|不是|不会|否认|不要|禁止|避免|劝阻)[^，。,;；！!？?]{0,4}$"
)
OLD: Final = re.compile(
    r"(?:视频|画面|照片|影像)[^。！!？?]{0,14}(?:拍摄于|系|实为|是在?|为)(?:去年|前年|大前年|20\d\d年|[几一二三四五六七八九十两]年前)|(?:去年|前年|[几一二三四五六七八九十两]年前)[^，。！!？?]{0,18}(?:画面|视频|照片|影像)"
    r"|老事|老黄历|陈年|被当成新闻|当成新闻|当新闻|旧闻|旧视频|老视频|旧帖|老帖|旧照|老照片|翻炒|炒冷饭|被翻出|翻出来|又被人?转|再次流传|重新传播|实为|"
    r"系(?:20\d\d|去|前)年|几年前的|往年的?(?:视频|画面|照片|旧)|早前视频|历史视频|旧图"
    r"|多年前的|去年的?(?:视频|画面|照片|事|报道)|前年的?(?:视频|画面|照片|事)|年前的?(?:视频|画面|照片|旧|老|事|"
    r"滑坡|塌|现场)|又火了|又刷屏|重新发酵|被重新|旧事|再度流传|再传|挖坟"
)
RUMOUR: Final = re.compile(
    r"网传|谣言|传言|据说|听说|群里(?:都)?(?:说|传)|截图|真假|真的假的|是真是假|是真的吗|真的吗|未经证实|小道消息|"
    r"传闻|求证|真伪|有人说|都在传|辟谣|不实|造谣|ai生成|合成"
)
OLD_YEAR: Final = re.compile(r"(20[0-2]\d)年")
