"""Keep the sequence of pauses and resumes with other processes, by the record of an order in the journal.

A pause is sent at once and recorded beside; a resume is recorded before it is sent. Whichever is recorded later finds
the other one: a resume then waits for the pause, and a pause is sent again after the resume.
"""

import asyncio
import logging
import time
from dataclasses import replace
from typing import Literal

from bot.concurrency import happens
from bot.core.history import can_see_all
from bot.core.outcomes import Late, Paused, PausedSince, ResumedSince, StoreUnavailable, Superseded
from bot.core.recovery import State
from bot.core.requests import Opposition, Verb
from bot.outbound.store.errors import StoreError
from bot.outbound.store.journal import Journal, JournalEntry

_log = logging.getLogger(__name__)

_TIMEOUT = 2.0  # seconds for a change to be stored
_LOOK_INTERVAL = 0.2  # seconds between two looks at what other processes send
_LONGEST_LOOK = 30.0  # seconds, longer than the default ANCHOR_DEADLINE; a resume that runs on leaves a pause in doubt


class OrderRecord:
    """The record of an order, which says what other processes do for its session."""

    def __init__(self, journal: Journal, entry: JournalEntry) -> None:
        self._journal = journal
        self._entry = entry

    @property
    def is_opposed_in_doubt(self) -> bool:
        """Return whether an opposite order without an answer can still take effect."""
        return self._entry.opposition is not None and self._entry.opposition.is_in_doubt

    async def is_stored(self) -> bool:
        """Return whether the order is stored within the time that a resume waits for that."""
        await asyncio.wait({self._entry.inserted}, timeout=_TIMEOUT)
        return self._entry.inserted.done()

    async def resumed_by(self) -> str | None:
        """Return who resumed the session after a pause was given, if anybody did. Without a database nobody did."""
        try:
            return await self._journal.rows.resumed_after(self._entry.id) if await self.is_stored() else None
        except StoreError as error:
            _log.error("later resumes not found; the pause is sent", extra={"why": str(error)})
            return None

    async def changed_since(self, *, is_admin: bool) -> PausedSince | ResumedSince | StoreUnavailable | None:
        """Return the change that the person who resumes does not know of, as this person is allowed to see it."""
        order = self._entry.order
        if order.expected_version is None:
            return None
        try:
            last = await self._journal.rows.change_since(order, order.expected_version)
        except StoreError:
            return StoreUnavailable()
        if last is None:
            return None
        if last.verb == Verb.RESUME:
            return ResumedSince(last.id, last.user_id, last.given_at)
        shows_all = can_see_all(last.user_id, viewer_id=order.actor.user_id, is_admin=is_admin)
        more = (last.reason, last.channel_id) if shows_all else ()
        return PausedSince(last.id, last.user_id, last.given_at, last.outcome == Paused.__name__, *more)

    async def clear_resume(self, cancelled: asyncio.Event) -> Superseded | StoreUnavailable | Late | None:
        """Record that a resume is being sent, once no pause is running elsewhere. Return why it is not sent, if so.

        It is too late if this process was frozen meanwhile: another one may have reported it.
        """
        entry = self._entry
        while not cancelled.is_set():
            self._journal.sending(entry)
            await asyncio.wait({entry.written}, timeout=_TIMEOUT)
            if not entry.written.done() or entry.is_lost:
                return StoreUnavailable()
            if entry.state is State.SENT:
                return None if entry.is_leased else Late(time.monotonic() - entry.given_at)
            if entry.opposition is not None and entry.opposition.is_later:
                break
            await happens(cancelled, within=_LOOK_INTERVAL)
        return Superseded()

    def until_taken_over(self, cancelled: asyncio.Event) -> asyncio.Event:
        """Return an event that is set if `cancelled` is, or if another process may have taken the order over."""
        return _UntilTakenOver(cancelled, self._entry)

    async def has_crossed(self) -> bool:
        """Wait for the resumes that other processes send beside a pause. Return whether there were any."""
        entry = self._entry
        if not await self._journal.is_ours(entry) or not entry.is_stored:
            return False
        ends = time.monotonic() + _LONGEST_LOOK
        opposition = entry.opposition or await self._look()
        has_crossed = opposition.has_crossed or opposition.is_running
        while opposition.is_running and time.monotonic() < ends:
            await asyncio.sleep(_LOOK_INTERVAL)
            opposition = await self._look()
        entry.opposition = replace(opposition, is_in_doubt=opposition.is_in_doubt or opposition.is_running)
        return has_crossed

    def with_earlier_pause(self, outcome: Paused) -> Paused:
        """Return the outcome with the pause before this one, if there was one and it is known by now."""
        earlier = self._entry.opposition and self._entry.opposition.earlier_pause
        return replace(outcome, earlier_by=earlier.user_id, earlier_at=earlier.given_at) if earlier else outcome

    async def _look(self) -> Opposition:
        try:
            return await self._journal.rows.find_opposition(self._entry.id)
        except StoreError:
            return Opposition(is_running=True)  # until the database says that it is not so


class _UntilTakenOver(asyncio.Event):
    def __init__(self, cancelled: asyncio.Event, entry: JournalEntry) -> None:
        super().__init__()
        self._cancelled = cancelled
        self._entry = entry

    def is_set(self) -> bool:
        return self._cancelled.is_set() or not self._entry.is_leased

    async def wait(self) -> Literal[True]:
        return await self._cancelled.wait()
