"""A message, independent of how it is delivered."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.messages.blocks import Block, actions, section


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


def as_response(message: Message) -> dict[str, Any]:
    """Return the JSON of a message for a slash command's ack or a response_url."""
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    unfurl = {"unfurl_links": False, "unfurl_media": False}
    return {"response_type": message.visibility.value, "text": message.text, **blocks, **unfurl}


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)
