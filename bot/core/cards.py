"""Cards: the messages of the bot with the button of a session, and the alerts on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, NamedTuple

from bot.core.fields import digest
from bot.core.outcomes import Outcome
from bot.core.requests import Verb
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, Session, SessionState
from bot.core.workspace import DEFAULT_SENDER

ALERTS_PATH = "/alerts"  # the path for alerts; with many workspaces, a team id follows

LONGEST_LINK = 1000  # the most characters of a link in mrkdwn, where `&` takes five
BURST_WINDOW = 10.0  # seconds in which the sessions of new alerts in a channel are counted
MOST_SINGLE = 5  # the most sessions with a card of their own within BURST_WINDOW; more become a summary
MOST_IN_SUMMARY = 12  # the most sessions of a summary: with more, their texts and buttons are too long for a message

ALONE_FOR = 1800.0
"""Seconds that a post waits for Slack; then it is only sent together with the others of its channel, as a summary."""

MOST_REPLIES = 6
"""The most replies about cards that got worse, in a channel within a minute; more are one message with a list."""

MOST_REPLIES_KEPT = 5  # the newest replies about a session in a channel that are kept up to date

MOST_WAITING = 1_000
"""The most sessions of a workspace whose alert waits to be posted; one message of a channel counts its further ones."""

MOST_TOLD_APART = 5_000
"""The most sessions that such a message tells apart: an older one that comes again is counted again."""

MOST_ALERTS_NAMED = 3  # the most alerts that the message about sessions that were not paused names
COUNTED_FOR = 1800.0  # seconds without another session after which such a message is complete
BATCH_INTERVAL = 10.0  # seconds between two updates of the result of a batch that is still being sent
GIVE_UP_AFTER = 6 * 3600.0  # seconds after its last change at which a post that Slack has not taken is given up

_MOST_FIRING = 500  # of a sender: as many as a request can have
_TOLD_APART_BY = 12  # digits of a digest: ids can end alike


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

    `fingerprint` tells the alerts of a session apart, and `is_resolved` says that this one does not fire any more.
    It fires since `starts_at` (Unix seconds), if its program says so. `sender` is the name of the program's token.
    `warnings` are sentences for the program. It can ask for a pause: `asks` is False if it asks for something else. If
    it `is_called`, its pause had not succeeded when its card was made: a message about that mentions people, the card
    does not.
    """

    session_id: SessionId
    text: str
    title: str = ""
    severity: Severity = Severity.WARNING
    url: str | None = None
    channel: str | None = None
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
    LEFT_OUT = "left out"
    TOO_LARGE = "too large"


class Firing(NamedTuple):
    """An alert of a sender that fires: since when (Unix seconds), if it is known, and whether it asked for a pause."""

    sender: str
    fingerprint: str
    starts_at: float | None
    asks: bool = False


_SEVERITIES = list(Severity)


class Worse(StrEnum):
    """The reasons to notify people of an alert that has a card already."""

    AFTER_PAUSE = "after pause"
    PAUSED_BY_IT = "paused by it"
    AFTER_RESOLVED = "after resolved"
    MORE_SEVERE = "more severe"


@dataclass(frozen=True, slots=True)
class Reply:
    """The place and the reason of a message about a card that got worse: it answers to the message `thread_ts`."""

    thread_ts: str
    why: Worse


@dataclass(frozen=True, slots=True)
class AlertContent:
    """The alerts of a session so far.

    `alert` is the newest of the most severe ones that fire, `last_at` the time of the last one (Unix seconds). `firing`
    are those that are not resolved. All are resolved since `resolved_at`, unless it is None. If it is a
    `reply`, it is about one alert that made a card worse. If it is one of the newest in a message that counts sessions,
    it has the `group` of that, which had `total` sessions when it came. One of them `asks` for a pause.
    """

    alert: Alert
    count: int
    last_at: float
    firing: tuple[Firing, ...] = ()
    resolved_at: float | None = None
    reply: Reply | None = None
    group: str = ""
    total: int = 0
    asks: bool = False


def first(alert: Alert, now: float) -> AlertContent:
    """Return the content of a new card."""
    return AlertContent(alert, 1, now, (alert.firing,), asks=alert.firing.asks)


