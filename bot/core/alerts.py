"""Alerts: what one says, how another is folded into it, how many wait before summaries begin, and what is news."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from bot.core.alert_tokens import DEFAULT_SENDER
from bot.core.outcomes import Outcome
from bot.core.session_ids import SessionId
from bot.core.sessions import Phase, SessionState

ALERTS_PATH = "/alerts"  # the path for alerts; with many workspaces, a team id follows

LONGEST_LINK = 1000  # the most characters of a link in mrkdwn, where `&` takes five
MOST_SINGLE = 5  # messages about alerts that wait in a channel, from which on further alerts come to these: summaries
MOST_IN_SUMMARY = 12  # the most sessions of a summary: with more, their texts and buttons are too long for a message

MOST_OLDER = 5  # the newest older cards of a session in a channel that are kept up to date
MOST_WAITING = 100  # full messages about alerts that wait in a channel; the last one counts further alerts

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
