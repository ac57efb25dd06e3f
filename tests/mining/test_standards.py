"""The files are what the standards say, and another's tool finds in them what we put in."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from lxml import etree

from engine.domain.commands import AddComment
from engine.readmodels.chosen import Choice
from engine.service import mining_xes
from tests.mining.conftest import SCHEMAS, Office
from tests.mining.miner import EventLog, ObjectLog
from tests.support.world import World


def faults(schema: str, document: bytes) -> list[str]:
    """What the XML schema says against the document."""
    validator = etree.XMLSchema(etree.parse(str(SCHEMAS / schema)))
    validator.validate(etree.fromstring(document))
    return [str(error) for error in validator.error_log]


def json_faults(document: bytes) -> list[str]:
    schema = json.loads((SCHEMAS / "ocel.schema.json").read_text(encoding="utf-8"))
    return [str(error.message) for error in Draft202012Validator(schema).iter_errors(json.loads(document))]


@pytest.mark.parametrize("names", [False, True])
def test_an_xes_file_is_valid(office: Office, names: bool):
    log, _ = office.export("xes", with_names=names)

    assert faults("xes.xsd", log) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<classifier name="Activity"', '<classifier name="An activity"'),
        ('key="concept:name"', 'key="concept name"'),
        ("<trace>", "<trace><trace/>"),
        ('<date key="time:timestamp" value="2026', '<date key="time:timestamp" value="yesterday'),
        ('xes.version="2.0"', 'xes.version="two"'),
    ],
)
def test_the_schema_of_xes_notices_what_is_wrong(office: Office, before: str, after: str):
    log, _ = office.export("xes")
    broken = log.decode().replace(before, after, 1)

    assert broken != log.decode()
    assert faults("xes.xsd", broken.encode()) != []


def test_every_global_attribute_and_classifier_key_is_in_every_event(office: Office):
    log = etree.fromstring(office.export("xes")[0])
    wanted = {one.get("key") for one in log.find("global[@scope='event']")}
    keys = {key for one in log.iter("classifier") for key in one.get("keys").split()}

    events = list(log.iter("event"))

    assert keys <= wanted
    assert events
    assert all(wanted <= {one.get("key") for one in event} for event in events)


def test_every_prefix_that_is_used_is_declared(office: Office):
    log = etree.fromstring(office.export("xes")[0])
    declared = {one.get("prefix") for one in log.iter("extension")}

    used = {one.get("key").partition(":")[0] for one in log.iter("*") if one.get("key")}

    assert used == declared


def test_our_own_attributes_are_those_of_our_extension(office: Office):
    definition = etree.fromstring(mining_xes.extension())
    log = etree.fromstring(office.export("xes", with_names=True)[0])
    known = {level.tag: {(one.tag, one.get("key")) for one in level} for level in definition}

    for level, element in (("trace", "trace"), ("event", "event")):
        used = {
            (one.tag, one.get("key").partition(":")[2])
            for holder in log.iter(element)
            for one in holder
            if (one.get("key") or "").startswith("opinion:")
        }
        assert used <= known[level]
        assert used


def test_the_definition_of_our_extension_is_valid_and_says_what_people_call_each_attribute():
    definition = mining_xes.extension()

    assert faults("xesext.xsd", definition) == []
    names = [one.get("name") for one in etree.fromstring(definition).iter("alias")]
    assert all(name and not name.startswith("mining.") for name in names)


def test_a_mining_tool_finds_the_traces_and_events_of_an_xes_file(office: Office, tmp_path: Path):
    log, made = office.export("xes")
    (tmp_path / "log.xes").write_bytes(log)

    opened = EventLog(tmp_path / "log.xes")

    ours = Counter(
        tuple(one.find("string[@key='concept:name']").get("value") for one in trace.iter("event"))
        for trace in etree.fromstring(log).iter("trace")
    )
    assert opened.traces == made.cases == 5
    assert dict(opened.variants) == dict(ours)
    assert sum(len(steps) * number for steps, number in opened.variants) == made.events


def test_a_mining_tool_discovers_a_model_of_our_activities(office: Office, tmp_path: Path):
    (tmp_path / "log.xes").write_bytes(office.export("xes")[0])
    opened = EventLog(tmp_path / "log.xes")

    net = opened.petri_net()

    labels = {one["label"] for one in net["transitions"].values() if one.get("label")}
    assert opened.activities >= labels >= {"登记", "甄别", "定级"}


@pytest.mark.parametrize("names", [False, True])
def test_an_ocel_json_file_is_valid(office: Office, names: bool):
    assert json_faults(office.export("ocel", with_names=names)[0]) == []


@pytest.mark.parametrize("names", [False, True])
def test_an_ocel_xml_file_is_valid(office: Office, names: bool):
    assert faults("ocel.xsd", office.export("ocel-xml", with_names=names)[0]) == []


def test_the_schemas_of_ocel_notice_what_is_wrong(office: Office):
    document = json.loads(office.export("ocel")[0])
    document["events"][0]["time"] = "yesterday"
    xml = office.export("ocel-xml")[0].decode()

    assert json_faults(json.dumps(document).encode()) != []
    assert faults("ocel.xsd", xml.replace('object-id="', 'object-id="none/', 1).encode()) != []
    assert faults("ocel.xsd", xml.replace(' type="task"', ' type="chore"', 1).encode()) != []


def test_every_attribute_is_declared_for_its_type_and_reads_as_it(office: Office):
    document = json.loads(office.export("ocel", with_names=True)[0])

    for kinds, ones in (("objectTypes", "objects"), ("eventTypes", "events")):
        declared = {kind["name"]: {one["name"]: one["type"] for one in kind["attributes"]} for kind in document[kinds]}
        for one in document[ones]:
            for attribute in one["attributes"]:
                kind = declared[one["type"]][attribute["name"]]
                text = attribute["value"]
                assert kind != "integer" or int(text) is not None
                assert kind != "float" or float(text) is not None
                assert kind != "boolean" or text in ("true", "false")
                assert kind != "time" or text.endswith("Z")


def test_everything_that_is_named_is_an_object_of_the_file(office: Office):
    document = json.loads(office.export("ocel")[0])
    known = {one["id"] for one in document["objects"]}

    named = {r["objectId"] for one in (*document["objects"], *document["events"]) for r in one["relationships"]}

    assert len(known) == len(document["objects"])
    assert named <= known


@pytest.mark.parametrize("form", ["ocel", "ocel-xml"])
def test_a_mining_tool_finds_the_events_and_objects_of_an_ocel_file(office: Office, tmp_path: Path, form: str):
    document, made = office.export(form)
    path = tmp_path / ("log.json" if form == "ocel" else "log.xml")
    path.write_bytes(document)
    ours = json.loads(office.export("ocel")[0])

    opened = ObjectLog(path)

    assert opened.events == made.events == len(ours["events"])
    assert opened.objects == len(ours["objects"])
    stats = opened.types
    assert stats["event_type_counts"] == Counter(one["type"] for one in ours["events"])
    assert opened.changes(office.late, "grade") == [
        (one["value"], one["time"].replace(".000000Z", "Z"))
        for case in ours["objects"] if case["id"] == office.late
        for one in case["attributes"] if one["name"] == "grade"
    ]  # fmt: skip
    assert opened.follows("task")["甄别 · schedule", "甄别"] >= 2


def test_a_text_that_xml_cannot_hold_does_no_harm(tmp_path: Path):
    world = World(tmp_path)
    case = world.open(title="标题 <&>\"'", source_name="]]>")
    world.do("wangfang", AddComment("此处\u0007响铃"), case.id)
    office = Office(world, case.id, case.id, case.id)

    for form, schema in (("xes", "xes.xsd"), ("ocel-xml", "ocel.xsd")):
        document = office.export(form, with_names=True)[0]
        assert faults(schema, document) == []
        assert "此处\ufffd响铃" in document.decode()
    assert json_faults(office.export("ocel", with_names=True)[0]) == []
    rows = list(csv.reader(io.StringIO(office.export("csv", with_names=True)[0].decode("utf-8-sig"))))
    assert any("响铃" in cell for row in rows for cell in row)
    world.services.engine.dispose()


@pytest.mark.parametrize("form", ["xes", "ocel", "ocel-xml", "csv"])
def test_a_log_of_no_case_is_a_file_all_the_same(office: Office, form: str):
    document, made = office.export(form, Choice(grade="unheard of"))

    assert (made.cases, made.events) == (0, 0)
    if form == "ocel":
        assert json_faults(document) == []
    elif form != "csv":
        assert faults("xes.xsd" if form == "xes" else "ocel.xsd", document) == []
