"""Dynamic lists: which row continues which, and what rows keep."""

from __future__ import annotations

from typing import Any

import pytest

from engine.definitions.forms import FormLimits, merged
from tests.unit.forms.support import ENV, field, form, keys, rows

OWN: dict[str, Any] = {
    "units": [
        {"unit": "耕保科", "opinion": "一", "id": 1},
        {"unit": "执法科", "opinion": "二", "id": 2},
        {"unit": "禹州", "opinion": "三", "id": 3},
    ]
}
UNIT = field("textfield", "unit", readonly=True)
OPINION = field("textfield", "opinion", validate={"required": True})


def test_errors_of_a_row_carry_its_index() -> None:
    submission = form(rows("units", OPINION)).check({"units": [{"opinion": "x"}, {"opinion": ""}]}, {}, ENV)

    assert [(error.path, error.key) for error in submission.errors] == [("units.1.opinion", "form.required")]


def test_a_removed_row_is_recognised_by_its_readonly_value() -> None:
    one = form(rows("units", UNIT, OPINION))
    sent = {
        "units": [{"unit": "耕保科", "opinion": "新"}, {"unit": "禹州", "opinion": "三"}, {"unit": "", "opinion": "加"}]
    }

    submission = one.check(sent, OWN, ENV)

    assert submission.kept_rows == {"units": (0, 2, None)}
    assert merged(OWN, submission)["units"] == [
        {"unit": "耕保科", "opinion": "新", "id": 1},
        {"unit": "禹州", "opinion": "三", "id": 3},
        {"unit": "", "opinion": "加"},
    ]


def test_a_forged_readonly_value_makes_the_row_a_new_one_without_it() -> None:
    sent = {"units": [{"unit": "别处", "opinion": "x"}]}

    submission = form(rows("units", UNIT, OPINION)).check(sent, OWN, ENV)

    assert submission.values == {"units": [{"unit": "", "opinion": "x"}]}
    assert submission.kept_rows == {"units": (None,)}


def test_rows_of_a_fixed_list_stay_in_place() -> None:
    one = form(rows("units", UNIT, OPINION, allowAddRemove=False))

    submission = one.check({"units": [{"opinion": "甲", "unit": "forged"}, None]}, OWN, ENV)

    assert submission.errors == ()
    assert merged(OWN, submission)["units"] == [
        {"unit": "耕保科", "opinion": "甲", "id": 1},
        {"unit": "执法科", "opinion": "二", "id": 2},
        {"unit": "禹州", "opinion": "三", "id": 3},
    ]
    assert keys(one.check({"units": [{}] * 4}, OWN, ENV)) == ["form.rows_fixed"]


def test_a_missing_list_has_no_rows_left_when_rows_can_be_removed() -> None:
    assert form(rows("units", OPINION)).check({}, OWN, ENV).values == {"units": []}
    fixed = form(rows("units", OPINION, allowAddRemove=False)).check({}, OWN, ENV)
    assert len(fixed.values["units"]) == 3


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("x", "form.not_a_list"),
        ({"0": {}}, "form.not_a_list"),
        (["x"], "form.not_an_object"),
        ([[1]], "form.not_an_object"),
    ],
)
def test_list_of_the_wrong_shape_is_refused(sent: Any, key: str) -> None:
    assert key in keys(form(rows("units", field("textfield", "opinion"))).check({"units": sent}, {}, ENV))


def test_number_of_rows_is_bounded() -> None:
    one = form(rows("units", field("textfield", "opinion")))

    assert keys(one.check({"units": [{}] * 201}, {}, ENV)) == ["form.too_many_rows"]
    assert keys(one.check({"units": [{}] * 3}, {}, ENV, limits=FormLimits(rows=2))) == ["form.too_many_rows"]


def test_rows_within_rows_are_matched_too() -> None:
    one = form(rows("units", UNIT, rows("points", field("textfield", "p"))))
    data = {
        "units": [{"unit": "甲", "points": [{"p": "1", "id": 1}, {"p": "2", "id": 2}]}, {"unit": "乙", "points": []}]
    }

    submission = one.check({"units": [{"unit": "甲", "points": [{"p": "2"}]}, {"unit": "乙"}]}, data, ENV)

    assert submission.kept_rows == {"units": (0, 1), "units.0.points": (1,), "units.1.points": ()}
    assert merged(data, submission)["units"][0] == {"unit": "甲", "points": [{"p": "2", "id": 2}]}


def test_condition_in_a_row_sees_the_row() -> None:
    score = field("number", "score", conditional={"hide": '=this.opinion = "x" and i[1] = 1'})

    submission = form(rows("units", OPINION, score)).check(
        {"units": [{"opinion": "x", "score": 1}, {"opinion": "x", "score": 2}]}, {}, ENV
    )

    assert submission.values == {"units": [{"opinion": "x"}, {"opinion": "x", "score": 2}]}
    assert submission.ignored == ("units.0.score",)


def test_a_row_whose_readonly_value_differs_is_never_taken_for_a_stored_one() -> None:
    sent = {"units": [{"unit": "别处", "opinion": "一"}]}

    assert form(rows("units", UNIT, OPINION)).check(sent, OWN, ENV).kept_rows == {"units": (None,)}


def test_parents_of_parents_can_be_read_in_nested_rows() -> None:
    inner = field("textfield", "p", conditional={"hide": '=parent.parent.mode = "x"'})
    one = form(field("textfield", "mode"), rows("units", rows("points", inner)))

    submission = one.check({"mode": "x", "units": [{"points": [{"p": "1"}]}]}, {}, ENV)

    assert submission.values == {"mode": "x", "units": [{"points": [{}]}]}
