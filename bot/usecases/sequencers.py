"""The sequencers of all sessions with an order that is not finished, or can still take effect."""

import asyncio
from collections.abc import Callable

from bot.core.requests import UNCONFIRMED_TTL
from bot.core.session_ids import SessionId
from bot.usecases.fair_queue import CAPACITY
from bot.usecases.session_sequencer import SessionSequencer

Name = tuple[str, SessionId]
"""A session of a workspace."""

MOST_SESSIONS = 2 * CAPACITY
"""The most sequencers. An unanswered order keeps its sequencer for a minute: 500 per second need half of them."""


class Sequencers:
    """One sequencer per session, up to a limit. `create` makes one."""

    def __init__(self, create: Callable[[SessionId], SessionSequencer]) -> None:
        self._create = create
        self._sequencers: dict[Name, SessionSequencer] = {}
        self._expiring: set[Name] = set()

    def get(self, name: Name) -> SessionSequencer | None:
        """Return the sequencer of a session; None if there are too many."""
        sequencer = self._sequencers.get(name)
        if sequencer is None and len(self._sequencers) < MOST_SESSIONS:
            sequencer = self._sequencers[name] = self._create(name[1])
        return sequencer

    def release(self, name: Name) -> None:
        """Drop a sequencer once none of its orders can still have an effect."""
        sequencer = self._sequencers.get(name)
        if sequencer is None or sequencer.is_busy or name in self._expiring:
            return
        if sequencer.is_unconfirmed:
            self._expiring.add(name)
            asyncio.get_running_loop().call_later(UNCONFIRMED_TTL, self._expire, name)
        else:
            del self._sequencers[name]

    def interrupt(self) -> None:
        """Interrupt every sequencer."""
        for sequencer in self._sequencers.values():
            sequencer.interrupt()

    def _expire(self, name: Name) -> None:
        self._expiring.discard(name)
        self.release(name)
