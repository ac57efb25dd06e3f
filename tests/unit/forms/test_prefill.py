"""A field with the property `prefill` = `none` begins empty on every visit."""

import json

from engine.definitions.forms import read_form
from engine.feel import Environment
from tests.support.diagrams import T0

FORM = {
    "type": "default", "id": "f", "schemaVersion": 19,
    "components": [
        {
            "type": "radio", "id": "c1", "key": "decision", "label": "决定", "properties": {"prefill": "none"},
            "validate": {"required": True},
            "values": [{"label": "同意", "value": "yes"}, {"label": "退回", "value": "no"}],
        },
        {"type": "textfield", "id": "c2", "key": "note", "label": "说明"},
    ],
}  # fmt: skip


def test_an_earlier_decision_is_not_shown_again_and_does_not_count_as_the_answer():
    form = read_form(json.dumps(FORM).encode())
    data = {"decision": "no", "note": "旧说明"}

    assert form.initial(data) == {"note": "旧说明"}
    refused = form.check({"note": "旧说明"}, data, Environment(now=T0))
    assert [(e.path, e.key) for e in refused.errors] == [("decision", "form.required")]
    taken = form.check({"decision": "yes", "note": "旧说明"}, data, Environment(now=T0))
    assert taken.values == {"decision": "yes", "note": "旧说明"}
