"""The word lists beside these modules: TOML, words parted by blanks. Read once, when a module is imported."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load(name: str) -> dict[str, Any]:
    """The lists of a file; texts of words as they stand there."""
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


def words(text: str) -> tuple[str, ...]:
    """The words of a text, each once."""
    return tuple(dict.fromkeys(text.split()))


def lists(texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Several lists by name."""
    return {name: words(text) for name, text in texts.items()}
