"""What the kernel needs of a stored entry and of the store of bundles, to run a record again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from engine.definitions.bundle import Bundle
from engine.domain.codec import JSON

from .program import Program


class Entry(Protocol):
    """One entry of a case's journal."""

    @property
    def case_id(self) -> str: ...
    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def on_behalf_of(self) -> str: ...
    @property
    def command(self) -> dict[str, JSON]: ...
    @property
    def bundle(self) -> str: ...
    @property
    def events(self) -> tuple[dict[str, JSON], ...]: ...
    @property
    def state_digest(self) -> str: ...


Loader = Callable[[str], tuple[Program, Bundle]]
"""Gives the compiled program and bundle of a version. Raises KeyError for an unknown one."""
