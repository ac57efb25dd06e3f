"""The watermark of internal material (R71): who sees or prints this page, and when, across every page of paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Flask, request

from .formats import minute
from .guards import actor_or_none, services

ON_SCREEN: Final = frozenset({"cases.papers", "cases.document", "documents.index", "documents.briefing"})
"""Pages of the three classes that R71 names (简报, 引导提示, 内部资料): marked lightly on the screen too, so that a
photograph of it says whose screen it was. Other modules add a page by block `watermark_class` of base.html."""

CHINESE: Final = 15
LATIN: Final = 9
"""Pixels of a letter in the type of watermark.css."""


@dataclass(frozen=True, slots=True)
class Mark:
    """`text`: 姓名 账号 时间. `on_screen`: shown there as well, not only on paper."""

    text: str
    on_screen: bool

    @property
    def width(self) -> int:
        """Pixels that the text takes with room beside it, rather too many: a long name must not run into its copy."""
        return 100 + sum(CHINESE if ord(letter) > 0x2E7F else LATIN for letter in self.text)


def mark() -> Mark | None:
    """The mark of the page under way; None for a stranger, who sees nothing internal."""
    actor = actor_or_none()
    if actor is None:
        return None
    text = f"{actor.name} {actor.user_id} {minute(services().clock.now())}"
    return Mark(text, request.endpoint in ON_SCREEN)


def install(app: Flask) -> None:
    app.jinja_env.globals["watermark"] = mark
