"""The limits of Block Kit, in Slack's own words."""

from collections.abc import Callable
from typing import Literal

import pytest

from bot.sim.slack.block_kit import problems
from harness.blocks import (
    Block,
    actions,
    button,
    confirm,
    context,
    image,
    input_of,
    menu,
    mrkdwn,
    option,
    options,
    plain,
    preformatted,
    rich_text,
    section,
    text_input,
    words,
)

DIVIDER = {"type": "divider"}


def group(count: int, label: str = "x") -> Block:
    return {"label": plain(label), "options": options(count)}


@pytest.mark.parametrize(
    ("most", "block"),
    [
        (3000, lambda n: section("x" * n)),
        (255, lambda n: section("x", block_id="x" * n)),
        (10, lambda n: {"type": "section", "fields": [mrkdwn("x")] * n}),
        (150, lambda n: {"type": "header", "text": plain("x" * n)}),
        (12_000, lambda n: {"type": "markdown", "text": "x" * n}),
        (2000, lambda n: input_of(label=plain("x" * n))),
        (2000, lambda n: input_of(hint=plain("x" * n))),
        (25, lambda n: actions(*[button(str(number)) for number in range(n)])),
        (75, lambda n: actions(button(text="x" * n))),
        (255, lambda n: actions(button("x" * n))),
        (2000, lambda n: actions(button(value="x" * n))),
        (30, lambda n: actions(button(confirm=confirm(confirm=plain("x" * n))))),
        (30, lambda n: actions(button(confirm=confirm(deny=plain("x" * n))))),
        (5, lambda n: actions(menu("overflow", options=options(n)))),
        (10, lambda n: actions(menu("checkboxes", options=options(n)))),
        (100, lambda n: actions(menu("static_select", options=options(n)))),
        (100, lambda n: actions(menu("static_select", option_groups=[group(n)]))),
        (75, lambda n: actions(menu("static_select", option_groups=[group(1, "x" * n)]))),
        (150, lambda n: actions(menu("users_select", placeholder=plain("x" * n)))),
        (100, lambda n: input_of(menu("multi_users_select", max_selected_items=n))),
        (3000, lambda n: input_of(text_input(min_length=n))),
        (3000, lambda n: input_of(text_input(max_length=n))),
    ],
)
def test_a_block_over_a_limit_is_rejected(most: int, block: Callable[[int], Block]) -> None:
    assert problems([block(most)]) == []
    assert len(problems([block(most + 1)])) == 1


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "divide"}, "unsupported type: divide"),
        ({"text": mrkdwn("x")}, "missing required field: type"),
        ({"type": "section"}, "missing required field: text or fields"),
        ({"type": "section", "text": {"type": "mrkdwn"}}, "missing required field: text"),
        ({"type": "section", "text": "x"}, "missing required field: type"),
        (section(""), "must be more than 0 characters"),
        (section("x", expand=1), "must be a boolean"),
        (section("x", block_id=7), "must be a string"),
        ({"type": "section", "fields": "x"}, "must be an array"),
        ({"type": "section", "fields": []}, "no fewer than 1 items allowed"),
        ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn"),
        (DIVIDER | {"text": "x"}, "invalid additional property: text"),
        ({"type": "context", "elements": [button()]}, "unsupported type: button"),
        (actions(text_input()), "unsupported type: plain_text_input"),
        (section("x", accessory=text_input()), "unsupported type: plain_text_input"),
        (actions(button(style="default")), "must be one of: primary, danger"),
        (actions(button(confirm="x")), "must be an object [json-pointer:/blocks/0/elements/0/confirm]"),
        (actions(button(), button()), "`action_id`s must be unique, but anchor_pause occurs 2 times"),
        (input_of(button()), "unsupported type: button"),
        (input_of(menu("overflow", options=options(1))), "unsupported type: overflow"),
        (input_of(text_input(max_length="10")), "must be an integer"),
        (input_of(text_input(max_length=True)), "must be an integer"),
        (input_of(text_input(max_length=0)), "must be between 1 and 3000"),
        (input_of(text_input(min_length=-1)), "must be between 0 and 3000"),
        (input_of(label=mrkdwn("x")), "unsupported type: mrkdwn"),
        (input_of(menu("multi_users_select", max_selected_items=0)), "must be between 1 and 100"),
        (actions(menu("users_select", max_selected_items=1)), "invalid additional property: max_selected_items"),
        (actions(menu("users_select", filter={})), "invalid additional property: filter"),
        (actions(menu("conversations_select", filter={})), "at least one field is required"),
        (
            input_of(menu("radio_buttons", options=options(2), initial_option=option("2"))),
            "an initial option must be one of the options",
        ),
        (
            actions(menu("checkboxes", options=options(2), initial_options=options(3))),
            "an initial option must be one of the options",
        ),
        (
            actions(menu("overflow", options=[{"text": mrkdwn("x"), "value": "x"}])),
            "unsupported type: mrkdwn",
        ),
        (
            actions(menu("radio_buttons", options=[option("x") | {"url": "https://a.example"}])),
            "invalid additional property: url",
        ),
        (actions(button(url="a.example/x")), "must be a valid URL"),
        (actions(button(url="https://")), "must be a valid URL"),
        (image("x", image_url="mailto:a@b.example"), "must be a valid URL"),
        (context(image("x", image_url="")), "must be more than 0 characters"),
        (actions(menu("static_select", options=[{"text": mrkdwn("x"), "value": "x"}])), "unsupported type: mrkdwn"),
        (
            actions(menu("static_select", options=options(2), initial_option=option("2"))),
            "an initial option must be one of the options",
        ),
        (
            input_of(menu("multi_static_select", option_groups=[group(2)], initial_options=options(3))),
            "an initial option must be one of the options",
        ),
        (actions(menu("multi_users_select")), "unsupported type: multi_users_select"),
        (rich_text(), "no fewer than 1 items allowed"),
        (rich_text(section("x")), "unsupported type: section"),
        (rich_text(preformatted()), "no fewer than 1 items allowed"),
        (rich_text(preformatted(words(""))), "must be more than 0 characters"),
        (rich_text(preformatted(mrkdwn("x"))), "unsupported type: mrkdwn"),
        (rich_text(preformatted({"type": "user", "user_id": "U1"})), "unsupported type: user"),
        (rich_text(preformatted(words("x", style="bold"))), "must be an object"),
        (rich_text(preformatted(words("x"), indent=1)), "invalid additional property: indent"),
        (rich_text({"type": "rich_text_list", "style": "bullet", "elements": [words("x")]}), "unsupported type: text"),
        (actions(menu("static_select")), "either options or option_groups must be given"),
        (
            actions(menu("static_select", options=options(1), option_groups=[group(1)])),
            "either options or option_groups must be given",
        ),
    ],
)
def test_a_block_that_breaks_a_rule_is_rejected_in_slacks_words(block: Block, complaint: str) -> None:
    [problem] = problems([block])
    assert problem.startswith(f"[ERROR] {complaint}")
    assert "[json-pointer:/blocks/0" in problem


