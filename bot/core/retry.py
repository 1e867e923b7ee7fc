"""Decide whether and when to send an order again, and combine the outcomes of several attempts."""

from collections.abc import Sequence
from typing import assert_never

from bot.core.outcomes import (
    AnchorOutcome,
    Done,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Paused,
    RateLimited,
    Resumed,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Verb

ATTEMPTS = 3
"""The most attempts for one order."""

_FIRST_BACKOFF = 0.25
_SHORTEST_ATTEMPT = 0.5  # seconds; less could only turn a known failure into an unconfirmed one
_SERVER_ERROR = 500


def delay_before_retry(  # noqa: PLR0913 - the state of an order
    verb: Verb,
    outcome: AnchorOutcome,
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


def combine(outcomes: Sequence[AnchorOutcome]) -> AnchorOutcome:
    """Combine the outcomes of one or more attempts into one.

    One unconfirmed attempt leaves the series unconfirmed unless a later one succeeds: a definite "no" to the second
    request says nothing about the first. An answer outweighs a later attempt that found no connection.
    """
    if isinstance(outcomes[-1], Done):
        return outcomes[-1]
    unconfirmed = [outcome for outcome in outcomes if isinstance(outcome, Unconfirmed)]
    answers = [outcome for outcome in outcomes if outcome != Unavailable(Unreachable.NO_CONNECTION)]
    return (unconfirmed or answers or outcomes)[-1]


def _is_repeatable(verb: Verb, outcome: AnchorOutcome) -> bool:
    """Return whether another attempt is safe: repeating an unconfirmed resume could undo a newer pause."""
    match outcome:
        case Paused() | Resumed() | NotRunning() | NotFound() | KeyRejected():
            return False
        case Failed(status_code=status_code):
            return status_code >= _SERVER_ERROR
        case Unconfirmed(why=why):
            return verb is Verb.PAUSE and why is not Doubt.STOPPED
        case RateLimited() | Unavailable():
            return True
        case _:
            assert_never(outcome)
