"""The one catalogue of sentences shown to people, read for the command line and for the pages alike.

The files lie with the pages (`webui/catalogue/zh.json`, sorted by key, `en.json` beside it); reading them needs neither
Flask nor a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("zh", "en")
_FOLDER: Final = Path(__file__).parents[2] / "webui" / "catalogue"
_KEY: Final = re.compile(r"[a-z]+(\.[a-z_]+)+")


class _Blanks(dict[str, object]):
    """A blank that was given no value stays visible as `{name}` instead of breaking the page."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def sentences(language: str) -> Mapping[str, str]:
    """key -> sentence of one language, read once per process."""
    loaded: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def sentence(key: str, params: Mapping[str, object], language: str = LANGUAGES[0]) -> str:
    """The sentence `key` with its `{blanks}` filled.

    Falls back to Chinese, then to the key itself: a missing sentence must never take a page down.
    """
    found = sentences(language).get(key) or sentences(LANGUAGES[0]).get(key)
    return key if found is None else found.format_map(_Blanks(params))


def said(key: str, details: Mapping[str, object], language: str = LANGUAGES[0]) -> str:
    """The sentence `key`, with blanks that are sentences themselves (`reason`) in words too."""
    words = dict(details)
    for name, value in details.items():
        if isinstance(value, str) and _KEY.fullmatch(value):
            others = {other: one for other, one in details.items() if other != name}
            words[name] = sentence(value, others, language)
    return sentence(key, words, language)


def advice(key: str, details: Mapping[str, object], language: str = LANGUAGES[0]) -> str:
    """What to do about a finding or incident `key`; "" if nothing is known."""
    asked = f"{key}.todo"
    text = said(asked, details, language)
    return "" if text == asked else text
