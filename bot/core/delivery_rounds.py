"""Decide when a message that Slack did not accept is sent again."""

from collections.abc import Iterator

GIVE_UP_AFTER = 1800.0
"""Seconds from the first round to the last one. A response_url is valid for as long."""

LONGEST_WAIT_IN_ROUND = 3.0
"""The longest Retry-After, in seconds, that a round waits for before it takes the next route."""

WAIT_FOR_SLACK = 5.0
"""Seconds before a message is sent again that something else answered in Slack's place."""

FIRST_ROUNDS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
THEN_EVERY = 60.0


def round_times() -> Iterator[float]:
    """Yield when each round begins, in seconds since the first one."""
    yield from FIRST_ROUNDS
    time = FIRST_ROUNDS[-1] + THEN_EVERY
    while time <= GIVE_UP_AFTER:
        yield time
        time += THEN_EVERY