def is_repeated(content: AlertContent, alert: Alert) -> bool:
    """Return whether an alert says again what its sender has said already: so it is no news."""
    is_told = alert.starts_at is not None and alert.fingerprint != "" and not alert.is_resolved
    return is_told and any(one[:3] == alert.firing[:3] for one in content.firing)


def fold(content: AlertContent, alert: Alert, now: float) -> AlertContent:
    """Return the content with another alert. One that says again what fires can ask for a pause for the first time."""
    if is_repeated(content, alert):
        is_known = not alert.firing.asks or alert.firing in content.firing
        firing = content.firing if is_known else _with(content.firing, alert.firing)
        return replace(content, firing=firing, asks=content.asks or alert.firing.asks)
    if alert.is_resolved:
        left = tuple(one for one in content.firing if not alert.resolves(one))
        return replace(content, firing=left, resolved_at=content.resolved_at if left or not content.firing else now)
    firing = _with(content.firing, alert.firing)
    is_shown = content.resolved_at is not None or _rank(alert) >= _rank(content.alert)
    shown = alert if is_shown else content.alert
    asks, count = content.asks or alert.firing.asks, content.count + 1
    return replace(content, alert=shown, count=count, last_at=now, firing=firing, resolved_at=None, asks=asks)


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


def worse(
    content: AlertContent, alert: Alert, state: SessionState | None, automatic: Automatic | None = None
) -> Worse | None:
    """Return why people have to be notified of another alert, if they have to. It can have paused its session."""
    if automatic is Automatic.SENT:
        return Worse.PAUSED_BY_IT
    if alert.is_resolved or is_repeated(content, alert):
        return None
    if automatic is not None and (content.resolved_at is None or automatic is Automatic.CONFIRMED):
        return Worse.MORE_SEVERE if _rank(alert) > _rank(content.alert) else None
    if state is not None and state.phase is Phase.PAUSED and content.last_at <= state.at:
        return Worse.AFTER_PAUSE
    if content.resolved_at is not None:
        return Worse.AFTER_RESOLVED
    return Worse.MORE_SEVERE if _rank(alert) > _rank(content.alert) else None


def _rank(alert: Alert) -> int:
    return _SEVERITIES.index(alert.severity)


def plan_posts(pending: int, recent: int, room: int) -> tuple[int, int]:
    """Return how many of the pending alerts join the last summary, which has `room`, and how many are posted together.

    `recent` sessions had an alert within BURST_WINDOW. Of a larger burst many can have waited for longer.
    """
    if max(pending, recent) <= MOST_SINGLE:
        return 0, min(pending, 1)
    joining = min(pending, room)
    return joining, min(pending - joining, MOST_IN_SUMMARY)


@dataclass(frozen=True, slots=True)
class CountedSessions:
    """The sessions that a message of a channel counts, without a card each.

    `group` is its name, `newest` are the ids of the cards in it, and `known` tell the last sessions apart.
    """

    group: str
    total: int = 0
    newest: Sequence[str] = ()
    known: Sequence[str] = ()

    def with_cards(self, cards: Sequence["NewCard"]) -> "CountedSessions":
        """Return it with the sessions of these cards; one that is counted already is not counted again."""
        known = set(self.known)
        new = dict.fromkeys(one for card in cards if (one := digest(card.session_id)[:_TOLD_APART_BY]) not in known)
        newest = (*self.newest, *(card.id for card in cards))[-MOST_IN_SUMMARY:]
        return CountedSessions(self.group, self.total + len(new), newest, (*self.known, *new)[-MOST_TOLD_APART:])


def plan_replies(pending: int, recent: int) -> int:
    """Return how many of the pending replies of a channel are posted together; `recent` ones were within a minute."""
    return 1 if recent + pending <= MOST_REPLIES else min(pending, MOST_IN_SUMMARY)


SessionName = tuple[str, SessionId]  # a session of a workspace: Slack's id of the workspace, and the session's id
CardName = tuple[str, str, str]  # a message in Slack: the ids of workspace and channel, and its ts

CardNames = frozenset[CardName]


@dataclass(frozen=True, slots=True)
class MarkedCards:
    """The cards of a session that are kept up to date, `facts` on them, and whether Slack refused that for another."""

    names: CardNames = frozenset()
    is_one_lost: bool = False
    facts: Session | None = None


