"""The doctor's look at what the office runs on: bundle, holiday table, processes, and what waits too long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from engine.domain.calendar import ZONE, Calendar
from engine.readmodels import timers

from . import processes
from .deployments import check
from .doctor import Found

if TYPE_CHECKING:
    from .bootstrap import Services

ANNOUNCED: Final = (12, 1)
"""Month and day from which next year's holidays are missed; the State Council announces them each November."""
OVERDUE_WARNS: Final = timedelta(seconds=60)
OVERDUE_IS_WRONG: Final = timedelta(minutes=5)
COUNTED: Final = 1_000


def bundle(services: Services) -> Iterator[Found]:
    try:
        live = services.deployments.bundle()
    except KeyError:
        yield Found("bundle", "error", "没有已发布的流程包", "运行 deploy 发布 bpmn/ 和 forms/")
        return
    errors = [one for one in check(live.files).findings if one.severity == "error"]
    said = f"流程包 {live.version[:12]}: {len(errors)} 个错误"
    yield Found("bundle", "error" if errors else "ok", said, "运行 check 查看并改正后重新发布" if errors else "")
    yield from calendar(live.calendar, services.clock.now().astimezone(ZONE).date())


def calendar(table: Calendar | None, today: date) -> Iterator[Found]:
    """Whether the holiday table covers this year, and, once it has been announced, the next."""
    years = frozenset() if table is None else table.years
    todo = "在 bpmn/regulation.toml 中补上放假和调休日期并发布; 法定时限不受影响, 工作时间只作参考显示"
    if today.year not in years:
        yield Found("calendar", "error", f"{today.year} 年节假日表缺失", todo)
    else:
        yield Found("calendar", "ok", f"{today.year} 年节假日表已有")
    if (today.month, today.day) >= ANNOUNCED and today.year + 1 not in years:
        yield Found("calendar", "warn", f"{today.year + 1} 年节假日表还没有", todo)


def processes_seen(services: Services) -> Iterator[Found]:
    now = services.clock.now()
    with services.engine.connect() as conn:
        everybody = processes.all_of(conn)
        overdue = bool(timers.due_before(conn, now - OVERDUE_WARNS, 1))
    living = [one for one in everybody if one.seen_at >= now - processes.LATELY]
    for one in living:
        yield Found("processes", "ok", f"{one.kind} 在 {one.host} 运行, 进程 {one.pid}, 版本 {one.version}")
    if not any(one.fires for one in living):
        yield Found(
            "processes", "error" if overdue else "warn", "没有正在运行的 worker: 时限不会自动触发, 记录不会封存",
            "启动 worker(或 run)",
        )  # fmt: skip
    if len(versions := sorted({one.version for one in living})) > 1:
        yield Found("processes", "warn", f"同时运行多个版本: {', '.join(versions)}", "升级期间正常; 完成后停止旧进程")
    for one in everybody:
        if one not in living:
            last = f"{one.seen_at.astimezone(ZONE):%m-%d %H:%M}"
            said = f"{one.kind} ({one.host} 进程 {one.pid}) 没有正常退出, 最后出现 {last}"
            yield Found("processes", "warn", said, "查看它的日志; 一天后不再显示")


def waiting(services: Services) -> Iterator[Found]:
    now = services.clock.now()
    with services.engine.connect() as conn:
        late = timers.due_before(conn, now - OVERDUE_WARNS, COUNTED)
    if not late:
        yield Found("timers", "ok", "没有超过 1 分钟未触发的时限")
        return
    oldest = now - late[0].due
    number = f"{len(late)}{'+' if len(late) == COUNTED else ''}"
    said = f"{number} 个时限到期未触发, 最久 {int(oldest.total_seconds() // 60)} 分钟"
    yield Found(
        "timers",
        "error" if oldest > OVERDUE_IS_WRONG else "warn",
        said,
        "检查 worker 的日志和运行情况: docs/operations.md",
    )
