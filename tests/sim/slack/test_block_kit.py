"""The limits of Block Kit and of views, in Slack's own words."""

from collections.abc import Callable

import pytest

from bot.sim.slack import limits
from bot.sim.slack.block_kit import problems
from harness.blocks import (
    Block,
    actions,
    button,
    confirm,
    context,
    home,
    image,
    input_of,
    menu,
    modal,
    mrkdwn,
    option,
    options,
    plain,
    preformatted,
    rich_text,
    section,
    text_input,
)

DIVIDER = {"type": "divider"}
ALERT = {"type": "alert", "text": mrkdwn("Low on *paper*")}
FOCUSED = actions(menu("users_select", focus_on_load=True))
NOT_OFFERED = "an initial option must be one of the options"


@pytest.mark.parametrize(
    ("most", "block"),
    [
        (3000, lambda n: section("x" * n)),
        (3000, lambda n: section("🚨" * (n // 2) + "x" * (n % 2))),
        (150, lambda n: {"type": "header", "text": plain("x" * n)}),
        (25, lambda n: actions(*[button(str(number)) for number in range(n)])),
        (75, lambda n: actions(button(text="x" * n))),
        (300, lambda n: actions(button(confirm=confirm(text="x" * n)))),
        (100, lambda n: actions(menu("static_select", options=options(n)))),
        (3000, lambda n: input_of(text_input(max_length=n))),
    ],
)
def test_a_block_over_a_limit_is_rejected(most: int, block: Callable[[int], Block]) -> None:
    assert problems([block(most)]) == []
    assert len(problems([block(most + 1)])) == 1
    assert (len(problems([DIVIDER] * 50)), len(problems([DIVIDER] * 51))) == (0, 1)


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "divide"}, "unsupported type: divide"),
        ({"type": "section"}, "missing required field: text or fields"),
        (section(""), "must be more than 0 characters"),
        (DIVIDER | {"text": "x"}, "invalid additional property: text"),
        (image("x", image_url="mailto:a@b.example"), "must be a valid URL"),
        ({"type": "image", "alt_text": "x"}, "must have one of: image_url, slack_file"),
        (ALERT, "unsupported type: alert"),
        (actions(menu("datepicker", initial_date="2026-13-01")), "must be a date as YYYY-MM-DD"),
        (actions(text_input()), "unsupported type: plain_text_input"),
        (actions(button(style="default")), "must be one of: primary, danger"),
        (actions(button(), button()), "`action_id`s must be unique, but anchor_pause occurs 2 times"),
        (actions(menu("static_select")), "missing required field: options"),
        (actions(menu("static_select", options=[{"text": mrkdwn("x"), "value": "x"}])), "unsupported type: mrkdwn"),
        (actions(menu("static_select", options=options(2), initial_option=option("2"))), NOT_OFFERED),
        (input_of(text_input(max_length=0)), "must be between 1 and 3000"),
        (rich_text(preformatted({"type": "user", "user_id": "U1"})), "unsupported type: user"),
    ],
)
def test_a_block_that_breaks_a_rule_is_rejected_in_slacks_words(block: Block, complaint: str) -> None:
    [problem] = problems([block])
    assert problem.startswith(f"[ERROR] {complaint}")
    assert "[json-pointer:/blocks/0" in problem


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ({}, "must be an array"),
        ([DIVIDER] * 51, "no more than 50 items allowed"),
        ([DIVIDER | {"block_id": "a"}] * 2, "`block_id`s must be unique, but a occurs 2 times"),
        ([FOCUSED] * 2, "only one element can have focus_on_load"),
    ],
)
def test_blocks_that_break_a_rule_together_are_rejected(blocks: object, complaint: str) -> None:
    assert problems(blocks) == [f"[ERROR] {complaint} [json-pointer:/blocks]"]


@pytest.mark.parametrize(
    ("most", "view"),
    [
        (24, lambda n: modal(title="x" * n)),
        (3000, lambda n: modal(private_metadata="x" * n)),
        (100, lambda n: home(*[DIVIDER] * n)),
    ],
)
def test_a_view_over_a_limit_is_rejected(most: int, view: Callable[[int], Block]) -> None:
    assert limits.problems(view(most)) == []
    assert len(limits.problems(view(most + 1))) == 1


@pytest.mark.parametrize(
    ("view", "kind", "complaint"),
    [
        (modal(), "home", "unsupported type: modal [json-pointer:/view/type]"),
        (home(title=plain("a")), "home", "invalid additional property: title [json-pointer:/view]"),
        (modal(notify_on_close=True), "modal", "invalid additional property: notify_on_close [json-pointer:/view]"),
        ({"title": plain("a"), "blocks": []}, "modal", "missing required field: type [json-pointer:/view]"),
        (modal(input_of(), submit=None), "modal", "missing required field: submit [json-pointer:/view]"),
    ],
)
def test_a_wrong_view_is_rejected(view: object, kind: limits.Kind, complaint: str) -> None:
    assert limits.problems(view, kind) == [f"[ERROR] {complaint}"]


def test_an_alert_stands_only_in_a_modal() -> None:
    assert limits.problems(modal(ALERT, ALERT | {"level": "error"})) == []
    assert len(limits.problems(modal(ALERT | {"text": mrkdwn("x" * 201), "level": "bad"}))) == 2
    assert limits.problems(home(ALERT)) == ["[ERROR] unsupported type: alert [json-pointer:/view/blocks/0/type]"]


def test_an_image_has_one_source_and_a_date_can_be_picked_in_every_block() -> None:
    picker = menu("datepicker", initial_date="2026-02-28", placeholder=plain("When"))
    slack_file = {"type": "image", "alt_text": "x", "slack_file": {"id": "F0CHART0001"}}
    assert (
        problems([image("x"), slack_file, context(slack_file), actions(picker), section("x", accessory=picker)]) == []
    )
    assert limits.problems(modal(input_of(picker))) == []
