"""The doctor's look at settings, versions and disks."""

from __future__ import annotations

import platform
import re
import sqlite3
import ssl
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import VERSION

from . import health
from .doctor import Found

if TYPE_CHECKING:
    from .bootstrap import Services

LOCK: Final = Path(__file__).parents[2] / "requirements.lock"
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)([^\\]*)", re.M)
_GIGABYTE: Final = 1024**3


def settings(services: Services) -> Iterator[Found]:
    chosen = services.settings
    for problem in chosen.problems():
        yield Found("settings", "error" if problem.fatal else "warn", problem.text, "请改正环境变量后重新启动")
    mode = "正式环境" if chosen.production else "开发模式"
    yield Found("settings", "ok", f"版本 {VERSION}, {mode}, 数据目录 {chosen.data_dir}")
    if chosen.test_clock:
        yield Found("settings", "warn", "正在使用测试时钟", "办理真实案件前去掉 OPINION_TEST_CLOCK")
    if chosen.production and not chosen.metrics_token:
        yield Found("settings", "warn", "没有设置监控口令, /metrics 不开放", "设置 OPINION_METRICS_TOKEN 并接入监控")
    if chosen.data_dir.is_dir() and chosen.production and chosen.data_dir.stat().st_mode & 0o007:
        yield Found("settings", "warn", "数据目录对本机其他用户开放", f"chmod o-rwx {chosen.data_dir}")


def versions(services: Services) -> Iterator[Found]:
    """The interpreter, and the packages against the lock file that this release was tested with."""
    named = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}"
    yield Found("versions", "ok", named)
    if not LOCK.is_file():
        yield Found("versions", "warn", "找不到 requirements.lock, 无法核对依赖版本", "请从完整的发布目录运行")
        return
    other = [line for name, wanted in _pinned(LOCK.read_text("utf-8")) if (line := _differs(name, wanted))]
    if other:
        todo = "按锁定文件重新安装: pip install --require-hashes -r requirements.lock"
        yield Found("versions", "warn", f"依赖与锁定版本不同: {', '.join(other)}", todo)
    else:
        yield Found("versions", "ok", "依赖与锁定版本一致")


def _pinned(text: str) -> Iterator[tuple[str, str]]:
    """Packages of the lock that every machine has: one with a marker may be for another system."""
    for name, wanted, rest in _PINNED.findall(text):
        if ";" not in rest:
            yield name, wanted


def _differs(name: str, wanted: str) -> str:
    try:
        there = metadata.version(name)
    except metadata.PackageNotFoundError:
        return f"{name} 缺失"
    return "" if there == wanted else f"{name} {there}(应为 {wanted})"


def disks(services: Services) -> Iterator[Found]:
    """Where data, attachments and keys lie. The database's own disk on PostgreSQL is another machine's affair."""
    folders = {services.settings.data_dir: "数据目录", services.settings.keys_folder: "密钥目录"}
    for folder, named in folders.items():
        standing = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
        free = health.free_bytes(standing)
        if free is None:
            yield Found("disk", "error", f"{named} {folder} 无法读取", "检查挂载和权限")
            continue
        text = f"{named}所在磁盘剩余 {free / _GIGABYTE:.1f} GB"
        todo = "" if health.disk(standing) == "ok" else "清理或扩容; 低于 0.25 GB 时停止接收请求"
        yield Found("disk", health.disk(standing), text, todo)
