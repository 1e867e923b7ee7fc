"""Content as Slack stores and returns it: with the ids and defaults that the app left out.

https://docs.slack.dev/reference/block-kit/
"""

from collections.abc import Iterator

from bot.sim.slack.block_elements import ELEMENTS
from bot.sim.slack.content import Content, Part, parts

_DEFAULTS: dict[object, Part] = {
    "plain_text": {"emoji": True},
    "mrkdwn": {"verbatim": False},
    "input": {"optional": False, "dispatch_action": False},
    "image": {  # these make up a file that nobody fetches; Slack does not accept them back
        "image_width": 1200,
        "image_height": 600,
        "image_bytes": 48_000,
        "is_animated": False,
        "fallback": "1200x600px image",
    },
}
_WITH_ACTION = {*ELEMENTS, "plain_text_input"}


def normalize(content: Content, ids: Iterator[str]) -> Content:
    """Complete blocks and attachments; `ids` are given to blocks and elements that have none."""
    return Content(
        text=content.text,
        blocks=tuple(normalize_block(block, ids) for block in content.blocks),
        attachments=tuple(_attachment(number, each, ids) for number, each in enumerate(content.attachments, 1)),
    )


def _attachment(number: int, attachment: Part, ids: Iterator[str]) -> Part:
    normalized = _numbered(number, attachment)
    if "actions" in attachment:
        normalized["actions"] = [
            _numbered(str(at), action) for at, action in enumerate(parts(attachment["actions"]), 1)
        ]
    if "blocks" in attachment:
        normalized["blocks"] = [normalize_block(block, ids) for block in parts(attachment["blocks"])]
        normalized.setdefault("fallback", "[no preview available]")
    return normalized


def _numbered(number: int | str, part: Part) -> Part:
    """Slack counts by itself, whatever the app calls its parts."""
    return {"id": number} | {name: value for name, value in part.items() if name != "id"}


def normalize_block(block: Part, ids: Iterator[str]) -> Part:
    """Complete one block."""
    normalized = _part(block, ids)
    if "block_id" not in normalized:
        normalized["block_id"] = next(ids)
    return normalized


def _part(part: Part, ids: Iterator[str]) -> Part:
    normalized = {name: normalize_value(value, ids) for name, value in part.items()}
    if part.get("type") in _WITH_ACTION and "action_id" not in part:
        normalized["action_id"] = next(ids)
    return normalized | {
        name: value for name, value in _DEFAULTS.get(part.get("type"), {}).items() if name not in normalized
    }


def normalize_value(value: object, ids: Iterator[str]) -> object:
    """Complete whatever stands in a block, such as a text."""
    if isinstance(value, dict):
        return _part(value, ids)
    return [normalize_value(one, ids) for one in value] if isinstance(value, list) else value
