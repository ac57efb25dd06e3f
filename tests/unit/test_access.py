"""The table of roles and actions, kept here a second time by hand, and the rules for cases and tasks."""

import pytest

from engine.domain.access import ACTIONS, WRITE_ACTIONS, CaseScope, TaskScope, may
from engine.domain.organisation import ROLES, SEPARATED_ROLES, Actor, Standing, actor_of

# One row an action, one column a role: a change of rights is a change of this picture.
PICTURE = """
                   staff head lead chief office superv owner audit sysadm secadm
view_inbox           x    x    x    x     x      x      .     .     .      .
work_task            x    x    x    x     x      x      .     .     .      .
view_task            x    x    x    x     x      x      .     x     .      .
open_case            x    x    x    x     x      x      .     .     .      .
view_case            x    x    x    x     x      x      x     x     .      .
view_all_cases       .    .    x    x     x      x      .     x     .      .
comment              x    x    x    x     x      x      .     .     .      .
attach_file          x    x    x    x     x      x      .     .     .      .
send_message         x    x    x    x     x      x      .     .     .      .
copy_case            x    x    x    x     x      x      .     .     .      .
urge_task            x    x    x    x     x      x      .     .     .      .
view_clocks_board    x    x    x    x     x      x      .     x     .      .
resolve_incident     .    .    .    .     x      .      x     .     .      .
view_documents       x    x    x    x     x      x      .     x     .      .
make_document        .    .    .    .     x      x      .     .     .      .
make_briefing        .    .    .    .     x      .      .     .     .      .
view_templates       .    .    .    .     x      .      x     x     .      .
edit_templates       .    .    .    .     x      .      x     .     .      .
view_bundles         .    .    x    x     x      .      x     x     .      .
deploy_bundle        .    .    .    .     .      .      x     .     .      .
edit_bundle          .    .    .    .     .      .      x     .     .      .
approve_bundle       .    .    .    x     .      .      x     .     .      .
migrate_case         .    .    .    .     .      .      x     .     .      .
view_directory       x    x    x    x     x      x      x     x     x      x
view_people          .    .    .    .     .      .      .     x     x      x
admin_people         .    .    .    .     .      .      .     .     x      .
view_outbox          .    .    .    .     .      .      .     x     x      .
admin_outbox         .    .    .    .     .      .      .     .     x      .
view_roles           .    .    .    .     .      .      .     x     .      x
admin_roles          .    .    .    .     .      .      .     .     .      x
unlock_account       .    .    .    .     .      .      .     .     .      x
reset_password       .    .    .    .     .      .      .     .     x      x
view_jobs            .    .    .    .     .      .      .     x     x      .
admin_jobs           .    .    .    .     .      .      .     .     x      .
view_people_log      .    .    .    .     .      .      .     x     .      x
view_security_log    .    .    .    .     .      .      .     x     .      x
replay_case          .    .    x    x     x      x      .     x     .      .
view_evidence        .    .    x    x     x      x      .     x     .      .
audit                .    .    .    .     .      .      .     x     .      .
view_performance     .    .    x    x     x      x      x     x     .      .
view_items           x    x    x    x     x      x      .     x     .      .
add_item             x    x    x    x     x      x      .     .     .      .
decide_item          .    .    .    .     x      .      .     .     .      .
import_items         .    .    .    .     x      .      .     .     .      .
manage_feeds         .    .    .    .     x      .      .     .     .      .
view_tokens          .    .    .    .     .      .      .     x     x      .
admin_tokens         .    .    .    .     .      .      .     .     x      .
view_registers       x    x    x    x     x      x      .     x     .      .
log_patrol           x    x    x    x     x      x      .     .     .      .
keep_registers       .    .    .    .     x      .      .     .     .      .
view_duty            x    x    x    x     x      x      .     x     x      x
edit_duty            .    .    .    .     x      .      .     .     x      .
judge_case           x    x    x    x     x      x      .     .     .      .
settle_points        .    .    x    x     .      .      .     .     .      .
"""
COLUMNS = (
    "staff", "section_head", "leader", "chief", "office", "supervision", "process_owner", "auditor", "system_admin",
    "security_admin",
)  # fmt: skip
ROWS = {line.split()[0]: line.split()[1:] for line in PICTURE.strip().splitlines()[1:]}
CASE_ACTIONS = ("view_case", "work_task", "comment", "attach_file", "copy_case", "urge_task", "send_message")


def person(*roles: str, groups: tuple[str, ...] = (), user: str = "me") -> Actor:
    return Actor(user, "某", frozenset(roles), frozenset({*roles, *groups, f"user:{user}"}), "gengbao")


