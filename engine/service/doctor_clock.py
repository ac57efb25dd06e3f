"""The doctor's look at the clock: limits are judged by it, so it must be right and never run backward."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, func, select, text

from engine.domain.codec import parse_instant
from engine.journal import log
from engine.journal.schema import unsealed

from .doctor import Found

if TYPE_CHECKING:
    from .bootstrap import Services

ASK_SECONDS: Final = 5.0
SKEW_WARNS: Final = timedelta(seconds=2)
SKEW_IS_WRONG: Final = timedelta(seconds=30)
"""From here on two machines disagree whether a limit has passed by more than anybody can explain to a person."""
_TODO: Final = "启用 NTP: timedatectl set-ntp true, 或安装 chrony 并指向单位的时间服务器"


def look(services: Services) -> Iterator[Found]:
    yield synchronised()
    with services.engine.connect() as conn:
        now = services.clock.now()
        if conn.dialect.name == "postgresql":
            yield against_database(conn, services)
        yield against_record(conn, now)


def synchronised() -> Found:
    """What chrony or systemd say; neither may be there, in a container for one."""
    if (line := _output(("chronyc", "-c", "tracking"))) is not None:
        return from_chrony(line)
    if (told := _output(("timedatectl", "show", "-p", "NTPSynchronized"))) is not None and "=" in told:
        if told.strip().endswith("=yes"):
            return Found("clock", "ok", "系统时钟已与时间服务器同步")
        return Found("clock", "error", "系统时钟没有与时间服务器同步", _TODO)
    return Found("clock", "warn", "无法确认系统时钟是否同步", f"容器中由宿主机负责; 否则{_TODO}")


def from_chrony(line: str) -> Found:
    """Reads `chronyc -c tracking`: comma-separated; the fifth field is the offset in seconds, the last the state."""
    fields = line.strip().split(",")
    try:
        offset = abs(float(fields[4]))
    except (IndexError, ValueError):
        return Found("clock", "warn", "chrony 的回答无法识别", _TODO)
    if fields[-1].lower().startswith("not sync"):
        return Found("clock", "error", "chrony 没有同步", _TODO)
    if offset >= SKEW_WARNS.total_seconds():
        return Found("clock", "warn", f"chrony 已同步, 但仍差 {offset:.1f} 秒", "等待逐步校正, 或运行 chronyc makestep")
    return Found("clock", "ok", f"chrony 已同步, 偏差 {offset * 1000:.1f} 毫秒")


def against_database(conn: Connection, services: Services) -> Found:
    """The database's clock against ours, the way there and back taken into account."""
    before = services.clock.now()
    theirs: datetime = conn.scalar(text("SELECT clock_timestamp()"))
    after = services.clock.now()
    skew = abs(theirs - (before + (after - before) / 2))
    said = f"与数据库服务器的时钟相差 {skew.total_seconds():.2f} 秒"
    if skew >= SKEW_IS_WRONG:
        return Found("clock", "error", said, "校准两台机器的时钟后再办理案件")
    return Found("clock", "warn" if skew >= SKEW_WARNS else "ok", said, _TODO if skew >= SKEW_WARNS else "")


def against_record(conn: Connection, now: datetime) -> Found:
    """Whether the record is ahead of the clock: then it was set back, or another machine's is wrong."""
    newest = log.latest(conn)
    waiting = conn.scalar(select(func.max(unsealed.c.at)))
    last = max(_known(newest.at if newest else None, parse_instant(waiting) if waiting else None), default=None)
    if last is not None and last > now + SKEW_WARNS:
        ahead = (last - now).total_seconds()
        return Found(
            "clock", "error", f"记录的最后时刻比系统时钟晚 {ahead:.0f} 秒: 时钟可能被调回",
            "校准时钟; 在那之前新记录沿用最后时刻, 时限可能推迟触发",
        )  # fmt: skip
    return Found("clock", "ok", "系统时钟不早于记录的最后时刻")


def _known(*instants: datetime | None) -> Sequence[datetime]:
    return [one for one in instants if one is not None]


def _output(command: Sequence[str]) -> str | None:
    """What a program says; None where it is not there or can't tell."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
