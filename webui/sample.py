"""Which cases a what-if or a migration is about: the fields of its form, read and shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from engine.domain.calendar import midnight
from engine.domain.codec import instant_text

from .catalogue import t
from .formats import minute, parse_day

GRADES: Final = ("major_negative", "ordinary_negative", "positive")
STATUSES: Final = ("open", "closed")
FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)
"""Days before or after are slips of the pen."""


@dataclass(frozen=True, slots=True)
class Sample:
    """`typed`: the fields as they came, for showing them again. `filters`: as the service takes them, instants as text.
    `faults`: field -> sentence; with any of them `filters` must not be used."""

    typed: Mapping[str, str]
    filters: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)


def read(form: MultiDict[str, str], known: Mapping[str, Any]) -> Sample:
    """The fields first, last (days in Asia/Shanghai, the last included) and those of `known`: name -> allowed values.
    What is not among them is a fault, never left out silently: the sample would be another one than was asked for."""
    typed = {name: form.get(name, "").strip()[:80] for name in ("first", "last", *known)}
    filters, faults = {}, {}
    days = {}
    for name in ("first", "last"):
        day = parse_day(typed[name]) if typed[name] else None
        if typed[name] and (day is None or not FIRST <= day <= LAST):
            faults[name] = t("period.no_date")
        days[name] = day
    first, last = days["first"], days["last"]
    if first and last and first > last:
        faults["last"] = t("period.turned_round")
    if first and not faults:
        filters["since"] = instant_text(midnight(first))
    if last and not faults:
        filters["until"] = instant_text(midnight(last + timedelta(days=1)))
    for name, values in known.items():
        if typed[name] and typed[name] not in values:
            faults[name] = t("sample.unknown")
        elif typed[name]:
            filters[name] = typed[name]
    return Sample(typed, filters, faults)


def worded(filters: Mapping[str, Any], units: Mapping[str, str], limits: Mapping[str, str]) -> str:
    """The filters of a sample in words; all cases where there are none. `units`, `limits`: id -> name."""
    found = []
    for name, key in (("since", "sample.since"), ("until", "sample.until")):
        if filters.get(name):
            found.append(t(key, at=minute(filters[name])))
    if filters.get("status"):
        found.append(t(f"whatif.status.{filters['status']}"))
    if filters.get("most"):
        found.append(t("whatif.newest", count=filters["most"]))
    if filters.get("grade"):
        found.append(t(f"grade.{filters['grade']}"))
    named = ((units, filters.get("unit")), (limits, filters.get("limit")))
    found += [names.get(one, one) for names, one in named if one]
    return " · ".join(found) or t("sample.all")
