"""Changing the process while cases run: new cases on the new version, running ones on theirs, every version kept."""

import json
from datetime import timedelta

import pytest

from engine import cli
from engine.domain.codec import parse_instant
from engine.domain.commands import MigrateCase
from engine.domain.rejection import Rejection
from engine.journal.chain import verify_chain
from engine.kernel.replay import replay
from engine.readmodels import cases, clocks
from engine.service import case_view
from engine.service.application import Done
from engine.service.bundle_folder import collect, from_zip, to_zip
from engine.service.deployments import STREAM, Deployment, check
from tests.support.walks import archived, assign, feed_back, give_opinion, graded, publish
from tests.support.world import CaseView, World, shipped_files

Files = dict[str, bytes]


def changed(path: str, old: str, new: str, files: Files | None = None) -> Files:
    """The shipped bundle (or `files`) with one text of one file replaced."""
    files = dict(files or shipped_files())
    text = files[path].decode()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
    files[path] = text.replace(old, new).encode()
    return files


def four_hours() -> Files:
    return changed("bpmn/unit_handling.bpmn", 'delivered_at + duration("PT8H")', 'delivered_at + duration("PT4H")')


def stricter_instruction() -> Files:
    """The instruction must say until when; its second field is new and required."""
    files = dict(shipped_files())
    form = json.loads(files["forms/instruction.form"])
    form["components"].append(
        {
            "type": "textfield",
            "key": "answer_by",
            "label": "何时报结果",
            "id": "Field_by",
            "validate": {"required": True},
        }
    )
    files["forms/instruction.form"] = json.dumps(form, ensure_ascii=False, indent=2).encode()
    return files


def deploy(world: World, files: Files, reason: str = "试行") -> Deployment:
    outcome = world.services.deployments.deploy(files, "sunli", reason, f"again-{next(world.numbers)}")
    assert not isinstance(outcome, Rejection), outcome
    return outcome[1]


def version(case: CaseView) -> str:
    with case.world.services.engine.connect() as conn:
        row = cases.get(conn, case.id)
    assert row is not None
    return row.bundle


def deadline_of_unit(case: CaseView) -> timedelta:
    (armed,) = [e for e in case.kinds("TimerArmed") if e.get("limit") == "eight_hours" and not e.get("warns_of")]
    return parse_instant(armed["deadline"]) - parse_instant(armed["anchor_at"])


# --- side by side ---------------------------------------------------------------------------------------------------


def test_new_cases_run_on_the_new_version_and_running_ones_stay_on_theirs(world):
    old = graded(world)
    first = version(old)

    second = deploy(world, four_hours()).version
    new = graded(world)
    for case in (old, new):
        assign(case)

    assert (version(old), version(new)) == (first, second)
    assert (deadline_of_unit(old), deadline_of_unit(new)) == (timedelta(hours=8), timedelta(hours=4))
    world.wait(hours=4)
    assert [e["limit"] for e in new.kinds("LimitBreached")] == ["eight_hours"]
    assert old.kinds("LimitBreached") == []


def test_both_versions_reach_the_archive_side_by_side(world):
    old = graded(world)
    deploy(world, four_hours())
    new = graded(world)

    for case in (old, new):
        case.fill_all("Task_contact", "Task_instruct_vice", "Task_confirm_subject")
        assign(case)
    for case in (new, old):
        give_opinion(case)
        publish(case)
        feed_back(case)
        case.fill_all("Task_closing_review", "Task_archive")
    world.wait(days=30)

    assert {case.live.outcome for case in (old, new)} == {"archived"}
    with world.services.journal.reading() as tx:
        ran_on = [{e.bundle for e in tx.read(case.id)} for case in (old, new)]
    assert ran_on == [{version(old)}, {version(new)}]
    assert version(old) != version(new)


def test_a_case_keeps_the_forms_it_was_asked_with(world):
    old = graded(world)
    deploy(world, stricter_instruction())
    new = graded(world)
    task = old.task("Task_instruct_vice")
    keys = []
    for case in (old, new):
        view = case_view.task_view(world.services, case.id, task, world.actor("zhangmin"))
        assert not isinstance(view, Rejection)
        assert view.schema is not None
        keys.append({component.get("key") for component in view.schema["components"]})

    refused = new.try_submit("zhangmin", "Task_instruct_vice", instruction_text="请速核实")
    old.submit("zhangmin", "Task_instruct_vice", instruction_text="请速核实")

    assert keys[1] - keys[0] == {"answer_by"}
    assert isinstance(refused, Rejection)
    assert [fault.path for fault in refused.fields] == ["answer_by"]
    new.submit("zhangmin", "Task_instruct_vice", instruction_text="请速核实", answer_by="明日中午")
    assert new.data["answer_by"] == "明日中午"


