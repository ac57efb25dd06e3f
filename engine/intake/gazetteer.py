"""Places of Xuchang and of elsewhere: the lists of gazetteer.toml by name.

A name that other places have too stands in a list of its own: it counts only when the text says nothing against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .word_files import lists, load, words

CITY: Final = "市本级"
ZONES: Final = ("经开区", "东城区", "示范区")
"""Functional zones: no counties by law; their management committee stands for the local government (R11)."""
COUNTIES: Final = ("魏都区", "建安区", "禹州市", "长葛市", "鄢陵县", "襄城县")
DISTRICTS: Final = (*COUNTIES, *ZONES)

_FILE: Final = load("gazetteer.toml")
CITY_NAMES: Final = words(_FILE["city_names"])
CITY_PLACES: Final = words(_FILE["city_places"])
STRONG: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["strong"])
WEAK: Final[Mapping[str, tuple[str, ...]]] = lists(_FILE["weak"])
NOT_PLACES: Final = words(_FILE["not_places"])
PERSON_WORDS: Final = words(_FILE["person_words"])
ELSEWHERE: Final = tuple(
    word
    for name in ("provinces", "henan_cities", "henan_counties", "other_cities", "abroad")
    for word in words(_FILE[name])
)
