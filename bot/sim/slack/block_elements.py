"""The limits of Block Kit's texts and elements, and which element may stand in which block.

https://docs.slack.dev/reference/block-kit/block-elements/
https://docs.slack.dev/reference/block-kit/composition-objects/
"""

from collections.abc import Iterator, Mapping

from bot.sim.slack.schema import (
    Check,
    anything,
    boolean,
    by_type,
    complaint,
    integer,
    listing,
    one_matching,
    one_of,
    shape,
    string,
    url,
)


def plain(most: int) -> Check:
    """Check for a plain_text object."""
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": boolean})})


def text(most: int) -> Check:
    """Check for a plain_text or mrkdwn object."""
    mrkdwn = shape({"text": string(most)}, {"verbatim": boolean})
    return by_type({"plain_text": shape({"text": string(most)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


def _between(least: int, most: int) -> Check:
    def check(value: object, pointer: str) -> Iterator[str]:
        yield from integer(value, pointer)
        if isinstance(value, int) and not least <= value <= most:
            yield complaint(f"must be between {least} and {most}", pointer)

    return check


def _offering(looks: Check) -> Check:
    """Check also that an initial option is one of the options."""

    def check(value: object, pointer: str) -> Iterator[str]:
        found = list(looks(value, pointer))
        yield from found
        if not found and isinstance(value, dict):
            initial = [
                *value.get("initial_options", ()),
                *([value["initial_option"]] if "initial_option" in value else ()),
            ]
            if any(one not in value["options"] for one in initial):
                yield complaint("an initial option must be one of the options", pointer)

    return check


def image(optional: Mapping[str, Check]) -> Check:
    """Check for an image, as a block or an element, with exactly one source."""
    looks = shape({"alt_text": string(2000)}, {**optional, **_IMAGE})

    def check(value: object, pointer: str) -> Iterator[str]:
        yield from looks(value, pointer)
        if isinstance(value, dict) and len(_IMAGE.keys() & value.keys()) != 1:
            yield complaint("must have one of: image_url, slack_file", pointer)

    return check


def _filter(value: object, pointer: str) -> Iterator[str]:
    """https://docs.slack.dev/reference/block-kit/composition-objects/conversation-filter-object."""
    yield from _FILTER(value, pointer)
    if value == {}:
        yield complaint("at least one field is required", pointer)


IDENTIFIER = string(255)
_IMAGE = {"image_url": url(r"https?://[^\s/]+\S*"), "slack_file": anything}
_DATE = one_matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "must be a date as YYYY-MM-DD")
_URL = url(r"https?://[^\s/]+\S*|(?!https?:)[a-z][a-z0-9+.-]*:\S+")
_STYLE = one_of("primary", "danger")  # "default" is for legacy attachments only
_CONFIRM = shape({"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": _STYLE})
_BOX = shape({"text": text(75), "value": string(150)}, {"description": text(75)})
_OPTION = shape({"text": plain(75), "value": string(150)}, {"description": plain(75)})
_OVERFLOW = shape({"text": plain(75), "value": string(150)}, {"description": plain(75), "url": _URL})
_FILTER = shape(
    {},
    {
        "include": listing(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
_ID_OF_SOMETHING = string(255)
_IDS = listing(_ID_OF_SOMETHING, 100)

_OPTIONS = {"options": listing(_OPTION, 100)}
_CHOICE: dict[str, Check] = {"action_id": IDENTIFIER, "confirm": _CONFIRM, "focus_on_load": boolean}
_MENU = _CHOICE | {"placeholder": plain(150)}
_SEVERAL = _MENU | {"max_selected_items": _between(1, 100)}

ELEMENTS: dict[str, Check] = {
    "button": shape(
        {"text": plain(75)},
        {
            "action_id": IDENTIFIER,
            "value": string(2000),
            "url": _URL,
            "style": _STYLE,
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": shape({"options": listing(_OVERFLOW, 5)}, {"action_id": IDENTIFIER, "confirm": _CONFIRM}),
    "radio_buttons": _offering(shape({"options": listing(_BOX, 10)}, _CHOICE | {"initial_option": _BOX})),
    "checkboxes": _offering(shape({"options": listing(_BOX, 10)}, _CHOICE | {"initial_options": listing(_BOX, 10)})),
    "static_select": _offering(shape(_OPTIONS, _MENU | {"initial_option": _OPTION})),
    "datepicker": shape({}, _MENU | {"initial_date": _DATE}),
    "users_select": shape({}, _MENU | {"initial_user": _ID_OF_SOMETHING}),
    "conversations_select": shape({}, _MENU | {"filter": _filter, "initial_conversation": _ID_OF_SOMETHING}),
    "multi_static_select": _offering(shape(_OPTIONS, _SEVERAL | {"initial_options": listing(_OPTION, 100)})),
    "multi_users_select": shape({}, _SEVERAL | {"initial_users": _IDS}),
    "multi_conversations_select": shape({}, _SEVERAL | {"filter": _filter, "initial_conversations": _IDS}),
}
"""Those which tell the app at once; all of them stand beside a section, and those with one choice in actions."""

_PLAIN_TEXT_INPUT = shape(
    {},
    {
        "action_id": IDENTIFIER,
        "placeholder": plain(150),
        "initial_value": string(3000),
        "multiline": boolean,
        "min_length": _between(0, 3000),
        "max_length": _between(1, 3000),
        "focus_on_load": boolean,
        "dispatch_action_config": anything,
    },
)
_IMAGE_ELEMENT = image({})

ACTION = by_type({kind: check for kind, check in ELEMENTS.items() if not kind.startswith("multi_")})
ACCESSORY = by_type(ELEMENTS | {"image": _IMAGE_ELEMENT})
INPUT = by_type(
    {kind: check for kind, check in ELEMENTS.items() if kind not in {"button", "overflow"}}
    | {"plain_text_input": _PLAIN_TEXT_INPUT}
)
CONTEXT = by_type({"image": _IMAGE_ELEMENT, "plain_text": plain(3000), "mrkdwn": text(3000)})
