"""Faults seeded into the shipped bundle, one function each, and the clauses that may be named for it.

A fault is caught when an error names one of its clauses. `STRUCTURE` stands for an error of the reader, the compiler
or the soundness check, for faults that break the flow itself.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.unit.checks.bundle_edits import (
    B,
    C,
    D,
    Files,
    add,
    condition,
    connect,
    drop,
    drop_branch,
    drop_field,
    el,
    field,
    flow,
    form,
    groups,
    prop,
    put_before,
    script,
    skip,
    text,
    timer,
    xml,
)

STRUCTURE = "STRUCTURE"
Mutation = Callable[[Files], None]
MUTATIONS: dict[str, tuple[Mutation, frozenset[str]]] = {}


def breaks(*clauses: str) -> Callable[[Mutation], Mutation]:
    def note(function: Mutation) -> Mutation:
        MUTATIONS[function.__name__] = (function, frozenset(clauses))
        return function

    return note


# --- clocks -----------------------------------------------------------------------------------------------------------


@breaks("R49")
def same_day_limit_moved_to_the_publishing_task(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        drop_branch(root, "Event_same_day_due")
    with xml(files, "holding_statement.bpmn") as root:
        add(
            root,
            "Task_publish_statement",
            '<bpmn:boundaryEvent id="Event_same_day_due" attachedToRef="Task_publish_statement" cancelActivity="false">'
            "<bpmn:timerEventDefinition><bpmn:timeDate>end of day(discovered_at)</bpmn:timeDate>"
            "</bpmn:timerEventDefinition></bpmn:boundaryEvent>",
        )
        add(root, "Task_publish_statement", '<bpmn:endEvent id="Event_x"/>')
        connect(root, "Event_same_day_due", "Event_x")


@breaks("R49")
def same_day_limit_removed(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        drop_branch(root, "Event_same_day_due")


@breaks("R49")
def same_day_limit_removed_on_upgrade(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        drop_branch(root, "Event_same_day_upgrade_due")


@breaks("R49")
def same_day_becomes_the_next_day(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_same_day_due", 'end of day(date and time(discovered_at) + duration("P1D"))')


@breaks("R49")
def same_day_becomes_24_hours(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_same_day_due", 'discovered_at + duration("PT24H")')


@breaks("R49")
def same_day_counts_from_entry(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_same_day_due", "end of day(now())")


@breaks("R49")
def same_day_with_two_hours_grace(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_same_day_due", 'end of day(discovered_at) + duration("PT2H")')


@breaks("R49")
def upgrade_counts_a_day_late(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        script(root, "Script_same_day_from", 'now() + duration("P1D")')


@breaks("R49")
def upgrade_forgets_that_it_was_major_at_discovery(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        script(root, "Script_same_day_from", "now()")


@breaks("R49")
def same_day_limit_interrupts_the_statement(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        el(root, "Event_same_day_due").set("cancelActivity", "true")


@breaks("R49")
def same_day_limit_on_the_inner_first_task(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        drop_branch(root, "Event_same_day_due")
    with xml(files, "holding_statement.bpmn") as root:
        add(
            root,
            "Task_draft_statement",
            '<bpmn:boundaryEvent id="Event_same_day_due" attachedToRef="Task_draft_statement" cancelActivity="false">'
            "<bpmn:timerEventDefinition><bpmn:timeDate>end of day(discovered_at)</bpmn:timeDate>"
            "</bpmn:timerEventDefinition></bpmn:boundaryEvent>",
        )
        add(root, "Task_draft_statement", '<bpmn:endEvent id="Event_x"/>')
        connect(root, "Event_same_day_due", "Event_x")


@breaks("R50")
def eight_hours_become_eighty(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'delivered_at + duration("PT80H")')


@breaks("R50")
def eight_hours_become_nine(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'delivered_at + duration("PT9H")')


@breaks("R50")
def eight_hours_count_from_entry(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'now() + duration("PT8H")')


@breaks("R50")
def eight_hours_as_a_plain_duration(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", "PT8H", "timeDuration")


@breaks("R50")
def eight_hours_count_from_signing(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'signed_at + duration("PT8H")')


@breaks("R50")
def delivery_is_recorded_two_hours_late(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        script(root, "Script_delivered", 'now() + duration("PT2H")')


@breaks("R50")
def eight_hours_count_working_hours(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        timer(root, "Event_eight_hours", 'add working hours(delivered_at, duration("PT8H"))')


@breaks("R50")
def eight_hours_moved_to_the_opinion_task(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        drop_branch(root, "Event_eight_hours")
    with xml(files, "unit_opinion.bpmn") as root:
        add(
            root,
            "Task_opinion",
            '<bpmn:boundaryEvent id="Event_eight_hours" attachedToRef="Task_opinion" cancelActivity="false">'
            '<bpmn:timerEventDefinition><bpmn:timeDate>delivered_at + duration("PT8H")</bpmn:timeDate>'
            "</bpmn:timerEventDefinition></bpmn:boundaryEvent>",
        )
        add(root, "Task_opinion", '<bpmn:endEvent id="Event_x"/>')
        connect(root, "Event_eight_hours", "Event_x")


@breaks("R50")
def eight_hours_end_before_the_leader_confirms(files: Files) -> None:
    """The unit's part stays under the clock, the leader's confirmation moves behind it."""
    with xml(files, "unit_opinion.bpmn") as root:
        skip(root, "Task_confirm")
    with xml(files, "unit_handling.bpmn") as root:
        put_before(
            root,
            "Script_unit_done",
            '<bpmn:userTask id="Task_confirm" camunda:formRef="opinion_confirm" '
            'camunda:candidateGroups="=&quot;line:&quot; + business_line"/>',
        )


@breaks("R50")
def eight_hours_only_on_the_first_attempt(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        el(root, "Event_eight_hours").set("cancelActivity", "true")


@breaks("R03")
def backstop_becomes_72_hours(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        timer(root, "Event_backstop_due", 'discovered_at + duration("PT72H")')


@breaks("R03")
def backstop_removed(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        drop_branch(root, "Event_backstop_due")


@breaks("R24")
def triage_limit_removed(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        drop_branch(root, "Event_triage_due")


# --- breaches ---------------------------------------------------------------------------------------------------------


@breaks("R39")
def late_report_not_drafted(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        skip(root, "Service_draft_same_day")


@breaks("R38", "R39")
def breach_of_eight_hours_reaches_nobody(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        skip(root, "Call_late_eight_hours")


@breaks("R38", "R39")
def escalation_goes_to_staff(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        groups(root, "Task_escalation", "staff")
        groups(root, "Task_late_disposal", "staff")


@breaks("R38")
def escalation_removed(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        drop_branch(root, "Task_escalation")
        drop(root, flow(root, "Gateway_fork_late", "Task_escalation").get("id"))


@breaks("R38")
def office_hears_nothing_of_a_breach(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        groups(root, "Task_late_assess", "supervision")


@breaks("R39")
def breach_is_not_recorded(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        prop(el(root, "Event_eight_hours"), "breach", None)


@breaks("R39")
def late_report_about_another_limit(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        prop(el(root, "Service_draft_same_day"), "limit", "triage")


@breaks("R39")
def bad_effects_are_only_filed(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        condition(root, "Gateway_negative_impact", "Task_late_disposal", 'late_impact = "none"')


@breaks("R38", "R39")
def breach_escalated_only_for_some_grades(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        put_before(root, "Call_late_eight_hours", '<bpmn:exclusiveGateway id="Gateway_x" default="Flow_x"/>')
        add(root, "Call_late_eight_hours", '<bpmn:endEvent id="Event_x"/>')
        ident = connect(root, "Gateway_x", "Event_x")
        el(root, ident).set("id", "Flow_x")
        condition(root, "Gateway_x", "Call_late_eight_hours", 'grade = "major_negative"')


# --- who --------------------------------------------------------------------------------------------------------------


@breaks("R38")
def unit_supervises_itself(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        groups(root, "Task_supervise", '="unit:" + lead_unit')


@breaks("R38")
def supervision_concluded_by_the_unit_head(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        groups(root, "Task_supervision_group", '="head:" + lead_unit')


@breaks("R38")
def supervisors_not_recused(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        prop(el(root, "Task_supervision_group"), "recuse", None)


@breaks("R38")
def only_the_lead_unit_recused(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        prop(el(root, "Task_supervise"), "recuse", "=[lead_unit]")


@breaks("R38")
def late_handling_judged_by_anybody(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        prop(el(root, "Task_late_assess"), "recuse", "=[]")


@breaks("R38")
def supervision_lanes_swapped(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        one, other = el(root, "Lane_supervision_s"), el(root, "Lane_supervision_o")
        ours, theirs = list(one), list(other)
        one[:], other[:] = theirs, ours


@breaks("R38")
def unit_joins_the_assessment_of_its_delay(files: Files) -> None:
    with xml(files, "late_report.bpmn") as root:
        groups(root, "Task_late_assess", 'supervision, office, ="unit:" + late_report.unit')


@breaks("R49", "R27")
def statement_approved_by_staff(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        groups(root, "Task_approve_statement", "staff")


@breaks("R27")
def major_goes_to_the_vice_leader(files: Files) -> None:
    with xml(files, "report_leader.bpmn") as root:
        groups(root, "Task_instruct_chief", '="line:" + business_line')


@breaks("R26", "R27")
def chief_and_vice_leader_swapped(files: Files) -> None:
    with xml(files, "report_leader.bpmn") as root:
        condition(root, "Gateway_to_chief", "Service_inform_vice", 'grade != "major_negative" and global_flag != true')


@breaks("R27")
def general_weight_forgotten(files: Files) -> None:
    with xml(files, "report_leader.bpmn") as root:
        condition(root, "Gateway_to_chief", "Service_inform_vice", 'grade = "major_negative"')


@breaks("R26")
def ordinary_goes_to_staff(files: Files) -> None:
    with xml(files, "report_leader.bpmn") as root:
        groups(root, "Task_instruct_vice", "staff")


@breaks("R27")
def upgrade_not_reported_to_the_chief(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        skip(root, "Call_report_upgrade")


@breaks("R25")
def good_news_reported_to_nobody(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        skip(root, "Service_copy_positive")


@breaks("R40")
def downgrade_by_the_vice_leader(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        groups(root, "Task_decide_downgrade", '="line:" + business_line, chief')


@breaks("R50")
def opinion_confirmed_by_the_unit(files: Files) -> None:
    with xml(files, "unit_opinion.bpmn") as root:
        groups(root, "Task_confirm", '="head:" + unit')


@breaks("R51")
def reply_published_by_the_unit(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        groups(root, "Task_publish_reply", '="unit:" + lead_unit')


@breaks("R37")
def feedback_receipt_by_the_unit(files: Files) -> None:
    with xml(files, "feedback.bpmn") as root:
        groups(root, "Task_receipt_leader", '="unit:" + lead_unit')


@breaks("R51")
def major_reply_approved_by_the_vice_leader(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        condition(root, "Gateway_approver", "Task_approve_chief", 'grade = "ordinary_negative"')


# --- order and bypasses -----------------------------------------------------------------------------------------------


@breaks("R52")
def archive_bypassed_by_a_flow_to_the_end(files: Files) -> None:
    with xml(files, "opinion_case.bpmn") as root:
        one = flow(root, "Gateway_disposition", "Call_archive")
        one.set("targetRef", "Event_closed")


@breaks("R52")
def archive_bypassed_for_good_news(files: Files) -> None:
    with xml(files, "opinion_case.bpmn") as root:
        condition(root, "Gateway_disposition", "Event_handed_over", 'disposition != "handle"')


@breaks("R52")
def archive_task_removed(files: Files) -> None:
    with xml(files, "archive.bpmn") as root:
        skip(root, "Task_archive")


@breaks("R52")
def archive_by_terminating_early(files: Files) -> None:
    with xml(files, "archive.bpmn") as root:
        add(root, "Task_archive", '<bpmn:endEvent id="Event_x"/>')
        one = flow(root, "Gateway_complete", "Gateway_to_archive")
        one.set("targetRef", "Event_x")


@breaks("R52")
def completeness_check_removed(files: Files) -> None:
    with xml(files, "archive.bpmn") as root:
        skip(root, "Service_check_archive")


@breaks("R52")
def missing_papers_ignored(files: Files) -> None:
    with xml(files, "archive.bpmn") as root:
        condition(root, "Gateway_complete", "Task_supplement", "count(archive_missing) > 3")


@breaks("R53")
def tracking_ignores_promises(files: Files) -> None:
    with xml(files, "tracking.bpmn") as root:
        condition(root, "Gateway_promise", "Task_promise", "has_promise = false")


@breaks("R53")
def tracking_removed(files: Files) -> None:
    with xml(files, "opinion_case.bpmn") as root:
        skip(root, "Call_tracking")


@breaks("R49")
def statement_approval_removed(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        skip(root, "Task_approve_statement")


@breaks("R49")
def statement_approved_after_publication(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        flow(root, "Task_draft_statement", "Task_approve_statement").set("targetRef", "Task_publish_statement")
        flow(root, "Task_publish_statement", "Script_statement_record").set("targetRef", "Task_approve_statement")
        one = flow(root, "Gateway_statement_approved", "Task_publish_statement")
        one.set("targetRef", "Script_statement_record")


@breaks("R49")
def returned_statement_is_published(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        condition(root, "Gateway_statement_approved", "Gateway_to_draft", 'statement_decision = "approve"')


@breaks("R49")
def statement_published_straight_after_drafting(files: Files) -> None:
    with xml(files, "holding_statement.bpmn") as root:
        put_before(root, "Task_approve_statement", '<bpmn:exclusiveGateway id="Gateway_x" default="Flow_x"/>')
        el(root, "Flow_new_Gateway_x__Task_approve_statement").set("id", "Flow_x")
        connect(root, "Gateway_x", "Task_publish_statement", 'statement_planned_channel = "wechat"')


@breaks("R51")
def reply_approval_removed(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        skip(root, "Task_approve_vice")


@breaks("R51")
def returned_reply_is_published(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        condition(root, "Gateway_reply_approved", "Gateway_to_compose", "false")


@breaks("R51", "R37")
def feedback_before_publication(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        flow(root, "Event_reply_published", "Call_feedback").set("targetRef", "Event_feedback_done")
        flow(root, "Gateway_fork_handle", "Call_respond").set("targetRef", "Call_feedback")
        flow(root, "Call_feedback", "Event_feedback_done").set("targetRef", "Call_respond")


@breaks("R37")
def feedback_removed(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        skip(root, "Call_feedback")


@breaks("R37")
def office_receipt_removed(files: Files) -> None:
    with xml(files, "feedback.bpmn") as root:
        skip(root, "Task_receipt_office")


@breaks("R24", "R25", "R50", "R51")
def assigned_before_triage(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        flow(root, "Gateway_fork_verify", "Call_triage").set("targetRef", "Call_assignment")
        flow(root, "Call_assignment", "Event_assignment_done").set("targetRef", "Call_triage")
        drop(root, flow(root, "Gateway_fork_handle", "Call_assignment").get("id"))


@breaks("R24", "R40", "R49", "R27")
def grading_skipped(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        skip(root, "Task_grade")


@breaks("R29")
def opinion_without_signing(files: Files) -> None:
    with xml(files, "unit_opinion.bpmn") as root:
        flow(root, "Event_opinion_start", "Gateway_to_sign").set("targetRef", "Script_signed")


@breaks("R31")
def opinion_without_verification(files: Files) -> None:
    with xml(files, "unit_opinion.bpmn") as root:
        skip(root, "Task_verify")


@breaks("R30")
def published_without_instruction(files: Files) -> None:
    with xml(files, "respond.bpmn") as root:
        drop(root, flow(root, "Gateway_fork_respond", "Call_report_leader").get("id"))
        drop(root, flow(root, "Call_report_leader", "Gateway_join_respond").get("id"))
        drop(root, "Call_report_leader")


@breaks("R07", "R50", "R51")
def reply_does_not_wait_for_the_units(files: Files) -> None:
    with xml(files, "respond.bpmn") as root:
        skip(root, "Event_wait_units")


@breaks("R07", "R50", "R51", "R30", STRUCTURE)
def join_of_the_reply_becomes_exclusive(files: Files) -> None:
    with xml(files, "respond.bpmn") as root:
        el(root, "Gateway_join_respond").tag = f"{B}exclusiveGateway"


@breaks("R07", "R50")
def first_unit_done_releases_the_reply(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        condition(
            root, "Gateway_all_units", "Event_units_confirmed", "some r in unit_results satisfies r.unit_done = true"
        )


@breaks("R07", "R50", "R52")
def any_unit_releases_the_reply(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        condition(root, "Gateway_all_units", "Event_units_confirmed", "true")


@breaks("R50", "R29")
def only_the_lead_unit_is_handled(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        el(root, "Call_units").find(f"{B}multiInstanceLoopCharacteristics").set(f"{C}collection", "=[lead_unit]")


@breaks("R50", "R29")
def one_instance_for_all_units(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        node = el(root, "Call_units")
        node.remove(node.find(f"{B}multiInstanceLoopCharacteristics"))


@breaks("R50", "R07")
def units_stop_at_the_first(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        loop = el(root, "Call_units").find(f"{B}multiInstanceLoopCharacteristics")
        done = loop.makeelement(f"{B}completionCondition", {})
        done.text = "count(unit_results[item.unit_done = true]) >= 1"
        loop.append(done)


@breaks("R50")
def units_one_after_another(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        el(root, "Call_units").find(f"{B}multiInstanceLoopCharacteristics").set("isSequential", "true")


@breaks("R38")
def supervision_removed(files: Files) -> None:
    with xml(files, "assignment.bpmn") as root:
        skip(root, "Call_supervision")


@breaks("R38", STRUCTURE)
def supervision_concluded_by_one_side_only(files: Files) -> None:
    with xml(files, "supervision.bpmn") as root:
        el(root, "Gateway_fork_sign").tag = f"{B}exclusiveGateway"
        condition(root, "Gateway_fork_sign", "Task_supervision_group", 'grade = "major_negative"')
        el(root, "Gateway_fork_sign").set(
            "default", flow(root, "Gateway_fork_sign", "Task_supervision_office").get("id")
        )
        el(root, "Gateway_join_sign").tag = f"{B}exclusiveGateway"


@breaks("R51", "R52", "R37", "R38", STRUCTURE)
def terminate_end_in_the_round(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        event = el(root, "Event_no_statement")
        event.append(event.makeelement(f"{B}terminateEventDefinition", {}))


@breaks("R51", "R50", "R38", "R52")
def major_cases_are_handed_over(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        script(root, "Script_disposition", 'if grade = "major_negative" then "handed_over" else "handle"')


@breaks("R51", "R25", "R28", "R52", "R49")
def handed_over_and_handle_swapped(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        condition(root, "Gateway_disposition_round", "Task_handover", 'disposition = "handle"')


@breaks("R49")
def statement_only_for_ordinary(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        condition(root, "Gateway_major", "Call_statement", 'grade = "ordinary_negative"')


@breaks("R49")
def no_statement_when_the_topic_has_general_weight(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        condition(root, "Gateway_major", "Call_statement", 'grade = "major_negative" and not(global_flag = true)')


@breaks("R49")
def downgrade_condition_inverted(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        condition(root, "Gateway_regraded", "Script_same_day_from", 'grade != "major_negative"')


@breaks("R40", STRUCTURE)
def default_flow_of_the_disposition_removed(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        del el(root, "Gateway_disposition_round").attrib["default"]
        condition(
            root,
            "Gateway_disposition_round",
            "Gateway_fork_handle",
            'disposition = "handle" and grade = "major_negative"',
        )


@breaks("R40", STRUCTURE)
def default_flow_of_the_approver_removed(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        del el(root, "Gateway_approver").attrib["default"]
        condition(root, "Gateway_approver", "Task_approve_vice", 'grade = "positive"')


@breaks("R28", "R25")
def relevant_cases_may_be_handed_over(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        script(root, "Script_disposition", 'if relevant = true then "handed_over" else "handle"')


@breaks("R13")
def consistency_check_skipped(files: Files) -> None:
    with xml(files, "unified_reply.bpmn") as root:
        condition(root, "Gateway_multi_department", "Task_consistency", "multi_department = false")


@breaks("R49", STRUCTURE)
def statement_waits_for_a_second_flow(files: Files) -> None:
    """A parallel gateway where the ways only merge: the rework never comes back."""
    with xml(files, "holding_statement.bpmn") as root:
        el(root, "Gateway_to_draft").tag = f"{B}parallelGateway"


# --- grades, tables, forms, profile -----------------------------------------------------------------------------------


@breaks("R40")
def a_script_grades(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        put_before(
            root,
            "Gateway_triage_merge",
            '<bpmn:scriptTask id="Script_x" scriptFormat="feel" camunda:resultVariable="grade">'
            "<bpmn:script>suggested.grade</bpmn:script></bpmn:scriptTask>",
        )


@breaks("R40")
def the_table_grades_by_itself(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        el(root, "Rule_grading").set(f"{C}resultVariable", "grade")
        skip(root, "Task_grade")


@breaks("R40")
def grade_script_overrides_after_regrading(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        script(root, "Script_grade", '"ordinary_negative"')


@breaks("R40")
def regrading_without_decision(files: Files) -> None:
    with xml(files, "regrade.bpmn") as root:
        condition(root, "Gateway_regrade_agreed", "Script_grade", "true")


@breaks("R40")
def grade_major_can_not_be_chosen(files: Files) -> None:
    def change(content: dict) -> None:
        one = field(content, "grade")
        one["values"] = [v for v in one["values"] if v["value"] != "major_negative"]

    form(files, "grade", change)


@breaks("R40", "R24")
def grade_field_removed_from_its_form(files: Files) -> None:
    form(files, "grade", lambda content: drop_field(content, "grade"))


@breaks("R49")
def statement_proof_field_removed(files: Files) -> None:
    form(files, "statement_publish", lambda content: drop_field(content, "statement_url"))


@breaks("R49")
def statement_proof_is_optional(files: Files) -> None:
    def change(content: dict) -> None:
        field(content, "statement_url")["validate"]["required"] = False

    form(files, "statement_publish", change)


@breaks("R51", "R03")
def publication_time_field_removed(files: Files) -> None:
    form(files, "reply_publish", lambda content: drop_field(content, "reply_published_at"))


@breaks("R50")
def opinion_field_disabled(files: Files) -> None:
    def change(content: dict) -> None:
        field(content, "opinion_text")["disabled"] = True

    form(files, "unit_opinion", change)


@breaks("R24", "R40")
def approval_loses_the_choice_to_return(files: Files) -> None:
    """The grade's reason stays, the grade becomes a computed field."""

    def change(content: dict) -> None:
        one = field(content, "grade")
        one.clear()
        one.update(
            {
                "type": "expression",
                "key": "grade",
                "id": "x",
                "expression": '="ordinary_negative"',
                "computeOn": "change",
            }
        )

    form(files, "grade", change)


