"""`verify` on the command line: progress on a terminal, faults as sentences, a report for machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import func, select

from engine.journal.checkpoint import BadNote
from engine.journal.schema import entries

from .bootstrap import Services
from .catalogue import said
from .verification import PARTS, Report, line
from .verify import Asked, verify

WIDTH = 30
EVERY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    """What stood on the command line. `report`, `witness`: file names, "" for none."""

    cases: Sequence[str]
    parts: Sequence[str]
    report: str
    witness: str
    quiet: bool


class Progress:
    """A bar with rate and time left, drawn over itself on a terminal; nothing elsewhere."""

    def __init__(self, total: int, out: TextIO | None) -> None:
        self._total = max(total, 1)
        self._out = out
        self._done = 0
        self._started = self._drawn = time.monotonic()

    def tick(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if self._out is not None and now - self._drawn >= EVERY_SECONDS:
            self._drawn = now
            self._draw(now - self._started)

    def _draw(self, seconds: float) -> None:
        assert self._out is not None
        share = min(1.0, self._done / self._total)
        rate = self._done / seconds if seconds else 0.0
        left = (self._total - self._done) / rate if rate else 0.0
        bar = "█" * round(share * WIDTH)
        self._out.write(f"\r{bar:<{WIDTH}} {share:4.0%} {rate:,.0f}/s 剩余 {max(0.0, left):.0f} 秒 ")
        self._out.flush()

    def close(self) -> None:
        if self._out is not None:
            self._out.write("\r" + " " * (WIDTH + 40) + "\r")
            self._out.flush()


def run(services: Services, options: Options, out: Callable[[str], Any], terminal: TextIO | None) -> int:
    """Verifies and tells; 0 whole, 1 faults, 2 not possible as asked. `terminal`: where to draw, None for nowhere."""
    try:
        witness = Path(options.witness).read_text(encoding="utf-8") if options.witness else ""
        with services.engine.connect() as conn:
            total = conn.scalar(select(func.count()).select_from(entries)) or 0
        progress = Progress(total * 4, None if options.quiet else terminal)
        try:
            report = verify(services, Asked(options.cases, options.parts, witness), progress.tick)
        finally:
            progress.close()
    except (OSError, UnicodeDecodeError) as error:
        out(f"无法读取 {options.witness}: {error}")
        return 2
    except BadNote as error:
        out(f"不是校验点或见证文件 {options.witness}: {error}")
        return 2
    except LookupError as error:
        out(f"没有这个案件: {error.args[0]}")
        return 2
    except ValueError as error:
        out(f"没有这样的检查: {error} (可选: {', '.join(PARTS)})")
        return 2
    if options.report:
        Path(options.report).write_text(report.as_json(), encoding="utf-8")
    tell(report, out, options.quiet)
    return 1 if report.faults else 0


def tell(report: Report, out: Callable[[str], Any], quiet: bool) -> None:
    """The report in sentences; with `quiet` the faults and the last line only."""
    for part in report.parts:
        count = len(part.faults) + part.more
        if not quiet:
            name = said(f"verify.part.{part.name}", {})
            out(f"{'✓' if not count else '✗'} {name}: {part.checked} 项, {count} 处问题, {part.seconds:.1f} 秒")
        for fault in part.faults:
            out(f"  {line(fault)}")
        if part.more:
            out(f"  还有 {part.more} 处")
        for note in () if quiet else part.notes:
            out(f"  注意: {note}")
    if report.waiting:
        out(f"未封存窗口: {report.waiting} 条记录还不在校验点之内, 最早一条 {report.oldest}")
    verdict = "完整" if not report.faults else "不完整"
    out(f"{report.entries} 条记录, {report.cases} 个案件, {report.faults} 处问题: {verdict}")
