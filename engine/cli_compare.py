"""The command that compares two bundles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the command to a parser. `services` opens the installation; called only where a version is named."""
    made = add("diff", _diff, "what differs between two versions, folders or zips / 比较两个流程包")
    made.set_defaults(services=services)
    made.add_argument("old", metavar="A", help="version, live, draft:ID, folder or zip / 版本、草稿、文件夹或 zip")
    made.add_argument("new", metavar="B")
    made.add_argument("--json", action="store_true", help="for programs / 机器可读")
    made.add_argument("--no-layout", action="store_true", help="without layout and inner ids / 不含版面和内部编号")
    made.add_argument("--lang", choices=("zh", "en"), default="zh")


def _diff(chosen: argparse.Namespace) -> int:
    from engine.service import compare_command

    asked = compare_command.Asked(chosen.old, chosen.new, chosen.json, not chosen.no_layout, chosen.lang)
    try:
        return compare_command.run(asked, chosen.services, print)
    except compare_command.Unusable as error:
        print(error, file=sys.stderr)
        return 2
