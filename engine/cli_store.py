"""Commands for who keeps the database: upgrade it, and make the role that the program runs as."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.settings import Settings

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
