"""The recorded answer 'no': expected refusals are values, bugs are exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Code = Literal["invalid", "forbidden", "not_found", "conflict", "unsound", "internal"]

HTTP_STATUS: Mapping[Code, int] = {
    "invalid": 422,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "unsound": 422,
    "internal": 500,
}


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One refused field of a submission. `path`: data path, list rows by index (`units.0.opinion`)."""

    path: str
    key: str
    params: Mapping[str, object] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a command was not carried out. Nothing was written.

    `key` names the sentence in the catalogue; `details` fills its blanks; `fields` go beside their inputs.
    """

    code: Code
    key: str
    details: Mapping[str, object] = field(default_factory=dict)
    fields: tuple[FieldFault, ...] = ()
