"""People, units and roles of the bureau, and who acts for whom: plain values, no storage.

A *group* is what a task names as its candidates (`ids.GroupId`): a role, `unit:<unit>`, `head:<unit>`, `line:<line>`
or `user:<login>`. An `Actor` carries every group that one person speaks for at one instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

STAFF: Final = "staff"
SECTION_HEAD: Final = "section_head"
LEADER: Final = "leader"
CHIEF: Final = "chief"
OFFICE: Final = "office"
SUPERVISION: Final = "supervision"
PROCESS_OWNER: Final = "process_owner"
AUDITOR: Final = "auditor"
SYSTEM_ADMIN: Final = "system_admin"
SECURITY_ADMIN: Final = "security_admin"

WORK_ROLES: Final = (STAFF, SECTION_HEAD, LEADER, CHIEF, OFFICE, SUPERVISION)
SEPARATED_ROLES: Final = (SYSTEM_ADMIN, SECURITY_ADMIN, AUDITOR)
"""三员分立: nobody holds two of them, and who holds one holds no other role at all (GB/T 22239-2019, practice)."""
ROLES: Final = (*WORK_ROLES, PROCESS_OWNER, *SEPARATED_ROLES)

UNIT_KINDS: Final = ("leadership", "section", "county_branch", "affiliated", "outside")
"""局领导, 局机关科室, 县(市、区)局(分局), 直属单位, 外单位: the addressees of the regulation (R01, R17)."""

DISTRICTS: Final = (
    "市本级", "魏都区", "建安区", "禹州市", "长葛市", "鄢陵县", "襄城县", "经开区", "东城区", "示范区",
)  # fmt: skip
"""Where a unit answers for; the last three are functional zones, not counties (R11)."""

POSTS: Final = ("head", "monitor", "monitor_deputy", "reply")
"""Posts in a unit: 主要负责人 (R62), 监测专人 and its deputy (R17), 回应专人 (R34)."""

SETUP_ACTOR: Final = "system:setup"
"""Who is recorded for what the installation itself did (first accounts, demo cast)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One person at one instant, with everything needed to decide what he may do.

    `roles`: granted to himself. `groups`: all groups he speaks for, including those of the people he substitutes
    for today (`substitutes_for`: their logins). `group_via`: group -> login of the absent person it comes from; a group
    that is his own as well is not in it.
    """

    user_id: str
    name: str
    roles: frozenset[str]
    groups: frozenset[str]
    unit: str
    substitutes_for: tuple[str, ...] = ()
    group_via: Mapping[str, str] = field(default_factory=dict, hash=False)

    def speaks_for(self, groups: Collection[str]) -> str | None:
        """In whose name he speaks for one of `groups`: "" his own, else the login of an absent person; None if not."""
        shared = self.groups.intersection(groups)
        if not shared:
            return None
        return "" if shared - self.group_via.keys() else min(self.group_via[group] for group in shared)

    @property
    def acting_roles(self) -> frozenset[str]:
        """Own roles and the work roles taken over by substitution."""
        return self.roles | (self.groups & frozenset(WORK_ROLES))


@dataclass(frozen=True, slots=True)
class Absence:
    """`user_id` is away in [`start_at`, `end_at`) (aware) and `substitute` acts for him."""

    user_id: str
    substitute: str
    start_at: datetime
    end_at: datetime

    def covers(self, at: datetime) -> bool:
        return self.start_at <= at < self.end_at


@dataclass(frozen=True, slots=True)
class Standing:
    """What is written about one person, before substitution: his roles, units, posts and lines."""

    user_id: str
    name: str
    unit: str
    roles: frozenset[str] = frozenset()
    posts: frozenset[tuple[str, str]] = field(default_factory=frozenset)  # (unit, post)
    lines: frozenset[str] = frozenset()

    def own_groups(self) -> frozenset[str]:
        """Roles, `unit:` of his unit and of every unit where he holds a post, `head:`, `line:`, `user:`.

        The separated roles belong to no working group: whoever holds one gets only his roles and his `user:`.
        """
        own = {f"user:{self.user_id}", *self.roles}
        if self.roles & frozenset(SEPARATED_ROLES):
            return frozenset(own)
        if self.unit:
            own.add(f"unit:{self.unit}")
        own |= {f"unit:{unit}" for unit, _ in self.posts}
        own |= {f"head:{unit}" for unit, post in self.posts if post == "head"}
        own |= {f"line:{line}" for line in self.lines}
        return frozenset(own)


def role_conflict(roles: Collection[str]) -> tuple[str, str] | None:
    """Two roles of the set that one person must not hold together, or None. Order is that of `ROLES`."""
    held = [role for role in ROLES if role in roles]
    for separated in SEPARATED_ROLES:
        if separated in held and len(held) > 1:
            other = next(role for role in held if role != separated)
            return other, separated
    return None


def substituted_by(user_id: str, absences: Iterable[Absence], at: datetime) -> tuple[str, ...]:
    """Logins that `user_id` acts for at `at`, sorted: directly, and through substitutes who are away themselves.

    A chain is followed so that work does not stop when a substitute falls ill; a ring of substitutes ends where it
    began. Source: gap G-10 of the regulation (no rule for an absent leader), read as delegation.
    """
    away: dict[str, set[str]] = {}
    for absence in absences:
        if absence.covers(at):
            away.setdefault(absence.substitute, set()).add(absence.user_id)
    found: set[str] = set()
    waiting = [user_id]
    while waiting:
        for absent in away.get(waiting.pop(), set()):
            if absent not in found and absent != user_id:
                found.add(absent)
                waiting.append(absent)
    return tuple(sorted(found))


def actor_of(standing: Standing, substituted: Iterable[Standing]) -> Actor:
    """The actor for one person and the standings of those he substitutes for.

    Only working groups pass to a substitute: never a separated role, never `process_owner`; and a holder of a
    separated role substitutes for nobody.
    """
    own = standing.own_groups()
    via: dict[str, str] = {}
    acting: list[str] = []
    if not standing.roles & frozenset(SEPARATED_ROLES):
        for absent in sorted(substituted, key=lambda one: one.user_id):
            if absent.roles & frozenset(SEPARATED_ROLES):
                continue
            for group in absent.own_groups() - own - {PROCESS_OWNER}:
                via.setdefault(group, absent.user_id)
            acting.append(absent.user_id)
    return Actor(
        user_id=standing.user_id,
        name=standing.name,
        roles=standing.roles,
        groups=own.union(via),
        unit=standing.unit,
        substitutes_for=tuple(acting),
        group_via=via,
    )


def units_without(post: str, units: Iterable[str], holders: Mapping[tuple[str, str], str]) -> tuple[str, ...]:
    """Units (in the order given) where nobody active holds `post`. `holders`: (unit, post) -> login. Source: R17."""
    return tuple(unit for unit in units if not holders.get((unit, post)))
