"""Who may do what on a running case, in whose name, and what happens when two act at once."""

import threading

import pytest

from engine.domain.commands import (
    AcknowledgeCopy,
    AddComment,
    ClaimTask,
    Command,
    CopyCase,
    Cosign,
    DelegateTask,
    FireTimer,
    OpenCase,
    ReleaseTask,
    RequestCosign,
    ResolveIncident,
    ReturnTask,
    SendMessage,
    SubmitTask,
    TransferTask,
    UrgeTask,
    WithdrawSubmission,
)
from engine.domain.organisation import Standing, actor_of
from engine.domain.rejection import Rejection
from engine.journal.entry import StoredEntry
from engine.readmodels import inbox
from engine.service.application import Done
from engine.service.demo_answers import ANSWERS, filled
from tests.support.walks import UP, assign, away, give_opinion, graded, graded_major, until_composing
from tests.support.world import CaseView, World


def back(world: World) -> None:
    world.clock.advance(days=2)


def entries(case: CaseView) -> list[StoredEntry]:
    with case.world.services.journal.reading() as tx:
        return tx.read(case.id)


def last(case: CaseView) -> tuple[str, str, str]:
    """Command, actor and absent person of the case's last entry."""
    entry = entries(case)[-1]
    return entry.command["kind"], entry.actor, entry.on_behalf_of


def in_inbox(world: World, login: str, view: str = "all") -> list[tuple[str, str]]:
    actor = world.actor(login)
    with world.services.engine.connect() as conn:
        page = inbox.list_tasks(conn, groups=actor.groups, user_id=login, view=view, now=world.clock.now())
    return [(row.case_id, row.element) for row in page.rows]


def answer(world: World, element: str, **over: object) -> dict[str, object]:
    return {**filled(ANSWERS[element][1], world.stamp(0)), **over}


def code(outcome: Done | Rejection) -> str:
    assert isinstance(outcome, Rejection), outcome
    return outcome.code


# --- substitutes ----------------------------------------------------------------------------------------------------


def test_the_deputy_of_an_absent_leader_sees_and_submits_his_tasks_in_his_name(world):
    case = graded(world)
    assert (case.id, "Task_instruct_vice") not in in_inbox(world, "hejun")
    assert code(case.try_submit("hejun", "Task_instruct_vice", instruction_text="请核实")) == "forbidden"

    away(world, "zhangmin", "hejun")
    assert (case.id, "Task_instruct_vice") in in_inbox(world, "hejun")
    case.fill_as("hejun", "Task_instruct_vice")

    assert last(case) == ("SubmitTask", "hejun", "zhangmin")


def test_after_the_return_the_deputy_has_no_more_of_it(world):
    case = graded(world)
    away(world, "zhangmin", "hejun")
    back(world)

    assert code(case.try_submit("hejun", "Task_instruct_vice", instruction_text="请核实")) == "forbidden"
    case.fill("Task_instruct_vice")
    assert last(case) == ("SubmitTask", "zhangmin", "")


def test_what_a_deputy_claims_for_an_absent_leader_stays_in_the_leaders_name(world):
    case = graded(world)
    away(world, "zhangmin", "hejun")

    case.claim("hejun", "Task_instruct_vice")
    assert last(case) == ("ClaimTask", "hejun", "zhangmin")
    case.fill_as("hejun", "Task_instruct_vice")

    assert last(case) == ("SubmitTask", "hejun", "zhangmin")


def test_a_task_that_the_absent_leader_had_claimed_is_open_to_his_deputy(world):
    case = graded(world)
    case.claim("zhangmin", "Task_instruct_vice")
    away(world, "zhangmin", "hejun")

    case.fill_as("hejun", "Task_instruct_vice")

    assert last(case) == ("SubmitTask", "hejun", "zhangmin")


def test_a_deputy_acts_in_his_own_name_where_the_task_is_his_own_as_well(world):
    case = graded_major(world)
    away(world, "wangfang", "lina")

    case.fill_as("lina", "Task_draft_statement")

    assert last(case) == ("SubmitTask", "lina", ""), "the office is her own role"


def test_what_is_handed_to_a_deputy_by_name_he_does_in_his_own_name(world):
    case = graded(world)
    case.claim("zhangmin", "Task_instruct_vice")
    task = case.task("Task_instruct_vice")
    world.do("zhangmin", TransferTask(task, "hejun", "请何局批示"), case.id)
    away(world, "zhangmin", "hejun")

    case.fill_as("hejun", "Task_instruct_vice")

    assert last(case) == ("SubmitTask", "hejun", "")


