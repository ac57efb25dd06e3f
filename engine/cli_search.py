"""`search-rebuild` on the command line: the full-text search made anew while the program serves."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.service.bootstrap import Services

Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]
WORDS = {"case": "案件", "item": "舆情信息", "document": "文书"}
SAID_EVERY = 500
"""Texts between two lines of progress."""


def declare(add: Add, services: Callable[[], Services]) -> None:
    """Adds the command to a parser. `services` opens the installation when the command runs."""
    made = add(
        "search-rebuild", _rebuild, "make the full-text search anew, while the program serves / 重建全文检索，不停机"
    )
    made.set_defaults(services=services)


def _rebuild(chosen: argparse.Namespace) -> int:
    from engine.service import search_rebuild

    said: dict[str, int] = {}

    def tell(kind: str, done: int, total: int) -> None:
        if done == total or done - said.get(kind, 0) >= SAID_EVERY:
            said[kind] = done
            print(f"{WORDS[kind]} {done}/{total}", flush=True)

    found = search_rebuild.rebuild(chosen.services(), tell)
    gone = f"，清除 {found.removed} 条无来源的" if found.removed else ""
    print(f"检索已重建: {'、'.join(f'{WORDS[kind]} {count}' for kind, count in found.texts.items())}{gone}")
    return 0