@breaks("R45", "R40")
def first_rule_of_grading_removed(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        drop(root, "Rule_grading_1")


@breaks("R48")
def rule_of_outlets_removed(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        drop(root, "Rule_grading_6")


@breaks("R48")
def threshold_of_outlets_raised(files: Files) -> None:
    text(files, "bpmn/regulation.toml", "m5_outlets = 5 ", "m5_outlets = 50 ")


@breaks("R40")
def last_rule_of_grading_removed(files: Files) -> None:
    """Nothing ticked: a hole."""
    with xml(files, "grading.dmn") as root:
        drop(root, "Rule_grading_15")


@breaks("R45", "R46", "R47", "R48", "R42")
def hit_policy_hides_major(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        el(root, "DecisionTable_grading").set("hitPolicy", "PRIORITY")


@breaks("R45", "R46", "R47", "R48", "R42", "R40", "R41")
def hit_policy_unique(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        el(root, "DecisionTable_grading").set("hitPolicy", "UNIQUE")


@breaks("R45", "R46", "R47", "R48")
def ordinary_rules_before_major(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        table = el(root, "DecisionTable_grading")
        rule = el(root, "Rule_grading_8")
        table.remove(rule)
        table.insert(list(table).index(el(root, "Rule_grading_1")), rule)


@breaks("R46")
def sudden_events_become_ordinary(files: Files) -> None:
    with xml(files, "grading.dmn") as root:
        el(root, "OutputEntry_grading_3_1").find(f"{D}text").text = '"ordinary_negative"'


@breaks("R12", "R15")
def precedence_reversed(files: Files) -> None:
    with xml(files, "subject_precedence.dmn") as root:
        table = el(root, "DecisionTable_subject_precedence")
        rule = el(root, "Rule_subject_precedence_1")
        table.remove(rule)
        table.append(rule)


@breaks("R05", STRUCTURE)
def element_of_a_clause_renamed_in_the_diagram_only(files: Files) -> None:
    text(files, "bpmn/unified_reply.bpmn", "Task_publish_reply", "Task_y")


@breaks("R49")
def discovery_time_overwritten(files: Files) -> None:
    with xml(files, "triage.bpmn") as root:
        put_before(
            root,
            "Script_criteria",
            '<bpmn:scriptTask id="Script_x" scriptFormat="feel" camunda:resultVariable="discovered_at">'
            '<bpmn:script>now() + duration("P1D")</bpmn:script></bpmn:scriptTask>',
        )


@breaks("R49")
def a_user_task_between_grading_and_the_statement(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        put_before(root, "Call_statement", '<bpmn:userTask id="Task_x" camunda:candidateGroups="office"/>')


@breaks("R50")
def a_user_task_between_assigning_and_delivery(files: Files) -> None:
    with xml(files, "unit_handling.bpmn") as root:
        put_before(root, "Script_delivered", '<bpmn:userTask id="Task_x" camunda:candidateGroups="office"/>')


@breaks("R49", "R51", "R52", "R37")
def a_message_ends_the_statement(files: Files) -> None:
    with xml(files, "case_round.bpmn") as root:
        add(
            root,
            "Call_statement",
            '<bpmn:boundaryEvent id="Event_x" attachedToRef="Call_statement"><bpmn:messageEventDefinition '
            f'messageRef="{el(root, "Event_regrade").find(f"{B}messageEventDefinition").get("messageRef")}"/>'
            "</bpmn:boundaryEvent>",
        )
        connect(root, "Event_x", "Event_statement_done")
