"""Commands about a changed process and the cases of it: what would have been otherwise, and moving running ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the commands to a parser. `services` opens the installation; called when a command runs, not before."""
    tried = add("whatif", _whatif, "past cases over a draft or another version / 用已有案件试算另一版流程")
    tried.set_defaults(services=services)
    tried.add_argument("target", metavar="TARGET", help="version or its beginning, live, or draft:ID / 版本或草稿")
    tried.add_argument(
        "--status", choices=("", "open", "closed"), default="", help="running or closed cases / 办理状态"
    )
    tried.add_argument("--grade", default="", help="cases of this grade / 等级")
    tried.add_argument("--unit", default="", help="cases in which this unit had a task / 单位")
    tried.add_argument("--limit", default="", help="cases in which this limit ran, as eight_hours / 时限")
    tried.add_argument("--newest", type=int, default=0, metavar="N", help="only the newest N cases / 最近的 N 件")
    tried.add_argument("--json", action="store_true", help="for programs / 机器可读")
    move = add("migrate", _migrate, "let running cases go on on another version / 在办案件改用另一版流程")
    move.set_defaults(services=services)
    move.add_argument("case_id", nargs="?", default="", metavar="CASE")
    move.add_argument("--case", action="append", default=[], metavar="CASE", help="may be repeated / 可多次给出")
    move.add_argument("--all", action="store_true", help="every running case that is on another version / 全部在办案件")
    move.add_argument("--map", action="append", default=[], metavar="OLD=NEW", help="renamed element / 改名的节点")
    move.add_argument("--dry-run", action="store_true", help="only tell what would become of them / 只试算")
    move.add_argument("--to", default="", help="version or its first digits; the live one if left out / 目标版本")
    move.add_argument("--reason", required=True)
    move.add_argument("--actor", required=True, help="login of the process owner")


def _whatif(chosen: argparse.Namespace) -> int:
    from engine.service import whatif_command

    narrowed = {"status": chosen.status, "grade": chosen.grade, "unit": chosen.unit, "limit": chosen.limit}
    filters = {name: value for name, value in narrowed.items() if value}
    if chosen.newest:
        filters["most"] = str(max(chosen.newest, 1))
    return whatif_command.run(chosen.services(), chosen.target, filters, chosen.json, print)


def _migrate(chosen: argparse.Namespace) -> int:
    from engine.service import migration

    cases = [*([chosen.case_id] if chosen.case_id else []), *chosen.case]
    pairs = [one.partition("=") for one in chosen.map]
    if bool(cases) == chosen.all or any(not new for _, _, new in pairs):
        print("请给出案件编号或 --all（只给一种）；--map 写作 旧编号=新编号", file=sys.stderr)
        return 2
    order = migration.Order(
        tuple(cases), chosen.to, chosen.actor, chosen.reason, {old: new for old, _, new in pairs}, chosen.dry_run
    )
    return migration.migrate(chosen.services(), order, print)
