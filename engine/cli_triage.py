"""`triage` on the command line: suggestions for the items of a file, for measuring and for trying out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add) -> None:
    """Adds the command to a parser."""
    made = add(
        "triage", _triage, "suggest topic, grade and response subject of items / 对条目给出专题、等级和回应主体建议"
    )
    made.add_argument("file", type=Path, metavar="FILE", help="items, a JSON object a line / 每行一个 JSON 对象")
    made.add_argument(
        "--facts", type=Path, default=None, metavar="FILE", help="facts set by a person, by id / 人工认定的事实"
    )
    made.add_argument(
        "--confirm",
        default="",
        metavar="FIELD",
        help="field that stands for a person's confirmation of the topic / 代替人工确认的字段",
    )
    made.add_argument(
        "--bundle", type=Path, default=None, metavar="PATH", help="bundle with the tables / 含决策表的流程包"
    )
    made.add_argument(
        "--replies",
        type=Path,
        default=None,
        metavar="FILE",
        help="what the bureau has published, as items / 本局已发布的回复，格式同条目",
    )
    made.add_argument("--table", action="store_true", help="a table for people / 表格")


def _triage(chosen: argparse.Namespace) -> int:
    from engine.service import triage_command

    asked = triage_command.Asked(chosen.file, chosen.confirm, chosen.facts, chosen.bundle, chosen.table, chosen.replies)
    try:
        return triage_command.triage(asked, print, lambda text: print(text, file=sys.stderr))
    except triage_command.Unusable as error:
        print(f"错误: {error}", file=sys.stderr)
        return 2
