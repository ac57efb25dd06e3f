"""Clauses as people read them: the regulation's heading beside the number, its own words on pointing at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import Flask
from markupsafe import Markup, escape

from engine.service.clauses import mapping, quotes

from .catalogue import language, t
from .guards import services

MOST_VERSIONS = 50
"""Versions of the bundle whose headings are kept: a page asks for every clause that it names."""
_QUOTES: dict[str, Mapping[str, tuple[str, str]]] = {}


def clause_words(numbers: Iterable[str], key: str, version: str) -> Markup:
    """The sentence `key`, its blank `clauses` filled: `依据 8小时意见（R50）、限时办结（R56）`.

    Each clause comes with the words of the regulation as the version `version` of the bundle quotes them. In English
    the number stands alone with its gist on pointing at it; so does a number that the bundle does not quote.
    """
    known = _quotes(version)
    words = Markup("、").join(_one(number, *known.get(number, ("", ""))) for number in numbers)
    return Markup(escape(t(key, clauses="{}"))).format(words)


def _one(number: str, title: str, quote: str) -> Markup:
    if language() == "en":
        gist = str(mapping().get(number, {}).get("en", ""))
        return Markup('<span title="{}">{}</span>').format(gist, number)
    shown = f"{title}（{number}）" if title else number
    return Markup('<span title="{}">{}</span>').format(quote, shown)


def _quotes(version: str) -> Mapping[str, tuple[str, str]]:
    if version not in _QUOTES:
        if len(_QUOTES) >= MOST_VERSIONS:
            _QUOTES.clear()
        _QUOTES[version] = quotes(services().deployments.bundle(version))
    return _QUOTES[version]


def install(app: Flask) -> None:
    """Filter `numbers | clause_words(key, version)`."""
    app.jinja_env.filters["clause_words"] = clause_words
