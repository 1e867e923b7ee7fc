"""What Slack's users.info answers if it does not say who somebody is, and if it says something of a test's own."""

import json
from collections.abc import Sequence

from bot.sim.slack import (
    Answer,
    Fault,
    ResetAfterReading,
    ResetBeforeReading,
    api_error,
    rate_limited,
    server_error,
)

NO_ANSWER: Sequence[Fault] = (
    ResetBeforeReading(),
    ResetAfterReading(),
    server_error(),
    rate_limited(60),
    api_error("internal_error"),
    api_error("invalid_auth"),
)
"""The ways in which Slack does not say who somebody is."""


def user_info(**user: object) -> Answer:
    """The answer of users.info about everybody."""
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())
