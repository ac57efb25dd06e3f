"""Changes of the shipped bundle that keep its meaning as far as the regulation goes: none may raise an alarm."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable

from lxml import etree

from tests.unit.checks.bundle_edits import (
    DI,
    B,
    C,
    D,
    Files,
    add,
    condition,
    connect,
    drop_branch,
    drop_field,
    el,
    flow,
    form,
    groups,
    prop,
    put_after,
    put_before,
    scope_of,
    script,
    text,
    timer,
    wrap,
    xml,
)

Change = Callable[[Files], None]
CHANGES: dict[str, Change] = {}
CHECK = '<bpmn:userTask id="Task_x" name="复核" camunda:candidateGroups="office"/>'
FLOW_NODE = re.compile(r"(Task|Call|Event|Gateway|Script|Service|Rule|Flow)_\w+")


def keeps(function: Change) -> Change:
    CHANGES[function.__name__] = function
    return function


def diagrams(files: Files) -> list[str]:
    return [path.removeprefix("bpmn/") for path in files if path.endswith(".bpmn")]


@keeps
def recused_units_spelled_out(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        prop(el(root, "Task_supervision_group"), "recuse", "=for one in units return one, =lead_unit")


@keeps
def everything_renamed(files: Files) -> None:
    for name in diagrams(files):
        with xml(files, name) as root:
            for number, one in enumerate(root.iter(f"{B}*")):
                if one.get("name") and one.tag not in (f"{B}message", f"{B}signal", f"{B}error"):
                    one.set("name", f"步骤{number}")


@keeps
def every_id_renamed(files: Files) -> None:
    """Element and process ids, in diagrams and profile alike, as a consistent rename does."""
    ids = {"opinion_case": "P_1", "holding_statement": "P_2", "unit_handling": "P_3"}
    for name in diagrams(files):
        with xml(files, name) as root:
            for number, one in enumerate(root.iter(f"{B}*")):
                if one.get("id") and FLOW_NODE.fullmatch(one.get("id")):
                    ids.setdefault(one.get("id"), f"Z{len(ids)}_{number}")
    pattern = re.compile(r"(?<![\w.])(" + "|".join(sorted(ids, key=len, reverse=True)) + r")(?![\w])")
    for path in [p for p in files if p.endswith((".bpmn", ".toml"))]:
        files[path] = pattern.sub(lambda m: ids[m[1]], files[path].decode()).encode()


@keeps
def clause_tags_deleted(files: Files) -> None:
    for name in diagrams(files):
        with xml(files, name) as root:
            for one in list(root.iter(f"{C}property")):
                if one.get("name") == "clause":
                    one.getparent().remove(one)


@keeps
def layout_thrown_away(files: Files) -> None:
    for name in diagrams(files):
        with xml(files, name) as root:
            for one in list(root.iter(f"{DI}BPMNDiagram")):
                one.getparent().remove(one)


@keeps
def flows_and_elements_in_another_order(files: Files) -> None:
    for name in diagrams(files):
        with xml(files, name) as root:
            for process in root.iter(f"{B}process"):
                process[:] = list(process)[::-1]


@keeps
def eight_hours_in_minutes(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'delivered_at + duration("PT480M")')


@keeps
def six_hours(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'date and time(delivered_at) + duration("PT6H")')


@keeps
def statement_an_hour_earlier(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_same_day_due", 'end of day(discovered_at) - duration("PT1H")')


@keeps
def more_warnings(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        prop(el(root, "Event_eight_hours"), "warnings", "25%,50%,75%,90%,-PT10M")


@keeps
def extra_warning_timer(files: Files) -> None:
    """A reminder after four hours beside the limit; it is not a limit and needs no consequences."""
    with xml(files, "unit_handling.bpmn") as root:
        add(
            root,
            "Call_unit_opinion",
            '<bpmn:boundaryEvent id="Event_x" attachedToRef="Call_unit_opinion" cancelActivity="false">'
            '<bpmn:timerEventDefinition><bpmn:timeDate>delivered_at + duration("PT4H")</bpmn:timeDate>'
            "</bpmn:timerEventDefinition></bpmn:boundaryEvent>",
        )
        _notify(root, "Call_unit_opinion", "Service_x", '="unit:" + unit')
        add(root, "Call_unit_opinion", '<bpmn:endEvent id="Event_y"/>')
        connect(root, "Event_x", "Service_x")
        connect(root, "Service_x", "Event_y")


@keeps
def extra_notification(files: Files) -> None:
    with xml(files, "unit_opinion.bpmn") as root:
        made = put_after(root, "Task_verify", '<bpmn:serviceTask id="Service_x"/>')
        _as_notify(el(root, made), "office")


@keeps
def extra_user_task_before_screening(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        put_before(root, "Task_screen", CHECK)


@keeps
def extra_user_task_before_the_opinion(files: Files) -> None:
    with xml(files, "unit_opinion.bpmn") as root:
        put_before(root, "Task_opinion", CHECK)


@keeps
def extra_user_task_before_drafting_the_statement(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        put_before(root, "Task_draft_statement", CHECK)


@keeps
def extra_user_task_before_archiving(files: Files) -> None:
    with xml(files, "archive.bpmn") as root:
        put_before(root, "Task_archive", CHECK)


@keeps
def choice_that_comes_together_again(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        put_before(root, "Task_compose_reply", '<bpmn:exclusiveGateway id="Gateway_y"/>')
        put_before(root, "Gateway_y", '<bpmn:exclusiveGateway id="Gateway_x" default="Flow_d"/>')
        el(root, "Flow_new_Gateway_x__Gateway_y").set("id", "Flow_d")
        add(root, "Task_compose_reply", CHECK)
        connect(root, "Gateway_x", "Task_x", 'source_type = "forum"')
        connect(root, "Task_x", "Gateway_y")


@keeps
def choice_between_two_same_tasks(files: Files) -> None:
    """Screening by two differently named tasks with the same form."""
    with xml(files, "triage.bpmn") as root:
        twin = copy.deepcopy(el(root, "Task_screen"))
        twin.set("id", "Task_screen_2")
        scope_of(root, "Task_screen").append(twin)
        put_before(root, "Task_screen", '<bpmn:exclusiveGateway id="Gateway_x" default="Flow_d"/>')
        el(root, "Flow_new_Gateway_x__Task_screen").set("id", "Flow_d")
        connect(root, "Gateway_x", "Task_screen_2", 'source_type = "forum"')
        connect(root, "Task_screen_2", "Gateway_direct")


@keeps
def publishing_the_statement_split_in_two_tasks(files: Files) -> None:
    content = json.loads(files["forms/statement_publish.form"])
    content["id"] = "statement_proof"
    files["forms/statement_proof.form"] = json.dumps(content).encode()
    form(
        files, "statement_publish", lambda c: [drop_field(c, k) for k in ("statement_url", "statement_proof")] and None
    )
    form(
        files,
        "statement_proof",
        lambda c: [drop_field(c, k) for k in ("statement_channel", "statement_published_at")] and None,
    )
    with xml(files, "holding_statement.bpmn") as root:
        put_after(
            root,
            "Task_publish_statement",
            '<bpmn:userTask id="Task_proof" camunda:formRef="statement_proof" camunda:candidateGroups="office"/>',
        )


@keeps
def verification_split_in_two_tasks(files: Files) -> None:
    content = json.loads(files["forms/unit_verify.form"])
    content["id"] = "unit_trend"
    files["forms/unit_trend.form"] = json.dumps(content).encode()
    form(files, "unit_verify", lambda c: [drop_field(c, k) for k in ("trend", "impact_score", "spread_note")] and None)
    form(
        files,
        "unit_trend",
        lambda c: [drop_field(c, k) for k in ("verify_facts", "verify_conclusion", "verified_by")] and None,
    )
    with xml(files, "unit_opinion.bpmn") as root:
        put_after(
            root,
            "Task_verify",
            '<bpmn:userTask id="Task_trend" camunda:formRef="unit_trend" '
            'camunda:candidateGroups="=&quot;unit:&quot; + unit"/>',
        )


@keeps
def a_task_in_a_sub_process(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        wrap(root, "Task_publish_statement", "Sub_x")
    with xml(files, "unit_opinion.bpmn") as root:
        wrap(root, "Task_confirm", "Sub_x")
    with xml(files, "archive.bpmn") as root:
        wrap(root, "Task_archive", "Sub_x")
    with xml(files, "supervision.bpmn") as root:
        wrap(root, "Task_supervision_group", "Sub_x")
    with xml(files, "late_report.bpmn") as root:
        wrap(root, "Task_escalation", "Sub_x")


@keeps
def the_limit_on_a_sub_process_around_the_call(files: Files) -> None:
    """The call moves into a sub-process, its timer and its stop sit on the sub-process now."""
    with xml(files, "case_round.bpmn") as root:
        wrap(root, "Call_statement", "Sub_x")
    with xml(files, "unit_handling.bpmn") as root:
        wrap(root, "Call_unit_opinion", "Sub_x")


@keeps
def the_call_with_its_limit_in_a_sub_process(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        sub = wrap(root, "Call_report_upgrade", "Sub_x")
        assert sub is not None


@keeps
def the_statement_drawn_in_place(files: Files) -> None:
    """Instead of calling `holding_statement`, its elements stand in a sub-process with the same timer."""
    with xml(files, "holding_statement.bpmn") as source:
        content = [copy.deepcopy(one) for one in source.find(f"{B}process") if one.tag.startswith(B)]
    with xml(files, "case_round.bpmn") as root:
        node = el(root, "Call_statement")
        node.tag = f"{B}subProcess"
        del node.attrib["calledElement"]
        for one in content:
            if one.tag in (f"{B}laneSet", f"{B}extensionElements", f"{B}documentation"):
                continue
            for inner in one.iter():
                for name in ("id", "sourceRef", "targetRef", "default", "attachedToRef"):
                    if inner.get(name):
                        inner.set(name, f"own_{inner.get(name)}")
                if inner.tag in (f"{B}incoming", f"{B}outgoing"):
                    inner.text = f"own_{inner.text}"
            node.append(one)


@keeps
def conditions_in_other_words(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        condition(root, "Gateway_major", "Call_statement", '"major_negative" = grade')
    with xml(files, "report_leader.bpmn") as root:
        condition(
            root, "Gateway_to_chief", "Service_inform_vice", 'not(grade != "major_negative") or (global_flag = true)'
        )
    with xml(files, "unified_reply.bpmn") as root:
        condition(root, "Gateway_approver", "Task_approve_chief", 'list contains(["major_negative"], grade)')


@keeps
def default_and_condition_exchanged(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        gateway = el(root, "Gateway_major")
        condition(root, "Gateway_major", "Event_no_statement", 'grade != "major_negative"')
        condition(root, "Gateway_major", "Call_statement", None)
        gateway.set("default", flow(root, "Gateway_major", "Call_statement").get("id"))


@keeps
def both_ways_with_conditions(files: Files) -> None:
    """No default flow, but together the conditions cover every grade."""
    with xml(files, "case_round.bpmn") as root:
        gateway = el(root, "Gateway_major")
        condition(root, "Gateway_major", "Event_no_statement", 'grade = "ordinary_negative" or grade = "positive"')
        del gateway.attrib["default"]


@keeps
def limit_as_an_expression_with_a_local_name(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'if delivered_at = null then null else delivered_at + duration("PT8H")')


@keeps
def delivery_recorded_by_another_script(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        put_before(
            root,
            "Script_delivered",
            '<bpmn:scriptTask id="Script_x" scriptFormat="feel" camunda:resultVariable="received_at">'
            "<bpmn:script>now()</bpmn:script></bpmn:scriptTask>",
        )
        script(root, "Script_delivered", "received_at")


@keeps
def vice_leader_reads_before_the_chief_approves(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        put_before(
            root,
            "Task_approve_statement",
            '<bpmn:userTask id="Task_x" camunda:candidateGroups="=&quot;line:&quot; + business_line"/>',
        )


@keeps
def inclusive_gateways_where_all_is_taken(files: Files) -> None:
    with xml(files, "feedback.bpmn") as root:
        for name in ("Gateway_fork_feedback", "Gateway_join_feedback"):
            el(root, name).tag = f"{B}inclusiveGateway"
        for one in [f for f in root.iter(f"{B}sequenceFlow") if f.get("sourceRef") == "Gateway_fork_feedback"]:
            condition(root, "Gateway_fork_feedback", one.get("targetRef"), "true")


@keeps
def groups_in_another_order(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        groups(root, "Task_late_assess", "office, supervision")
    with xml(files, "supervision.bpmn") as root:
        groups(root, "Task_supervise", "office,supervision")


@keeps
def chief_named_by_an_expression(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        groups(root, "Task_approve_statement", '=if grade = "major_negative" then "chief" else "chief"')


@keeps
def a_rule_more_in_the_grading_table(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        table = el(root, "DecisionTable_grading")
        rule = copy.deepcopy(el(root, "Rule_grading_3"))
        for one in rule.iter():
            if one.get("id"):
                one.set("id", f"{one.get('id')}_x")
        rule.find(f"{D}inputEntry[9]/{D}text").text = "true"
        table.insert(list(table).index(el(root, "Rule_grading_1")), rule)


@keeps
def a_field_more_in_a_form(files: Files) -> None:
    def change(content: dict) -> None:
        content["components"].append({"type": "textfield", "key": "remark_x", "label": "备注", "id": "Field_remark_x"})

    form(files, "statement_publish", change)
    form(files, "grade", change)


@keeps
def signals_renamed(files: Files) -> None:
    for name in diagrams(files):
        with xml(files, name) as root:
            for one in root.iter(f"{B}signal"):
                one.set("name", f"sig_{one.get('name')}")


@keeps
def tighter_thresholds(files: Files) -> None:
    text(files, "bpmn/regulation.toml", 'triage_limit = "PT30M"', 'triage_limit = "PT20M"')
    text(files, "bpmn/regulation.toml", "m5_outlets = 5 ", "m5_outlets = 3 ")


@keeps
def extra_escalation_for_the_chief(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        made = put_before(root, "Gateway_fork_late", '<bpmn:serviceTask id="Service_x"/>')
        _as_notify(el(root, made), "chief, office")


@keeps
def a_join_before_the_end_of_the_assignment(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        add(root, "Call_units", '<bpmn:parallelGateway id="Gateway_x"/>')
        flow(root, "Call_units", "Event_units_done").set("targetRef", "Gateway_x")
        flow(root, "Call_supervision", "Event_supervision_done").set("targetRef", "Gateway_x")
        connect(root, "Gateway_x", "Event_units_done")
        drop_branch(root, "Event_supervision_done")


@keeps
def units_in_a_multi_instance_sub_process(files: Files) -> None:
    """The call stands in a sub-process that has the instances."""
    with xml(files, "assignment.bpmn") as root:
        sub = wrap(root, "Call_units", "Sub_x")
        node = el(root, "Call_units")
        loop = node.find(f"{B}multiInstanceLoopCharacteristics")
        extension = node.find(f"{B}extensionElements")
        sub.append(loop)
        sub.insert(0, extension)


@keeps
def reminder_loop_for_the_leader(files: Files) -> None:
    with xml(files, "report_leader.bpmn") as root:
        timer(root, "Event_remind_chief", "R/PT30M", "timeCycle")


@keeps
def the_limit_as_an_event_sub_process(files: Files) -> None:
    """The call and an event sub-process with the timer stand in a sub-process of their own."""
    with xml(files, "unit_handling.bpmn") as root:
        sub = wrap(root, "Call_unit_opinion", "Sub_x")
        boundary = el(root, "Event_eight_hours")
        branch = ["Service_draft_eight_hours", "Call_late_eight_hours", "Event_late_eight_hours_done"]
        made = etree.SubElement(sub, f"{B}subProcess", {"id": "Sub_late", "triggeredByEvent": "true"})
        boundary.tag = f"{B}startEvent"
        del boundary.attrib["attachedToRef"]
        del boundary.attrib["cancelActivity"]
        boundary.set("isInterrupting", "false")
        flows = [
            flow(root, "Event_eight_hours", branch[0]),
            flow(root, branch[0], branch[1]),
            flow(root, branch[1], branch[2]),
        ]
        for one in [boundary, *(el(root, ident) for ident in branch), *flows]:
            made.append(one)


def _notify(root: etree._Element, beside: str, ident: str, to: str) -> None:
    _as_notify(add(root, beside, f'<bpmn:serviceTask id="{ident}"/>'), to)


def _as_notify(element: etree._Element, to: str) -> None:
    element.set(f"{C}type", "external")
    element.set(f"{C}topic", "notify")
    extension = etree.SubElement(element, f"{B}extensionElements")
    rows = etree.SubElement(extension, f"{C}properties")
    etree.SubElement(rows, f"{C}property", {"name": "to", "value": to})
    etree.SubElement(rows, f"{C}property", {"name": "message", "value": "提醒"})
