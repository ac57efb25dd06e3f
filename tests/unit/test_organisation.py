"""Who somebody is at an instant: groups, substitution, roles that exclude one another."""

from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest

from engine.domain.organisation import (
    PROCESS_OWNER,
    ROLES,
    SEPARATED_ROLES,
    WORK_ROLES,
    Absence,
    Standing,
    actor_of,
    role_conflict,
    substituted_by,
    units_without,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def away(who: str, substitute: str, start: datetime = NOW - HOUR, end: datetime = NOW + HOUR) -> Absence:
    return Absence(who, substitute, start, end)


def test_a_person_speaks_for_his_roles_unit_posts_lines_and_himself():
    standing = Standing(
        "liqiang", "李强", "gengbao", frozenset({"staff", "section_head"}),
        frozenset({("gengbao", "head"), ("xinxi", "monitor")}), frozenset({"gengbao"}),
    )  # fmt: skip

    assert actor_of(standing, []).groups == {
        "staff", "section_head", "user:liqiang", "unit:gengbao", "unit:xinxi", "head:gengbao", "line:gengbao",
    }  # fmt: skip


def test_a_named_monitor_is_no_head():
    standing = Standing("a", "甲", "gengbao", posts=frozenset({("gengbao", "monitor"), ("gengbao", "reply")}))

    assert not any(group.startswith("head:") for group in standing.own_groups())


@pytest.mark.parametrize("role", SEPARATED_ROLES)
def test_a_separated_role_belongs_to_no_working_group(role):
    standing = Standing("a", "甲", "gengbao", frozenset({role}), frozenset({("gengbao", "head")}), frozenset({"x"}))

    assert standing.own_groups() == {role, "user:a"}


def test_a_substitute_speaks_for_the_absent_person_and_still_for_himself():
    leader = Standing("zhangmin", "张敏", "julingdao", frozenset({"leader"}), lines=frozenset({"gengbao"}))
    substitute = Standing("lina", "李娜", "bangong", frozenset({"staff", "office"}))

    actor = actor_of(substitute, [leader])

    assert actor.roles == {"staff", "office"}
    assert actor.acting_roles == {"staff", "office", "leader"}
    assert {"user:zhangmin", "line:gengbao", "unit:julingdao", "leader", "user:lina", "unit:bangong"} <= actor.groups
    assert actor.substitutes_for == ("zhangmin",)


def test_the_right_to_deploy_is_not_handed_on():
    owner = Standing("sunli", "孙丽", "xinxi", frozenset({PROCESS_OWNER}))

    actor = actor_of(Standing("pengyu", "彭宇", "xinxi", frozenset({"staff"})), [owner])

    assert PROCESS_OWNER not in actor.groups
    assert actor.acting_roles == {"staff"}


@pytest.mark.parametrize("role", SEPARATED_ROLES)
def test_a_separated_role_is_neither_handed_on_nor_takes_anything_over(role):
    separated = Standing("a", "甲", "xinxi", frozenset({role}))
    clerk = Standing("b", "乙", "xinxi", frozenset({"staff"}))

    assert actor_of(clerk, [separated]).groups == clerk.own_groups()
    assert actor_of(clerk, [separated]).substitutes_for == ()
    assert actor_of(separated, [clerk]).groups == separated.own_groups()


def test_an_absence_counts_from_its_first_instant_up_to_its_end():
    absence = away("a", "b", NOW, NOW + HOUR)

    assert [absence.covers(at) for at in (NOW - timedelta(microseconds=1), NOW, NOW + HOUR)] == [False, True, False]


def test_only_running_absences_make_a_substitute():
    absences = [away("a", "b"), away("c", "b", NOW + HOUR, NOW + 2 * HOUR), away("d", "e")]

    assert substituted_by("b", absences, NOW) == ("a",)


def test_work_goes_on_when_the_substitute_is_away_too():
    absences = [away("chief", "vice"), away("vice", "clerk"), away("other", "clerk")]

    assert substituted_by("clerk", absences, NOW) == ("chief", "other", "vice")


def test_a_ring_of_substitutes_ends_where_it_began():
    ring = [away("a", "b"), away("b", "c"), away("c", "a")]

    assert [substituted_by(user, ring, NOW) for user in "abc"] == [("b", "c"), ("a", "c"), ("a", "b")]


def test_two_separated_roles_conflict_and_so_does_one_with_any_other():
    conflicting = {pair for pair in combinations(ROLES, 2) if role_conflict(pair)}
    expected = {pair for pair in combinations(ROLES, 2) if set(pair) & set(SEPARATED_ROLES)}

    assert conflicting == expected
    assert role_conflict(WORK_ROLES) is None
    assert role_conflict((*WORK_ROLES, PROCESS_OWNER)) is None
    assert all(role_conflict([role]) is None for role in ROLES)


def test_no_set_of_roles_slips_through_with_two_of_the_three():
    for size in range(len(ROLES) + 1):
        for roles in combinations(ROLES, size):
            if len(set(roles) & set(SEPARATED_ROLES)) > 1:
                assert role_conflict(roles) is not None


def test_units_with_nobody_named_are_found():
    holders = {("a", "monitor"): "x", ("b", "head"): "y"}

    assert units_without("monitor", ["a", "b", "c"], holders) == ("b", "c")