def test_a_form_first_met_after_the_deployment_is_still_that_of_the_cases_own_version(world):
    old = world.open()
    deploy(world, stricter_instruction())
    old.fill_all("Task_screen", "Task_grade")

    old.submit("zhangmin", "Task_instruct_vice", instruction_text="请速核实")

    assert "answer_by" not in old.data


def test_after_a_restart_both_versions_are_still_there(world):
    old = graded(world)
    deploy(world, four_hours())
    new = graded(world)

    world.start()
    for case in (old, new):
        assign(case)

    assert (deadline_of_unit(old), deadline_of_unit(new)) == (timedelta(hours=8), timedelta(hours=4))


def test_a_reopened_case_goes_through_its_own_version_again(world):
    case = archived(world)
    deploy(world, stricter_instruction())

    case.message(
        "wangfang", "reopen", source_type="weibo", source_name="许都微博(虚构)", reopen_reason="舆情反复",
        discovered_at=world.stamp(0),
    )  # fmt: skip
    case.fill_all("Task_screen", "Task_grade")

    case.submit("zhangmin", "Task_instruct_vice", instruction_text="请速核实")


# --- kept for ever -------------------------------------------------------------------------------------------------


def test_every_version_downloads_byte_for_byte(world):
    crlf = dict(shipped_files())
    crlf["bpmn/triage.bpmn"] = crlf["bpmn/triage.bpmn"].replace(b"\n", b"\r\n") + b"\r\n<!-- \xe8\xaf\x95 -->  \r\n"
    crlf["forms/screen.form"] = b"  " + crlf["forms/screen.form"] + b"\n\n"
    bundles = [shipped_files(), four_hours(), crlf, stricter_instruction()]
    for files in bundles[1:]:
        deploy(world, files)
    versions = [deployment.version for deployment in reversed(world.services.deployments.history())]

    world.start()
    for number, files in zip(versions, bundles, strict=True):
        kept = world.services.deployments.files(number)
        assert kept == dict(files)
        assert from_zip(to_zip(kept)) == kept
    assert len(set(versions)) == len(versions)


def test_an_older_version_can_be_made_live_again(world):
    deploy(world, four_hours())

    back = deploy(world, dict(shipped_files()), "四小时过严，恢复")

    assert [d.number for d in world.services.deployments.history()] == [3, 2, 1]
    assert version(graded(world)) == back.version == world.services.deployments.history()[-1].version


def test_who_deployed_what_and_why_is_in_a_chained_stream(world):
    deploy(world, four_hours(), "市局要求加严")

    with world.services.journal.reading() as tx:
        entries = tx.read(STREAM)
    assert list(verify_chain(entries)) == []
    assert [e.command["reason"] for e in entries] == ["测试", "市局要求加严"]
    latest = world.services.deployments.history()[0]
    assert (latest.actor, latest.reason, latest.number) == ("sunli", "市局要求加严", 2)


def test_one_diagram_saved_by_a_modeler_is_laid_over_the_live_bundle(world, tmp_path):
    saved = tmp_path / "unit_handling.bpmn"
    saved.write_bytes(four_hours()["bpmn/unit_handling.bpmn"])

    files = collect([saved], world.services.deployments)

    assert files == four_hours()


# --- refused -------------------------------------------------------------------------------------------------------

