"""Commands of operation: run, serve, worker, doctor. SIGTERM or SIGINT ends the first three after what has begun, a
second one at once."""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from engine.cli_evidence import Add

if TYPE_CHECKING:
    from engine.service.bootstrap import Services
    from engine.service.processes import Kind
    from engine.worker.background import Background

WEB_APPLICATION = "webui"
"""Module with `create_app(services)`. Named, not imported: the web layer stands above the command line, and a worker
process never loads it."""

log = logging.getLogger("opinion.process")


class Open(Protocol):
    """Opens the installation; `wake` is called after every commit."""

    def __call__(self, wake: Callable[[], None] = ...) -> Services: ...


class Front(Protocol):
    """What keeps a process: runs until `stop`, and returns how much was cut off. A second `stop` raises
    KeyboardInterrupt."""

    def run(self) -> int: ...
    def stop(self) -> None: ...


def declare(add: Add, services: Open, play: Callable[[argparse.Namespace], int]) -> None:
    """Adds the commands to a parser. `play`: what `run` does when it is given a diagram."""
    run = add(
        "run",
        lambda chosen: play(chosen) if chosen.file else _run(chosen, services),
        "serve the web pages and fire timers in one process; with FILE play a diagram instead"
        " / 一个进程同时提供网页与时限；给出文件时试运行该流程图",
    )
    run.add_argument("--demo", action="store_true", help="make the demo cast and cases first if the database is empty")
    run.add_argument("file", nargs="*", metavar="FILE", help="diagram to play, what it refers to beside it / 流程图")
    run.add_argument("--data", default="{}", help="case data to begin with: JSON, @file or file / 初始数据")
    run.add_argument("--script", default="[]", help="steps to take: JSON, @file or file / 步骤")
    run.add_argument("--process", default="", help="id of the process to play / 流程编号")
    run.add_argument("--at", default="", help="instant to begin at, ISO 8601 with offset / 开始时刻")
    run.add_argument("--auto", action="store_true", help="complete every open task in order / 自动完成待办")
    run.add_argument(
        "--play-scripts", action="store_true", help="scripts in other languages wait as tasks / 其他语言的脚本当作待办"
    )
    run.add_argument("--until", default="", help="let time pass up to here: duration or instant / 时间推进到")
    run.add_argument("--lang", choices=("zh", "en"), default="zh")
    add("serve", lambda chosen: _stay(services, "serve"), "serve the web pages only / 仅提供网页")
    add("worker", lambda chosen: _stay(services, "worker"), "fire due timers only / 仅处理到期时限")
    doctor = add(
        "doctor",
        lambda chosen: _doctor(services(), as_json=chosen.json),
        "check clock, keys, disk, database, calendar, processes / 检查运行环境",
    )
    doctor.add_argument("--json", action="store_true", help="for machines / 机器可读")


def _doctor(services: Services, *, as_json: bool) -> int:
    from engine.service import doctor

    found = doctor.examine(services)
    print(doctor.as_json(found) if as_json else doctor.as_text(found))
    return doctor.exit_code(found)


def _run(chosen: argparse.Namespace, services: Open) -> int:
    def prepare(opened: Services) -> None:
        if chosen.demo:
            from engine.service import demo

            demo.prepare(opened, print)

    return _stay(services, "run", prepare)


def _stay(open_services: Open, kind: Kind, prepare: Callable[[Services], None] = lambda opened: None) -> int:
    """Does the work of a process of this kind until told to stop; 1 when something had to be cut off."""
    from engine.worker.background import Background

    working: list[Background] = []

    def wake() -> None:
        for background in working:
            background.wake()

    services = open_services(wake)
    prepare(services)
    background = Background(services, kind)
    working.append(background)
    try:
        front = _Waiting(services) if kind == "worker" else _web_server(services, kind)
    except OSError as error:
        where = f"{services.settings.host}:{services.settings.port}"
        print(f"错误: 无法监听 {where} ({error.strerror}): 请检查地址和端口是否被占用", file=sys.stderr)
        return 2
    gc.freeze()  # what is loaded by now stays: no collection looks through it again
    background.start()
    return _until_told(services, front, background)


def _until_told(services: Services, front: Front, background: Background) -> int:
    told_at = time.monotonic()

    def told(_signal: int, _frame: object) -> None:
        nonlocal told_at
        told_at = time.monotonic()
        services.stopping.set()  # not ready any more, before anything else
        front.stop()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, told)
    try:
        cut_off = front.run()
        ended = background.stop(max(1.0, services.settings.stop_seconds - (time.monotonic() - told_at)))
    except KeyboardInterrupt:
        log.warning("stopped at once")
        return 1
    log.info("stopped", extra={"seconds": round(time.monotonic() - told_at, 1)})
    return 1 if cut_off or not ended else 0


class _Waiting:
    """What a worker has in place of pages: an address for monitoring where one is wanted, and an ear for the stop."""

    def __init__(self, services: Services) -> None:
        from engine.worker.monitor import Monitor

        self._told = threading.Event()
        self._monitor = Monitor(services) if services.settings.monitor_port else None

    def stop(self) -> None:
        if self._told.is_set():
            raise KeyboardInterrupt
        self._told.set()

    def run(self) -> int:
        if self._monitor is not None:
            self._monitor.start()
        log.info("worker at work")
        self._told.wait()
        return 0


def _web_server(services: Services, kind: Kind) -> Front:
    from engine.worker.web_server import Config, WebServer

    settings = services.settings
    app = importlib.import_module(WEB_APPLICATION).create_app(services)
    # A process that is alone has no load balancer that would have to notice.
    notice = settings.stop_notice_seconds if kind == "serve" else 0
    server = WebServer(app, Config(settings.host, settings.port, notice, settings.stop_seconds))
    print(f"http://{settings.host}:{settings.port}", flush=True)
    return server