@dataclass(frozen=True, slots=True)
class ResultContent:
    """The result of an order, as posted. Those of a `group` are one message. A reminder `reminds` this user id."""

    order_id: str
    text: str
    blocks: tuple[dict[str, Any], ...]
    group: str = ""
    reminds: str = ""


@dataclass(frozen=True, slots=True)
class HeldContent:
    """The sessions that alerts of a sender did not pause, because `paused` ones were the most within a minute.

    The row of the message has this `id`. Until `until` (Unix seconds) further ones are held back, so far `count`, and
    `known` tell them apart. `alerts` has the reason, the user id and the sessions of some. If it `calls` people, it is
    posted at `until`, and counts pauses that failed since then for any reason.
    """

    group: ClassVar[str] = ""
    id: str
    paused: int
    until: float
    count: int = 0
    known: tuple[str, ...] = ()
    alerts: tuple[tuple[str, str, int], ...] = ()
    calls: bool = False

    def with_session(self, session_id: SessionId, reason: str, user_id: str) -> "HeldContent":
        """Return it with the session of an alert; one that is counted already is not counted again."""
        one = digest(session_id)[:_TOLD_APART_BY]
        if one in self.known:
            return self
        counts = {(why, by): count for why, by, count in self.alerts}
        if (reason, user_id) in counts or len(counts) < MOST_ALERTS_NAMED:
            counts[reason, user_id] = counts.get((reason, user_id), 0) + 1
        alerts = tuple((*names, count) for names, count in counts.items())
        known = (*self.known, one)[-MOST_TOLD_APART:]
        return replace(self, count=self.count + 1, known=known, alerts=alerts)


@dataclass(frozen=True, slots=True)
class BatchContent:
    """The result of a batch of orders: who gave it, why, and the words that chose its sessions, "" without any.

    Its card has the id of the batch in the place of a session. `channel_id` is where the batch was given, "" in Home,
    and `address` the same, sealed for that person. `follows` is the id of an earlier batch that runs beside it, or "".
    As far as is known, programs outside of Anchor control the browsers of `outside` sessions, and agents have `names`.
    """

    group: ClassVar[str] = ""
    user_id: str
    channel_id: str = ""
    reason: str = ""
    words: str = ""
    address: str = ""
    follows: str = ""
    verb: Verb = Verb.PAUSE
    outside: int = 0
    names: Mapping[SessionId, str] = field(default_factory=dict)


CardContent = AlertContent | ResultContent | HeldContent | BatchContent


class Urgency(IntEnum):
    """The order in which the messages of a channel are sent, the first one first."""

    CLICKED = 1
    """Somebody waits for the message that they clicked."""
    NEW_ALERT = 2
    RESULT = 3
    WORSE = 4
    UPDATE = 5
    REFUSED = 6
    """Slack has refused it before."""


def urgency_of(content: CardContent, *, is_posted: bool, is_clicked: bool, is_refused: bool) -> Urgency:
    """Return the place of a change of a card in that order."""
    if is_refused:
        return Urgency.REFUSED
    if is_posted:
        return Urgency.CLICKED if is_clicked else Urgency.UPDATE
    if isinstance(content, ResultContent | BatchContent):
        return Urgency.RESULT
    return Urgency.WORSE if isinstance(content, AlertContent) and content.reply else Urgency.NEW_ALERT


@dataclass(frozen=True, slots=True)
class NewCard:
    """A card to be remembered; without a `ts`, to be posted first. `shown` is the digest of its message.

    `facts` are known of its session. A `spare` card is not made if its session has one in the channel.
    """

    id: str
    team_id: str
    channel_id: str
    session_id: SessionId
    content: CardContent
    ts: str | None = None
    shown: str | None = None
    facts: Session | None = None
    is_spare: bool = False

    @property
    def session(self) -> SessionName:
        """Return the name of its session."""
        return self.team_id, self.session_id

    def listed_in(self, counted: "CountedSessions", ts: str | None) -> "NewCard":
        """Return the card of an alert in a message that counts its session, which is posted as `ts` or will be."""
        assert isinstance(self.content, AlertContent)  # noqa: S101 - no result is counted
        return replace(self, ts=ts, content=replace(self.content, group=counted.group, total=counted.total))
