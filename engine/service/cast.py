"""The demo cast: the bureau's units, lines and people with logins, made by one call. All persons are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from engine.domain.codec import instant_text
from engine.domain.organisation import (
    AUDITOR,
    CHIEF,
    LEADER,
    OFFICE,
    PROCESS_OWNER,
    SECTION_HEAD,
    SECURITY_ADMIN,
    SETUP_ACTOR,
    STAFF,
    SUPERVISION,
    SYSTEM_ADMIN,
    Actor,
)
from engine.domain.rejection import Rejection

from . import passwords, people_log
from .people_admin import PersonForm, create_person, set_roles
from .people_tables import lines, person_roles, persons, unit_posts, units
from .settings import Problem

SETUP: Final = Actor(SETUP_ACTOR, "系统初始化", frozenset({SYSTEM_ADMIN, SECURITY_ADMIN}), frozenset(), "")
"""The installation itself; the only actor with both roles, and nobody can sign in as it."""

LINES: Final = (
    ("zonghe", "综合与政务公开", "zhangmin"),
    ("gengbao", "耕地保护与用地审批", "zhangmin"),
    ("guihua", "国土空间规划与用途管制", "zhangmin"),
    ("shengtai", "生态修复与地质矿产", "zhangmin"),
    ("dengji", "不动产登记与确权", "zhangmin"),
    ("zhifa", "执法监察", "zhangmin"),
)
"""id, name, vice leader in charge (R26)."""

UNITS: Final = (
    ("julingdao", "局领导", "leadership", "市本级", "zonghe"),
    ("bangong", "办公室", "section", "市本级", "zonghe"),
    ("gengbao", "耕地保护科", "section", "市本级", "gengbao"),
    ("guihua", "国土空间规划科", "section", "市本级", "guihua"),
    ("shengtai", "生态修复科", "section", "市本级", "shengtai"),
    ("dikuang", "地质勘查与矿业权管理科", "section", "市本级", "shengtai"),
    ("zhifa", "执法监察科", "section", "市本级", "zhifa"),
    ("ducha", "监察督导组", "section", "市本级", "zhifa"),
    ("dengji", "不动产登记中心", "affiliated", "市本级", "dengji"),
    ("xinxi", "信息中心", "affiliated", "市本级", "zonghe"),
    ("yuzhou", "禹州市自然资源和规划局", "county_branch", "禹州市", ""),
    ("changge", "长葛市自然资源和规划局", "county_branch", "长葛市", ""),
    ("jianan", "建安区自然资源局", "county_branch", "建安区", ""),
    ("xiangcheng", "襄城县自然资源局", "county_branch", "襄城县", ""),
    ("yanling", "鄢陵县自然资源局", "county_branch", "鄢陵县", ""),
    ("weidu", "魏都区自然资源分局", "county_branch", "魏都区", ""),
    ("jingkai", "经济技术开发区分局", "county_branch", "经开区", ""),
    ("dongcheng", "东城区分局", "county_branch", "东城区", ""),
    ("shifan", "示范区分局", "county_branch", "示范区", ""),
)
"""id, name, kind, district, line."""


@dataclass(frozen=True, slots=True)
class Player:
    """One person of the cast. `posts`: of his own unit."""

    user_id: str
    name: str
    unit_id: str
    title: str
    roles: tuple[str, ...]
    posts: tuple[str, ...] = ()


_HEAD = (STAFF, SECTION_HEAD)
PLAYERS: Final = (
    Player("wangfang", "王芳", "bangong", "办公室舆情专员", (STAFF, OFFICE), ("monitor", "reply")),
    Player("lina", "李娜", "bangong", "办公室主任", (STAFF, OFFICE, SECTION_HEAD), ("head", "monitor_deputy")),
    Player("zhangmin", "张敏", "julingdao", "分管副局长", (LEADER,), ("monitor", "reply")),
    Player("liuwei", "刘伟", "julingdao", "局长", (LEADER, CHIEF), ("head",)),
    Player("hejun", "何军", "julingdao", "副局长", (LEADER,), ()),
    Player("liqiang", "李强", "gengbao", "耕地保护科科长", _HEAD, ("head",)),
    Player("yangyang", "杨洋", "gengbao", "耕地保护科科员", (STAFF,), ("monitor", "reply")),
    Player("huangtao", "黄涛", "guihua", "国土空间规划科科长", _HEAD, ("head",)),
    Player("xuli", "徐丽", "guihua", "国土空间规划科科员", (STAFF,), ("monitor", "reply")),
    Player("zhouwei", "周伟", "shengtai", "生态修复科科员", (STAFF,), ("monitor", "reply")),
    Player("madong", "马东", "shengtai", "生态修复科科长", _HEAD, ("head",)),
    Player("gaofeng", "高峰", "dikuang", "地质勘查与矿业权管理科科长", _HEAD, ("head",)),
    Player("linjing", "林静", "dikuang", "地质勘查与矿业权管理科科员", (STAFF,), ("monitor", "reply")),
    Player("zhengkai", "郑凯", "zhifa", "执法监察科科长", _HEAD, ("head",)),
    Player("tangjie", "唐杰", "zhifa", "执法监察科科员", (STAFF,), ("monitor", "reply")),
    Player("zhaogang", "赵刚", "ducha", "监察督导组组长", (STAFF, SUPERVISION, SECTION_HEAD), ("head",)),
    Player("fengxue", "冯雪", "ducha", "监察督导组督导员", (STAFF, SUPERVISION), ("monitor", "reply")),
    Player("hanmei", "韩梅", "dengji", "不动产登记中心主任", _HEAD, ("head",)),
    Player("caobin", "曹斌", "dengji", "不动产登记中心科员", (STAFF,), ("monitor", "reply")),
    Player("sunli", "孙丽", "xinxi", "信息中心流程负责人", (PROCESS_OWNER,), ()),
    Player("dengchao", "邓超", "xinxi", "信息中心主任", _HEAD, ("head",)),
    Player("pengyu", "彭宇", "xinxi", "信息中心科员", (STAFF,), ("monitor", "reply")),
    Player("zhaoming", "赵明", "xinxi", "审计管理员", (AUDITOR,), ()),
    Player("qianjin", "钱进", "xinxi", "系统管理员", (SYSTEM_ADMIN,), ()),
    Player("wumin", "吴敏", "xinxi", "安全管理员", (SECURITY_ADMIN,), ()),
    Player("chenjing", "陈静", "yuzhou", "禹州市局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("luoyong", "罗勇", "yuzhou", "禹州市局局长", _HEAD, ("head",)),
    Player("songjia", "宋佳", "changge", "长葛市局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("xiedong", "谢东", "changge", "长葛市局局长", _HEAD, ("head",)),
    Player("yuting", "于婷", "jianan", "建安区局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("dongbo", "董波", "jianan", "建安区局局长", _HEAD, ("head",)),
    Player("panyue", "潘月", "xiangcheng", "襄城县局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("tianhai", "田海", "xiangcheng", "襄城县局局长", _HEAD, ("head",)),
    Player("jiangnan", "姜楠", "yanling", "鄢陵县局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("fanlei", "范磊", "yanling", "鄢陵县局局长", _HEAD, ("head",)),
    Player("fangfang", "方芳", "weidu", "魏都分局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("shilei", "石磊", "weidu", "魏都分局局长", _HEAD, ("head",)),
    Player("yaowen", "姚文", "jingkai", "经开区分局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("tanjun", "谭军", "jingkai", "经开区分局局长", _HEAD, ("head",)),
    Player("liaohui", "廖慧", "dongcheng", "东城区分局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("zouping", "邹平", "dongcheng", "东城区分局局长", _HEAD, ("head",)),
    Player("xiongwei", "熊薇", "shifan", "示范区分局舆情专员", (STAFF,), ("monitor", "reply")),
    Player("jinlong", "金龙", "shifan", "示范区分局局长", _HEAD, ("head",)),
)

MAIN_LOGINS: Final = (
    "wangfang", "zhangmin", "liuwei", "liqiang", "chenjing", "zhaogang", "sunli", "zhaoming", "qianjin", "wumin",
    "zhouwei",
)  # fmt: skip
"""Those that `make run` prints; all of the cast have the same password, `passwords.DEMO_PASSWORD`."""


def found(conn: Connection, now: datetime) -> bool:
    """Makes units, lines and the cast; false when there are people already (nothing is written then)."""
    if conn.execute(select(persons.c.user_id).limit(1)).first() is not None:
        return False
    _found_units(conn, now)
    at = instant_text(now)
    shared = passwords.hash_password(passwords.DEMO_PASSWORD)
    conn.execute(
        insert(persons),
        [
            {
                "user_id": player.user_id, "name": player.name, "unit_id": player.unit_id, "title": player.title,
                "phone": "", "active": True, "password_hash": shared, "password_at": at, "must_change": False,
                "demo_password": True, "created_at": at,
            }
            for player in PLAYERS
        ],
    )  # fmt: skip
    grants = [
        {"user_id": player.user_id, "role": role, "granted_at": at, "granted_by": SETUP_ACTOR}
        for player in PLAYERS
        for role in player.roles
    ]
    conn.execute(insert(person_roles), grants)
    posts = [
        {"unit_id": player.unit_id, "post": post, "user_id": player.user_id}
        for player in PLAYERS
        for post in player.posts
    ]
    conn.execute(insert(unit_posts), posts)
    for line_id, _, leader in LINES:
        conn.execute(update(lines).where(lines.c.line_id == line_id).values(leader=leader))
    people_log.record(conn, now, SETUP_ACTOR, "cast_founded", "office", None, {"persons": len(PLAYERS)})
    return True


def found_office(
    conn: Connection, now: datetime, *, system_admin: str, security_admin: str
) -> dict[str, str] | Rejection:
    """For a real start: units, lines and the first two admins. Returns login -> first password, to be changed at once.

    Rejection(conflict) when there are people already; Rejection(invalid) for a login that is none.
    """
    if conn.execute(select(persons.c.user_id).limit(1)).first() is not None:
        return Rejection("conflict", "people.already_founded")
    _found_units(conn, now)
    handed: dict[str, str] = {}
    for login, name, role in (
        (system_admin, "系统管理员", SYSTEM_ADMIN),
        (security_admin, "安全管理员", SECURITY_ADMIN),
    ):
        first = create_person(conn, SETUP, now, PersonForm(login, name, "xinxi", name))
        if isinstance(first, Rejection):
            return first
        refused = set_roles(conn, SETUP, now, login, {role})
        if refused is not None:
            return refused
        handed[login] = first
    return handed


def problems(conn: Connection) -> tuple[Problem, ...]:
    """Fatal for a production start: active persons who still have the published demo password."""
    rows = conn.execute(select(persons.c.user_id).where(persons.c.demo_password, persons.c.active)).scalars().all()
    if not rows:
        return ()
    shown = ", ".join(sorted(rows)[:5])
    text = f"{len(rows)} 个账号仍使用公开的演示密码({shown} 等): 正式环境不得启动"
    return (Problem("settings.demo_passwords", text, {"count": str(len(rows)), "logins": shown}),)


def _found_units(conn: Connection, now: datetime) -> None:
    conn.execute(insert(lines), [{"line_id": line_id, "name": name, "leader": ""} for line_id, name, _ in LINES])
    conn.execute(
        insert(units),
        [
            {
                "unit_id": unit_id, "name": name, "kind": kind, "district": district, "line_id": line_id or None,
                "position": place * 10, "active": True,
            }
            for place, (unit_id, name, kind, district, line_id) in enumerate(UNITS, start=1)
        ],
    )  # fmt: skip
    people_log.record(conn, now, SETUP_ACTOR, "units_founded", "office", None, {"units": len(UNITS)})
