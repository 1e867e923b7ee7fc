"""Cards: the messages of the bot with the button of a session, which it keeps up to date."""

from dataclasses import dataclass
from typing import Any

from bot.core.alert_fold import AlertContent
from bot.core.session import Session
from bot.core.session_id import SessionId

SessionName = tuple[str, str]
"""A session of a workspace: Slack's id of the workspace, and the session's id."""

CardName = tuple[str, str, str]
"""A message in Slack: the ids of workspace and channel, and its ts."""


@dataclass(frozen=True, slots=True)
class ResultContent:
    """The result of an order, as it was posted."""

    order_id: str
    text: str
    blocks: tuple[dict[str, Any], ...]


CardContent = AlertContent | ResultContent


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to be remembered; without a `ts`, to be posted first. `shown` is the digest of its message.

    `facts` are known of its session.
    """

    id: str
    team_id: str
    channel_id: str
    session_id: SessionId
    content: CardContent
    ts: str | None = None
    shown: str | None = None
    facts: Session | None = None
