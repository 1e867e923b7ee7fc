"""Cards: the messages of the bot with the button of a session, and the alerts on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, NamedTuple

from bot.core.orders import Verb, program_name
from bot.core.outcomes import Outcome
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState
from bot.core.workspace import DEFAULT_SENDER

ALERTS_PATH = "/alerts"  # the path for alerts; with many workspaces, a team id follows

LONGEST_LINK = 1000  # the most characters of a link in mrkdwn, where `&` takes five
MOST_SINGLE = 5  # messages about alerts that wait in a channel, from which on further alerts come to these: summaries
MOST_IN_SUMMARY = 12  # the most sessions of a summary: with more, their texts and buttons are too long for a message

MOST_OLDER = 5  # the newest older cards of a session in a channel that are kept up to date
MOST_WAITING = 100  # full messages about alerts that wait in a channel; the last one counts further alerts
MENTION_INTERVAL = 600.0  # seconds between two mentions of people by critical alerts in a channel
MOST_CALLS = 3  # the most mentions after failed pauses by a sender's alerts within MENTION_INTERVAL, in a channel

BATCH_INTERVAL = 10.0  # seconds between two updates of the result of a batch that is still being sent

_MOST_FIRING = 500  # of a sender: as many as a request can have


def alerts_url(base_url: str, team_id: str = "") -> str:
    """Return the URL for a workspace's alerts at the bot's `base_url`."""
    url = f"{base_url.rstrip('/')}{ALERTS_PATH}"
    return f"{url}/{team_id}" if team_id else url


class Severity(StrEnum):
    """The values of the field `severity`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """A report of another program about a session. `text`, `title` and `fields` are untrusted; `url` is http or https.

    `channel` is the one that its program names, later the one that it goes to.
    `fingerprint` tells the alerts of a session apart, and `is_resolved` says that this one does not fire any more.
    It fires since `starts_at` (Unix seconds), if its program says so. `sender` is the name of the program's token.
    `warnings` are sentences for the program. It can ask for a pause: `asks` is False if it asks for something else. If
    it `is_called`, its card mentions nobody: a message about its pause that failed does, or an earlier card could.
    """

    session_id: SessionId
    text: str
    title: str = ""
    severity: Severity = Severity.WARNING
    url: str | None = None
    channel: str = ""
    fingerprint: str = ""
    is_resolved: bool = False
    fields: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    sender: str = DEFAULT_SENDER
    starts_at: float | None = None
    asks: bool | None = None
    is_called: bool = False

    @property
    def firing(self) -> "Firing":
        """Return what fires, or does not any more."""
        return Firing(self.sender, self.fingerprint, self.starts_at, self.asks is True)

    def resolves(self, firing: "Firing") -> bool:
        """Return whether this resolved alert ends a firing of its sender: without a fingerprint it ends all of them."""
        return firing.sender == self.sender and self.fingerprint in {"", firing.fingerprint}


class Automatic(StrEnum):
    """The effect of an alert that asked for a pause, and was not refused one."""

    SENT = "sent"
    """It was sent, or can be: a slow database has not decided yet."""
    CONFIRMED = "confirmed"
    """The session was paused before, and a pause was sent again."""
    REPEATED = "repeated"
    """The alert fired before, and has its order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The fate of the pause that an alert asks for, perhaps a `refusal`. The alert came at `came_at` (monotonic)."""

    automatic: Automatic | None
    refusal: Outcome | None
    came_at: float


class Lost(StrEnum):
    """The reasons why alerts of a request have no card."""

    NO_SESSION = "no session"
    TOO_LARGE = "too large"


class Firing(NamedTuple):
    """An alert of a sender that fires: since when (Unix seconds), if it is known, and whether it asked for a pause."""

    sender: str
    fingerprint: str
    starts_at: float | None
    asks: bool = False


_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True)
class AlertContent:
    """The alerts of a session so far.

    `alert` is the newest of the most severe ones that fire, `last_at` the time of the last one (Unix seconds). `firing`
    are those that are not resolved. All are resolved since `resolved_at`, unless it is None. If it `is_replaced`, newer
    cards show what holds now: it is updated once, and closed.
    """

    alert: Alert
    count: int
    last_at: float
    firing: tuple[Firing, ...] = ()
    resolved_at: float | None = None
    is_replaced: bool = False


def first(alert: Alert, now: float) -> AlertContent:
    """Return the content of a new card."""
    return AlertContent(alert, 1, now, (alert.firing,))


def is_repeated(content: AlertContent, alert: Alert) -> bool:
    """Return whether an alert says again what its sender has said already: so it is no news."""
    is_told = alert.starts_at is not None and alert.fingerprint != "" and not alert.is_resolved
    return is_told and any(one[:3] == alert.firing[:3] for one in content.firing)


def fold(content: AlertContent, alert: Alert, now: float) -> AlertContent:
    """Return the content with another alert. One that says again what fires can ask for a pause for the first time."""
    if is_repeated(content, alert):
        is_known = not alert.firing.asks or alert.firing in content.firing
        return content if is_known else replace(content, firing=_with(content.firing, alert.firing))
    if alert.is_resolved:
        left = tuple(one for one in content.firing if not alert.resolves(one))
        return replace(content, firing=left, resolved_at=content.resolved_at if left or not content.firing else now)
    firing = _with(content.firing, alert.firing)
    is_shown = content.resolved_at is not None or _rank(alert) >= _rank(content.alert)
    shown = alert if is_shown else content.alert
    return replace(content, alert=shown, count=content.count + 1, last_at=now, firing=firing, resolved_at=None)


def _with(firing: Sequence[Firing], new: Firing) -> tuple[Firing, ...]:
    """Return what fires. Too many of a sender lose the oldest one that did not ask for a pause, or else the oldest."""
    same = next((one for one in firing if one[:3] == new[:3]), new)
    after = [*(one for one in firing if one is not same), new._replace(asks=same.asks or new.asks)]
    own = [one for one in after if one.sender == new.sender]
    lost = min(own, key=lambda one: one.asks) if len(own) > _MOST_FIRING else None
    return tuple(one for one in after if one is not lost)


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


def is_worse(
    content: AlertContent, alert: Alert, state: SessionState | None, automatic: Automatic | None = None
) -> bool:
    """Return whether people have to be notified of another alert.

    It has paused its session, or is more severe than those before, or fires again: after all of them were resolved, or
    after the session was paused.
    """
    if automatic is Automatic.SENT:
        return True
    if alert.is_resolved or is_repeated(content, alert):
        return False
    is_more_severe = _rank(alert) > _rank(content.alert)
    if automatic is not None and (content.resolved_at is None or automatic is Automatic.CONFIRMED):
        return is_more_severe
    is_after_pause = state is not None and state.phase is Phase.PAUSED and content.last_at <= state.at
    return is_more_severe or is_after_pause or content.resolved_at is not None


def _rank(alert: Alert) -> int:
    return _SEVERITIES.index(alert.severity)


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
