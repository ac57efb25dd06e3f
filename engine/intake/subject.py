"""The facts on which the response subject depends (R09-R15), from the text; what a person has set stands above."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from . import gazetteer
from .item import Facts
from .reading import Reading, business_line

_CITY_POLICY: Final = re.compile(
    r"市政府(?:的)?(?:重大|决策|决定|政策|出台|印发|规划|常务会)|市委(?:、)?市政府|国土空间总体规划|总体规划|"
    r"全市(?:停批|暂停|统一|推行|出台|范围|的)|许昌全市|市级(?:规划|决策|重大|项目|政策|重点)|重大项目|重大决策|"
    r"重大政策|综合地价|市里(?:的)?(?:决定|决策|政策|规划)|三区三线|许昌(?:市)?(?:出台|新政|规划图|总规)|市级规划"
)
_PASSED_ON: Final = re.compile(
    r"推诿|踢皮球|推来推去|互相推|不归|都说|联合|各部门|几个部门|多个部门|多部门|会同|来回推|扯皮|说是归|说归|该归"
)
_CITY_REGISTRY: Final = ("魏都区", *gazetteer.ZONES)
"""Where the city's own centre registers real estate: a matter of registration there is the city bureau's."""


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """What the tables are asked of. `assumed`: names of the facts that nobody has set."""

    places: tuple[str, ...]
    county_matter: bool
    other_city: bool
    city_policy: bool
    multi_department: bool
    departments: tuple[str, ...]
    other_cities: tuple[str, ...]
    line: str
    assumed: tuple[str, ...]


def subject_facts(reading: Reading, facts: Facts) -> SubjectFacts:
    """The facts of an item: a person's where set, else those that its words give."""
    line = business_line(reading)
    places = facts.places if facts.places is not None else reading.places.districts
    places = tuple(dict.fromkeys(one for one in (_district(name) for name in places) if one))
    departments = facts.departments if facts.departments is not None else tuple(reading.departments)
    policy = facts.city_policy
    if policy is None:
        policy = bool(_CITY_POLICY.search(reading.text)) and not reading.places.districts
    county = facts.county_matter
    if county is None:
        county = bool(places) and not (line == "dengji" and all(name in _CITY_REGISTRY for name in places))
    other_city = facts.other_city if facts.other_city is not None else reading.places.cross_city
    several = facts.multi_department
    if several is None:
        several = bool(departments) if facts.departments is not None else _several(reading)
    assumed = tuple(
        name
        for name, value in (
            ("places", facts.places),
            ("county_matter", facts.county_matter),
            ("other_city", facts.other_city),
            ("city_policy", facts.city_policy),
            ("departments", facts.departments if facts.multi_department is None else ()),
        )
        if value is None
    )
    return SubjectFacts(
        places, county, other_city, policy, several, departments, reading.places.elsewhere, line, assumed
    )


def _several(reading: Reading) -> bool:
    """Whether the text draws in other departments: two of them, or one to which it is passed on."""
    found = len(reading.departments)
    return found >= 2 or (found == 1 and bool(_PASSED_ON.search(reading.text)))


def _district(name: str) -> str | None:
    """The name as the tables have it; None for the city itself."""
    for district in gazetteer.DISTRICTS:
        if district in name or name == district[:-1]:
            return district
    if "许昌县" in name:
        return "建安区"
    return None
