"""The age of a request when it is read, by Slack's clock, and what follows from it."""

from dataclasses import dataclass

from bot.core.requests import Verb

LATE = 5.0
"""Seconds from which a request is late: Slack has reported it as failed to the person 2 s before."""

_ASSUMED_TRANSIT = 0.5  # seconds of a request without a timestamp, so that its ack is in time on a slow network


@dataclass(frozen=True, slots=True)
class Age:
    """The bounds of an age, in seconds."""

    least: float = 0.0
    most: float = 0.0


def request_age(*, now: float, timestamp: float | None, resolution: float = 0.0, standstill: float = 0.0) -> Age:
    """Return the age of a request at `now`; both times are Unix seconds of Slack's clock.

    Slack cuts its `timestamp` to `resolution` seconds. A request without one is at least as old as the `standstill`
    of the process that it waited for.
    """
    if timestamp is None:
        return Age(standstill, max(standstill, _ASSUMED_TRANSIT))
    most = max(0.0, now - timestamp)
    return Age(max(0.0, most - resolution), most)


def is_sent(verb: Verb, age: float, *, resumed_after: bool) -> bool:
    """Return whether an order of this age is sent to Anchor without asking its person again.

    A late resume could undo a newer decision. A late pause is safe unless the session was resumed after it was given.
    """
    return age <= LATE or (verb is Verb.PAUSE and not resumed_after)
