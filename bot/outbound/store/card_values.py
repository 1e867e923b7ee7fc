"""The values of cards that processes exchange through the database, and how a row stores their content."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from bot.core import cards
from bot.core.fields import known_fields
from bot.core.requests import Verb
from bot.core.retries import Kind, Lane
from bot.core.session_ids import SessionId
from bot.core.sessions import Session, SessionState
from bot.outbound.store.connections import Row, storable

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CardPart:
    """A session on a card: the row's id, its content, and its version.

    `seen` is the state by Anchor, if it has ended or Anchor does not know it, and `facts` are known of it. `is_news`
    says that an alert is the last change, so Slack may not have it yet.
    """

    id: str
    session_id: SessionId
    content: cards.CardContent
    version: int
    seen: SessionState | None = None
    facts: Session | None = None
    is_news: bool = False
    urgency: cards.Urgency = cards.Urgency.UPDATE


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedCard:
    """A card whose update this process has to send; without a `ts`, it has to be posted.

    `shown` is the digest of the message that Slack has, `attempts` are the failed ones, and `failure` is Slack's error
    code for the last one. If it `is_given_up`, Slack has not taken the post in time. A post `mentions` people if it is
    critical, and no other one of its channel did so recently.
    """

    team_id: str
    channel_id: str
    ts: str | None
    shown: str | None
    attempts: int
    parts: tuple[CardPart, ...]
    failure: str = ""
    is_given_up: bool = False
    mentions: bool = False

    def failures_with(self, code: str) -> int:
        """Return how often it has failed in a row, with this time: only by Slack's error `code`, if there is one."""
        return 1 if code and code != self.failure else self.attempts + 1

    @property
    def is_critical(self) -> bool:
        """Return whether it is to be posted, and about a critical alert that fires, whose pause has not failed."""
        contents = [part.content for part in self.parts if self.ts is None]
        alerts = [one for one in contents if isinstance(one, cards.AlertContent) and one.resolved_at is None]
        return any(one.alert.severity is cards.Severity.CRITICAL and not one.alert.is_called for one in alerts)

    @property
    def lane(self) -> Lane:
        """Return the lane of the call."""
        kind = Kind.POST if self.ts is None else Kind.UPDATE
        return Lane(kind, self.channel_id, self.failure, is_reply=self.ts is None and all(map(_reply, self.parts)))

    @property
    def thread_ts(self) -> str | None:
        """Return the message to which it is to be a reply. A list of replies to several stands in the channel."""
        reply = _reply(self.parts[0]) if self.ts is None and len(self.parts) == 1 else None
        return None if reply is None else reply.thread_ts

    @property
    def group(self) -> str:
        """Return the name of the cards that are to be posted as one message with it, or ""."""
        return self.parts[0].content.group if self.ts is None else ""

    @property
    def urgency(self) -> cards.Urgency:
        """Return that of the most urgent part."""
        return min(part.urgency for part in self.parts)

    @property
    def is_single_alert(self) -> bool:
        """Return whether it is about one alert, which was not repeated."""
        contents = [part.content for part in self.parts]
        return len(contents) == 1 and isinstance(contents[0], cards.AlertContent) and contents[0].count == 1


def _reply(part: CardPart) -> cards.Reply | None:
    return part.content.reply if isinstance(part.content, cards.AlertContent) else None


@dataclass(frozen=True, slots=True)
class SentCard:
    """The end of an attempt.

    `shown` is the digest of the message that Slack has now, as `ts` in a `channel_id`: a post to a person is in another
    one, that of their direct messages. Without them, the next attempt is `retry_after`
    seconds later; if that is None, too, there is none. Slack refused it with the code `failure`, or told the lane to
    wait `held_for` seconds.
    """

    card: ClaimedCard
    ts: str | None = None
    shown: str | None = None
    retry_after: float | None = None
    held_for: float | None = None
    failure: str = ""
    channel_id: str | None = None

    @property
    def is_taken(self) -> bool:
        """Return whether Slack has taken a call: none is made for a message that it has already."""
        return self.ts is not None and self.shown != self.card.shown


