"""The doctor's look at the database: is it whole, does it keep what it has confirmed, is it ours alone to write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text

from . import health, processes
from .doctor import Found

if TYPE_CHECKING:
    from .bootstrap import Services

POSTGRES_LEAST: Final = 140_000
"""`CREATE OR REPLACE TRIGGER` came with 14."""
OVER_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph"})
"""File systems on which SQLite's write-ahead log does not work: its index is memory shared by the processes."""
CONNECTIONS_A_PROCESS: Final = 30
"""What one process may open at most (engine.journal.database)."""
WAL_LONG: Final = 1024**3
_SYNCHRONOUS: Final = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


def look(services: Services) -> Iterator[Found]:
    with services.engine.connect() as conn:
        fits = health.schema_fits(conn)
        yield Found(
            "schema", "ok" if fits else "error", "数据库结构与程序版本" + ("一致" if fits else "不一致"),
            "" if fits else "用新版本启动一次 worker 或 serve, 或运行 rebuild",
        )  # fmt: skip
        if conn.dialect.name == "postgresql":
            yield from _postgres(conn, services.clock.now())
        else:
            yield from _sqlite(conn)


def _sqlite(conn: Connection) -> Iterator[Found]:
    mode = str(conn.exec_driver_sql("PRAGMA journal_mode").scalar())
    level = int(conn.exec_driver_sql("PRAGMA synchronous").scalar() or 0)
    good = mode == "wal" and level >= 2
    named = f"SQLite journal_mode={mode}, synchronous={_SYNCHRONOUS.get(level, level)}"
    yield Found(
        "database", "ok" if good else "error", named, "" if good else "断电可能丢失已确认的提交: 检查磁盘和挂载方式"
    )
    faults = list(conn.exec_driver_sql("PRAGMA quick_check(5)").scalars())
    if faults == ["ok"]:
        yield Found("database", "ok", "数据库文件完好 (quick_check)")
    else:
        yield Found("database", "error", f"数据库文件已损坏: {faults[0]}", "停止程序, 从备份恢复, 再运行 verify")
    path = Path(str(conn.engine.url.database or ""))
    kind = file_system(path, _mounts())
    if kind in OVER_NETWORK:
        yield Found("database", "error", f"SQLite 数据库在网络盘上 ({kind})", "移到本机磁盘, 或改用 PostgreSQL")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size > WAL_LONG:
        yield Found("database", "warn", "预写日志超过 1 GB", "有长时间未结束的读取; 重新启动各进程")


def _mounts() -> str:
    try:
        return Path("/proc/mounts").read_text("utf-8")
    except OSError:
        return ""


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system that `path` lies on, by the text of /proc/mounts; "" where that is not known."""
    best, kind = "", ""
    where = str(path.absolute())
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        inside = where == point or where.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind


def _postgres(conn: Connection, now: datetime) -> Iterator[Found]:
    def shown(name: str) -> str:
        return str(conn.scalar(text("SELECT current_setting(:name)"), {"name": name}))

    number = int(shown("server_version_num"))
    new = number >= POSTGRES_LEAST
    yield Found(
        "database", "ok" if new else "error", f"PostgreSQL {shown('server_version')}", "" if new else "需要 14 以上"
    )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        off = shown(name) == "off"
        yield Found(
            "database", "error" if off else "ok", f"{name}={shown(name)}",
            f"断电可能丢失已确认的提交: 在 postgresql.conf 中去掉 {name}=off" if off else "",
        )  # fmt: skip
    if shown("data_checksums") != "on":
        yield Found("database", "warn", "数据页没有校验和", "停库后运行 pg_checksums --enable, 磁盘错误才看得见")
    yield _connections(conn, now, int(shown("max_connections")))
    yield from _role(conn)


def _connections(conn: Connection, now: datetime, most: int) -> Found:
    """`most` against what the living processes may open together, this one included."""
    living = len(processes.alive(conn, now)) + 1
    wanted = living * CONNECTIONS_A_PROCESS
    said = f"max_connections={most}; {living} 个进程最多用 {wanted} 个连接"
    if wanted > most:
        return Found("database", "warn", said, "调大 max_connections, 或减少进程, 或在前面加 PgBouncer(会话模式)")
    return Found("database", "ok", said)


def _role(conn: Connection) -> Iterator[Found]:
    name, superuser = conn.execute(text("SELECT rolname, rolsuper FROM pg_roles WHERE rolname = current_user")).one()
    if superuser:
        yield Found("database", "warn", f"数据库用户 {name} 是超级用户", "改用最小权限的用户: docs/database.md")
        return
    owns = conn.scalar(
        text("SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'entries'::regclass")
    )
    if owns:
        yield Found(
            "database",
            "warn",
            f"数据库用户 {name} 拥有各表, 可以改动触发器",
            "日常运行改用最小权限的用户: docs/database.md",
        )
    else:
        yield Found("database", "ok", f"数据库用户 {name} 不拥有各表")