def test_a_message_sent_by_a_substitute_is_in_the_name_of_the_absent(world):
    case = graded(world)
    away(world, "wangfang", "pengyu")

    case.message("pengyu", "regrade", **UP)

    assert last(case) == ("SendMessage", "pengyu", "wangfang")


def test_a_substitute_urges_and_copies_as_the_absent_person_could(world):
    case = graded(world)
    task = case.task("Task_instruct_vice")
    assert code(world.ask("pengyu", UrgeTask(task, "请速批示"), case.id)) == "not_found"
    away(world, "wangfang", "pengyu")

    world.do("pengyu", UrgeTask(task, "请速批示"), case.id)
    assert last(case) == ("UrgeTask", "pengyu", "wangfang")
    world.do("pengyu", CopyCase(("user:zhengkai",), "请阅"), case.id)
    assert last(case) == ("CopyCase", "pengyu", "wangfang")


def test_a_co_signature_is_given_for_the_absent_person_who_was_asked(world):
    case = graded(world)
    assign(case)
    task = case.task("Task_sign")
    world.do("liqiang", RequestCosign(task, ("zhengkai",), "请会签"), case.id)
    away(world, "zhengkai", "tangjie")
    assert (case.id, "Task_sign") in in_inbox(world, "tangjie", "cosign")

    world.do("tangjie", Cosign(task, True), case.id)

    assert last(case) == ("Cosign", "tangjie", "zhengkai")
    assert case.live.tasks[task].cosigns == {"zhengkai": "yes"}


def test_when_the_deputy_is_away_too_the_next_one_acts(world):
    case = graded(world)
    away(world, "zhangmin", "hejun")
    away(world, "hejun", "lina")

    case.fill_as("lina", "Task_instruct_vice")

    assert last(case) == ("SubmitTask", "lina", "zhangmin")


def test_a_group_tells_through_whom_it_comes():
    clerk = Standing("lina", "李娜", "bangong", frozenset({"staff", "office"}))
    vice = Standing("zhangmin", "张敏", "julingdao", frozenset({"leader"}), lines=frozenset({"gengbao"}))
    other = Standing("hejun", "何军", "julingdao", frozenset({"leader"}), lines=frozenset({"gengbao", "dengji"}))

    actor = actor_of(clerk, [vice, other])

    assert actor.speaks_for(["office"]) == ""
    assert actor.speaks_for(["line:gengbao", "office"]) == ""
    assert actor.speaks_for(["line:dengji"]) == "hejun"
    assert actor.speaks_for(["user:zhangmin"]) == "zhangmin"
    assert actor.speaks_for(["line:gengbao"]) == "hejun", "two absent ones: the first by login, always the same"
    assert actor.speaks_for(["chief"]) is None
    assert actor.groups == clerk.own_groups() | vice.own_groups() | other.own_groups()


# --- handing a task around -----------------------------------------------------------------------------------------


def verifying(world: World) -> tuple[CaseView, str]:
    """A case whose verification waits for unit gengbao, and the task."""
    case = graded(world)
    assign(case)
    case.fill("Task_sign")
    return case, case.task("Task_verify")


def test_a_claimed_task_is_closed_to_colleagues_until_it_is_released(world):
    case, task = verifying(world)
    world.do("liqiang", ClaimTask(task), case.id)

    assert code(world.ask("yangyang", ClaimTask(task), case.id)) == "conflict"
    assert code(world.ask("yangyang", SubmitTask(task, answer(world, "Task_verify")), case.id)) == "conflict"
    assert code(world.ask("yangyang", ReleaseTask(task), case.id)) == "conflict"
    world.do("liqiang", ReleaseTask(task), case.id)
    case.fill_as("yangyang", "Task_verify")

    assert last(case) == ("SubmitTask", "yangyang", "")


def test_a_transferred_task_belongs_to_its_new_holder_who_may_give_it_back(world):
    case, task = verifying(world)
    world.do("liqiang", ClaimTask(task), case.id)
    assert code(world.ask("liqiang", TransferTask(task, "yangyang", " "), case.id)) == "invalid", "with a reason only"
    world.do("liqiang", TransferTask(task, "yangyang", "由杨洋现场核实"), case.id)
    assert (case.id, "Task_verify") in in_inbox(world, "yangyang", "mine")
    assert code(world.ask("liqiang", SubmitTask(task, answer(world, "Task_verify")), case.id)) == "conflict"

    world.do("yangyang", ReturnTask(task, "已有其他任务"), case.id)

    assert case.live.tasks[task].assignee == "liqiang"


