"""The table of `journal`: what people write does not steer a terminal."""

from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.cli.journal import table_line
from harness.product import history


def past(reason: str) -> history.PastOrder:
    texts: dict[str, Any] = dict.fromkeys((one.name for one in fields(history.PastOrder)), "x")
    return history.PastOrder(**texts | {"reason": reason, "given_at": 0.0, "settled_at": 0.5, "told_at": None})


@given(st.text())
def test_whatever_people_write_an_order_is_one_line_that_steers_no_terminal(reason: str) -> None:
    assert table_line(past(reason)).isprintable()
