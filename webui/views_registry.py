"""Which action each route needs. A route without a declaration is never served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])

_MARK: Final = "_requirement"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a request must bring. `public`: nothing; `signed_in`: a session; `action`: one of `any_of` by role.

    `keeps_alive`: false for pages that poll by themselves, so that an open window does not hold a session for ever.
    """

    kind: Literal["public", "signed_in", "action"]
    any_of: tuple[str, ...] = ()
    keeps_alive: bool = True


PUBLIC: Final = Requirement("public", keeps_alive=False)


def declare(view: View, requirement: Requirement) -> View:
    setattr(view, _MARK, requirement)
    return view


def requirement_of(app: Flask, endpoint: str | None) -> Requirement | None:
    """The declaration of an endpoint, or None. Flask's own `static` is public."""
    if endpoint == "static":
        return PUBLIC
    found = getattr(app.view_functions.get(endpoint or ""), _MARK, None)
    return found if isinstance(found, Requirement) else None


def declared(app: Flask) -> dict[str, Requirement]:
    """endpoint -> requirement, for every endpoint of the app that has one."""
    pairs = ((rule.endpoint, requirement_of(app, rule.endpoint)) for rule in app.url_map.iter_rules())
    return {endpoint: requirement for endpoint, requirement in pairs if requirement is not None}


def undeclared(app: Flask) -> list[str]:
    """Endpoints that were forgotten; `create_app` refuses to go on with any."""
    known = declared(app)
    return sorted({rule.endpoint for rule in app.url_map.iter_rules()} - known.keys())
