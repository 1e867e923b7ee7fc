"""The limits of Block Kit's blocks, one by one and all together.

https://docs.slack.dev/reference/block-kit/blocks/
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

from bot.sim.slack.block_elements import ACCESSORY, ACTION, CONTEXT, IDENTIFIER, INPUT, image, plain, text
from bot.sim.slack.rich_text import MOST_RICH_TEXT, RICH_TEXT
from bot.sim.slack.schema import Check, anything, boolean, by_type, complaint, listing, one_of, shape

Surface = Literal["message", "modal", "home"]
MOST: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}

_WITH_ID = {"block_id": IDENTIFIER}
_UNCHECKED = (  # types of Slack's about which this simulator has no opinion
    *("call", "card", "carousel", "container", "context_actions", "data_table", "data_visualization"),
    *("file", "markdown", "plan", "table", "task_card", "video"),
)
_BLOCKS: dict[str, Check] = {
    **dict.fromkeys(_UNCHECKED, anything),
    "section": shape(
        {},
        _WITH_ID | {"text": text(3000), "fields": listing(text(2000), 10), "accessory": ACCESSORY, "expand": boolean},
    ),
    "header": shape({"text": plain(150)}, _WITH_ID),
    "divider": shape({}, _WITH_ID),
    "context": shape({"elements": listing(CONTEXT, 10)}, _WITH_ID),
    "actions": shape({"elements": listing(ACTION, 25)}, _WITH_ID),
    "image": image(_WITH_ID | {"title": plain(2000)}),
    "input": shape(
        {"label": plain(2000), "element": INPUT},
        _WITH_ID | {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": shape({"elements": listing(RICH_TEXT, MOST_RICH_TEXT)}, _WITH_ID),
}
_ALERT = shape({"text": text(200)}, _WITH_ID | {"level": one_of("default", "info", "warning", "error", "success")})
_CHECKS: Mapping[Surface, Check] = {
    "message": by_type(_BLOCKS),
    "modal": by_type(_BLOCKS | {"alert": _ALERT}),
    "home": by_type(_BLOCKS),
}


def problems(blocks: object, *, pointer: str = "/blocks", surface: Surface = "message") -> list[str]:
    """Return what Slack would put into `response_metadata.messages`; nothing if the blocks are fine."""
    found = list(listing(_CHECKS[surface], MOST[surface], least=0)(blocks, pointer))
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
