"""The message whose button was clicked."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The content of a message: everything that is needed to send it again."""

    text: str
    blocks: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class ClickedMessage:
    """A message with a button, as it was when somebody clicked it.

    `ts` identifies it in its channel, `thread_ts` is the thread for an answer ("" without one). Slack omits the
    `content` of an ephemeral message.
    """

    ts: str
    thread_ts: str
    is_ephemeral: bool
    content: MessageContent | None
