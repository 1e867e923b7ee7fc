"""Cards: the messages of the bot with the button of a session, and what they say first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from bot.core.alerts import AlertContent, Severity
from bot.core.orders import Verb, program_name
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState


class Head(StrEnum):
    """The first thing that a card of an alert says."""

    FIRING = "firing"
    RESOLVED = "resolved"
    STATE = "state"
    """The state that the last order left, or the end of the session."""


_LASTING = {Phase.PAUSING, Phase.PAUSED, Phase.UNCONFIRMED}


def head_of(content: AlertContent, state: SessionState | None) -> Head:
    """Return what is true now, and what people have to know first. An alert after the last order is news."""
    if state is not None and state.phase is Phase.ENDED:
        return Head.STATE
    if content.resolved_at is not None:
        is_over = state is None or (state.phase not in _LASTING and content.resolved_at > state.at)
        return Head.RESOLVED if is_over else Head.STATE
    is_news = state is None or (state.phase is not Phase.PAUSING and content.last_at > state.at)
    return Head.FIRING if is_news else Head.STATE


SessionName = tuple[str, SessionId]  # a session of a workspace: Slack's id of the workspace, and the session's id
CardName = tuple[str, str, str]  # a message in Slack: the ids of workspace and channel, and its ts


@dataclass(frozen=True, slots=True)
class MarkedCards:
    """The cards of a session that are kept up to date, with the ids of their rows, and `facts` on them."""

    ids: Mapping[CardName, str] = field(default_factory=dict)
    facts: Session | None = None


@dataclass(frozen=True, slots=True)
class ResultContent:
    """The result of an order, as posted.

    A reminder `reminds` this user id; its session was paused by the batch, and `ends_at` that time (Unix seconds, 0 if
    that is not known).
    """

    order_id: str
    text: str
    blocks: tuple[dict[str, Any], ...]
    reminds: str = ""
    ends_at: float = 0.0
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class HeldContent:
    """The sessions that alerts of the sender `user_id` did not pause since `since` (Unix seconds).

    `paused` ones were the most within a minute, and further ones are held back until `until`. Or the pauses of `failed`
    ones have failed until then, and no message of their own says so.
    """

    user_id: str
    paused: int
    since: float
    until: float
    failed: int = 0


@dataclass(frozen=True, slots=True)
class BatchContent:
    """The result of a batch of orders: who gave it, and why.

    Its card has the id of the batch in the place of a session. `channel_id` is where the batch was given, "" in Home.
    As far as is known, programs outside of Anchor control the browsers of `outside` sessions, and agents have `names`.
    """

    user_id: str
    channel_id: str = ""
    reason: str = ""
    verb: Verb = Verb.PAUSE
    outside: int = 0
    names: Mapping[SessionId, str] = field(default_factory=dict)


CardContent = AlertContent | ResultContent | HeldContent | BatchContent


class Urgency(IntEnum):
    """The order in which the messages of a workspace are sent, the first one first."""

    CLICKED = 1
    """Somebody waits for the message that they clicked, or for the end of a batch."""
    NEW_ALERT = 2
    RESULT = 3
    UPDATE = 4


@dataclass(frozen=True, slots=True)
class Part:
    """A session on a card: the content, `facts` that are known of it, and its state by Anchor if it was `seen` to end.

    `is_news` says that an alert is the last change of the card, so Slack may not have it yet.
    """

    id: str
    session_id: SessionId
    content: CardContent
    facts: Session | None = None
    seen: SessionState | None = None
    is_news: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A message of the bot that is to be posted, or kept up to date: as it is stored, or a new one.

    Without a `ts`, it is not posted. `shown` is the digest of the message that Slack has. If it `mentions` people, each
    copy of it does. It counts `more` alerts than those of its parts. It was stored `age` seconds ago. If it is about a
    failed pause, `sender` is the user id of the alert's program. Slack has refused it for the channel `meant_for`, if
    it was for another one.
    """

    id: str
    team_id: str
    channel_id: str
    parts: tuple[Part, ...]
    ts: str | None = None
    shown: str | None = None
    version: int = 0
    mentions: bool = False
    more: int = 0
    age: float = 0.0
    sender: str = ""
    meant_for: str = ""

    @property
    def is_by_alert(self) -> bool:
        """Return whether it is about an alert or its pause, and nobody else has asked for it."""
        content = self.content
        return (
            bool(self.sender)
            or isinstance(content, AlertContent)
            or (isinstance(content, ResultContent) and program_name(content.reminds) is not None)
        )

    @property
    def content(self) -> CardContent:
        """Return the content of its first part."""
        return self.parts[0].content

    @property
    def alerts(self) -> list[AlertContent]:
        """Return the alerts on it."""
        return [part.content for part in self.parts if isinstance(part.content, AlertContent)]

    @property
    def is_replaced(self) -> bool:
        """Return whether newer cards show all of its alerts."""
        return len(self.alerts) == len(self.parts) and all(one.is_replaced for one in self.alerts)

    @property
    def is_critical(self) -> bool:
        """Return whether a critical alert fires on it whose pause has not failed."""
        alerts = [one.alert for one in self.alerts if one.resolved_at is None]
        return any(one.severity is Severity.CRITICAL and not one.is_called for one in alerts)

    @property
    def urgency(self) -> Urgency:
        """Return the place of its post, or of an update, in the order."""
        if self.ts is not None:
            return Urgency.UPDATE
        return Urgency.NEW_ALERT if isinstance(self.content, AlertContent) else Urgency.RESULT
