"""What goes wrong with an expression: at reading (syntax) or at evaluating (budget, missing calendar year)."""

from __future__ import annotations

from collections.abc import Mapping


class FeelSyntaxError(Exception):
    """A text that is not FEEL, or asks for more than the reader allows.

    `message_key` names the sentence in the catalogue, `details` fills its blanks; `line` and `column` count from 1.
    """

    def __init__(
        self, message_key: str, line: int = 1, column: int = 1, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(f"{message_key} at {line}:{column} {dict(details or {})}")
        self.message_key = message_key
        self.line = line
        self.column = column
        self.details: dict[str, object] = dict(details or {})


class FeelEvaluationError(Exception):
    """An evaluation that must not be taken as null: the budget is used up, or the calendar lacks a year.

    `message_key`: `feel.budget` (details: `limit`, `allowed`), `feel.calendar_missing`, `feel.calendar_year_missing`
    (details: `year`, `calendar`), `feel.not_json` (details: `kind`), or a `dmn.*` key from a decision table.
    """

    def __init__(self, message_key: str, details: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{message_key} {dict(details or {})}")
        self.message_key = message_key
        self.details: dict[str, object] = dict(details or {})


def budget_exceeded(limit: str, allowed: int) -> FeelEvaluationError:
    """The error for crossing `limit` (`steps`, `items`, `text`, `depth`)."""
    return FeelEvaluationError("feel.budget", {"limit": limit, "allowed": allowed})
