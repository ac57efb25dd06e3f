"""What a client could not have changed stays the server's: hidden, disabled, readonly, computed, unknown."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.forms import merged
from tests.unit.forms.support import ENV, field, form, group, keys, rows

HIDDEN_B = field("textfield", "b", validate={"required": True}, conditional={"hide": '=a = "x"'})


def test_hidden_field_is_neither_validated_nor_stored() -> None:
    submission = form(field("textfield"), HIDDEN_B).check({"a": "x", "b": "smuggled"}, {"b": "own"}, ENV)

    assert submission.errors == ()
    assert submission.values == {"a": "x"}
    assert submission.ignored == ("b",)


def test_visible_field_is_validated() -> None:
    assert keys(form(field("textfield"), HIDDEN_B).check({"a": "y", "b": ""}, {}, ENV)) == ["form.required"]


def test_hidden_group_hides_all_that_is_in_it() -> None:
    inner = group(field("textfield", "b", validate={"required": True}), id="G2")
    outer = group(inner, path="g", conditional={"hide": "=true"})

    submission = form(outer).check({"g": {"b": "x"}}, {}, ENV)

    assert (submission.errors, submission.values, submission.ignored) == ((), {}, ("g.b",))


def test_a_condition_that_is_null_hides_as_the_viewer_does() -> None:
    component = field("textfield", conditional={"hide": "=count > 5"})

    assert form(component).check({"a": "x"}, {}, ENV).values == {}
    assert form(component).check({"a": "x"}, {"count": 1}, ENV).values == {"a": "x"}


@pytest.mark.parametrize("locked", [{"disabled": True}, {"readonly": True}, {"readonly": "=a = null or true"}])
def test_locked_field_keeps_the_servers_value(locked: dict[str, Any]) -> None:
    submission = form(field("textfield", **locked)).check({"a": "forged"}, {"a": "own"}, ENV)

    assert submission.errors == ()
    assert submission.values == ({} if "disabled" in locked else {"a": "own"})
    assert submission.ignored == ("a",)


def test_fields_of_a_readonly_container_keep_the_servers_value() -> None:
    submission = form(group(field("textfield"), readonly=True)).check({"a": "forged"}, {"a": "own"}, ENV)

    assert submission.values == {"a": "own"}


def test_a_forged_readonly_value_does_not_open_what_it_hides() -> None:
    gate = field("textfield", "gate", readonly=True)
    secret = field("textfield", "secret", conditional={"hide": '=gate != "open"'})

    submission = form(gate, secret).check({"gate": "open", "secret": "x"}, {"gate": "shut"}, ENV)

    assert submission.values == {"gate": "shut"}


def test_a_hidden_value_cannot_show_or_hide_another_field() -> None:
    first = field("textfield", "first", conditional={"hide": "=true"})
    second = field("textfield", "second", validate={"required": True}, conditional={"hide": '=first = "x"'})

    submission = form(first, second).check({"first": "x", "second": ""}, {}, ENV)

    assert keys(submission) == ["form.required"]


def test_expression_fields_are_computed_here_and_feed_each_other() -> None:
    components = [
        field("expression", "c", expression="=b * 2"),
        field("expression", "b", expression="=a + 1"),
        field("number"),
    ]

    submission = form(*components).check({"a": 2, "b": 100, "c": 100}, {}, ENV)

    assert submission.values == {"a": 2, "b": 3, "c": 6}
    assert set(submission.ignored) == {"b", "c"}


def test_expression_that_reads_itself_ends() -> None:
    submission = form(field("expression", expression="=if a = null then 1 else a + 1")).check({}, {}, ENV)

    assert submission.errors == ()


@pytest.mark.parametrize(
    ("submitted", "names"),
    [
        ({"a": "", "zz": 1}, ["zz"]),
        ({"a": "", "g": {"b": "", "zz": 1}}, ["g.zz"]),
        ({"a": "", "units": [{"c": "", "zz": 1}]}, ["units.0.zz"]),
        ({"a": "", "zz\ud800": 1}, ["zz?"]),
    ],
)
def test_unknown_name_is_refused(submitted: dict[str, Any], names: list[str]) -> None:
    whole = form(field("textfield"), group(field("textfield", "b"), path="g"), rows("units", field("textfield", "c")))

    submission = whole.check(submitted, {}, ENV)

    assert [(error.key, error.path) for error in submission.errors] == [("form.unknown_field", name) for name in names]


def test_not_every_one_of_many_unknown_names_is_reported() -> None:
    assert len(form(field("textfield")).check({f"z{n}": 1 for n in range(500)}, {}, ENV).errors) == 20


def test_what_the_viewer_echoes_is_dropped_silently() -> None:
    button = {"type": "button", "id": "B", "key": "go", "label": "提交"}

    submission = form(field("textfield"), button).check({"a": "x", "go": "x"}, {}, ENV)

    assert (submission.errors, submission.values) == ((), {"a": "x"})


def test_missing_is_untouched_and_null_is_emptied() -> None:
    one = form(field("textfield"), field("number", "n", defaultValue=7))

    assert one.check({}, {"a": "own"}, ENV).values == {"a": "own", "n": 7}
    assert one.check({"a": None, "n": None}, {"a": "own"}, ENV).values == {"a": "", "n": None}


def test_group_that_is_no_object_is_refused() -> None:
    submission = form(group(field("textfield"), path="g")).check({"g": "x"}, {}, ENV)

    assert keys(submission) == ["form.not_an_object"]


def test_the_viewer_is_given_only_what_the_form_reads() -> None:
    data = {
        "a": "x",
        "secret": "s",
        "b": {"c": 1, "secret": 2},
        "units": [{"opinion": "o", "secret": 3, "seen": 4}],
        "options": ["o"],
        "table": [{"name": "n", "secret": 5}],
        "files": [{"id": "1"}],
        "note": {"text": "t", "secret": 6},
    }
    one = form(
        field("textfield"),
        field("number", "b.c"),
        field("select", "s", valuesKey="options"),
        rows("units", field("textfield", "opinion", conditional={"hide": "=this.seen = 1"})),
        {"type": "table", "id": "T", "dataSource": "=table", "columns": [{"label": "名称", "key": "name"}]},
        {"type": "text", "id": "X", "text": "{{note.text}} {{#loop units}}{{secret}}{{/loop}}"},
        field("filepicker", "files"),
    )

    assert one.initial(data) == {
        "a": "x",
        "b": {"c": 1},
        "options": ["o"],
        "units": [{"opinion": "o", "secret": 3, "seen": 4}],  # the loop in the text reads whole rows
        "table": [{"name": "n"}],
        "note": {"text": "t"},
    }
    assert one.input_names() == {"a", "b.c", "s", "options", "units", "table.name", "note.text"}
    assert one.output_paths() == {"a", "b", "s", "units", "files"}


def test_rows_show_only_the_entries_of_the_form() -> None:
    one = form(rows("units", field("textfield", "opinion", conditional={"hide": "=this.seen = parent.mode"})))

    assert one.initial({"mode": 1, "other": 2, "units": [{"opinion": "o", "secret": 3, "seen": 4}]}) == {
        "mode": 1,
        "units": [{"opinion": "o", "seen": 4}],
    }


def test_merging_touches_nothing_but_the_forms_fields() -> None:
    one = form(field("textfield", "g.a"))
    data = {"g": {"a": "old", "other": 1}, "rest": [1]}

    assert merged(data, one.check({"g": {"a": "new"}}, data, ENV)) == {"g": {"a": "new", "other": 1}, "rest": [1]}
    assert data == {"g": {"a": "old", "other": 1}, "rest": [1]}
