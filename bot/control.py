"""The use case: one road to Anchor for every surface."""

import asyncio
import logging
import time

from bot.core.outcomes import AnchorOutcome, Doubt, Outcome, Overloaded, Repeated, Stopping, Unconfirmed, WrongWorkspace
from bot.core.requests import PauseRequest
from bot.core.session_id import SessionId
from bot.once import Once
from bot.outbound.anchor import AnchorClient
from bot.outbound.workspaces import SingleWorkspace
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

CAPACITY = 10_000
"""How many tasks may be under way before new work is refused; a command takes up to three."""


class Control:
    """Carries requests to Anchor: once each, one call per session at a time, as many as the bot can answer for."""

    def __init__(
        self, anchor: AnchorClient, workspaces: SingleWorkspace, *, once: Once, tasks: Tasks, capacity: int = CAPACITY
    ) -> None:
        self._anchor = anchor
        self._workspaces = workspaces
        self._once = once
        self._tasks = tasks
        self._capacity = capacity
        self._in_flight: dict[tuple[str, SessionId], asyncio.Task[AnchorOutcome]] = {}
        self._stopping = False

    def stop(self) -> None:
        """Take no new work."""
        self._stopping = True

    def interrupt(self) -> None:
        """Wait for Anchor no longer: whoever still waits is told that the outcome is not known."""
        for call in self._in_flight.values():
            call.cancel()

    async def pause(self, request: PauseRequest) -> Outcome:
        """Pause a session for the person who asked, and log who did what."""
        began = time.monotonic()
        outcome = await self._decide(request)
        _log.info(
            "pause",
            extra={
                "outcome": type(outcome).__name__,
                "session": request.session_id,
                "user": request.asker.user_id,
                "team": request.asker.team_id,
                "channel": request.asker.channel_id,
                "ms": round((time.monotonic() - began) * 1000),
            },
        )
        return outcome

    async def _decide(self, request: PauseRequest) -> Outcome:
        if self._stopping:
            return Stopping()
        if len(self._tasks) > self._capacity:
            return Overloaded()
        workspace = self._workspaces.find(request.asker.team_id)
        if workspace is None:
            return WrongWorkspace()
        if request.trigger_id and not self._once.first(request.trigger_id):
            return Repeated()
        key = (request.asker.team_id, request.session_id)
        call = self._in_flight.get(key)
        if call is None:
            call = self._tasks.start(self._anchor.pause(workspace.anchor_api_key, request.session_id))
            self._in_flight[key] = call
            call.add_done_callback(lambda _: self._in_flight.pop(key))
        await asyncio.wait({call})
        return Unconfirmed(Doubt.STOPPED) if call.cancelled() else call.result()
