"""Tell which commands of Socket Mode may be ones that Slack has sent before."""

import time
from collections.abc import Callable

from bot.inbound.slack.socket_frames import Envelope

REDELIVERY_WINDOW = 5.0
"""Seconds after a connection has opened in which Slack sends again what was not acknowledged over another one."""


class Redeliveries:
    """The times in which a command may be an old one. A command has no time of its own.

    `follows_crash` says whether the process before this one was killed; `window` is REDELIVERY_WINDOW.
    """

    def __init__(self, follows_crash: Callable[[], bool], *, window: float = REDELIVERY_WINDOW) -> None:
        self._follows_crash = follows_crash
        self._window = window
        self._until = 0.0
        self._connections = 0

    def begin(self) -> None:
        """Record that a connection has opened. The one before can have lost something although it was still open."""
        self._until = time.monotonic() + self._window
        self._connections += 1

    def includes(self, envelope: Envelope, received_at: float) -> bool:
        """Return whether an envelope is a command that may be old."""
        if received_at >= self._until or "command" not in envelope.payload:
            return False
        return self._connections > 1 or self._follows_crash()
