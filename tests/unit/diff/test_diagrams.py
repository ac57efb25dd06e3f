"""What the diff tells of a diagram: renames as guesses, lanes, order, layout, and what it means."""

from __future__ import annotations

import re

import pytest

from engine.definitions.diff import diff_file
from engine.definitions.diff_model import Change, FileDiff
from tests.unit.checks.bundle_edits import shipped

REPORT = "bpmn/report_leader.bpmn"


def told(*edits: tuple[str, str], path: str = REPORT) -> FileDiff:
    before = shipped()[path]
    after = before.decode()
    for old, new in edits:
        assert old in after, old
        after = after.replace(old, new)
    return diff_file(path, path, before, after.encode())


def only(found: FileDiff) -> Change:
    (change,) = found.changes
    return change


def test_eight_hours_become_eighty():
    found = told(("PT8H", "PT80H"), path="bpmn/unit_handling.bpmn")

    change = only(found)
    assert (change.kind, change.effect) == ("changed", "limit")
    assert change.path == ("timerEventDefinition", "timeDate", "#text")
    assert change.before == '=delivered_at + duration("PT8H")' and change.after == '=delivered_at + duration("PT80H")'
    assert change.clauses == ("R50",)
    assert change.subject.place == ("单位办理", "承办单位")


def test_somebody_else_does_it():
    change = only(told(('camunda:candidateGroups="chief"', 'camunda:candidateGroups="office"')))

    assert (change.effect, change.before, change.after) == ("people", "chief", "office")


def test_a_task_under_a_new_id_is_a_rename_and_its_flows_are_the_same():
    found = told(("Task_instruct_chief", "Activity_0k3x9"))

    change = only(found)
    assert (change.kind, change.effect, found.status) == ("renamed", "technical", "layout")
    assert (change.before, change.after) == ("Task_instruct_chief", "Activity_0k3x9")


def test_a_renamed_task_that_was_changed_too_tells_both():
    found = told(("Task_instruct_chief", "Activity_0k3x9"), ('candidateGroups="chief"', 'candidateGroups="leader"'))

    assert {(one.kind, one.path[-1]) for one in found.changes} == {
        ("renamed", "@id"),
        ("changed", "@camunda:candidateGroups"),
    }


def test_a_task_that_shares_only_its_type_is_no_rename():
    after = shipped()[REPORT].decode().replace("Task_instruct_chief", "Activity_1")
    block = re.search(r'<bpmn:userTask id="Activity_1".*?</bpmn:userTask>', after, re.DOTALL)
    assert block is not None
    other = '<bpmn:userTask id="Activity_1" name="另一件事"/>'
    after = re.sub(r"<bpmn:sequenceFlow [^>]*Activity_1[^>]*/>", "", after.replace(block[0], other))

    found = diff_file(REPORT, REPORT, shipped()[REPORT], after.encode())

    kinds = {(one.kind, one.subject.id) for one in found.changes if not one.path}
    assert {("removed", "Task_instruct_chief"), ("added", "Activity_1")} <= kinds


def test_the_id_of_a_process_is_told_as_a_change_of_the_course():
    change = only(told(('"report_leader"', '"report_to_leader"')))

    assert (change.kind, change.effect) == ("renamed", "flow")


def test_a_task_in_another_lane_is_told_at_the_task_with_the_names_of_the_lanes():
    ref = "<bpmn:flowNodeRef>Event_reminded</bpmn:flowNodeRef>"
    chief = '<bpmn:lane id="Lane_report_leader_c" name="局主要领导">'

    change = only(told((ref, ""), (chief, chief + ref)))

    assert (change.subject.id, change.effect) == ("Event_reminded", "people")
    assert (change.before, change.after) == ("办公室", "局主要领导")


def test_the_name_of_a_message_is_told_with_the_events_that_wait_for_it():
    change = only(told(('name="oral_instruction"', 'name="spoken"')))

    assert change.effect == "flow"
    assert set(change.subject.drawn) == {"Event_oral_chief", "Event_oral_vice"}


