"""The table of `journal`: what people write does not steer a terminal."""

import io
from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cli.journal import TableWriter
from harness.product import history


def past(reason: str) -> history.PastOrder:
    texts: dict[str, Any] = dict.fromkeys((one.name for one in fields(history.PastOrder)), "x")
    return history.PastOrder(**texts | {"reason": reason, "given_at": 0.0, "settled_at": 0.5, "told_at": None})


@given(st.text())
def test_whatever_people_write_an_order_is_one_line_that_steers_no_terminal(reason: str) -> None:
    out = io.StringIO()
    TableWriter(out).write([past(reason)])
    heading, line, end = out.getvalue().split("\n")
    assert (line.isprintable(), end, heading.split()[0]) == (True, "", "TIME")


def test_what_an_encoding_lacks_is_escaped() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    TableWriter(out).write([past("zu spät")])
    assert b"zu sp\\xe4t" in raw.getvalue()
