"""Expressions as files hold them -> FEEL text; literals of fields -> FEEL literals."""

from __future__ import annotations

import json
import re

from lxml import etree

from engine.feel import translate_juel

FEEL_LANGUAGES = ("feel", "juel", "camunda", "")
NAME = re.compile(r"[^\W\d]\w*")


class Untranslatable(Exception):
    """The expression is in a language, or a part of one, that can't be run. `language`: "" for JUEL beyond FEEL."""

    def __init__(self, text: str, language: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.language = language


def text_of(element: etree._Element | None) -> str:
    """All text inside an element, stripped."""
    return "" if element is None else "".join(str(t) for t in element.itertext()).strip()


def feel_text(text: str, language: str = "") -> str:
    """FEEL of an expression: a leading `=` dropped, Camunda's `${}` translated where both mean the same.

    `language`: the expressionLanguage or language attribute, any form. Raises Untranslatable.
    """
    text = text.strip()
    short = language.strip().rstrip("/").rsplit("/", 1)[-1].lower()
    if short and not any(known in short for known in FEEL_LANGUAGES if known) and not _neutral(short):
        raise Untranslatable(text, language)
    if text.startswith(("${", "#{")) or ("${" in text and not text.startswith("=")):
        feel = translate_juel(text)
        if feel is None:
            raise Untranslatable(text)
        return feel
    return text[1:].strip() if text.startswith("=") else text


def _neutral(language: str) -> bool:
    """Namespaces that modelers write by habit as the language of a whole file: XPath is the schema's default and
    hardly ever what the expressions are written in, so what matters is whether they read as FEEL."""
    return language in ("xpath", "xmlschema", "unspecified", "none", "natural")


def parameter(text: str) -> str:
    """FEEL of a Camunda parameter value: an expression, or the text itself."""
    if text.startswith(("${", "#{", "=")) or "${" in text:
        return feel_text(text)
    return literal(text)


def literal(text: str) -> str:
    """A FEEL string literal."""
    return json.dumps(text, ensure_ascii=False)


def name_text(name: str) -> str:
    """A field name as FEEL writes it: between backticks unless it is a plain word."""
    return name if NAME.fullmatch(name) else f"`{name}`"


def split_list(text: str) -> list[str]:
    """`a, =f(x, y), b` -> its items: commas inside brackets or quotes belong to an item."""
    items, depth, quoted, current = [], 0, False, ""
    for char in text:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "([{":
            depth += 1
        elif not quoted and char in ")]}":
            depth -= 1
        if char == "," and depth == 0 and not quoted:
            items.append(current.strip())
            current = ""
        else:
            current += char
    items.append(current.strip())
    return [item for item in items if item]
