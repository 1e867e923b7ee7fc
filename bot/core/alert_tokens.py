"""The tokens with which programs send alerts, and their names."""

import re
from dataclasses import dataclass

from bot.core.fields import SHOWN, Secret, digest

DEFAULT_SENDER = "default"  # the name of a token that was made without one

LONGEST_SENDER = 30
SENDER_NAME = re.compile(rf"[a-z0-9][a-z0-9_-]{{0,{LONGEST_SENDER - 1}}}", re.ASCII)
MOST_ALERT_TOKENS = 20
LEAST_TOKEN_LENGTH = 20  # characters of a token that nobody can guess
TOKEN_BYTES = 32  # random ones of a new token


@dataclass(frozen=True, slots=True)
class AlertToken:
    """A token with which the program `name` posts alerts, as a digest. `ending` has its last characters, if known.

    `made_by` is the admin who made it at `made_at` (Unix seconds); None if an operator did. Alerts can go to `channels`
    beside the alert channel, and ask for a pause if it `may_pause`.
    """

    name: str
    digest: str
    ending: str = ""
    made_by: str | None = None
    made_at: int | None = None
    channels: frozenset[str] = frozenset()
    may_pause: bool = False


def new_alert_token(
    random: str, name: str, made_by: str | None, now: float, *, may_pause: bool
) -> tuple[Secret, AlertToken]:
    """Return a new token of a random text, TOKEN_BYTES in URL-safe base64, and what the store keeps of it."""
    token = AlertToken(name, digest(random), random[-SHOWN:], made_by, int(now), may_pause=may_pause)
    return Secret(random), token
