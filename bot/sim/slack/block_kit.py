"""Block Kit: the shapes of blocks and their elements."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

# Building blocks to describe what JSON must look like; complaints are worded and addressed as Slack's are.

Check = Callable[[object, str], Iterator[str]]
"""Yields complaints about a value, given its JSON pointer."""


def complaint(what: str, pointer: str) -> str:
    """Word a complaint like those in `response_metadata.messages`."""
    return f"[ERROR] {what} [json-pointer:{pointer}]"


def width(text: str) -> int:
    """Return the number of characters as JavaScript counts them: an emoji is often two."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def string(most: int, least: int = 1) -> Check:
    """Check for a string of `least` to `most` characters."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield complaint("must be a string", pointer)
        elif width(value) < least:
            yield complaint(f"must be more than {least - 1} characters", pointer)
        elif width(value) > most:
            yield complaint(f"must be less than {most + 1} characters", pointer)

    return check


def url(pattern: str) -> Check:
    """Check for a URL of at most 3000 characters that the pattern matches."""
    limited = string(3000)

    def check(value: object, pointer: str) -> Iterator[str]:
        found = list(limited(value, pointer))
        yield from found
        if not found and not re.fullmatch(pattern, str(value)):
            yield complaint("must be a valid URL", pointer)

    return check


def one_of(*allowed: str) -> Check:
    """Check for one of these strings."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield complaint(f"must be one of: {', '.join(allowed)}", pointer)

    return check


def boolean(value: object, pointer: str) -> Iterator[str]:
    """Check for true or false."""
    if not isinstance(value, bool):
        yield complaint("must be a boolean", pointer)


def integer(value: object, pointer: str) -> Iterator[str]:
    """Check for an integer."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield complaint("must be an integer", pointer)


def anything(_value: object, _pointer: str) -> Iterator[str]:
    """Accept what this simulator has no opinion about."""
    yield from ()


def listing(item: Check, most: int, least: int = 1) -> Check:
    """Check for a list of `least` to `most` items."""

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield complaint("must be an array", pointer)
            return
        if len(value) < least:
            yield complaint(f"no fewer than {least} items allowed", pointer)
        if len(value) > most:
            yield complaint(f"no more than {most} items allowed", pointer)
        for position, one in enumerate(value):
            yield from item(one, f"{pointer}/{position}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check for an object with these properties and no others; `type` is checked elsewhere."""
    known = {"type": anything} | dict(required) | dict(optional or {})

    def check(value: object, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield complaint("must be an object", pointer)
            return
        for name in required:
            if name not in value:
                yield complaint(f"missing required field: {name}", pointer)
        for name, part in value.items():
            if name in known:
                yield from known[name](part, f"{pointer}/{name}")
            else:
                yield complaint(f"invalid additional property: {name}", pointer)

    return check


def by_type(checks: Mapping[str, Check]) -> Check:
    """Check an object as its `type` demands."""

    def check(value: object, pointer: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield complaint("missing required field: type", pointer)
        elif kind not in checks:
            yield complaint(f"unsupported type: {kind}", f"{pointer}/type")
        else:
            yield from checks[kind](value, pointer)

    return check


# The elements of a rich_text block, of which the app sends preformatted text: nothing in that is escaped or formatted.
# https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

_MOST = 3000  # documented nowhere; far more than anybody needs
_STYLE = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), boolean))
_PREFORMATTED = by_type(
    {
        "text": shape({"text": string(_MOST)}, {"style": _STYLE}),
        "link": shape({"url": string(_MOST)}, {"style": _STYLE, "text": string(_MOST), "unsafe": boolean}),
    }
)
_RICH_TEXT = by_type(
    {
        **dict.fromkeys(("rich_text_section", "rich_text_quote", "rich_text_list"), anything),
        "rich_text_preformatted": shape({"elements": listing(_PREFORMATTED, _MOST)}, {"border": integer}),
    }
)


# The limits of Block Kit's texts and elements, and which element may stand in which block.
# https://docs.slack.dev/reference/block-kit/block-elements/
# https://docs.slack.dev/reference/block-kit/composition-objects/


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


