"""The alerts of a session on one card: a later alert is counted, and does not become another card.

Many sessions within a short time share one message, a summary.
"""

from dataclasses import dataclass, replace

from bot.core.alert import Alert, Severity

BURST_WINDOW = 10.0
"""Seconds in which the sessions of new alerts in a channel are counted."""

MOST_SINGLE = 5
"""The most sessions with a card of their own within BURST_WINDOW; more become a summary."""

MOST_IN_SUMMARY = 12
"""The most sessions of a summary: with more, their texts and buttons are too long for a message."""

ALONE_FOR = 1800.0
"""Seconds that a post waits for Slack; then it is only sent together with the others of its channel, as a summary."""

GIVE_UP_AFTER = 6 * 3600.0
"""Seconds after its last change at which a post that Slack has not taken is given up."""

_MOST_FINGERPRINTS = 50
_SEVERITIES = list(Severity)


@dataclass(frozen=True, slots=True)
class AlertContent:
    """The alerts of a session so far.

    `alert` is the newest of the most severe ones that fire, `last_at` the time of the last one (Unix seconds). `firing`
    are the fingerprints that are not resolved. All are resolved since `resolved_at`, unless it is None.
    """

    alert: Alert
    count: int
    last_at: float
    firing: tuple[str, ...] = ()
    resolved_at: float | None = None


def first(alert: Alert, now: float) -> AlertContent:
    """Return the content of a new card."""
    return AlertContent(alert, 1, now, (alert.fingerprint,))


def fold(content: AlertContent, alert: Alert, now: float) -> AlertContent:
    """Return the content with another alert. A resolved one without a fingerprint resolves all of them."""
    if alert.is_resolved:
        left = tuple(one for one in content.firing if alert.fingerprint and one != alert.fingerprint)
        return replace(content, firing=left, resolved_at=content.resolved_at if left or not content.firing else now)
    firing = (*(one for one in content.firing if one != alert.fingerprint), alert.fingerprint)[-_MOST_FINGERPRINTS:]
    is_shown = content.resolved_at is not None or _rank(alert) >= _rank(content.alert)
    shown = alert if is_shown else content.alert
    return AlertContent(shown, content.count + 1, now, firing)


def _rank(alert: Alert) -> int:
    return _SEVERITIES.index(alert.severity)


def plan_posts(pending: int, recent: int, room: int) -> tuple[int, int]:
    """Return how many of the pending alerts of a channel join its last summary, and how many are posted together.

    `recent` sessions had an alert within BURST_WINDOW; the last summary has `room` for so many more.
    """
    if recent <= MOST_SINGLE:
        return 0, min(pending, 1)
    joining = min(pending, room)
    return joining, min(pending - joining, MOST_IN_SUMMARY)
