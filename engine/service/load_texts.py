"""What invented items are about: a title and a body by business line. Names of places and sources are made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Matter = tuple[str, str]
"""Title and body; `{place}` stands for the district, `{number}` for a house, plot or street number."""

MATTERS: Final[Mapping[str, tuple[Matter, ...]]] = {
    "gengbao": (
        ("{place}一处耕地被硬化，村民问有没有手续", "网友称{place}第{number}组耕地近日被铺上水泥，现场没有公示牌。"),
        ("{place}农田里盖起彩钢房", "{place}一块麦田旁新建彩钢房{number}间，村民说从未见过公告，希望有人去看看。"),
        ("{place}征地补偿何时到账", "{place}征地已签协议，第{number}批补偿款迟迟未到，村民询问原因和时间。"),
    ),
    "guihua": (
        ("{place}小区旁绿地被围挡施工", "业主反映小区东侧规划为公园的地块被围挡，{number}号楼业主问规划是否调整。"),
        ("{place}规划道路多年不通，居民绕行", "{place}规划路{number}号段一直未修通，居民希望公布安排。"),
        ("{place}新楼挡光，业主质疑间距", "{place}在建楼与{number}号楼间距看上去不足，业主要求公开规划指标。"),
    ),
    "shengtai": (
        ("{place}废弃矿坑积水，家长担心孩子安全", "{place}一处废弃矿坑积水较深，附近{number}户希望设围栏。"),
        ("{place}砂石料场扬尘扰民", "{place}料场无遮盖，大风天扬尘严重，{number}名村民联名反映。"),
        ("{place}山坡出现裂缝，住户夜不敢眠", "连日降雨后{place}山坡现裂缝，坡下{number}户住户询问是否需要转移。"),
    ),
    "dengji": (
        ("{place}小区办证三年无果", "{place}某小区{number}户业主入住三年仍未办下不动产证，询问卡在哪里。"),
        ("请问老房子补办不动产证要带什么材料", "家在{place}，父母九十年代的房改房想补证，电话打了{number}次没打通。"),
        ("{place}登记窗口排队两小时", "网友称在{place}登记窗口排到{number}号，等了两小时，建议增开窗口。"),
    ),
    "zhifa": (
        ("{place}有人偷挖河砂", "网友拍到{place}河段夜间有{number}台机械挖砂，希望执法部门查处。"),
        ("{place}违建拆了又建", "{place}第{number}处违建去年拆除后又动工，网友问为何无人过问。"),
    ),
}  # fmt: skip
GOOD_NEWS: Final[tuple[Matter, ...]] = (
    ("{place}不动产登记半日办结获点赞", "媒体报道{place}推行一窗受理，{number}位办事群众表示满意。"),
    ("{place}矿山修复成花海", "媒体报道{place}修复废弃矿山{number}亩，周末游人不断。"),
    ("许昌“标准地”出让提速，{place}项目提前开工", "媒体报道{place}第{number}宗标准地拿地即开工。"),
)
ELSEWHERE: Final[tuple[Matter, ...]] = (
    ("{place}公交班次太少", "网友希望增开公交，{number}路等了四十分钟。"),
    ("{place}小区停水一天", "{place}{number}号楼停水未通知，居民不满。"),
    ("外地同名街道改造引热议", "网帖所说街道在外地，与{place}同名，跟帖{number}条。"),
)
SUDDEN: Final[Mapping[str, Matter]] = {
    "m1": ("{place}重大项目选址被质疑", "多个帐号质疑市级项目选址{place}，称第{number}版规划与公示不符。"),
    "m2": ("{place}土地出让消息引发市场猜测", "{place}第{number}宗地出让消息流传，多家企业询问真假。"),
    "m3": ("{place}一处边坡滑塌，道路中断", "{place}取土场边坡滑塌约{number}方，道路封闭，正排查住户。"),
    "m4": ("{place}多名村民聚集要求公布征地明细", "{place}近{number}名村民到镇政府门口要求公布补偿标准，秩序平稳。"),
    "m5": ("多家媒体追问{place}修复资金去向", "继昨日报道后又有媒体跟进{place}修复项目，话题阅读{number}万。"),
}
HOT: Final[tuple[tuple[str, Matter], ...]] = (
    ("guihua", ("水源地旁要建厂？{place}规划图刷屏", "一张圈出{place}地块的规划图被多家自媒体转发，跟帖{number}条。")),
    ("gengbao", ("网传{place}停批宅基地", "群聊截图称{place}下月起停批宅基地，无文号落款，转发{number}次。")),
    ("dengji", ("{place}学区房办证难上热搜", "{place}{number}户家长称办证影响入学，话题上本地热搜。")),
    ("shengtai", ("{place}矿坑溺水视频热传", "短视频称{place}矿坑有人溺水，点赞{number}，真伪待核。")),
)
"""Business line and matter of topics on which many write."""

PLACES_OF_SOURCES: Final[Mapping[str, str]] = {
    "portal": "许昌在线（虚构）",
    "forum": "许都论坛（虚构）",
    "weibo": "微博网友（匿名）",
    "wechat": "微信公众号留言（虚构）",
    "hotline": "12345 政府服务热线",
    "news_comment": "新闻跟帖（匿名）",
    "short_video": "短视频帐号（匿名）",
    "leader_board": "领导留言板",
    "superior": "上级转办",
}
UNITS_OF_DISTRICTS: Final[Mapping[str, str]] = {
    "魏都区": "weidu", "建安区": "jianan", "禹州市": "yuzhou", "长葛市": "changge", "鄢陵县": "yanling",
    "襄城县": "xiangcheng", "经开区": "jingkai", "东城区": "dongcheng", "示范区": "shifan",
}  # fmt: skip
