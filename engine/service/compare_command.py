"""`diff A B`: what differs between two versions, folders or zips, in words or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.definitions.diff import diff

from . import bundle_folder, compare_words
from .bundle_names import resolve


class Unusable(Exception):
    """One of the two is no bundle; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`old`, `new`: a folder, a zip, or a name of bundle_names; `quiet`: layout and inner ids too."""

    old: str
    new: str
    json: bool = False
    quiet: bool = True
    language: str = "zh"


def run(asked: Asked, services: Callable[[], Any], out: Callable[[str], None]) -> int:
    """0 when the two are the same, 1 when they differ. `services` is called only where a version or draft is named.

    Raises Unusable.
    """
    opened: list[Any] = []

    def files(name: str) -> dict[str, bytes]:
        if Path(name).exists():
            return _from_disk(Path(name))
        if not opened:
            opened.append(services())
        found = resolve(opened[0], name)
        if found is None:
            raise Unusable(f"没有这个版本、文件夹或 zip: {name}")
        return found[1]

    told = diff(files(asked.old), files(asked.new))
    if asked.json:
        out(compare_words.as_json(told, asked.language))
    else:
        out(compare_words.as_text(told, asked.language, quiet=asked.quiet))
    return 1 if told else 0


def _from_disk(path: Path) -> dict[str, bytes]:
    try:
        files = bundle_folder.collect([path], None)
    except (bundle_folder.Unusable, OSError) as error:
        raise Unusable(f"无法读取 {path}: {error}") from error
    if not files:
        raise Unusable(f"{path} 中没有流程包的文件")
    return files
