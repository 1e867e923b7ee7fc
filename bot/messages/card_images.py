"""The images of a card that is sent back to Slack.

https://docs.slack.dev/reference/block-kit/blocks/image-block
"""

from dataclasses import replace
from typing import Any

from bot.core.clicked_message import MessageContent

_ADDED = {"image_width", "image_height", "image_bytes", "is_animated", "fallback"}


def without_added_keys(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return JSON of a message without what Slack adds to images, which it does not accept."""
    if isinstance(part, list | tuple):
        return [without_added_keys(one) for one in part]
    if not isinstance(part, dict):
        return part
    added = _ADDED if _is_image(part) else set()
    return {name: without_added_keys(value) for name, value in part.items() if name not in added}


def without_images(card: MessageContent) -> MessageContent:
    """Return the card without its images, and without blocks that contain nothing else."""
    return replace(card, blocks=tuple(_strip(card.blocks)), attachments=tuple(_strip(card.attachments)))


def _strip(part: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, list | tuple):
        stripped = [_strip(one) for one in part if not _is_image(one)]
        return [one for one in stripped if not (isinstance(one, dict) and one.get("elements") == [])]
    if not isinstance(part, dict):
        return part
    return {name: _strip(value) for name, value in part.items() if not _is_image(value)}


def _is_image(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "image"
