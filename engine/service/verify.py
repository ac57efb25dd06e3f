"""Replay, verification and rebuilding from the command line; what a case page shows of them comes later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.definitions.model import Finding
from engine.domain.calendar import ZONE
from engine.journal.chain import verify_chain
from engine.journal.entry import StoredEntry
from engine.kernel.replay import Step, replay
from engine.readmodels import rebuild

from .bootstrap import Services, case_entries
from .deployments import check

Print = Callable[[str], Any]


def replay_case(services: Services, case_id: str) -> list[Step]:
    """The steps of a case's replay; the last one carries the divergence, if there is one. Empty: no such case."""
    with services.journal.reading() as tx:
        entries = tx.read(case_id)
        return list(replay(entries, services.application.live.loader(tx)))


def print_replay(services: Services, case_id: str, out: Print) -> int:
    steps = replay_case(services, case_id)
    if not steps:
        out(f"没有这个案件: {case_id}")
        return 2
    for step in steps:
        entry: Any = step.entry
        at = entry.at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")
        mark = "=" if step.divergence is None else "≠"
        kinds = " ".join(dict.fromkeys(e["kind"] for e in entry.events))
        out(f"{mark} {entry.seq:>4} {at} {entry.actor:<14} {entry.command['kind']:<18} {kinds}")
        if step.divergence is not None:
            out(f"  第一处不一致 {step.divergence.what}")
            out(f"  应为 {step.divergence.expected}")
            out(f"  实为 {step.divergence.got}")
            return 1
    return 0


def print_verify(services: Services, out: Print) -> int:
    """Checks every stream's chain and replays every case. 1 when anything differs."""
    faults = cases = 0
    with services.journal.reading() as tx:
        for stream in tx.streams():
            entries: list[StoredEntry] = tx.read(stream)
            for broken in verify_chain(entries):
                faults += 1
                out(f"链断裂 {broken.case_id} #{broken.seq} {broken.what}: 应为 {broken.expected}, 实为 {broken.got}")
            if stream.startswith("_"):
                continue
            cases += 1
            last = list(replay(entries, services.application.live.loader(tx)))[-1]
            if last.divergence is not None:
                faults += 1
                out(f"回放不一致 {stream} #{last.divergence.seq} {last.divergence.what}")
        total = tx.count()
    out(f"{total} 条记录, {cases} 个案件, {faults} 处问题")
    return 1 if faults else 0


def rebuild_read_models(services: Services) -> int:
    """Deletes and rebuilds all read models in one transaction; returns the number of entries projected."""
    with services.journal.writing() as tx:
        return rebuild.rebuild(tx.connection, case_entries(tx))


def print_doctor(services: Services, out: Print) -> int:
    """Says what is wrong with this installation, one line each."""
    faults = 0

    def line(good: bool, text: str) -> None:
        nonlocal faults
        faults += not good
        out(f"{'好' if good else '坏'} {text}")

    line(True, f"数据库 {services.engine.dialect.name}")
    try:
        bundle = services.deployments.bundle()
    except KeyError:
        line(False, "没有已发布的流程包: 请先运行 deploy")
        return 1
    errors: list[Finding] = [f for f in check(bundle.files).findings if f.severity == "error"]
    line(not errors, f"流程包 {bundle.version[:12]}: {len(errors)} 个错误")
    year = services.clock.now().astimezone(ZONE).year
    covered = bundle.calendar is not None and year in bundle.calendar.years
    line(covered, f"{year} 年节假日表{'' if covered else '缺失: 工作时间只作参考显示, 法定时限不受影响'}")
    return 1 if faults else 0