TRIAGE = "bpmn/triage.bpmn"
ERRORS = {
    "a condition that is no FEEL": (
        TRIAGE, "=relevant = true and directly_related = true and", "=relevant = = true and",
        "Flow_direct__criteria", "是", "bpmn.expression",
    ),
    "a condition in Python": (
        TRIAGE, "=relevant = true and directly_related = true and", "=__import__('os').system('true') and",
        "Flow_direct__criteria", "是", "bpmn.expression",
    ),
    "a form that is not there": (
        TRIAGE, 'camunda:formRef="grade"', 'camunda:formRef="grade2"', "Task_grade", "定级", "bpmn.form_unknown",
    ),
    "a task for nobody": (
        TRIAGE, 'camunda:formRef="grade" camunda:formRefBinding="deployment" camunda:candidateGroups="office"',
        'camunda:formRef="grade" camunda:formRefBinding="deployment"', "Task_grade", "定级", "bpmn.nobody",
    ),
    "a process that is not there": (
        "bpmn/opinion_case.bpmn", 'calledElement="archive"', 'calledElement="arkive"',
        "Call_archive", "整理归档", "bpmn.call_unknown",
    ),
    "a decision that is not there": (
        TRIAGE, 'camunda:decisionRef="grading"', 'camunda:decisionRef="graden"',
        "Rule_grading", "建议等级", "bpmn.decision_unknown",
    ),
}  # fmt: skip


@pytest.mark.parametrize("error", ERRORS)
def test_a_bundle_with_an_error_is_refused_with_the_elements_id_name_and_line(world, error):
    path, old, new, element, name, key = ERRORS[error]
    files = changed(path, old, new)
    running = graded(world)

    outcome = world.services.deployments.deploy(files, "sunli", "试行", "deploy-2")

    assert isinstance(outcome, Rejection)
    assert outcome.code == "unsound"
    (finding,) = [f for f in check(files).findings if f.severity == "error"]
    assert (finding.file, finding.element, finding.name, finding.key) == (path, element, name, key)
    there = "\n".join(files[path].decode().splitlines()[finding.line - 1 : finding.line + 1])
    assert new in there, "the line of the element, or of the flow whose condition is meant"
    assert [d.number for d in world.services.deployments.history()] == [1], "nothing was stored"
    assert version(graded(world)) == version(running)


def test_an_element_that_is_not_supported_is_refused_by_element(world):
    files = changed(
        "bpmn/collect_verify.bpmn", "</bpmn:process>", '<bpmn:transaction id="Tx_1" name="成批办理" /></bpmn:process>'
    )

    outcome = world.services.deployments.deploy(files, "sunli", "试行", "deploy-2")

    assert isinstance(outcome, Rejection)
    findings = [f for f in check(files).findings if f.severity == "error"]
    assert [(f.file, f.element, f.name) for f in findings] == [("bpmn/collect_verify.bpmn", "Tx_1", "成批办理")]
    assert b"Tx_1" in files["bpmn/collect_verify.bpmn"].splitlines()[findings[0].line - 1]


@pytest.mark.parametrize("reason", ["", "   ", "\n\t"])
def test_a_deployment_without_a_reason_is_refused(world, reason):
    outcome = world.services.deployments.deploy(four_hours(), "sunli", reason, "deploy-2")

    assert isinstance(outcome, Rejection)
    assert outcome.code == "invalid"
    assert [(fault.path, fault.key) for fault in outcome.fields] == [("reason", "form.required")]
    assert len(world.services.deployments.history()) == 1


def test_the_bundle_that_is_live_is_not_deployed_again(world):
    outcome = world.services.deployments.deploy(shipped_files(), "sunli", "试行", "deploy-2")

    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.key) == ("conflict", "bundle.is_live")


