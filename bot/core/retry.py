"""Whether to ask Anchor again, when, and what several attempts come to."""

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
"""How often one order is sent at the most."""

_FIRST_BACKOFF = 0.25
_SHORTEST_ATTEMPT = 0.5  # less time than this could only turn a known failure into a doubtful one
_SERVER_ERROR = 500


def delay_before_retry(
    verb: Verb, outcome: AnchorOutcome, *, attempt: int, time_left: float, jitter: float
) -> float | None:
    """Seconds to wait before the next attempt, or None to leave it at `outcome`.

    `attempt` counts from 1; `time_left` is what remains of the deadline, in seconds; `jitter` is a random number
    in [0, 1). Three attempts that fail at once take at most 0.75 s of waiting, so they fit into Slack's 3 s.
    """
    if attempt >= ATTEMPTS or not _may_be_repeated(verb, outcome):
        return None
    delay = _asked_to_wait(outcome)
    if delay is None:
        delay = _FIRST_BACKOFF * 2 ** (attempt - 1) * (0.5 + jitter / 2)
    return delay if delay + _SHORTEST_ATTEMPT <= time_left else None


def sum_up(outcomes: Sequence[AnchorOutcome]) -> AnchorOutcome:
    """What a series of attempts comes to; there is at least one.

    One doubtful attempt leaves the whole series doubtful, unless a later one succeeds: a definite "no" to the second
    request says nothing of the first. And an answer that came outweighs a later attempt that reached nobody.
    """
    if isinstance(outcomes[-1], Done):
        return outcomes[-1]
    doubts = [outcome for outcome in outcomes if isinstance(outcome, Unconfirmed)]
    answers = [outcome for outcome in outcomes if outcome != Unavailable(Unreachable.NO_CONNECTION)]
    return (doubts or answers or outcomes)[-1]


def _may_be_repeated(verb: Verb, outcome: AnchorOutcome) -> bool:
    """Whether it helps and does no harm: a doubtful resume that is repeated could undo somebody's newer pause."""
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


def _asked_to_wait(outcome: AnchorOutcome) -> float | None:
    return outcome.retry_after if isinstance(outcome, RateLimited | Unavailable) else None