def test_urls_and_initial_options_that_slack_takes() -> None:
    links = [button(str(number), url=url) for number, url in enumerate(("https://a.example", "mailto:a@b.example"))]
    chosen = menu("multi_static_select", option_groups=[group(2), group(3)], initial_options=options(3))
    assert problems([actions(*links), image("x"), input_of(chosen)]) == []


@pytest.mark.parametrize("kind", ["alert", "card", "container", "table", "video"])
def test_types_that_the_simulator_does_not_know_pass(kind: str) -> None:
    assert problems([{"type": kind, "novelty": 1}]) == []


def test_rich_text_and_options_that_slack_takes() -> None:
    formatted = {"type": "mrkdwn", "text": "*x*", "verbatim": False}
    item = {"type": "rich_text_section", "elements": [words("x", style={"bold": True}), {"type": "link", "url": "u"}]}
    listed = {"type": "rich_text_list", "style": "bullet", "elements": [item]}
    assert problems([rich_text(preformatted(words("a & <b>"), border=0), item, listed)]) == []
    chosen = menu("radio_buttons", options=[{"text": formatted, "value": "x"}, *options(1)], initial_option=option("0"))
    assert problems([input_of(chosen)]) == []


@pytest.mark.parametrize(
    ("blocks", "complaint"),
    [
        ({}, "must be an array"),
        ([DIVIDER | {"block_id": "a"}] * 2, "`block_id`s must be unique, but a occurs 2 times"),
        ([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown must be less than 12001 characters over all blocks"),
        (
            [actions(menu("users_select", focus_on_load=True)), actions(menu("users_select", focus_on_load=True))],
            "only one element can have focus_on_load",
        ),
    ],
)
def test_blocks_that_break_a_rule_together_are_rejected(blocks: object, complaint: str) -> None:
    assert problems(blocks) == [f"[ERROR] {complaint} [json-pointer:/blocks]"]


SURFACES: tuple[tuple[Literal["message", "modal", "home"], int], ...] = (("message", 50), ("modal", 100), ("home", 100))


@pytest.mark.parametrize(("surface", "most"), SURFACES)
def test_each_surface_has_its_own_rules(surface: Literal["message", "modal", "home"], most: int) -> None:
    field = input_of(menu("conversations_select", response_url_enabled=True))
    markdown = {"type": "markdown", "text": "x"}

    assert problems([DIVIDER] * most, surface=surface) == []
    assert len(problems([DIVIDER] * (most + 1), surface=surface)) == 1
    assert len(problems([field], surface=surface)) == (0 if surface == "modal" else 1)
    assert len(problems([actions(field["element"])], surface=surface)) == 1
    assert len(problems([markdown], surface=surface)) == (0 if surface == "message" else 1)
