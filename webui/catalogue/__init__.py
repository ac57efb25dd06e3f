"""The catalogue in the language of the request; see engine.service.catalogue for its files, which lie here."""

from __future__ import annotations

from typing import Final

from flask import g, has_request_context, request

from engine.service.catalogue import LANGUAGES, sentence, sentences

__all__ = ["LANGUAGES", "LANGUAGE_COOKIE", "language", "sentences", "t"]

LANGUAGE_COOKIE: Final = "lang"


def language() -> str:
    """The language of the present request (cookie), Chinese outside of one."""
    if not has_request_context():
        return LANGUAGES[0]
    kept: str | None = g.get("language")
    if kept is None:
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        kept = g.language = chosen if chosen in LANGUAGES else LANGUAGES[0]
    return kept


def t(key: str, /, **params: object) -> str:
    """The sentence `key` in the present language with its `{blanks}` filled. Plain text: Jinja escapes it like any
    other value."""
    return sentence(key, params, language())
