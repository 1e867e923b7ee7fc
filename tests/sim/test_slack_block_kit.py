"""The limits of Block Kit, in Slack's own words."""

import pytest

from bot.sim.slack.block_kit import problems

Block = dict[str, object]


def plain(text: str, **more: object) -> Block:
    return {"type": "plain_text", "text": text, **more}


def mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text}


def button(**more: object) -> Block:
    return {"type": "button", "text": plain("Pause"), "action_id": "pause", **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def confirm(**more: object) -> Block:
    return {"title": plain("Sure?"), "text": mrkdwn("x"), "confirm": plain("Yes"), "deny": plain("No"), **more}


def options(count: int) -> list[Block]:
    return [{"text": plain(str(number)), "value": str(number)} for number in range(count)]


INPUT = {"type": "plain_text_input", "action_id": "a", "max_length": 10, "multiline": False}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "section", "text": mrkdwn("x" * 3000), "block_id": "b" * 255},
        {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10, "accessory": button()},
        {"type": "section", "text": plain("x", emoji=False), "accessory": {"type": "users_select"}},
        {"type": "header", "text": plain("x" * 150)},
        {"type": "divider"},
        {"type": "context", "elements": [mrkdwn("x"), {"type": "image", "alt_text": "x", "image_url": "https://a"}]},
        actions(button(value="v" * 2000, style="danger", confirm=confirm(), accessibility_label="Pause it")),
        actions({"type": "overflow", "action_id": "a", "options": options(5)}),
        actions({"type": "static_select", "action_id": "a", "options": options(100)}),
        {"type": "image", "alt_text": "x", "image_url": "https://a", "title": plain("x")},
        {"type": "input", "label": plain("x"), "element": INPUT, "optional": True},
        {"type": "markdown", "text": "x" * 12_000},
        {"type": "rich_text", "elements": []},
        actions(
            {"type": "multi_users_select", "initial_users": ["U1"], "max_selected_items": 100, "focus_on_load": True},
            {"type": "multi_static_select", "options": options(100), "initial_options": options(1)},
            {"type": "multi_channels_select", "initial_channels": ["C1"], "placeholder": plain("x" * 150)},
            {"type": "users_select", "initial_user": "U1", "confirm": confirm()},
            {"type": "channels_select", "initial_channel": "C1"},
            {"type": "checkboxes", "options": options(10), "initial_options": options(2)},
            {"type": "radio_buttons", "options": options(10), "initial_option": options(1)[0]},
            {"type": "static_select", "option_groups": [{"label": plain("x" * 75), "options": options(100)}]},
        ),
        {
            "type": "section",
            "text": mrkdwn("x"),
            "accessory": {
                "type": "conversations_select",
                "initial_conversation": "C1",
                "default_to_current_conversation": True,
                "response_url_enabled": False,
                "filter": {"include": ["im", "mpim", "private", "public"], "exclude_bot_users": True},
            },
        },
        {
            "type": "input",
            "label": plain("x"),
            "element": {
                "type": "multi_conversations_select",
                "initial_conversations": ["C1"],
                "default_to_current_conversation": False,
                "filter": {"exclude_external_shared_channels": True},
            },
        },
        {
            "type": "section",
            "text": mrkdwn("x"),
            "accessory": {"type": "image", "alt_text": "x", "image_url": "https://a"},
        },
        {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input", "min_length": 0}},
        {
            "type": "input",
            "label": plain("x"),
            "element": {"type": "plain_text_input", "min_length": 3000, "max_length": 3000},
        },
    ],
)
def test_what_keeps_the_limits_is_fine(block: Block) -> None:
    assert problems([block]) == []


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        (
            {"type": "section", "text": mrkdwn("x" * 3001)},
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        ({"type": "section", "text": mrkdwn("")}, "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ({"type": "section", "text": "x"}, "missing required field: type [json-pointer:/blocks/0/text]"),
        ({"type": "section", "text": {"type": "mrkdwn"}}, "missing required field: text [json-pointer:/blocks/0/text]"),
        ({"type": "section", "text": mrkdwn("x"), "expand": 1}, "must be a boolean [json-pointer:/blocks/0/expand]"),
        ({"type": "section"}, "missing required field: text or fields [json-pointer:/blocks/0]"),
        (
            {"type": "section", "fields": [mrkdwn("x")] * 11},
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        ({"type": "section", "fields": []}, "no fewer than 1 items allowed [json-pointer:/blocks/0/fields]"),
        ({"type": "section", "fields": "x"}, "must be an array [json-pointer:/blocks/0/fields]"),
        ({"type": "header", "text": mrkdwn("x")}, "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
        (
            {"type": "header", "text": plain("x" * 151)},
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        ({"type": "divider", "text": "x"}, "invalid additional property: text [json-pointer:/blocks/0]"),
        ({"type": "divide"}, "unsupported type: divide [json-pointer:/blocks/0/type]"),
        ({"type": "divider", "block_id": 7}, "must be a string [json-pointer:/blocks/0/block_id]"),
        (
            {"type": "context", "elements": [button()]},
            "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
        ),
        (
            actions(*[button(action_id=str(n)) for n in range(26)]),
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (actions(button(style="default")), "must be one of: primary, danger [json-pointer:/blocks/0/elements/0/style]"),
        (
            actions(button(text=plain("x" * 76))),
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            actions(button(value="v" * 2001)),
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
        ),
        (actions(button(confirm="x")), "must be an object [json-pointer:/blocks/0/elements/0/confirm]"),
        (
            actions(button(confirm=confirm(confirm=plain("x" * 31)))),
            "must be less than 31 characters [json-pointer:/blocks/0/elements/0/confirm/confirm/text]",
        ),
        (
            actions(button(), button()),
            "`action_id`s must be unique, but pause occurs 2 times [json-pointer:/blocks/0/elements]",
        ),
        (
            actions({"type": "overflow", "options": options(6)}),
            "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            {"type": "input", "label": plain("x"), "element": INPUT | {"max_length": "10"}},
            "must be an integer [json-pointer:/blocks/0/element/max_length]",
        ),
        *(
            (
                {"type": "input", "label": plain("x"), "element": {"type": "plain_text_input", name: number}},
                f"must be between {least} and 3000 [json-pointer:/blocks/0/element/{name}]",
            )
            for name, number, least in (
                ("max_length", 0, 1),
                ("max_length", 3001, 1),
                ("min_length", -1, 0),
                ("min_length", 3001, 0),
            )
        ),
        *(
            (
                actions({"type": "multi_users_select", "max_selected_items": number}),
                "must be between 1 and 100 [json-pointer:/blocks/0/elements/0/max_selected_items]",
            )
            for number in (0, 101)
        ),
        (
            actions({"type": "users_select", "max_selected_items": 1}),
            "invalid additional property: max_selected_items [json-pointer:/blocks/0/elements/0]",
        ),
        (
            actions({"type": "users_select", "initial_users": ["U1"]}),
            "invalid additional property: initial_users [json-pointer:/blocks/0/elements/0]",
        ),
        (
            actions({"type": "multi_users_select", "initial_users": "U1"}),
            "must be an array [json-pointer:/blocks/0/elements/0/initial_users]",
        ),
        (
            actions({"type": "users_select", "filter": {}}),
            "invalid additional property: filter [json-pointer:/blocks/0/elements/0]",
        ),
        (
            actions({"type": "conversations_select", "filter": {}}),
            "at least one field is required [json-pointer:/blocks/0/elements/0/filter]",
        ),
        (
            actions({"type": "conversations_select", "filter": {"include": []}}),
            "no fewer than 1 items allowed [json-pointer:/blocks/0/elements/0/filter/include]",
        ),
        (
            actions({"type": "conversations_select", "filter": {"include": ["dm"]}}),
            "must be one of: im, mpim, private, public [json-pointer:/blocks/0/elements/0/filter/include/0]",
        ),
        (
            actions({"type": "conversations_select", "filter": {"exclude_bots": True}}),
            "invalid additional property: exclude_bots [json-pointer:/blocks/0/elements/0/filter]",
        ),
        (
            actions({"type": "multi_conversations_select", "response_url_enabled": True}),
            "invalid additional property: response_url_enabled [json-pointer:/blocks/0/elements/0]",
        ),
        (
            actions({"type": "conversations_select", "response_url_enabled": True}),
            "invalid additional property: response_url_enabled [json-pointer:/blocks/0]",
        ),
        (
            actions({"type": "checkboxes", "options": options(11)}),
            "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        *(
            (
                actions({"type": "static_select", "option_groups": [{"label": plain("x" * long), "options": many}]}),
                f"{what} [json-pointer:/blocks/0/elements/0/option_groups/0/{where}]",
            )
            for long, many, what, where in (
                (76, options(1), "must be less than 76 characters", "label/text"),
                (75, options(101), "no more than 100 items allowed", "options"),
            )
        ),
        (
            actions(button(action_id="x" * 256)),
            "must be less than 256 characters [json-pointer:/blocks/0/elements/0/action_id]",
        ),
        (
            actions({"type": "static_select", "options": options(101)}),
            "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            actions({"type": "users_select", "placeholder": plain("x" * 151)}),
            "must be less than 151 characters [json-pointer:/blocks/0/elements/0/placeholder/text]",
        ),
        (
            {"type": "input", "label": plain("x"), "hint": plain("x" * 2001), "element": INPUT},
            "must be less than 2001 characters [json-pointer:/blocks/0/hint/text]",
        ),
        (
            actions({"type": "static_select"}),
            "either options or option_groups must be given [json-pointer:/blocks/0/elements/0]",
        ),
        (
            actions(
                {
                    "type": "multi_static_select",
                    "options": options(1),
                    "option_groups": [{"label": plain("x"), "options": options(1)}],
                }
            ),
            "either options or option_groups must be given [json-pointer:/blocks/0/elements/0]",
        ),
        (
            {"type": "input", "label": plain("x"), "element": button()},
            "unsupported type: button [json-pointer:/blocks/0/element/type]",
        ),
        (
            {"type": "input", "label": plain("x"), "element": {"type": "overflow", "options": options(1)}},
            "unsupported type: overflow [json-pointer:/blocks/0/element/type]",
        ),
        (actions(INPUT), "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]"),
        (
            {"type": "section", "text": mrkdwn("x"), "accessory": INPUT},
            "unsupported type: plain_text_input [json-pointer:/blocks/0/accessory/type]",
        ),
        (
            {"type": "input", "label": mrkdwn("x"), "element": INPUT},
            "unsupported type: mrkdwn [json-pointer:/blocks/0/label/type]",
        ),
        (
            {"type": "input", "label": plain("x" * 2001), "element": INPUT},
            "must be less than 2001 characters [json-pointer:/blocks/0/label/text]",
        ),
        (
            actions(
                {"type": "users_select", "action_id": "a", "focus_on_load": True},
                {"type": "users_select", "action_id": "b", "focus_on_load": True},
            ),
            "only one element can have focus_on_load [json-pointer:/blocks]",
        ),
    ],
)
def test_what_breaks_a_limit_is_named_with_its_place(block: Block, complaint: str) -> None:
    assert problems([block]) == [f"[ERROR] {complaint}"]


def test_there_are_at_most_fifty_blocks_in_a_message() -> None:
    assert problems([{"type": "divider"}] * 50) == []
    assert problems([{"type": "divider"}] * 51) == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    assert problems([{"type": "divider"}] * 51, surface="modal") == []


def test_block_ids_are_unique_in_a_message() -> None:
    blocks = [{"type": "divider", "block_id": "a"}] * 2

    assert problems(blocks) == ["[ERROR] `block_id`s must be unique, but a occurs 2 times [json-pointer:/blocks]"]


def test_an_action_id_may_return_in_another_block() -> None:
    assert problems([actions(button()), actions(button())]) == []


def test_markdown_is_limited_over_all_blocks() -> None:
    [complaint] = problems([{"type": "markdown", "text": "x" * 6001}] * 2)

    assert "less than 12001 characters over all blocks" in complaint


@pytest.mark.parametrize("blocks", ["x", {}, None])
def test_blocks_are_a_list(blocks: object) -> None:
    assert problems(blocks) == ["[ERROR] must be an array [json-pointer:/blocks]"]


def test_only_inputs_of_modals_give_a_response_url() -> None:
    menu: Block = {"type": "conversations_select", "response_url_enabled": True}
    field: Block = {"type": "input", "label": plain("x"), "element": menu}

    assert problems([field], surface="modal") == []
    for surface, block in (("home", field), ("message", field), ("modal", actions(menu))):
        assert problems([block], surface=surface) == [  # type: ignore[arg-type]
            "[ERROR] invalid additional property: response_url_enabled [json-pointer:/blocks/0]"
        ]


def test_markdown_is_for_messages() -> None:
    for surface in ("modal", "home"):
        assert problems([{"type": "markdown", "text": "x"}], surface=surface) == [
            "[ERROR] unsupported type: markdown [json-pointer:/blocks/0/type]"
        ]


def test_what_is_no_menu_is_named_once() -> None:
    assert problems([{"type": "input", "label": plain("x"), "element": 7}]) == [
        "[ERROR] missing required field: type [json-pointer:/blocks/0/element]"
    ]
