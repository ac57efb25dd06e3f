"""Commands that give evidence: replay, verify, checkpoints and keys, archive packages, event logs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the commands to a parser. `services` opens the installation; called when a command runs, not before."""

    def with_services(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = add(name, run, text)
        made.set_defaults(services=services)
        return made

    replay = with_services("replay", _replay, "re-run a case from its entries and compare / 回放并核对一个案件")
    replay.add_argument("case_id")
    replay.add_argument("--step", type=int, default=0, help="everything of this one step / 显示某一步的全部内容")
    replay.add_argument("--from", type=int, default=0, dest="first", help="first step to show / 起始步")
    replay.add_argument("--to", type=int, default=0, dest="last", help="last step to show / 结束步")
    replay.add_argument("--json", action="store_true", help="frames for machines / 机器可读")
    replay.add_argument("--lang", choices=("zh", "en"), default="zh")
    ring = with_services("keys", _keys, "list the checkpoint keys, or let a new one take over / 校验点签名密钥")
    ring.add_argument("action", choices=("list", "rotate"))
    ring.add_argument("--reason", default="", help="why a new key takes over / 更换原因")
    ring.add_argument("--actor", default="system:command", help="login of who does it / 操作人账号")
    ring.add_argument("--lost", action="store_true", help="the old key is gone and can't vouch / 旧密钥已丢失")
    with_services("seal", _seal, "seal what waits now and print the checkpoint / 立即封存并打印校验点")
    kept = with_services(
        "checkpoint", _checkpoint, "print the newest checkpoint, or write a witness file / 打印最新校验点或写见证文件"
    )
    kept.add_argument("--out", type=Path, default=None, metavar="FILE", help="write the witness file here / 见证文件")
    proof = with_services("verify", _verify, "check everything that can be checked / 校验一切可以校验的")
    proof.add_argument("case", nargs="*", help="these cases only / 只校验这些案件")
    proof.add_argument("--only", default="", help="parts, separated by commas / 只做这些检查")
    proof.add_argument("--report", default="", metavar="FILE", help="JSON report for machines / 机器可读的报告")
    proof.add_argument("--witness", default="", metavar="FILE", help="checkpoint kept elsewhere / 别处保存的校验点")
    proof.add_argument("--quiet", action="store_true", help="faults and verdict only / 只显示问题和结论")
    export = with_services("export", _export, "write an archive package of cases or of a month / 导出案件归档包")
    export.add_argument("case_id", nargs="*", metavar="CASE", help="case numbers / 案件编号")
    export.add_argument("--period", default="", help="2026-03 or 2026: all cases closed in it / 办结月份或年份")
    export.add_argument("--out", type=Path, default=None, metavar="FILE", help="file or folder to write to / 输出位置")
    export.add_argument(
        "--checkpoint",
        type=Path,
        default=None,
        metavar="FILE",
        help="prove that the log continues this one / 已有校验点",
    )
    taken = with_services("import", _import, "take cases out of archive packages into an empty instance / 导入归档包")
    taken.add_argument("file", nargs="+", type=Path, metavar="FILE", help="packages / 归档包")
    log = with_services("export-log", _export_log, "write an event log for process mining / 导出流程分析用的事件日志")
    log.add_argument("--format", choices=("xes", "ocel", "ocel-xml", "csv"), required=True)
    log.add_argument(
        "--period", default="", help="of opening: 2026, 2026-Q1, 2026-03, 2026-03-01..2026-03-15 / 登记期间"
    )
    log.add_argument("--grade", default="", help="cases of this grade / 等级")
    log.add_argument("--unit", default="", help="cases in which this unit had a task / 单位")
    log.add_argument("--status", choices=("", "open", "closed"), default="")
    log.add_argument("--out", type=Path, required=True, metavar="FILE", help="must not exist yet / 新文件")
    log.add_argument("--with-names", action="store_true", help="logins and texts, not pseudonyms / 含姓名和文字")


def _keys(chosen: argparse.Namespace) -> int:
    from engine.service.keys import CannotSign

    services = chosen.services()
    if chosen.action == "rotate":
        if not chosen.reason.strip():
            print("请用 --reason 说明更换原因", file=sys.stderr)
            return 2
        try:
            services.sealer.keys.rotate(chosen.actor, chosen.reason, lost=chosen.lost)
            services.sealer.seal()
        except CannotSign as error:
            print(error, file=sys.stderr)
            return 1
    for key in services.sealer.public_keys():
        print(f"{key.key_id}  {key.public}  {key.since}  {key.until or '使用中'}")
    return 0


def _seal(chosen: argparse.Namespace) -> int:
    from engine.journal import log
    from engine.service.keys import CannotSign

    services = chosen.services()
    try:
        services.sealer.seal()
    except CannotSign as error:
        print(error, file=sys.stderr)
        return 1
    with services.journal.reading() as tx:
        newest = log.latest(tx.connection)
    print(newest.note if newest is not None else "没有可封存的记录", end="\n" if newest is None else "")
    return 0


def _checkpoint(chosen: argparse.Namespace) -> int:
    from engine.service import witness_comparison

    services = chosen.services()
    try:
        return witness_comparison.print_checkpoint(services, chosen.out, print)
    except OSError as error:
        print(f"无法写入 {chosen.out}: {error.strerror}", file=sys.stderr)
        return 2


def _replay(chosen: argparse.Namespace) -> int:
    from engine.service import replay_command

    options = replay_command.Options(chosen.case_id, chosen.step, chosen.first, chosen.last, chosen.json, chosen.lang)
    return replay_command.run(chosen.services(), options, print)


def _verify(chosen: argparse.Namespace) -> int:
    from engine.service import verify_command

    parts = [part.strip() for part in chosen.only.split(",") if part.strip()]
    options = verify_command.Options(chosen.case, parts, chosen.report, chosen.witness, chosen.quiet)
    return verify_command.run(chosen.services(), options, print, sys.stderr if sys.stderr.isatty() else None)


def _export_log(chosen: argparse.Namespace) -> int:
    from engine.domain.rejection import Rejection
    from engine.readmodels.chosen import Choice
    from engine.service import exports, mining
    from engine.service.catalogue import said

    services = chosen.services()
    try:
        since, until = mining.period(chosen.period)
    except mining.Unreadable as error:
        print(said("mining.wrong_period", {"text": str(error)}), file=sys.stderr)
        return 2
    choice = Choice(since, until, chosen.grade, chosen.unit, chosen.status)
    with chosen.out.open("xb") as file:
        made = mining.export(services, exports.COMMAND_LINE, chosen.format, choice, file, with_names=chosen.with_names)
    if isinstance(made, Rejection):
        print(said(made.key, made.details), file=sys.stderr)
        return 1
    words = {"number": made.number, "cases": made.cases, "events": made.events, "size": made.size}
    print(said("mining.done", words))
    return 0


def _export(chosen: argparse.Namespace) -> int:
    from engine.service import package_command

    try:
        checkpoint = chosen.checkpoint.read_text(encoding="utf-8") if chosen.checkpoint else ""
    except OSError as error:
        return _complain(f"无法读取: {error}")
    asked = package_command.Asked(tuple(chosen.case_id), chosen.period, chosen.out, checkpoint)
    return package_command.export(chosen.services(), asked, print, _complain)


def _import(chosen: argparse.Namespace) -> int:
    from engine.service import package_command

    return package_command.take_in(chosen.services(), chosen.file, print, _complain)


def _complain(text: str) -> int:
    print(text, file=sys.stderr)
    return 2
