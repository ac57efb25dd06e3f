"""Who is called what in an export (R71): a pseudonym each, or the login where names were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SYSTEM = "system"
"""Clocks and the program itself."""


class People:
    """Names of one export.

    A pseudonym is `P0001`, `P0002` ... in the order in which people first appear. There is no key and nothing is kept:
    the same choice of the same journal gives the same pseudonyms, another choice gives others, so that two exports
    cannot be joined by them.
    """

    def __init__(self, names: Mapping[str, str], *, with_names: bool) -> None:
        self.with_names = with_names
        self._names = names
        self._known: dict[str, str] = {}

    def person(self, login: str) -> str:
        """What stands for a login; "" for nobody."""
        if not login:
            return ""
        if login.startswith("system:"):
            return SYSTEM
        if login not in self._known:
            self._known[login] = login if self.with_names else f"P{len(self._known) + 1:04}"
        return self._known[login]

    def groups(self, groups: Iterable[str]) -> str:
        """Groups in one text; a person among them by what stands for him."""
        return " ".join(
            f"user:{self.person(group[5:])}" if group.startswith("user:") else group for group in sorted(groups)
        )

    def met(self) -> tuple[tuple[str, str], ...]:
        """(what stands for him, his name or "") of everybody met so far, in that order."""
        return tuple(
            (shown, self._names.get(login, "") if self.with_names else "") for login, shown in self._known.items()
        )

    def text(self, words: str) -> str:
        """What somebody wrote, or "" where names are not to be given: people are named in such words too."""
        return words if self.with_names else ""