IDENTIFIER = string(255)
_IMAGE = {"alt_text": string(2000), "image_url": url(r"https?://[^\s/]+\S*")}
_URL = url(r"https?://[^\s/]+\S*|(?!https?:)[a-z][a-z0-9+.-]*:\S+")
_TEXT_STYLE = one_of("primary", "danger")  # "default" is for legacy attachments only
_CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": _TEXT_STYLE}
)
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
_IDS = listing(IDENTIFIER, 100)

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
            "style": _TEXT_STYLE,
            "confirm": _CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "overflow": shape({"options": listing(_OVERFLOW, 5)}, {"action_id": IDENTIFIER, "confirm": _CONFIRM}),
    "radio_buttons": _offering(shape({"options": listing(_BOX, 10)}, _CHOICE | {"initial_option": _BOX})),
    "checkboxes": _offering(shape({"options": listing(_BOX, 10)}, _CHOICE | {"initial_options": listing(_BOX, 10)})),
    "static_select": _offering(shape(_OPTIONS, _MENU | {"initial_option": _OPTION})),
    "conversations_select": shape({}, _MENU | {"filter": _FILTER, "initial_conversation": IDENTIFIER}),
    "multi_static_select": _offering(shape(_OPTIONS, _SEVERAL | {"initial_options": listing(_OPTION, 100)})),
    "multi_users_select": shape({}, _SEVERAL | {"initial_users": _IDS}),
    "multi_conversations_select": shape({}, _SEVERAL | {"filter": _FILTER, "initial_conversations": _IDS}),
}
"""Those which tell the app at once; all of them stand beside a section, and those with one choice in actions."""

_PLAIN_TEXT_INPUT = shape(
    {},
    {
        "action_id": IDENTIFIER,
        "placeholder": plain(150),
        "initial_value": string(3000),
        "multiline": boolean,
        "max_length": _between(1, 3000),
        "focus_on_load": boolean,
    },
)
_IMAGE_ELEMENT = shape(_IMAGE)

ACTION = by_type({kind: check for kind, check in ELEMENTS.items() if not kind.startswith("multi_")})
ACCESSORY = by_type(ELEMENTS | {"image": _IMAGE_ELEMENT})
INPUT = by_type(
    {kind: check for kind, check in ELEMENTS.items() if kind not in {"button", "overflow"}}
    | {"plain_text_input": _PLAIN_TEXT_INPUT}
)
CONTEXT = by_type({"image": _IMAGE_ELEMENT, "plain_text": plain(3000), "mrkdwn": text(3000)})


# The limits of Block Kit's blocks, one by one and all together.
# https://docs.slack.dev/reference/block-kit/blocks/

Surface = Literal["message", "modal", "home"]
MOST: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}

_WITH_ID = {"block_id": IDENTIFIER}
_BLOCKS: dict[str, Check] = {
    "section": shape(
        {},
        _WITH_ID | {"text": text(3000), "fields": listing(text(2000), 10), "accessory": ACCESSORY, "expand": boolean},
    ),
    "divider": shape({}, _WITH_ID),
    "context": shape({"elements": listing(CONTEXT, 10)}, _WITH_ID),
    "actions": shape({"elements": listing(ACTION, 25)}, _WITH_ID),
    "image": shape(_IMAGE, _WITH_ID | {"title": plain(2000)}),
    "input": shape(
        {"label": plain(2000), "element": INPUT},
        _WITH_ID | {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": shape({"elements": listing(_RICH_TEXT, _MOST)}, _WITH_ID),
}
_BLOCK = by_type(_BLOCKS)


def problems(blocks: object, *, pointer: str = "/blocks", surface: Surface = "message") -> list[str]:
    """Return what Slack would put into `response_metadata.messages`; nothing if the blocks are fine."""
    found = list(listing(_BLOCK, MOST[surface], least=0)(blocks, pointer))
    if not found and isinstance(blocks, list):
        found += _contents_missing(blocks, pointer)
        found += _repeated("block_id", blocks, pointer)
        for position, block in enumerate(blocks):
            found += _repeated("action_id", _elements(block), f"{pointer}/{position}/elements")
        found += _too_many_focused(blocks, pointer)
    return found


def _contents_missing(blocks: list[dict[str, object]], pointer: str) -> Iterator[str]:
    for position, block in enumerate(blocks):
        if block["type"] == "section" and not {"text", "fields"} & block.keys():
            yield complaint("missing required field: text or fields", f"{pointer}/{position}")


def _elements(block: dict[str, object]) -> list[dict[str, object]]:
    elements = block.get("elements")
    return [element for element in elements if isinstance(element, dict)] if isinstance(elements, list) else []


def _repeated(name: str, parts: list[dict[str, object]], pointer: str) -> Iterator[str]:
    counted = Counter(str(part[name]) for part in parts if name in part)
    for value, count in counted.items():
        if count > 1:
            yield complaint(f"`{name}`s must be unique, but {value} occurs {count} times", pointer)


def _too_many_focused(blocks: list[dict[str, object]], pointer: str) -> Iterator[str]:
    if sum(bool(element.get("focus_on_load")) for block in blocks for element in all_elements(block)) > 1:
        yield complaint("only one element can have focus_on_load", pointer)


def all_elements(block: dict[str, object]) -> list[dict[str, object]]:
    """Return the elements of a block, wherever they stand in it."""
    candidates = [*_elements(block), block.get("accessory"), block.get("element")]
    return [element for element in candidates if isinstance(element, dict)]