def test_layout_is_told_apart():
    found = told(('<dc:Bounds x="700" y="100"', '<dc:Bounds x="720" y="100"'))

    change = only(found)
    assert (found.status, change.effect, change.subject.id) == ("layout", "layout", "Task_instruct_chief")
    assert change.before == "x 700, y 100, 100 × 80"


def test_a_colour_is_layout():
    shape = 'bpmnElement="Task_instruct_chief"'
    colour = ' xmlns:bioc="http://bpmn.io/schema/bpmn/biocolor/1.0" bioc:fill="#ffcdd2"'

    change = only(told((shape, shape + colour)))

    assert (change.effect, change.path, change.after) == ("layout", ("@colour",), "fill #ffcdd2")


def test_other_prefixes_blanks_comments_and_order_of_attributes_say_the_same():
    before = shipped()[REPORT].decode()
    after = before.replace("bpmn:", "semantic:").replace("xmlns:bpmn=", "xmlns:semantic=").replace("\n", "\n\n")
    after = after.replace("</semantic:process>", "<!-- seen --></semantic:process>")

    found = diff_file(REPORT, REPORT, before.encode(), after.encode())

    assert (found.status, found.changes) == ("rewritten", ())


def test_the_order_in_which_a_gateway_asks_is_told():
    path = "bpmn/two.bpmn"
    flows = [
        f'<sequenceFlow id="F{n}" sourceRef="G" targetRef="E"><conditionExpression>x = {n}</conditionExpression>'
        "</sequenceFlow>"
        for n in (1, 2)
    ]
    frame = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="P"><exclusiveGateway id="G"/>'
        '<endEvent id="E"/>{}</process></definitions>'
    )

    found = diff_file(path, path, frame.format("".join(flows)).encode(), frame.format("".join(flows[::-1])).encode())

    change = only(found)
    assert (change.subject.id, change.path, change.effect) == ("G", ("@evaluation",), "flow")
    assert (change.before, change.after) == ("F1 > F2", "F2 > F1")


def test_a_task_put_into_a_sub_process_has_moved():
    path = "bpmn/sub.bpmn"
    frame = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="P" name="主">{}'
        '<subProcess id="S" name="子">{}</subProcess></process></definitions>'
    )
    task = '<task id="T" name="事"/>'

    found = diff_file(path, path, frame.format(task, "").encode(), frame.format("", task).encode())

    change = only(found)
    assert (change.kind, change.effect, change.before, change.after) == ("moved", "flow", "主", "子")


def test_what_other_vendors_write_is_told_but_called_unused():
    element = '<camunda:property name="clause" value="R25 R27 R30" />'
    foreign = '</camunda:properties><x:retry xmlns:x="urn:x" times="3"/><camunda:properties>'

    found = told((element, element + foreign))

    assert [(one.effect, one.path[-1], one.after) for one in found.changes if one.after == "3"] == [
        ("other", "@times", "3")
    ]


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ('name="clause" value="R25 R27 R30"', 'name="clause" value="R25"', "regulation"),
        ('camunda:formRef="instruction"', 'camunda:formRef="grade"', "form"),
        ('grade != "major_negative"', 'grade = "positive"', "flow"),
        ('name="role" value="office"', 'name="role" value="chief"', "people"),
        ("记入批示", "记下批示", "text"),
        ('camunda:topic="notify"', 'camunda:topic="urge"', "data"),
        ('modeler:executionPlatformVersion="7.24.0"', 'modeler:executionPlatformVersion="7.25.0"', "technical"),
        ('calledElement="deliverables"', 'calledElement="respond"', "flow"),
        ('cancelActivity="false"', 'cancelActivity="true"', "flow"),
        ("=duration(leader_reminder)", "PT1H", "limit"),
    ],
)
def test_what_a_change_means(before: str, after: str, effect: str):
    found = told((before, after))

    assert {change.effect for change in found.changes} == {effect}
