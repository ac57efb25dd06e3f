"""Whatever is sent: no exception, no value outside the form's own places, nothing that JSON cannot hold."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definitions.forms import Form, merged, read_form
from tests.unit.forms.support import ENV

CASES = [
    one
    for file in sorted((Path(__file__).parent / "corpus").glob("*.json"))
    for one in json.loads(file.read_text("utf-8"))[::7]
]
NAMES = st.sampled_from(
    ["a", "b", "c", "g", "units", "facts", "who", "mode", "opinion", "points", "p", "zz", "__proto__", ""]
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("files::one")
    | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)


def declared(form: Form) -> set[str]:
    """The places where a value may stand, row numbers left out."""

    def walk(components: Any, base: str) -> set[str]:
        out = set()
        for one in components:
            path = ".".join([base, *one.segments]).strip(".")
            out |= {path} if one.keyed or one.repeated else set()
            out |= walk(one.children, path)
        return out

    return walk(form.components, "")


def stands_in(value: Any, allowed: set[str], path: str = "") -> bool:
    if path in allowed and not (isinstance(value, list) and any(name.startswith(f"{path}.") for name in allowed)):
        return True
    if isinstance(value, list):
        return path in allowed and all(stands_in(item, allowed, path) or item == {} for item in value)
    return isinstance(value, dict) and all(
        stands_in(item, allowed, f"{path}.{name}".strip(".")) for name, item in value.items()
    )


def broken(sent: Any, data: st.DataObject) -> Any:
    """`sent` with some of its parts replaced by anything."""
    if isinstance(sent, dict) and data.draw(st.booleans()):
        return {name: broken(item, data) for name, item in sent.items()}
    if isinstance(sent, list) and data.draw(st.booleans()):
        return [broken(item, data) for item in sent]
    return sent if data.draw(st.booleans()) else data.draw(ANY)


@settings(max_examples=300)
@given(st.data())
def test_check_never_raises_and_writes_only_declared_places(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    form = read_form(json.dumps(case["schema"]).encode())
    sent = data.draw(ANY) if data.draw(st.booleans()) else broken(case["submitted"], data)
    own = (
        data.draw(st.sampled_from([case["data"], case["initial"], {}]))
        if data.draw(st.booleans())
        else broken(case["data"], data)
    )
    own = own if isinstance(own, dict) else {}
    before = copy.deepcopy(own)

    submission = form.check(sent, own, ENV)

    assert repr(own) == repr(before)
    if submission.errors:
        assert submission.values == {}
    assert stands_in(submission.values, declared(form))
    assert set(submission.values) <= form.output_paths()
    for error in submission.errors:
        json.dumps([error.path, error.key, dict(error.params), error.label], allow_nan=False).encode()
    merged(own, submission)


@settings(max_examples=100)
@given(st.data())
def test_values_can_always_be_stored(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    form = read_form(json.dumps(case["schema"]).encode())

    submission = form.check(broken(case["submitted"], data), {}, ENV)

    json.dumps(submission.values, allow_nan=False, ensure_ascii=False).encode("utf-8")
