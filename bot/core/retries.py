"""Decide when to send again, to Anchor and to Slack, and at what pace."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum

from bot.core import outcomes
from bot.core.cards import MOST_REPLIES
from bot.core.fields import TOKEN_REFUSED, known_fields
from bot.core.requests import Order, Verb

ATTEMPTS = 3  # the most attempts for one order

_FIRST_BACKOFF = 0.25
_SHORTEST_ATTEMPT = 0.5  # seconds; less could only turn a known failure into an unconfirmed one
_SERVER_ERROR = 500

CALL_INTERVAL = 1.0  # seconds from the end of a post to the next one in its channel, and the same between two updates
LONGEST_CALL = 20.0  # seconds after which a call counts as ended whose process has not said so

LONGEST_ATTEMPT = 15.0
"""The most seconds of an attempt at a card, which can be four calls: it must end while it counts as running."""

MOST_UPDATES = 40  # the most updates of a workspace within WINDOW: Slack allows 50 per minute

WINDOW = 61.0  # seconds

LONGEST_WAIT = 900.0  # the most seconds for which a Retry-After of Slack's counts

UNTRUE = LONGEST_WAIT + 60.0
"""No wait ends later than in so many seconds: an earlier version stored it, or the clock was changed."""

NO_WORKSPACE = "no token for this workspace"

DELETED = "message_not_found"

FINAL_FOR_UPDATE = frozenset(
    (DELETED, "cant_update_message", "channel_not_found", "is_inactive", "edit_window_closed", NO_WORKSPACE)
)
"""The error codes after which a message cannot be updated any more. https://docs.slack.dev/reference/methods/chat.update"""

MOST_TRIES = 3  # how often a refused update is repeated before it is a probe

MOST_FAILURES = 40  # half an hour
"""How often an update that fails otherwise is repeated before it is tried as rarely as a probe."""

PROBE_INTERVAL = 900.0
"""Seconds between two probes in a channel for an error code: updates of one of the messages that had it."""

TOKEN_PROBE_INTERVAL = 60.0  # seconds between two updates in a workspace whose token Slack refuses
MENTION_INTERVAL = 600.0  # seconds between two mentions of people by critical alerts in a channel
MOST_CALLS = 3  # the most mentions after failed pauses by a sender's alerts within MENTION_INTERVAL, in a channel

TOKEN_PROBE = "token"  # noqa: S105 - a name
"""The name of the probe of a refused token."""

MOST_PROBES = 200  # of a workspace; without its probe, a message is only tried more often
_FIRST_BACKOFF_OF_CARD, _LONGEST_BACKOFF_OF_CARD = 1.0, 60.0  # seconds

GIVE_UP_AFTER = 1800.0  # seconds from the first round to the last one. A response_url is valid for as long.

LONGEST_WAIT_IN_ROUND = 3.0
"""The longest Retry-After, in seconds, that a round waits for before it takes the next route."""

WAIT_FOR_SLACK = 5.0  # seconds before a message is sent again that something else answered in Slack's place

FIRST_ROUNDS, THEN_EVERY = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0), 60.0
ROUNDS = (*FIRST_ROUNDS, *(THEN_EVERY * minute for minute in range(2, int(GIVE_UP_AFTER / THEN_EVERY) + 1)))
"""When each round begins, in seconds since the first one."""