def test_a_task_may_be_handed_to_somebody_of_another_unit_who_then_sees_the_case(world):
    case, task = verifying(world)
    assert code(world.ask("zhouwei", ClaimTask(task), case.id)) == "not_found"

    world.do("liqiang", TransferTask(task, "zhouwei", "涉及生态修复"), case.id)

    case.fill_as("zhouwei", "Task_verify")


def test_the_head_of_a_unit_may_move_a_task_that_an_absent_colleague_holds(world):
    case, task = verifying(world)
    world.do("yangyang", ClaimTask(task), case.id)

    world.do("liqiang", TransferTask(task, "huangtao", "杨洋请假"), case.id)

    assert case.live.tasks[task].assignee == "huangtao"
    assert code(world.ask("yangyang", SubmitTask(task, answer(world, "Task_verify")), case.id)) == "conflict"


def test_a_delegate_fills_in_and_the_owner_submits(world):
    case, task = verifying(world)
    world.do("liqiang", ClaimTask(task), case.id)
    world.do("liqiang", DelegateTask(task, "yangyang", "请先起草"), case.id)
    assert code(world.ask("liqiang", SubmitTask(task, answer(world, "Task_verify")), case.id)) == "conflict"

    draft = answer(world, "Task_verify", verify_conclusion="true")
    world.do("yangyang", SubmitTask(task, draft), case.id)
    assert case.live.tasks[task].assignee == "liqiang"
    assert case.live.tasks[task].proposed["verify_conclusion"] == "true"
    assert "Task_opinion" not in case.open
    case.fill_as("liqiang", "Task_verify")

    assert "Task_opinion" in case.open
    assert [e["by"] for e in case.kinds("TaskCompleted") if e["element"] == "Task_verify"] == ["liqiang"]


def test_a_task_waits_for_its_co_signatures_and_a_no_is_kept_with_its_reason(world):
    case, task = verifying(world)
    world.do("liqiang", ClaimTask(task), case.id)
    world.do("liqiang", RequestCosign(task, ("zhengkai", "madong"), "请会签"), case.id)
    assert code(world.ask("liqiang", SubmitTask(task, answer(world, "Task_verify")), case.id)) == "conflict"
    assert code(world.ask("huangtao", Cosign(task, True), case.id)) == "not_found"
    assert code(world.ask("wangfang", Cosign(task, True), case.id)) == "forbidden"
    assert code(world.ask("madong", Cosign(task, False), case.id)) == "invalid", "a no needs its reason"

    world.do("zhengkai", Cosign(task, True), case.id)
    world.do("madong", Cosign(task, False, "面积有出入"), case.id)
    assert code(world.ask("madong", Cosign(task, True), case.id)) == "conflict"
    case.fill_as("liqiang", "Task_verify")

    assert [(e["user"], e["agree"], e.get("comment", "")) for e in case.kinds("Cosigned")] == [
        ("zhengkai", True, ""), ("madong", False, "面积有出入"),
    ]  # fmt: skip


def test_a_submission_is_withdrawn_while_nobody_has_acted_on_it(world):
    case, _ = verifying(world)
    done = case.fill("Task_verify", verify_conclusion="true")
    assert code(world.ask("yangyang", WithdrawSubmission(done.seq, "写错了"), case.id)) == "forbidden"

    world.do("liqiang", WithdrawSubmission(done.seq, "写错了"), case.id)

    assert "Task_verify" in case.open
    assert "Task_opinion" not in case.open
    assert "verify_conclusion" not in case.data["unit_results"][0]
    case.fill("Task_verify")
    case.fill("Task_opinion")


def test_a_submission_that_others_have_built_on_can_not_be_withdrawn(world):
    case, _ = verifying(world)
    done = case.fill("Task_verify")
    case.fill_as("yangyang", "Task_opinion")

    assert code(world.ask("liqiang", WithdrawSubmission(done.seq, "写错了"), case.id)) == "conflict"


