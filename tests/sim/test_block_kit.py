"""The limits of Block Kit and of views, in Slack's own words."""

import pytest

from bot.sim.slack import limits
from bot.sim.slack.block_kit import problems
from harness.blocks import (
    Block,
    actions,
    button,
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
FOCUSED = actions(menu("conversations_select", focus_on_load=True))
MRKDWN = [{"text": mrkdwn("x"), "value": "x"}]
NOT_OFFERED = "an initial option must be one of the options"
SPARE = "invalid additional property: "
IN_VIEW = "[json-pointer:/view]"


def found(given: object) -> list[str]:
    """The complaints about a view, a list of blocks, or one block."""
    is_view = isinstance(given, dict) and (given.get("type") in {"modal", "home"} or "title" in given)
    blocks = [given] if isinstance(given, dict) and given else given
    return limits.problems(given) if is_view else problems(blocks)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"type": "divide"}, "unsupported type: divide"),
        ({"type": "section"}, "missing required field: text or fields"),
        (section(""), "must be more than 0 characters"),
        (DIVIDER | {"text": "x"}, f"{SPARE}text"),
        (image("x", image_url="mailto:a@b.example"), "must be a valid URL"),
        (context({"type": "image", "alt_text": "x"}), "missing required field: image_url"),
        (actions(text_input()), "unsupported type: plain_text_input"),
        (actions(button(style="default")), "must be one of: primary, danger"),
        (actions(button(), button()), "`action_id`s must be unique, but anchor_pause occurs 2 times"),
        (actions(menu("static_select")), "missing required field: options"),
        (actions(menu("static_select", options=MRKDWN)), "unsupported type: mrkdwn"),
        (actions(menu("static_select", options=options(2), initial_option=option("2"))), NOT_OFFERED),
        (input_of(text_input(max_length=0)), "must be between 1 and 3000"),
        (rich_text(preformatted({"type": "user", "user_id": "U1"})), "unsupported type: user"),
        ({}, "must be an array [json-pointer:/blocks]"),
        ([DIVIDER] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([DIVIDER | {"block_id": "a"}] * 2, "`block_id`s must be unique, but a occurs 2 times [json-pointer:/blocks]"),
        ([FOCUSED] * 2, "only one element can have focus_on_load [json-pointer:/blocks]"),
        (home(title=plain("a")), f"{SPARE}title {IN_VIEW}"),
        (modal(notify_on_close=True), f"{SPARE}notify_on_close {IN_VIEW}"),
        ({"title": plain("a"), "blocks": []}, f"missing required field: type {IN_VIEW}"),
        (modal(input_of(), submit=None), f"missing required field: submit {IN_VIEW}"),
    ],
)
def test_what_breaks_a_rule_is_rejected_in_slacks_words(given: Block, complaint: str) -> None:
    [problem] = found(given)
    assert problem.startswith(f"[ERROR] {complaint}")
    assert "[json-pointer:/blocks" in problem or IN_VIEW in problem


def test_what_keeps_the_rules_is_accepted() -> None:
    assert found([image("x"), context(image("x")), rich_text({"type": "rich_text_section", "elements": []})]) == []
    assert limits.problems(modal(), "home") == ["[ERROR] unsupported type: modal [json-pointer:/view/type]"]
