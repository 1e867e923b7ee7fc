"""The formats of `journal`: what people write fits, and steers neither a terminal nor a spreadsheet."""

import csv
import io
import unicodedata
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cli.journal import CsvWriter, TableWriter
from harness.product import history


def past(reason: str) -> history.PastOrder:
    texts: dict[str, Any] = dict.fromkeys((one.name for one in fields(history.PastOrder)), "x")
    return history.PastOrder(**texts | {"reason": reason, "given_at": 0.0, "settled_at": 0.5, "told_at": None})


@given(st.text(), st.integers(30, 200))
def test_whatever_people_write_the_table_fits_and_steers_no_terminal(reason: str, width: int) -> None:
    out = io.StringIO()
    TableWriter(out, width).write([past(reason)])
    heading, line, end = out.getvalue().split("\n")
    assert (line.isprintable(), end) == (True, "")
    assert sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line) <= width >= len(heading)


@given(st.one_of(st.text(), st.text("=+-@ \t\r\n＝", min_size=1)))
def test_no_cell_of_csv_is_a_formula(reason: str) -> None:
    out = io.StringIO()
    CsvWriter(out).write([past(reason)])
    _, cells = csv.reader(io.StringIO(out.getvalue()))
    assert [cell for cell in cells if cell.lstrip()[:1] in set("=+-@＝＋－＠") or not cell.isprintable()] == []


def test_what_an_encoding_lacks_is_escaped() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    TableWriter(out, None).write([past("zu spät")])
    assert b"zu sp\\xe4t" in raw.getvalue()
