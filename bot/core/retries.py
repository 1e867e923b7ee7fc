"""Decide when to send again, to Anchor and to Slack."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core import outcomes
from bot.core.orders import Verb

ATTEMPTS = 3  # the most attempts for one order

_FIRST_BACKOFF = 0.25
_SHORTEST_ATTEMPT = 0.5  # seconds; less could only turn a known failure into an unconfirmed one
_SERVER_ERROR = 500

LONGEST_WAIT = 900.0  # the most seconds for which a Retry-After of Slack's counts

NO_WORKSPACE = "no token for this workspace"
DELETED = "message_not_found"
FINAL_FOR_UPDATE = frozenset(
    (DELETED, "cant_update_message", "channel_not_found", "is_inactive", "edit_window_closed", NO_WORKSPACE)
)
"""The error codes after which a message cannot be updated any more. https://docs.slack.dev/reference/methods/chat.update"""


@dataclass(frozen=True, slots=True)
class Patience:
    """The seconds for which a message is sent again, and those between two of the last attempts."""

    longest: float
    rarely: float


RESULT, ALERT, UPDATE = Patience(1_800.0, 600.0), Patience(6 * 3600.0, 1_800.0), Patience(math.inf, 900.0)
_UNANSWERED = (5.0, 30.0, *[60.0] * 6)  # seconds after attempts that had no answer
_REFUSED = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # and after those that Slack has refused for now
MOST_TRIES = 3  # how often an update that Slack refuses with an error code is repeated before that becomes rare


def wait_unanswered(failures: int, patience: Patience) -> float | None:
    """Return the seconds after so many attempts (from 1) that had no answer; None if there is no further one."""
    if failures <= len(_UNANSWERED):
        return _UNANSWERED[failures - 1]
    return patience.rarely if (failures - len(_UNANSWERED)) * patience.rarely <= patience.longest else None


def wait_refused(failures: int, patience: Patience, age: float, *, most: int | None = None) -> float | None:
    """Return the seconds after so many attempts that Slack refused for now, rarely after `most`; None: no further one.

    The message is `age` seconds old.
    """
    wait = patience.rarely if most is not None and failures > most else _REFUSED[min(failures, len(_REFUSED)) - 1]
    return wait if age + wait <= patience.longest else None


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
    answers = [outcome for outcome in attempts if outcome != outcomes.Unavailable()]
    return (unconfirmed or answers or attempts)[-1]


def _is_repeatable(verb: Verb, outcome: outcomes.AnchorOutcome) -> bool:
    """Return whether another attempt is safe: a resume could undo a newer pause, and an end is sent once."""
    if isinstance(outcome, outcomes.Failed):
        return (outcome.status_code or 0) >= _SERVER_ERROR and verb is not Verb.END
    if isinstance(outcome, outcomes.Unconfirmed):
        return verb is Verb.PAUSE
    return isinstance(outcome, outcomes.RateLimited | outcomes.Unavailable)
