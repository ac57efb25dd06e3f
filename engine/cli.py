"""The command line: `python -m engine.cli COMMAND`. Every command exits 0 when all is well, 1 when it found a fault,
2 when it could not do what was asked."""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine import VERSION
from engine.definitions.model import Finding
from engine.domain.access import may
from engine.domain.rejection import Rejection
from engine.service import bundle_folder, cast, demo, people, verify
from engine.service.bootstrap import Services, build
from engine.service.deployments import check
from engine.service.settings import Settings
from engine.service.system import new_id
from engine.service.transactions import writing
from engine.worker.loop import Loop
from engine.worker.timers import LOOK_AGAIN_SECONDS, LOOK_AGAIN_SECONDS_TEST_CLOCK, Config, TimerRunner

WEB_APPLICATION = "webui"
"""Module with `create_app(services)`. Named, not imported: the web layer stands above the command line, and a worker
process never loads it."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    command: Callable[[argparse.Namespace], int] = chosen.command
    return command(chosen)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.cli", description="网络舆情处置系统")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(command=run)
        return made

    run = add("run", _run, "serve the web pages and fire timers in one process / 一个进程同时提供网页与时限")
    run.add_argument("--demo", action="store_true", help="make the demo cast and cases first if the database is empty")
    add("serve", _serve, "serve the web pages only / 仅提供网页")
    add("worker", _worker, "fire due timers only / 仅处理到期时限")
    deploy = add("deploy", _deploy, "check a bundle folder or zip and make it live / 检查并发布流程包")
    deploy.add_argument(
        "path", type=Path, help="folder with bpmn/ and forms/, a zip, or single changed files", nargs="+"
    )
    deploy.add_argument("--reason", required=True)
    deploy.add_argument("--actor", required=True, help="login of the process owner")
    lint = add("check", _check, "show the findings of a bundle without deploying it / 只检查不发布")
    lint.add_argument("path", type=Path, nargs="+")
    lint.add_argument("--json", action="store_true", help="machine-readable findings")
    replay = add("replay", _replay, "re-run a case from its entries and compare / 回放并核对一个案件")
    replay.add_argument("case_id")
    add("verify", _verify, "check all chains and replay all cases / 校验全部记录链并回放全部案件")
    add("rebuild", _rebuild, "rebuild all read models from the journal / 由日志重建全部查询表")
    first = add("init", _init, "make units and the first two admins of a real office / 建立正式环境的单位和首批管理员")
    first.add_argument("--system-admin", required=True, help="login of the system admin / 系统管理员账号")
    first.add_argument("--security-admin", required=True, help="login of the security admin / 安全管理员账号")
    example = add("demo", _demo, "make the demo cast, bundle and cases / 建立演示数据")
    example.add_argument("--no-cases", action="store_true", help="cast and bundle only / 只建人员和流程包")
    add("doctor", _doctor, "check settings, database, bundle, calendar / 检查运行环境")
    return parser


def _services(wake: Callable[[], None] = lambda: None) -> Services:
    settings = Settings.from_env(os.environ)
    fatal = [p for p in settings.problems() if p.fatal]
    for problem in settings.problems():
        print(f"{'错误' if problem.fatal else '注意'}: {problem.text}", file=sys.stderr)
    if fatal:
        raise SystemExit(2)
    services = build(settings, wake=wake)
    if settings.production:
        _refuse_demo_passwords(services)
    return services


def _refuse_demo_passwords(services: Services) -> None:
    with services.engine.connect() as conn:
        found = cast.problems(conn)
    for problem in found:
        print(f"错误: {problem.text}", file=sys.stderr)
    if found:
        raise SystemExit(2)


def _run(chosen: argparse.Namespace) -> int:
    loops: list[Loop] = []

    def wake() -> None:
        for loop in loops:
            loop.wake()

    services = _services(wake)
    if chosen.demo:
        demo.prepare(services, print)
    loop = Loop(_runner(services))
    loops.append(loop)
    loop.start()
    try:
        return _serve_with(services)
    finally:
        loop.stop()


def _serve(chosen: argparse.Namespace) -> int:
    return _serve_with(_services())


def _serve_with(services: Services) -> int:
    from waitress import create_server

    app = importlib.import_module(WEB_APPLICATION).create_app(services)
    settings = services.settings
    server: Any = create_server(app, host=settings.host, port=settings.port, threads=16, ident=None)

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"http://{settings.host}:{settings.port}", flush=True)
    try:
        server.run()
    except KeyboardInterrupt:
        print("stopped", flush=True)
    finally:
        server.close()
    return 0


def _runner(services: Services) -> TimerRunner:
    log = logging.getLogger("opinion.worker")
    look_again = LOOK_AGAIN_SECONDS_TEST_CLOCK if services.settings.test_clock else LOOK_AGAIN_SECONDS
    return TimerRunner(
        services,
        Config(look_again=look_again),
        on_error=lambda case_id, error: log.exception("case failed", exc_info=error, extra={"case_id": case_id}),
    )


def _worker(chosen: argparse.Namespace) -> int:
    loop = Loop(_runner(_services()))
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    loop.start()
    stopped.wait()
    loop.stop()
    return 0


def _deploy(chosen: argparse.Namespace) -> int:
    services = _services()
    try:
        files = bundle_folder.collect(chosen.path, services.deployments)
    except bundle_folder.Unusable as error:
        print(f"无法读取: {error}", file=sys.stderr)
        return 2
    if not _may_deploy(services, chosen.actor):
        print(f"未发布: {chosen.actor} 不是流程负责人", file=sys.stderr)
        return 1
    _print_findings(check(files).findings)
    outcome = services.deployments.deploy(files, chosen.actor, chosen.reason, new_id())
    if isinstance(outcome, Rejection):
        print(f"未发布: {outcome.key} {dict(outcome.details)}", file=sys.stderr)
        return 1
    _, deployment = outcome
    print(f"已发布 #{deployment.number} {deployment.version[:12]}")
    return 0


def _may_deploy(services: Services, login: str) -> bool:
    with services.engine.connect() as conn:
        actor = people.actor(conn, login, services.clock.now())
    return actor is not None and bool(may(actor, "deploy_bundle"))


def _check(chosen: argparse.Namespace) -> int:
    try:
        checked = check(bundle_folder.collect(chosen.path, None))
    except bundle_folder.Unusable as error:
        print(f"无法读取: {error}", file=sys.stderr)
        return 2
    if chosen.json:
        rows = [{f: getattr(finding, f) for f in finding.__dataclass_fields__} for finding in checked.findings]
        print(json.dumps(rows, ensure_ascii=False, default=str, indent=1))
    else:
        _print_findings(checked.findings)
        print(f"{len(checked.findings)} 条, 其中错误 {sum(f.severity == 'error' for f in checked.findings)} 条")
    return 1 if checked.blocked else 0


def _print_findings(findings: Sequence[Finding]) -> None:
    for f in findings:
        where = f"{f.file}:{f.line}" if f.line else f.file
        details = json.dumps(dict(f.details), ensure_ascii=False, default=str)
        print("\t".join((f.severity, where, f.element, f.name, f.key, details)))


def _replay(chosen: argparse.Namespace) -> int:
    return verify.print_replay(_services(), chosen.case_id, print)


def _verify(chosen: argparse.Namespace) -> int:
    return verify.print_verify(_services(), print)


def _rebuild(chosen: argparse.Namespace) -> int:
    print(f"{verify.rebuild_read_models(_services())} entries")
    return 0


def _init(chosen: argparse.Namespace) -> int:
    services = _services()
    with writing(services.engine) as conn:
        handed = cast.found_office(
            conn, services.clock.now(), system_admin=chosen.system_admin, security_admin=chosen.security_admin
        )
    if isinstance(handed, Rejection):
        print(f"未建立: {handed.key} {dict(handed.details)}", file=sys.stderr)
        return 1
    for login, password in handed.items():
        print(f"{login}  {password}  （首次登录须更改）")
    return 0


def _demo(chosen: argparse.Namespace) -> int:
    demo.prepare(_services(), print, cases=not chosen.no_cases)
    return 0


def _doctor(chosen: argparse.Namespace) -> int:
    return verify.print_doctor(_services(), print)


if __name__ == "__main__":
    sys.exit(main())
