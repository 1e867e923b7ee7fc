"""The version of a session on a Resume button: the id of the last order that the message with the button knows of."""

import re

from bot.core.session_id import SessionId

_VERSION = re.compile(r"after=([0-9a-f]{28})", re.ASCII)
_TIME_DIGITS = 12


def made_at(order_id: str) -> float:
    """Return when an id was made, in Unix seconds of the clock of its process."""
    return int(order_id[:_TIME_DIGITS], 16) / 1000


def time_id(unix_seconds: float) -> str:
    """Return what the ids begin with that are made at a time: it is between the earlier and the later ones."""
    return f"{int(unix_seconds * 1000):0{_TIME_DIGITS}x}"


def button_value(session_id: SessionId, version: str) -> str:
    """Return the `value` of a Resume button."""
    return f"{session_id} after={version}"


def read_version(rest: str) -> str | None:
    """Return the version in what a button's `value` has beside the session id; None if another program wrote it."""
    match = _VERSION.fullmatch(rest)
    return match and match[1]
