"""A message, before it is known by which way it is sent."""

from dataclasses import dataclass
from enum import StrEnum


class Visibility(StrEnum):
    """Who sees a message, by the values of Slack's `response_type`."""

    IN_CHANNEL = "in_channel"
    EPHEMERAL = "ephemeral"


@dataclass(frozen=True, slots=True)
class Message:
    """`text` is mrkdwn, safe to send, and tells the whole story: notifications and screen readers have only that.

    `blocks` are Block Kit's, and show the same to the eye. https://docs.slack.dev/reference/block-kit/blocks
    """

    text: str
    visibility: Visibility
    blocks: tuple[dict[str, object], ...] = ()


def in_channel(*lines: str) -> Message:
    """A message for everybody in the conversation; empty lines are left out."""
    return Message(_join(lines), Visibility.IN_CHANNEL)


def ephemeral(*lines: str) -> Message:
    """A message for one person's eyes; empty lines are left out."""
    return Message(_join(lines), Visibility.EPHEMERAL)


def _join(lines: tuple[str, ...]) -> str:
    return "\n".join(line for line in lines if line)
