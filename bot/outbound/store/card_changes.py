"""The changes of cards that wait for a transaction, and its result."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from bot.core.cards import Alert, AlertContent, CardContent, CardName, NewCard, SessionName
from bot.core.retries import Kind, Lane
from bot.core.session_ids import SessionId
from bot.core.sessions import Session

CardNames = frozenset[CardName]
_Sessions = dict[SessionName, list[asyncio.Future[CardNames]]]


@dataclass(frozen=True, slots=True)
class CardPart:
    """A session on a card: the row's id, its content, and its version.

    `ended` is Anchor's status of a session that has ended, and when Anchor said so (Unix seconds). `facts` are known of
    the session. `is_news` says that an alert is the last change, so Slack may not have it yet.
    """

    id: str
    session_id: SessionId
    content: CardContent
    version: int
    ended: tuple[str, float] | None = None
    facts: Session | None = None
    is_news: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCard:
    """A card whose update this process has to send; without a `ts`, it has to be posted.

    `shown` is the digest of the message that Slack has, `attempts` are the failed ones. If it `is_given_up`, Slack has
    not taken the post in time.
    """

    team_id: str
    channel_id: str
    ts: str | None
    shown: str | None
    attempts: int
    parts: tuple[CardPart, ...]
    is_given_up: bool = False

    @property
    def lane(self) -> Lane:
        """Return the lane of the call."""
        return Lane(Kind.POST if self.ts is None else Kind.UPDATE, self.channel_id)

    @property
    def is_single_alert(self) -> bool:
        """Return whether it is about one alert, which was not repeated."""
        contents = [part.content for part in self.parts]
        return len(contents) == 1 and isinstance(contents[0], AlertContent) and contents[0].count == 1


@dataclass(frozen=True, slots=True)
class SentCard:
    """The end of an attempt.

    `shown` is the digest of the message that Slack has now, as `ts`. Without them, the next attempt is `retry_after`
    seconds later; if that is None, too, there is none. Slack told the lane to wait `held_for` seconds.
    """

    card: ClaimedCard
    ts: str | None = None
    shown: str | None = None
    retry_after: float | None = None
    held_for: float | None = None


@dataclass(frozen=True, slots=True)
class IncomingAlert:
    """An alert for a channel; `id` is that of its card, if it becomes one. `facts` are known of its session."""

    id: str
    team_id: str
    channel_id: str
    alert: Alert
    facts: Session | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of an alert: its card, which is posted as `ts`, and how many alerts it has.

    It `is_new` if this alert made it. A resolved alert without a card has none: "".
    """

    card_id: str
    ts: str | None = None
    count: int = 0
    is_new: bool = False


@dataclass(slots=True)
class CardChanges:
    """Changes for one transaction: the sessions that changed, new cards, alerts, and ended attempts.

    `clicked` are the messages whose update is urgent. The futures of a session end with the names of its open cards.
    """

    sessions: _Sessions = field(default_factory=dict)
    clicked: set[CardName] = field(default_factory=set)
    new: list[NewCard] = field(default_factory=list)
    alerts: list[IncomingAlert] = field(default_factory=list)
    sent: list[SentCard] = field(default_factory=list)

    def take(self, most: int) -> "CardChanges":
        """Return the changes for a transaction: all but the sessions beyond so many, which stay for the next one.

        Of so many clicked messages the others are updated, too, but not first.
        """
        taken = replace(self, sessions=_first(self.sessions, most), clicked=set(islice(self.clicked, most)))
        self.sessions = {name: names for name, names in self.sessions.items() if name not in taken.sessions}
        if not self.sessions:
            self.clicked = set()
        self.new, self.alerts, self.sent = [], [], []
        return taken

    def put_back(self, changes: "CardChanges", most: int) -> None:
        """Add what a failed transaction should have written, but for its alerts; keep at most so many of each kind."""
        self.sessions = _first(changes.sessions | self.sessions, most)
        self.clicked = set(islice(changes.clicked | self.clicked, most))
        self.new = [*changes.new, *self.new][:most]
        self.sent = [*changes.sent, *self.sent]


def _first(sessions: _Sessions, most: int) -> _Sessions:
    return dict(islice(sessions.items(), most))


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The result of a transaction.

    `open_cards` are the names of open cards by session, `placed` the places of alerts by their ids. The next card is
    due in `next_in` seconds, if any is.
    """

    open_cards: Mapping[SessionName, CardNames] = field(default_factory=dict)
    placed: Mapping[str, Placed] = field(default_factory=dict)
    claimed: Sequence[ClaimedCard] = ()
    next_in: float | None = None