def test_the_command_line_deploys_one_file_and_refuses_a_broken_one(world, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("OPINION_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(tmp_path))
    good, bad = tmp_path / "unit_handling.bpmn", tmp_path / "triage.bpmn"
    good.write_bytes(four_hours()["bpmn/unit_handling.bpmn"])
    path, old, new, *_ = ERRORS["a condition that is no FEEL"]
    bad.write_bytes(changed(path, old, new)[path])

    refused = cli.main(["deploy", str(bad), "--reason", "试行", "--actor", "sunli"])
    shown = capsys.readouterr()
    assert refused == 1
    assert "Flow_direct__criteria" in shown.out
    assert cli.main(["deploy", str(good), "--reason", "试行", "--actor", "sunli"]) == 0

    assert [d.number for d in world.services.deployments.history()] == [2, 1]
    assert version(graded(world)) == world.services.deployments.history()[0].version


def test_histories_of_every_version_replay_on_a_program_that_has_just_started(world):
    old = graded(world)
    deploy(world, four_hours())
    new = graded(world)

    services = world.start()

    with services.journal.reading() as tx:
        for case in (old, new):
            steps = list(replay(tx.read(case.id), services.application.live.loader(tx)))
            assert [step.divergence for step in steps] == [None] * len(steps)


# --- migration ------------------------------------------------------------------------------------------------------


def migrate(case: CaseView, version: str, login: str = "sunli") -> Done | Rejection:
    return case.world.ask(login, MigrateCase(version, "按新版办理"), case.id)


def limits_of(case: CaseView, limit: str) -> list[tuple[str, timedelta, str]]:
    """(state, length from the anchor, cause) of every limit of that id, in the order in which they were armed."""
    with case.world.services.engine.connect() as conn:
        rows = clocks.for_case(conn, case.id)
    found = sorted((row for row in rows if row.limit_id == limit), key=lambda row: row.armed_at)
    return [(row.state, row.deadline - row.anchor_at, row.cause) for row in found]


def test_a_migrated_case_has_the_new_limit_from_the_old_anchor(world):
    case = graded(world)
    assign(case)
    world.wait(hours=2)

    moved = migrate(case, deploy(world, four_hours()).version)

    assert isinstance(moved, Done)
    assert limits_of(case, "eight_hours") == [
        ("cancelled", timedelta(hours=8), ""),
        ("running", timedelta(hours=4), ""),
    ]
    assert version(case) == world.services.deployments.bundle().version
    world.wait(hours=2)
    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["eight_hours"]
    give_opinion(case)
    assert limits_of(case, "eight_hours")[1][0] == "met_late"


def test_a_limit_that_has_passed_by_the_new_version_is_broken_when_the_case_comes_to_it(world):
    case = graded(world)
    assign(case)
    world.wait(hours=5)

    migrate(case, deploy(world, four_hours()).version)

    (breach,) = case.kinds("LimitBreached")
    assert (breach["limit"], breach["cause"]) == ("eight_hours", "limit.cause.recorded_late")
    assert case.kinds("TimerFired")[-1]["late_seconds"] == 3600


def test_going_back_to_the_old_version_gives_the_old_limit_again_and_the_breach_stays_on_record(world):
    case = graded(world)
    first = version(case)
    assign(case)
    world.wait(hours=5)
    migrate(case, deploy(world, four_hours()).version)
    world.wait(minutes=1)

    back = migrate(case, first)

    assert isinstance(back, Done)
    assert [(state, length) for state, length, _ in limits_of(case, "eight_hours")] == [
        ("cancelled", timedelta(hours=8)),
        ("breached", timedelta(hours=4)),
        ("running", timedelta(hours=8)),
    ]


def test_a_case_that_the_new_version_would_have_asked_more_of_stays_on_its_own(world):
    case = graded(world)
    case.fill("Task_instruct_vice")
    before = version(case)

    refused = migrate(case, deploy(world, stricter_instruction()).version)

    assert isinstance(refused, Rejection) and refused.key == "migrate.refused"
    assert refused.details["seq"] == case.live.seq
    assert version(case) == before


@pytest.mark.parametrize("login", ["wangfang", "zhangmin", "zhaoming", "qianjin"])
def test_only_the_process_owner_migrates(world, login):
    case = graded(world)
    new = deploy(world, four_hours()).version

    refused = migrate(case, new, login)

    assert isinstance(refused, Rejection) and refused.code == "forbidden"


def test_a_restarted_program_goes_on_with_a_migrated_case(world):
    case = graded(world)
    assign(case)
    migrate(case, deploy(world, four_hours()).version)

    world.start()
    world.wait(hours=4)

    assert [e["limit"] for e in case.kinds("LimitBreached")] == ["eight_hours"]


def test_the_command_line_migrates_and_says_why_not(world, monkeypatch, capsys):
    case = graded(world)
    new = deploy(world, four_hours()).version
    monkeypatch.setenv("OPINION_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("OPINION_DATA_DIR", str(world.settings.data_dir))
    ask = ["migrate", case.id, "--reason", "试行", "--actor"]

    codes = [
        cli.main([*ask, "sunli", "--to", "ffff"]),
        cli.main([*ask, "wangfang", "--to", new[:8]]),
        cli.main([*ask, "sunli"]),
        cli.main([*ask, "sunli"]),
    ]

    said = capsys.readouterr().out
    assert codes == [2, 1, 0, 1]
    assert "没有这个版本: ffff" in said and "须由流程负责人办理" in said and f"已迁移 {case.id}" in said
    assert "案件已经在这一版流程上" in said