@pytest.mark.parametrize("action", sorted(ROWS))
def test_the_table_is_the_picture(action):
    allowed = {role for role, mark in zip(COLUMNS, ROWS[action], strict=True) if mark == "x"}

    assert {role for role in ROLES if may(person(role), action)} == allowed


def test_the_picture_shows_every_action_and_every_role():
    assert set(ROWS) == set(ACTIONS)
    assert set(COLUMNS) == set(ROLES)


def test_the_auditor_reads_and_writes_nothing():
    assert not [action for action in WRITE_ACTIONS if may(person("auditor"), action)]


@pytest.mark.parametrize("role", ["system_admin", "security_admin"])
@pytest.mark.parametrize("action", [*CASE_ACTIONS, "view_all_cases", "view_inbox", "view_clocks_board", "open_case"])
def test_the_admins_see_no_case_work_even_when_a_group_would_let_them(role, action):
    scope = CaseScope(frozenset({"unit:gengbao", f"user:{role}", role}))

    decision = may(person(role, groups=("unit:gengbao",), user=role), action, scope)

    assert not decision
    assert decision.reason_key == "access.separated_role"


def test_every_write_action_is_an_action():
    assert set(ACTIONS) >= WRITE_ACTIONS


def test_an_unknown_action_is_a_bug():
    with pytest.raises(KeyError):
        may(person("staff"), "view_everything")


def test_a_person_without_a_role_may_nothing():
    assert not [action for action in ACTIONS if may(person(), action)]


def test_a_case_of_another_unit_looks_as_if_it_did_not_exist():
    decision = may(person("staff", groups=("unit:shengtai",)), "view_case", CaseScope(frozenset({"unit:gengbao"})))

    assert not decision.allowed
    assert decision.hidden
    assert decision.reason_key == "access.case_hidden"


@pytest.mark.parametrize("action", CASE_ACTIONS)
def test_nothing_can_be_done_to_a_hidden_case(action):
    scope = CaseScope(frozenset({"unit:gengbao"}))
    resource = TaskScope(scope, frozenset({"staff"})) if action == "work_task" else scope

    decision = may(person("staff", groups=("unit:shengtai",)), action, resource)

    assert not decision.allowed
    assert decision.hidden


@pytest.mark.parametrize("group", ["unit:gengbao", "user:me", "head:gengbao", "line:gengbao"])
def test_a_case_is_seen_through_any_group_that_it_concerns(group):
    decision = may(person("staff", groups=(group,)), "view_case", CaseScope(frozenset({group, "unit:other"})))

    assert decision.allowed
    assert decision.reason_key == "access.concerned"
    assert decision.params == {"group": group}


@pytest.mark.parametrize("role", ["office", "leader", "chief", "supervision", "auditor"])
def test_who_commands_or_audits_sees_every_case(role):
    decision = may(person(role), "view_case", CaseScope(frozenset({"unit:gengbao"})))

    assert decision.allowed
    assert decision.params == {"role": role}


TASK = TaskScope(CaseScope(frozenset({"unit:gengbao", "office"})), frozenset({"unit:gengbao"}))
CLAIMED = TaskScope(TASK.case, TASK.candidates, "liqiang")


@pytest.mark.parametrize(
    ("actor", "task", "allowed", "reason"),
    [
        (person("staff", groups=("unit:gengbao",)), TASK, True, "access.candidate"),
        (person("office"), TASK, False, "access.not_candidate"),
        (person("staff", groups=("unit:gengbao",)), CLAIMED, False, "access.held_by_other"),
        (person("staff", groups=("unit:gengbao",), user="liqiang"), CLAIMED, True, "access.assignee"),
        (person("staff", groups=("unit:gengbao", "user:liqiang")), CLAIMED, True, "access.substitute"),
    ],
    ids=["candidate", "not_mine", "claimed", "assignee", "substitute"],
)
def test_who_may_work_on_a_task(actor, task, allowed, reason):
    decision = may(actor, "work_task", task)

    assert (decision.allowed, decision.reason_key, decision.hidden) == (allowed, reason, False)


def test_a_substitute_acts_with_the_work_roles_of_the_absent_person():
    clerk = Standing("clerk", "甲", "bangong", frozenset({"staff"}))
    leader = Standing("leader", "乙", "julingdao", frozenset({"leader"}))

    assert not may(actor_of(clerk, []), "view_all_cases")
    assert may(actor_of(clerk, [leader]), "view_all_cases")


@pytest.mark.parametrize("role", SEPARATED_ROLES)
def test_a_refused_admin_is_told_that_it_is_the_separation(role):
    decision = may(person(role), "work_task")

    assert decision.params == {"role": role}
