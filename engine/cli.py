"""The command line: `python -m engine.cli COMMAND`. Every command exits 0 when all is well, 1 when it found a fault,
2 when it could not do what was asked."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine import (
    VERSION,
    cli_bundles,
    cli_compare,
    cli_evidence,
    cli_items,
    cli_jobs,
    cli_search,
    cli_serving,
    cli_store,
    cli_triage,
    cli_whatif,
)

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

# Each command imports what it needs when it runs: `check` and `run FILE` are called by other programs, file by file,
# and must not wait for the database layer and the demo to be loaded.


YOUNG_OBJECTS = 20_000
"""How many objects are made before unreachable ones are looked for. With Python's 700, starting and compiling a bundle
spend a fifth of their time on looking through what stays anyway (measured)."""


def main(arguments: Sequence[str] | None = None) -> int:
    gc.set_threshold(YOUNG_OBJECTS, 20, 50)
    parser = _parser()
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)  # each start would tell of its plugins
    command: Callable[[argparse.Namespace], int] = chosen.command
    try:
        return command(chosen)
    except BrokenPipeError:  # the reader of our output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.cli", description="网络舆情处置系统")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=run)
        return made

    cli_serving.declare(add, _services, _play)
    cli_bundles.declare(add, _services)
    lint = add("check", _check, "show what is wrong with diagrams or bundles; nothing is deployed / 只检查不发布")
    lint.add_argument("path", nargs="+", metavar="FILE", help="diagrams, forms, tables; a folder or zip is one bundle")
    lint.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    lint.add_argument("--lang", choices=("zh", "en"), default="zh", help="of the sentences / 语言")
    lint.add_argument("--together", action="store_true", help="single files are one bundle / 单个文件合为一个流程包")
    tried = add("feel", _feel, "what an expression gives on case data / 试算一个表达式")
    tried.add_argument("expression", metavar="EXPR")
    tried.add_argument("--data", default="{}", help="case data: JSON or @file / 案件数据")
    tried.add_argument("--now", default="", help="instant of now(), ISO 8601 with offset / 当前时刻")
    tried.add_argument("--cell", default="", help="EXPR is a cell of a table, tested with this JSON / 作为表格单元格")
    tried.add_argument("--calendar", default="", help="profile with the office calendar / 含工作日历的 regulation.toml")
    tried.add_argument("--lang", choices=("zh", "en"), default="zh")
    cli_whatif.declare(add, _services)
    cli_compare.declare(add, _services)
    cli_evidence.declare(add, _services)
    cli_store.declare(add)
    cli_jobs.declare(add, _services)
    cli_items.declare(add, _services)
    cli_triage.declare(add)
    cli_search.declare(add, _services)
    add("rebuild", _rebuild, "rebuild all read models from the journal / 由日志重建全部查询表")
    first = add("init", _init, "make units and the first two admins of a real office / 建立正式环境的单位和首批管理员")
    first.add_argument("--system-admin", required=True, help="login of the system admin / 系统管理员账号")
    first.add_argument("--security-admin", required=True, help="login of the security admin / 安全管理员账号")
    example = add("demo", _demo, "make the demo cast, bundle and cases / 建立演示数据")
    example.add_argument("--no-cases", action="store_true", help="cast and bundle only / 只建人员和流程包")
    example.add_argument(
        "--days", type=int, default=0, help="with the cases of so many days, 3 seconds each / 连同此前若干天的案件"
    )
    return parser


def _services(wake: Callable[[], None] = lambda: None) -> Services:
    from engine.journal.database import FormatTooNew, NeedsUpgrade, OtherAlgorithm
    from engine.journal.hashing import Unavailable
    from engine.service import logs
    from engine.service.bootstrap import build
    from engine.service.settings import Settings

    refusals = {
        FormatTooNew: "数据库由更新的版本写入, 请升级程序",
        NeedsUpgrade: "数据库须先升级: 请用表的所有者账号运行 upgrade-database",
        OtherAlgorithm: "记录开始后不能更换杂凑算法, 请去掉或改正 OPINION_HASH",
        Unavailable: "本机的密码库没有记录所用的杂凑算法, 请更换 OpenSSL",
    }
    settings = Settings.from_env(os.environ)
    fatal = [p for p in settings.problems() if p.fatal]
    for problem in settings.problems():
        print(f"{'错误' if problem.fatal else '注意'}: {problem.text}", file=sys.stderr)
    if fatal:
        raise SystemExit(2)
    logs.install(settings.log_format, private=settings.production)
    try:
        services = build(settings, wake=wake)
    except (FormatTooNew, NeedsUpgrade, OtherAlgorithm, Unavailable) as error:
        print(f"错误: {refusals[type(error)]} ({error})", file=sys.stderr)
        raise SystemExit(2) from None
    if settings.production:
        _refuse_demo_passwords(services)
    return services


def _refuse_demo_passwords(services: Services) -> None:
    from engine.service import cast

    with services.engine.connect() as conn:
        found = cast.problems(conn)
    for problem in found:
        print(f"错误: {problem.text}", file=sys.stderr)
    if found:
        raise SystemExit(2)


def _check(chosen: argparse.Namespace) -> int:
    from engine.service import check_files, finding_rows, sarif
    from engine.service.check_worker import Worker

    gathered = check_files.gather(chosen.path, chosen.lang, together=chosen.together)
    rows = list(gathered.unusable)
    with Worker() as worker:
        checker = check_files.Checker(gathered.subjects, worker, chosen.lang)
        for subject in gathered.subjects:
            rows += checker.rows(subject)
    if chosen.format == "json":
        print(finding_rows.as_json(rows))
    elif chosen.format == "sarif":
        print(sarif.as_sarif(rows, chosen.lang))
    else:
        print(finding_rows.as_text(rows, chosen.lang))
    return 2 if gathered.unusable else int(any(one.severity == "error" for one in rows))


def _feel(chosen: argparse.Namespace) -> int:
    from engine.service import feel_command
    from engine.service.system import SystemClock

    asked = feel_command.Asked(chosen.expression, chosen.data, chosen.now, chosen.cell, chosen.calendar, chosen.lang)
    try:
        return feel_command.feel(asked, SystemClock().now, print, lambda text: print(text, file=sys.stderr))
    except feel_command.Unusable as error:
        print(error, file=sys.stderr)
        return 2


def _play(chosen: argparse.Namespace) -> int:
    from engine.service import play_command

    asked = play_command.Asked(
        chosen.file,
        chosen.data,
        chosen.script,
        chosen.process,
        chosen.at,
        chosen.auto,
        chosen.until,
        chosen.play_scripts,
        chosen.lang,
    )
    try:
        return play_command.play(asked, print)
    except play_command.Unusable as error:
        print(error, file=sys.stderr)
        return 2


def _rebuild(chosen: argparse.Namespace) -> int:
    from engine.service import verify

    print(f"{verify.rebuild_read_models(_services())} entries")
    return 0


def _init(chosen: argparse.Namespace) -> int:
    from engine.domain.rejection import Rejection
    from engine.service import cast
    from engine.service.catalogue import said
    from engine.service.transactions import writing

    services = _services()
    with writing(services.engine) as conn:
        handed = cast.found_office(
            conn, services.clock.now(), system_admin=chosen.system_admin, security_admin=chosen.security_admin
        )
    if isinstance(handed, Rejection):
        print(f"未建立: {said(handed.key, handed.details)}", file=sys.stderr)
        return 1
    for login, password in handed.items():
        print(f"{login}  {password}  （首次登录须更改）")
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    from engine.service import demo

    demo.prepare(_services(), print, cases=not chosen.no_cases, days=chosen.days)
    return 0


if __name__ == "__main__":
    sys.exit(main())