def test_the_leader_may_withdraw_what_his_deputy_submitted_for_him(world):
    case = graded(world)
    away(world, "zhangmin", "hejun")
    done = case.fill_as("hejun", "Task_instruct_vice")

    world.do("zhangmin", WithdrawSubmission(done.seq, "另行批示"), case.id)

    assert "Task_instruct_vice" in case.open


# --- who is kept out -----------------------------------------------------------------------------------------------


def every_command(case: CaseView) -> list[Command]:
    task = case.task("Task_sign")
    return [
        OpenCase("opinion_case", {}),
        SubmitTask(task, answer(case.world, "Task_sign")),
        ClaimTask(task),
        ReleaseTask(task),
        TransferTask(task, "yangyang", "转办"),
        DelegateTask(task, "yangyang", "委派"),
        ReturnTask(task, "退回"),
        RequestCosign(task, ("zhengkai",), "会签"),
        Cosign(task, True),
        CopyCase(("user:zhengkai",), "抄送"),
        AcknowledgeCopy(),
        UrgeTask(task, "催办"),
        WithdrawSubmission(2, "撤回"),
        AddComment("意见"),
        SendMessage("regrade", UP),
        FireTimer(next(iter(case.live.timers))),
    ]


def test_a_unit_that_is_not_involved_is_told_that_there_is_no_such_case(world):
    case = graded(world)
    assign(case)
    before = len(entries(case))

    for command in every_command(case)[1:]:
        refused = world.ask("zhouwei", command, case.id)
        assert (code(refused), refused.key) == ("not_found", "case.unknown"), command.kind
    nowhere = world.ask("zhouwei", AddComment("意见"), "WQ-2026-999999")
    assert (code(nowhere), nowhere.key) == ("not_found", "case.unknown"), "the very words of a case that is not there"

    assert len(entries(case)) == before


@pytest.mark.parametrize("login", ["sunli", "zhaoming", "qianjin", "wumin"])
def test_process_owner_auditor_and_admins_do_no_case_work(world, login):
    case = graded(world)
    assign(case)
    before = len(entries(case))

    for command in every_command(case):
        refused = world.ask(login, command, "" if isinstance(command, OpenCase) else case.id)
        assert code(refused) in ("forbidden", "not_found"), command.kind

    assert len(entries(case)) == before


def test_only_the_clock_fires_timers(world):
    case = graded(world)

    for login in ("wangfang", "liuwei", "zhaogang"):
        assert code(world.ask(login, FireTimer(next(iter(case.live.timers))), case.id)) == "forbidden"


def test_an_incident_is_resolved_by_office_or_process_owner_only(world):
    case = graded(world)

    for login in ("zhangmin", "liqiang", "zhaoming"):
        assert code(world.ask(login, ResolveIncident(1, "已处理"), case.id)) in ("forbidden", "not_found")
    assert world.ask("wangfang", ResolveIncident(1, "已处理"), case.id).key == "incident.unknown"


@pytest.mark.parametrize(
    ("login", "message"), [("liqiang", "regrade"), ("zhaogang", "regrade"), ("zhangmin", "oral_instruction")]
)
def test_a_message_is_taken_only_from_the_people_it_is_drawn_for(world, login, message):
    case = graded(world)
    assign(case)

    assert code(case.try_message(login, message, **UP)) == "forbidden"
    assert case.kinds("MessageReceived") == []


def test_a_person_of_the_unit_works_only_on_the_tasks_of_the_unit(world):
    case = graded(world)
    assign(case, "gengbao", "zhifa")

    assert code(case.try_submit("liqiang", "Task_sign", "zhifa", **answer(world, "Task_sign"))) == "forbidden"
    assert code(case.try_submit("liqiang", "Task_instruct_vice", instruction_text="请核实")) == "forbidden"
    give_opinion(case, "gengbao")


# --- once, and one of two -----------------------------------------------------------------------------------------


