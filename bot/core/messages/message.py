"""A message, before it is known by which way it is sent."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Visibility(StrEnum):
    """Who sees a message, by the values of Slack's `response_type`."""

    IN_CHANNEL = "in_channel"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Message:
    """`text` is mrkdwn, safe to send, and tells the whole story: notifications and screen readers have only that.

    `blocks`, where there are any, are what the eye sees in its place.
    """

    text: str
    visibility: Visibility
    blocks: tuple[dict[str, Any], ...] = ()


def in_channel(*lines: str) -> Message:
    """A message for everybody in the conversation; empty lines are left out."""
    return Message(_join(lines), Visibility.IN_CHANNEL)


def ephemeral(*lines: str) -> Message:
    """A message for one person's eyes; empty lines are left out."""
    return Message(_join(lines), Visibility.EPHEMERAL)


def as_response(message: Message) -> dict[str, Any]:
    """The JSON of a message as a slash command's ack and a response_url take it."""
    blocks = {"blocks": list(message.blocks)} if message.blocks else {}
    unfurl = {"unfurl_links": False, "unfurl_media": False}
    return {"response_type": message.visibility.value, "text": message.text, **blocks, **unfurl}


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)
