"""`export` and `import` on the command line: what they print and how they end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.domain.rejection import Rejection

from . import exports, package_import, package_selection, packages
from .catalogue import said

Print = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """`cases` or `period`. `out`: file or folder to write to, None for the present folder. `checkpoint`: the text of a
    checkpoint that somebody holds; the package then proves that it continues from there."""

    cases: tuple[str, ...]
    period: str
    out: Path | None
    checkpoint: str = ""


def export(services: Any, asked: Asked, out: Print, err: Print) -> int:
    """Writes one package. 2 when what was asked can't be given."""
    if bool(asked.cases) == bool(asked.period):
        err("请给出案件编号或 --period 之一 / give either case numbers or --period")
        return 2
    with services.engine.connect() as conn:
        selection = (
            package_selection.closed_in(conn, asked.period)
            if asked.period
            else package_selection.chosen(conn, asked.cases)
        )
    made: packages.Made | Rejection
    if isinstance(selection, Rejection):
        made = selection
    else:
        made = packages.make(services, exports.COMMAND_LINE, selection, "", asked.checkpoint)
    if isinstance(made, Rejection):
        err(said(made.key, made.details))
        return 2
    path = asked.out or Path(made.name)
    path = path / made.name if path.is_dir() else path
    packages.save(made, path)
    out(f"{path}  {made.size} 字节  sha256 {made.sha256}")
    out(f"{made.mark.text}")
    return 0


def take_in(services: Any, paths: Sequence[Path], out: Print, err: Print) -> int:
    """Imports packages one after another; stops at the first that is refused and returns 2."""
    for path in paths:
        if not path.is_file():
            err(f"没有这个文件: {path}")
            return 2
        outcome = package_import.import_package(services, path, exports.COMMAND_LINE.user_id)
        if isinstance(outcome, Rejection):
            err(f"未导入 {path.name}: {said(outcome.key, outcome.details)}")
            return 2
        origin = outcome.origin or "（未封存）"
        out(f"已导入 {path.name}: {len(outcome.cases)} 个案件, {outcome.entries} 条记录, 来自日志 {origin}")
        if outcome.missing:
            out(f"  {outcome.missing} 个附件不在包内")
    return 0