def backoff(failures: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait after so many failures (from 1): `first`, then twice as long each time."""
    return min(first * 2.0 ** min(failures - 1, 10), longest)


def delay_before_retry(  # noqa: PLR0913 - the state of an order
    verb: Verb,
    outcome: outcomes.AnchorOutcome,
    *,
    attempt: int,
    time_left: float,
    jitter: float,
    retry_after: float | None = None,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to keep `outcome`.

    `attempt` counts from 1; `time_left` is the rest of the deadline in seconds; `jitter` is a random number in [0, 1).
    `retry_after` is the wait in seconds that came with the answer.
    Three attempts that fail immediately wait at most 0.75 s in total, so they fit into Slack's 3 s.
    """
    if attempt >= ATTEMPTS or not _is_repeatable(verb, outcome):
        return None
    delay = retry_after
    if delay is None:
        delay = _FIRST_BACKOFF * 2 ** (attempt - 1) * (0.5 + jitter / 2)
    return delay if delay + _SHORTEST_ATTEMPT <= time_left else None


def combine(attempts: Sequence[outcomes.AnchorOutcome]) -> outcomes.AnchorOutcome:
    """Combine the outcomes of one or more attempts into one.

    One unconfirmed attempt leaves the series unconfirmed unless a later one succeeds: a definite "no" to the second
    request says nothing about the first. An answer outweighs a later attempt that found no connection.
    """
    if isinstance(attempts[-1], outcomes.Done):
        return attempts[-1]
    unconfirmed = [outcome for outcome in attempts if isinstance(outcome, outcomes.Unconfirmed)]
    answers = [outcome for outcome in attempts if outcome != outcomes.Unavailable(outcomes.Unreachable.NO_CONNECTION)]
    return (unconfirmed or answers or attempts)[-1]


def _is_repeatable(verb: Verb, outcome: outcomes.AnchorOutcome) -> bool:
    """Return whether another attempt is safe: a resume could undo a newer pause, and an end is sent once."""
    match outcome:
        case outcomes.Failed(status_code=status_code):
            return status_code >= _SERVER_ERROR and verb is not Verb.END
        case outcomes.Unconfirmed(why=why):
            return verb is Verb.PAUSE and why is not outcomes.Doubt.STOPPED
    return isinstance(outcome, outcomes.RateLimited | outcomes.Unavailable)


class Kind(StrEnum):
    """The kinds of calls that are limited apart."""

    POST = "post"
    UPDATE = "update"


def delay_after_failure(kind: Kind, code: str, failures: int) -> float | None:
    """Return the seconds until a card is sent again that Slack refused with an error code; None if never.

    `failures` are those of the message in a row, with this one. Slack did not answer if the code is "". A refused post
    is not repeated: its sender is told.
    """
    if code and (kind is Kind.POST or code in FINAL_FOR_UPDATE):
        return None
    if code in TOKEN_REFUSED:
        return TOKEN_PROBE_INTERVAL
    if kind is Kind.UPDATE and failures > (MOST_TRIES if code else MOST_FAILURES):
        return PROBE_INTERVAL
    return backoff(failures, first=_FIRST_BACKOFF_OF_CARD, longest=_LONGEST_BACKOFF_OF_CARD)


@dataclass(frozen=True, slots=True)
class Lane:
    """The calls of one kind for a channel. `failure` is Slack's error code for this message, which can be a reply."""

    kind: Kind
    channel_id: str
    failure: str = ""
    is_reply: bool = False

    @property
    def held_by_slack(self) -> str:
        """Return the name of what a Retry-After is about: posts are limited per channel, updates per workspace."""
        return self.kind if self.kind is Kind.UPDATE else self.name

    @property
    def mention(self) -> str:
        """Return the name of the mentions in its channel."""
        return f"mention:{self.channel_id}"

    @property
    def name(self) -> str:
        """Return the name of the lane."""
        return f"{self.kind}:{self.channel_id}"


@dataclass(frozen=True, slots=True)
class Pace:
    """Recent messages and updates of a workspace; all times are Unix seconds.

    `updates` are the times of the last updates, `free_at` says from when a lane, or all of a kind, is free again.
    `busy_until` says when the running call of a lane counts as ended. `probes` says when Slack is next asked what it
    has refused: the token, or a code in a channel. `replies` are the times of the last replies by channel, `calls`
    those of mentions after failed pauses by alerts, by channel and sender; the last one can be to come.
    """

    updates: tuple[float, ...] = ()
    free_at: Mapping[str, float] = field(default_factory=dict)
    busy_until: Mapping[str, float] = field(default_factory=dict)
    probes: Mapping[str, float] = field(default_factory=dict)
    replies: Mapping[str, Sequence[float]] = field(default_factory=dict)
    calls: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def recent_replies(self, channel_id: str, now: float) -> list[float]:
        """Return the times of the replies in a channel within WINDOW."""
        return [at for at in self.replies.get(channel_id, ()) if now - WINDOW < at <= now]

    def probes_of(self, lane: Lane) -> set[str]:
        """Return what Slack has refused, and will answer if this call is made."""
        names = {TOKEN_PROBE, _probe(lane, lane.failure)} if lane.kind is Kind.UPDATE else set[str]()
        return names & self.probes.keys()

    def next_slot(self, lane: Lane, now: float) -> float:
        """Return when the next call of a lane is allowed, or is looked at again; `now` if it is now."""
        free_at = [self.free_at.get(name, 0.0) for name in {lane.name, lane.held_by_slack}]
        free_at += [self.probes[name] for name in self.probes_of(lane)]
        slot = max(now, *(at for at in free_at if at <= now + UNTRUE), 0.0)
        if self.busy_until.get(lane.name, 0.0) > now:
            slot = max(slot, now + CALL_INTERVAL)
        if lane.kind is Kind.UPDATE and len(self.updates) >= MOST_UPDATES:
            slot = max(slot, self.updates[-MOST_UPDATES] + WINDOW)
        if lane.is_reply and len(recent := self.recent_replies(lane.channel_id, now)) >= MOST_REPLIES:
            slot = max(slot, recent[-MOST_REPLIES] + WINDOW)
        return slot

    def can_mention(self, lane: Lane, now: float) -> bool:
        """Return whether a post can mention people."""
        return not now < self.free_at.get(lane.mention, 0.0) <= now + MENTION_INTERVAL

    def with_call(self, order: Order, now: float) -> tuple["Pace", float]:
        """Return the pace after a pause by an alert has failed, and when the message about it is to mention people."""
        lane, oldest = Lane(Kind.POST, order.actor.channel_id), now - MENTION_INTERVAL
        name = f"{lane.channel_id} {order.actor.user_id}"
        recent = [at for at in self.calls.get(name, ()) if oldest < at <= now]
        if len(recent) >= MOST_CALLS and order.is_critical and self.can_mention(lane, now):
            return replace(self, free_at={**self.free_at, lane.mention: now + MENTION_INTERVAL}), now
        at = now if len(recent) < MOST_CALLS else recent[-MOST_CALLS] + MENTION_INTERVAL
        others = {one: times for one, times in self.calls.items() if times[-1] > oldest}
        return replace(self, calls=others | {name: [*recent, at]}), at

    def begun(self, lane: Lane, now: float, *, mentions: bool = False) -> "Pace":
        """Return the pace while a call is being made. If its message `mentions` people, no other one does soon."""
        free_at = _after(self.free_at, now) | ({lane.mention: now + MENTION_INTERVAL} if mentions else {})
        updates = (*self.updates, now)[-MOST_UPDATES:] if lane.kind is Kind.UPDATE else self.updates
        busy = _after(self.busy_until, now) | {lane.name: now + LONGEST_CALL}
        probing = {name: now + _interval(name) for name in self.probes_of(lane)}
        replies = {name: recent for name in self.replies if (recent := self.recent_replies(name, now))}
        if lane.is_reply:
            replies[lane.channel_id] = [*replies.get(lane.channel_id, ()), now]
        return Pace(updates, free_at, busy, {**self.probes, **probing}, replies, self.calls)

    def ended(self, lane: Lane, now: float, *, is_mention_lost: bool = False) -> "Pace":
        """Return the pace after a call. If its mention is lost, the next message can have one."""
        free_at = {name: at for name, at in self.free_at.items() if not is_mention_lost or name != lane.mention}
        busy = {name: until for name, until in _after(self.busy_until, now).items() if name != lane.name}
        return replace(self, free_at=_after(free_at, now) | {lane.name: now + CALL_INTERVAL}, busy_until=busy)

    def held(self, lane: Lane, now: float, seconds: float) -> "Pace":
        """Return the pace after Slack's Retry-After of so many seconds."""
        return replace(self, free_at=_after(self.free_at, now) | {lane.held_by_slack: now + seconds})

    def refused(self, lane: Lane, now: float, code: str, seconds: float) -> "Pace":
        """Return the pace after Slack refused an update that is tried again in so many seconds, or never: 0."""
        if lane.kind is Kind.POST:
            return self
        left = {name: at for name, at in self.probes.items() if name != TOKEN_PROBE or code in TOKEN_REFUSED}
        name = _probe(lane, code)
        if seconds >= _interval(name) or name in left:
            left[name] = now + _interval(name)
        newest = sorted(left.items(), key=lambda item: item[1])[-MOST_PROBES:]
        return replace(self, probes=dict(newest))

    def taken(self, lane: Lane) -> "Pace":
        """Return the pace after Slack took a call."""
        ended = self.probes_of(lane)
        return replace(self, probes={name: at for name, at in self.probes.items() if name not in ended})

    def as_text(self) -> str:
        """Return the pace as JSON."""
        return json.dumps(asdict(self))


def read_pace(text: str) -> Pace:
    """Decode the JSON of a pace."""
    read = json.loads(text)
    return Pace(**known_fields(Pace, read | {"updates": tuple(read["updates"])}))


def _probe(lane: Lane, code: str) -> str:
    return TOKEN_PROBE if code in TOKEN_REFUSED else f"{lane.channel_id}:{code}"


def _interval(probe: str) -> float:
    return TOKEN_PROBE_INTERVAL if probe == TOKEN_PROBE else PROBE_INTERVAL


def _after(times: Mapping[str, float], now: float) -> dict[str, float]:
    return {name: time for name, time in times.items() if time > now}
