"""CSV files: what a spreadsheet would run is text in them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.service.csv_file import DANGEROUS, guarded, written

CELLS = st.one_of(
    st.text(), st.integers(), st.none(), st.sampled_from(["=1+1", "+86", "-5", "@x", "\tx", "\rx", "'", ""])
)


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_begins_like_a_formula_gets_an_apostrophe(cell: str):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "a=1", "网帖称", 5, -5, 0.5, None])
def test_any_other_cell_stays_as_it_is(cell: str | int | float | None):
    assert guarded(cell) == cell


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=5), mark=st.text(), header=st.text())
def test_no_text_cell_of_a_file_can_be_run_and_nothing_else_is_changed(
    rows: list[list[str | int | None]], mark: str, header: str
):
    body = written(mark, [header, "b"], rows)

    read = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    texts = [[mark], [header, "b"], *([("" if cell is None else str(cell)) for cell in row] for row in rows)]
    assert [[cell.removeprefix("'") for cell in line] for line in read] == [
        [cell.removeprefix("'") for cell in line] for line in texts
    ]
    for line, given_line in zip(read[2:], rows, strict=True):
        for cell, was in zip(line, given_line, strict=True):
            assert not (isinstance(was, str) and cell.startswith(DANGEROUS)), cell


def test_the_file_begins_with_the_mark_of_the_encoding_and_of_who_took_it_out():
    body = written("赵明（zhaoming） 第1号", ["案件"], [["WQ-2026-000001"]])

    assert body.startswith(b"\xef\xbb\xbf")
    assert body.decode("utf-8-sig").split("\r\n") == ["赵明（zhaoming） 第1号", "案件", "WQ-2026-000001", ""]
