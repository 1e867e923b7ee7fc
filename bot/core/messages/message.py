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


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)
