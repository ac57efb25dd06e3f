"""Commands for who keeps the database: upgrade, back up and restore it, and make the role that the program runs as."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.backup import Backup
    from engine.service.settings import Settings

REFUSALS = {
    "backup.exists": "目标已存在, 不会覆盖",
    "backup.no_database": "没有这个数据库",
    "backup.no_client": "本机没有 PostgreSQL 客户端程序, 请先安装 (postgresql-client)",
    "backup.failed": "PostgreSQL 客户端程序报错",
    "backup.other_kind": "备份来自另一种数据库",
    "backup.not_empty": "数据库不是空的, 不会覆盖",
    "backup.no_manifest": "不是备份文件夹, 或备份没有完成",
    "backup.other_format": "不认识的备份格式",
    "backup.damaged": "备份已损坏, 文件与清单不符",
}

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add) -> None:
    """Adds the commands to a parser."""
    add(
        "upgrade-database",
        _upgrade,
        "bring the database up to this release, as the owner of its tables / 把数据库升级到本版本",
    )
    role = add(
        "database-role",
        _role,
        "PostgreSQL: make the role that the program runs as, with the least rights / 建立程序所用的最小权限数据库账号",
    )
    role.add_argument("name", help="of the role, e.g. opinion_app / 账号名")
    role.add_argument("--password-file", type=Path, default=None, metavar="FILE", help="first line is its password")

    kept = add("backup", _backup, "write database and attachments to a new folder, while the program works / 备份")
    kept.add_argument("to", type=Path, metavar="TO", help="folder that does not exist yet / 新文件夹")
    kept.add_argument("--with-keys", action="store_true", help="the signing keys too / 连同校验点签名密钥")
    back = add("restore", _restore, "put a backup into an empty database / 把备份恢复到空数据库")
    back.add_argument("source", type=Path, metavar="FROM", help="folder that `backup` wrote / 备份文件夹")


def _settings() -> Settings:
    from engine.service.settings import Settings

    return Settings.from_env(os.environ)


def _upgrade(chosen: argparse.Namespace) -> int:
    from sqlalchemy.exc import DBAPIError

    from engine.journal.database import FormatTooNew, NeedsUpgrade, OtherAlgorithm
    from engine.service.database_upgrade import upgrade

    try:
        done = upgrade(_settings())
    except (FormatTooNew, NeedsUpgrade, OtherAlgorithm, DBAPIError) as error:
        print(f"未升级: {error}", file=sys.stderr)
        return 2
    print(f"已升级: {' '.join(done.revisions) or '无须改表'}, 重建查询表用了 {done.projected} 条记录")
    for role in done.roles:
        print(f"账号 {role} 的权限已更新")
    return 0


def _role(chosen: argparse.Namespace) -> int:
    from sqlalchemy.exc import DBAPIError

    from engine.journal.database import open_database
    from engine.service import database_role

    settings = _settings()
    try:
        password = chosen.password_file.read_text(encoding="utf-8").splitlines()[0] if chosen.password_file else ""
    except (OSError, IndexError) as error:
        print(f"无法读取 {chosen.password_file}: {error}", file=sys.stderr)
        return 2
    engine = open_database(settings.database_owner_url or settings.database_url)
    try:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            told = database_role.grant(connection, chosen.name, password)
    except (database_role.CannotGrant, DBAPIError) as error:
        print(f"未建立: {error}", file=sys.stderr)
        return 2
    finally:
        engine.dispose()
    print("\n".join(told))
    return 0


def _backup(chosen: argparse.Namespace) -> int:
    from engine.service import backup
    from engine.service.system import clock_for

    settings = _settings()
    return _told(lambda: backup.back_up(settings, clock_for(settings), chosen.to, keys=chosen.with_keys), "已备份")


def _restore(chosen: argparse.Namespace) -> int:
    from engine.service import backup

    settings = _settings()
    return _told(lambda: backup.restore(settings, chosen.source), "已恢复")


def _told(work: Callable[[], Backup], done: str) -> int:
    import sqlite3

    from sqlalchemy.exc import DBAPIError

    from engine.service.backup import CannotBackUp

    try:
        made = work()
    except CannotBackUp as error:
        print(f"{REFUSALS[error.key]}: {error.detail}", file=sys.stderr)
        return 2
    except (OSError, DBAPIError, sqlite3.Error) as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"{done} {made.folder}: {made.at}, {made.entries} 条记录, 校验点 {made.checkpoint},"
        f" 附件 {made.attachments} 个, 密钥 {made.keys} 个, {made.bytes:,} 字节"
    )
    return 0
