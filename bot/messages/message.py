"""A message, independent of how it is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.messages.blocks import Block, actions, section

_LONGEST_TEXT = 3_900  # characters that screen readers and notifications get: Slack advises at most 4,000


class Visibility(StrEnum):
    """The audience of a message, by the values of Slack's `response_type`."""

    IN_CHANNEL = "in_channel"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Message:
    """A message. `text` is escaped mrkdwn and complete: notifications and screen readers use only that.

    `blocks`, where there are any, are what the eye sees in its place.
    """

    text: str
    visibility: Visibility
    blocks: tuple[Block, ...] = ()


def in_channel(*lines: str) -> Message:
    """Return a message for everybody in the conversation; empty lines are dropped."""
    return Message(_join(lines), Visibility.IN_CHANNEL)


def ephemeral(*lines: str) -> Message:
    """Return a message for one person; empty lines are dropped."""
    return Message(_join(lines), Visibility.EPHEMERAL)


def with_buttons(message: Message, *buttons: Block) -> Message:
    """Return the message with a row of buttons below its text."""
    return replace(message, blocks=(section(message.text), actions(*buttons)))


def from_blocks(blocks: Sequence[Block]) -> Message:
    """Return a message of these blocks for one person; its text has what they say, as far as it fits."""
    lines: list[str] = []
    length = 0
    for line in filter(None, map(_text_of, blocks)):
        length += len(line) + 1
        if length <= _LONGEST_TEXT:
            lines.append(line)
    return Message("\n".join(lines), Visibility.EPHEMERAL, tuple(blocks))


def as_response(message: Message) -> dict[str, Any]:
    """Return the JSON of a message for a slash command's ack or a response_url."""
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    unfurl = {"unfurl_links": False, "unfurl_media": False}
    return {"response_type": message.visibility.value, "text": message.text, **blocks, **unfurl}


def _text_of(block: Block) -> str:
    if block["type"] == "section":
        return str(block["text"]["text"])
    return str(block["elements"][0]["text"]) if block["type"] == "context" else ""


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)
