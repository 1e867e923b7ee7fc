"""The limits of Block Kit.

https://docs.slack.dev/reference/block-kit/
"""

from collections import Counter
from collections.abc import Iterator

from bot.sim.slack.schema import (
    Check,
    anything,
    boolean,
    by_type,
    complaint,
    integer,
    listing,
    one_of,
    shape,
    string,
)

MESSAGE_BLOCKS = 50
_ALL_MARKDOWN = 12_000


def _plain(most: int) -> Check:
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": boolean})})


def _text(most: int) -> Check:
    mrkdwn = shape({"text": string(most)}, {"verbatim": boolean})
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


_ID = string(255)
_STYLE = one_of("primary", "danger")  # "default" is for legacy attachments only
_CONFIRM = shape(
    {"title": _plain(100), "text": _text(300), "confirm": _plain(30), "deny": _plain(30)}, {"style": _STYLE}
)
_OPTION = shape({"text": _text(75), "value": string(150)}, {"description": _text(75), "url": string(3000)})
_CHOICE = {"action_id": _ID, "confirm": _CONFIRM, "focus_on_load": boolean}
_PICKER = shape({}, _CHOICE | {"placeholder": _plain(150), "initial_user": anything, "initial_conversation": anything})
_IMAGE = {"image_url": string(3000), "slack_file": anything}

_ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": _plain(75)},
        {
            "action_id": _ID,
            "value": string(2000),
            "url": string(3000),
            "style": _STYLE,
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": shape({"options": listing(_OPTION, 5)}, {"action_id": _ID, "confirm": _CONFIRM}),
    "static_select": shape(
        {},
        _CHOICE
        | {"placeholder": _plain(150), "options": listing(_OPTION, 100), "option_groups": anything}
        | {"initial_option": _OPTION},
    ),
    "radio_buttons": shape({"options": listing(_OPTION, 10)}, _CHOICE | {"initial_option": _OPTION}),
    "checkboxes": shape({"options": listing(_OPTION, 10)}, _CHOICE | {"initial_options": listing(_OPTION, 10)}),
    "users_select": _PICKER,
    "conversations_select": _PICKER,
    "channels_select": _PICKER,
}
_PLAIN_TEXT_INPUT = shape(
    {},
    {
        "action_id": _ID,
        "placeholder": _plain(150),
        "initial_value": string(3000),
        "multiline": boolean,
        "min_length": integer,
        "max_length": integer,
        "focus_on_load": boolean,
        "dispatch_action_config": anything,
    },
)
_ELEMENT = by_type(_ELEMENTS)
_IMAGE_ELEMENT = shape({"alt_text": string(2000)}, _IMAGE)
_ACCESSORY = by_type(_ELEMENTS | {"image": _IMAGE_ELEMENT})
_INPUT = by_type(
    {kind: check for kind, check in _ELEMENTS.items() if kind not in {"button", "overflow"}}
    | {"plain_text_input": _PLAIN_TEXT_INPUT}
)
_CONTEXT_ELEMENT = by_type(
    {
        "image": _IMAGE_ELEMENT,
        "plain_text": _plain(3000),
        "mrkdwn": _text(3000),
    }
)

_WITH_ID = {"block_id": _ID}
_BLOCK = by_type(
    {
        "section": shape(
            {},
            _WITH_ID
            | {"text": _text(3000), "fields": listing(_text(2000), 10), "accessory": _ACCESSORY, "expand": boolean},
        ),
        "header": shape({"text": _plain(150)}, _WITH_ID),
        "divider": shape({}, _WITH_ID),
        "context": shape({"elements": listing(_CONTEXT_ELEMENT, 10)}, _WITH_ID),
        "actions": shape({"elements": listing(_ELEMENT, 25)}, _WITH_ID),
        "image": shape({"alt_text": string(2000)}, _WITH_ID | _IMAGE | {"title": _plain(2000)}),
        "input": shape(
            {"label": _plain(2000), "element": _INPUT},
            _WITH_ID | {"hint": _plain(2000), "optional": boolean, "dispatch_action": boolean},
        ),
        "markdown": shape({"text": string(_ALL_MARKDOWN)}, _WITH_ID),
        "rich_text": shape({"elements": anything}, _WITH_ID),
    }
)


def problems(blocks: object, *, most: int = MESSAGE_BLOCKS, pointer: str = "/blocks") -> list[str]:
    """Return what Slack would put into `response_metadata.messages`; nothing if the blocks are fine."""
    found = list(listing(_BLOCK, most, least=0)(blocks, pointer))
    if not found and isinstance(blocks, list):
        found += _contents_missing(blocks, pointer)
        found += _repeated("block_id", blocks, pointer)
        for position, block in enumerate(blocks):
            found += _repeated("action_id", _elements(block), f"{pointer}/{position}/elements")
        found += _too_much_markdown(blocks, pointer)
    return found


def _contents_missing(blocks: list[dict[str, object]], pointer: str) -> Iterator[str]:
    for position, block in enumerate(blocks):
        if block["type"] == "section" and not {"text", "fields"} & block.keys():
            yield complaint("missing required field: text or fields", f"{pointer}/{position}")


def _elements(block: dict[str, object]) -> list[dict[str, object]]:
    elements = block.get("elements")
    return elements if isinstance(elements, list) else []


def _repeated(name: str, parts: list[dict[str, object]], pointer: str) -> Iterator[str]:
    counted = Counter(str(part[name]) for part in parts if name in part)
    for value, count in counted.items():
        if count > 1:
            yield complaint(f"`{name}`s must be unique, but {value} occurs {count} times", pointer)


def _too_much_markdown(blocks: list[dict[str, object]], pointer: str) -> Iterator[str]:
    if sum(len(str(block["text"])) for block in blocks if block["type"] == "markdown") > _ALL_MARKDOWN:
        yield complaint(f"markdown must be less than {_ALL_MARKDOWN + 1} characters over all blocks", pointer)
