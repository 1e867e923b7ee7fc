"""A person is replaced in texts, and is not recorded again by a refresh."""

import time

import pytest

from bot.outbound.store.people import Person

pytestmark = pytest.mark.anyio

ALICE = "U0ALICE0001"


@pytest.mark.parametrize(
    ("user_id", "text", "left"),
    [
        (ALICE, f"<@{ALICE}> and <@{ALICE}|alice>, not {ALICE}2 or X{ALICE}", f"x and x, not {ALICE}2 or X{ALICE}"),
        (
            ALICE,
            rf'{{"text": "<@{ALICE}|al\u00efce>", "more": "<@{ALICE}|", "a": ">"}}',
            '{"text": "x", "more": "<@x|", "a": ">"}',
        ),
        (ALICE, f"&lt;@{ALICE}&gt; ({ALICE}).", "&lt;@x&gt; (x)."),
        ("os:al", '"os:al" and `al` (command line), not os:al-b, os:al.c', '"x" and x, not os:al-b, os:al.c'),
    ],
)
def test_each_mention_is_replaced_and_nobody_elses(user_id: str, text: str, left: str) -> None:
    assert Person(user_id).replace_in(text, "x") == left


def test_texts_that_nearly_mention_somebody_take_no_longer() -> None:
    for text in (f"<@{ALICE}|", f"<@{ALICE}|a\\u00e4", ALICE, "os:al."):
        began = time.perf_counter()
        Person(ALICE).replace_in(text * 50_000, "x")
        assert time.perf_counter() - began < 2.0
