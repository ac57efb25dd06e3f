"""What stops a turn: undone as a whole and kept as an incident with the element named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class KernelFault(Exception):
    """A turn can't go on at `element`. `key`: catalogue sentence, `details`: its blanks (JSON)."""

    def __init__(self, element: str, key: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"{key} at {element}")
        self.element = element
        self.key = key
        self.details = dict(details or {})