def at_once(jobs: list) -> list:
    """Runs every job in a thread of its own, all let go at the same moment; their results in order."""
    results: list = [None] * len(jobs)
    gate = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        gate.wait()
        results[number] = jobs[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_command_sent_twice_is_carried_out_once_and_answered_alike(world):
    case, task = verifying(world)
    actor = world.actor("liqiang")
    command = SubmitTask(task, answer(world, "Task_verify"))

    first, again = (
        world.services.application.handle(command, actor, case_id=case.id, command_id="page-1") for _ in range(2)
    )

    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (again.case_id, again.seq) == (first.case_id, first.seq)
    assert [e["kind"] for e in again.events] == [e["kind"] for e in first.events]
    assert [e.command_id for e in entries(case)].count("page-1") == 1


def test_the_same_command_from_eight_threads_at_once_makes_one_entry(world):
    case, task = verifying(world)
    actor = world.actor("liqiang")
    command = SubmitTask(task, answer(world, "Task_verify"))

    handle = world.services.application.handle
    outcomes = at_once([lambda: handle(command, actor, case_id=case.id, command_id="page-1")] * 8)

    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    assert len({outcome.seq for outcome in outcomes}) == 1
    assert [e.command_id for e in entries(case)].count("page-1") == 1
    assert [e["element"] for e in case.kinds("TaskCompleted")].count("Task_verify") == 1


def test_the_same_registration_from_eight_threads_opens_one_case(world):
    graded(world)
    actor = world.actor("wangfang")
    first = entries(world.case("WQ-2026-000001"))[0]
    command = OpenCase("opinion_case", first.command["values"])

    handle = world.services.application.handle
    outcomes = at_once([lambda: handle(command, actor, command_id="page-2")] * 8)

    assert {(outcome.case_id, outcome.seq) for outcome in outcomes} == {("WQ-2026-000002", 1)}
    with world.services.journal.reading() as tx:
        assert [s for s in tx.streams() if s.startswith("WQ")] == ["WQ-2026-000001", "WQ-2026-000002"]


def test_of_two_people_who_submit_the_same_task_at_once_one_wins_and_the_other_is_told(world):
    case, task = verifying(world)
    handle = world.services.application.handle

    def submit(login: str):
        actor = world.actor(login)
        command = SubmitTask(task, answer(world, "Task_verify", verified_by=login))
        return lambda: handle(command, actor, case_id=case.id, command_id=f"page-of-{login}")

    outcomes = at_once([submit("liqiang"), submit("yangyang")])

    won = [outcome for outcome in outcomes if isinstance(outcome, Done)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, Rejection)]
    assert (len(won), [(r.code, r.key) for r in lost]) == (1, [("conflict", "task.gone")])
    winner = ("liqiang", "yangyang")[outcomes.index(won[0])]
    assert case.data["unit_results"][0]["verified_by"] == winner


def test_two_processes_on_one_database_lose_no_race(world):
    case, task = verifying(world)
    ours = world.services.application
    theirs = world.start().application
    actors = world.actor("liqiang"), world.actor("yangyang")
    values = answer(world, "Task_verify")

    outcomes = at_once(
        [
            lambda app=app, actor=actor: app.handle(
                SubmitTask(task, values), actor, case_id=case.id, command_id=f"page-of-{actor.user_id}"
            )
            for app, actor in zip((ours, theirs), actors, strict=True)
        ]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Done", "Rejection"]
    assert [e["element"] for e in case.kinds("TaskCompleted")].count("Task_verify") == 1


def test_comments_of_eight_people_at_once_all_stand_in_the_journal(world):
    case = until_composing(world)
    before = len(entries(case))
    logins = ["wangfang", "lina", "zhangmin", "liuwei", "liqiang", "yangyang", "zhaogang", "fengxue"]

    outcomes = at_once(
        [lambda login=login: world.ask(login, AddComment(f"{login}: 已阅"), case.id) for login in logins]
    )

    assert all(isinstance(outcome, Done) for outcome in outcomes), outcomes
    assert [e.seq for e in entries(case)] == list(range(1, before + 9))
    assert sorted(e["by"] for e in case.kinds("CommentAdded")) == sorted(logins)


def test_a_section_head_takes_over_a_task_of_his_unit_in_his_own_name(world):
    case, task = verifying(world)
    world.do("yangyang", ClaimTask(task), case.id)

    world.do("liqiang", TransferTask(task, "liqiang", "杨洋请假，由我办理"), case.id)

    taken = entries(case)[-1]
    assert (taken.actor, taken.on_behalf_of) == ("liqiang", "")
    assert case.live.tasks[task].assignee == "liqiang"
    stranger = world.ask("huangtao", TransferTask(task, "xuli", "不是我的单位"), case.id)
    assert code(stranger) in ("forbidden", "not_found")
    nobody = world.ask("liqiang", TransferTask(task, "meiyouzheren", "查无此人"), case.id)
    assert isinstance(nobody, Rejection)
    assert [(f.path, f.key) for f in nobody.fields] == [("to", "person.unknown")]