@dataclass(frozen=True, slots=True)
class IncomingAlert:
    """An alert for a channel; `id` is that of its card, if it becomes one. `facts` are known of its session.

    What became of the pause that it `asked` for is known, if it did.
    """

    id: str
    team_id: str
    channel_id: str
    alert: cards.Alert
    facts: Session | None = None
    asked: cards.Asked | None = None

    @property
    def automatic(self) -> cards.Automatic | None:
        """Return what it did."""
        return None if self.asked is None else self.asked.automatic

    def at(self, now: float) -> float:
        """Return the time of the alert, which is before that of its pause; `now` is the database's time."""
        return now if self.asked is None else now - max(0.0, time.monotonic() - self.asked.came_at)


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of an alert: its card, which is posted as `ts`, and how many alerts it has.

    It `is_new` if this alert made it. A resolved alert without a card has none: "", and one of a session that
    `has_ended`. If a message only counts its session, that has `total` of them.
    """

    card_id: str
    ts: str | None = None
    count: int = 0
    is_new: bool = False
    total: int = 0
    has_ended: bool = False


@dataclass(slots=True)
class CardChanges:
    """Changes for one transaction: new cards, alerts, and ended attempts."""

    new: list[cards.NewCard] = field(default_factory=list)
    alerts: list[IncomingAlert] = field(default_factory=list)
    sent: list[SentCard] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.new or self.alerts or self.sent)

    def take(self, most: int) -> "CardChanges":
        """Return the changes for a transaction: so many of each kind. The others stay for the next one."""
        taken = CardChanges(self.new[:most], self.alerts[:most], self.sent[:most])
        self.new, self.alerts, self.sent = self.new[most:], self.alerts[most:], self.sent[most:]
        return taken

    def put_back(self, changes: "CardChanges", most: int) -> None:
        """Add what a failed transaction should have written, but for its alerts; keep at most so many new cards."""
        self.new = [*changes.new, *self.new][:most]
        self.sent = [*changes.sent, *self.sent]


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The result of a transaction: places of alerts by their ids, and the seconds until a card is due, if any."""

    placed: Mapping[str, Placed] = field(default_factory=dict)
    claimed: Sequence[ClaimedCard] = ()
    next_in: float | None = None


ALERT, REPLY, RESULT, LISTED, HELD, BATCH = "alert", "reply", "result", "listed", "held", "batch"
"""The kinds of cards."""
_KINDS = {cards.ResultContent: RESULT, cards.HeldContent: HELD, cards.BatchContent: BATCH}
IS_ALERT = f"kind IN ('{ALERT}', '{LISTED}')"

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)
"""The exceptions of a row that cannot be decoded: a newer version of the bot can have written it."""


def kind_of(content: cards.CardContent) -> str:
    """Return the kind of a card."""
    if isinstance(content, cards.AlertContent):
        return LISTED if content.group else ALERT if content.reply is None else REPLY
    return _KINDS[type(content)]


def write_content(content: cards.CardContent) -> str:
    """Return the content as JSON, without what a database refuses."""
    return storable(json.dumps(asdict(content))) or ""


def readable(rows: Iterable[Row], read: Callable[[Row], _T]) -> Iterator[tuple[Row, _T]]:
    """Yield the rows that can be decoded, each with what is read."""
    for row in rows:
        with suppress(*UNREADABLE):
            yield row, read(row)


def read_content(kind: str, text: str) -> cards.CardContent:
    """Decode a content. Raises one of UNREADABLE."""
    fields = json.loads(text)
    if kind not in {ALERT, REPLY, RESULT, LISTED, HELD, BATCH}:
        raise ValueError(f"unknown kind {kind}")
    if kind == BATCH:
        return cards.BatchContent(**known_fields(cards.BatchContent, fields | {"verb": Verb(fields["verb"])}))
    if kind == RESULT:
        return cards.ResultContent(**known_fields(cards.ResultContent, fields | {"blocks": tuple(fields["blocks"])}))
    if kind == HELD:
        lists = {"known": tuple(fields["known"]), "alerts": tuple(map(tuple, fields["alerts"]))}
        return cards.HeldContent(**known_fields(cards.HeldContent, fields | lists))
    reply = cards.Reply(**known_fields(cards.Reply, fields["reply"])) if fields.get("reply") else None
    read = {"alert": _read_alert(fields["alert"]), "firing": tuple(cards.Firing(*one) for one in fields["firing"])}
    return cards.AlertContent(**known_fields(cards.AlertContent, fields | read | {"reply": reply}))


def write_facts(session: Session) -> str:
    """Return what is known of a session as JSON, without its id."""
    return json.dumps(session.stated())


def read_facts(session_id: str, text: str | None) -> Session | None:
    """Decode what is known of a session."""
    if text is None:
        return None
    fields: dict[str, Any] = json.loads(text)
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    return Session(id=SessionId(session_id), **known_fields(Session, fields | lists))


def row_values(card: cards.NewCard, now: float) -> dict[str, Any]:
    """Return the columns of a new row; `now` is the database's time."""
    same = {name: getattr(card, name) for name in ("id", "team_id", "channel_id", "ts", "session_id", "shown")}
    facts = None if card.facts is None else write_facts(card.facts)
    content = {"kind": kind_of(card.content), "content": write_content(card.content)}
    return same | content | {"facts": facts, "is_spare": int(card.is_spare), "now": now}


def _read_alert(fields: dict[str, Any]) -> cards.Alert:
    read = {
        "session_id": SessionId(fields["session_id"]),
        "severity": cards.Severity(fields["severity"]),
        "fields": tuple((name, value) for name, value in fields["fields"]),
        "warnings": tuple(fields["warnings"]),
    }
    return cards.Alert(**known_fields(cards.Alert, fields | read))
