"""The one catalogue of sentences shown to people: `zh.json` (sorted by key), `en.json` beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from flask import has_request_context, request

LANGUAGES: Final = ("zh", "en")
LANGUAGE_COOKIE: Final = "lang"
_FOLDER: Final = Path(__file__).parent


class _Blanks(dict[str, object]):
    """A blank that was given no value stays visible as `{name}` instead of breaking the page."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def sentences(language: str) -> Mapping[str, str]:
    """key -> sentence of one language, read once per process."""
    loaded: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def language() -> str:
    """The language of the present request (cookie), Chinese outside of one."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, "") if has_request_context() else ""
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def t(key: str, /, **params: object) -> str:
    """The sentence `key` in the present language with its `{blanks}` filled.

    Falls back to Chinese, then to the key itself: a missing sentence must never take a page down. Plain text: Jinja
    escapes it like any other value.
    """
    sentence = sentences(language()).get(key) or sentences(LANGUAGES[0]).get(key)
    return key if sentence is None else sentence.format_map(_Blanks(params))
