"""Checks of workspaces in the running bot, for Home. They are cached, because Home is published often."""

import asyncio
import logging
from collections.abc import Callable

from cachetools import TTLCache

from bot.concurrency import Tasks
from bot.core.checks import Checked, Wrong
from bot.core.workspace import Workspace
from bot.usecases.checks.workspace import Services

_log = logging.getLogger(__name__)

_TTL = 300.0  # seconds
_WAIT = 1.0  # seconds for which Home waits
MOST = 10_000  # workspaces

_Key = tuple[str, str | None]  # team id, alert channel


class CachedChecks:
    """Checks by workspace and alert channel. `clock` is monotonic, in seconds."""

    def __init__(self, services: Services, tasks: Tasks, clock: Callable[[], float]) -> None:
        self._services = services
        self._tasks = tasks
        self._running: TTLCache[_Key, asyncio.Task[list[Checked]]] = TTLCache(MOST, _TTL, timer=clock)

    async def get(self, workspace: Workspace) -> list[Checked]:
        """Return the checks of the last 5 minutes; [] if Slack takes over a second: the next Home has them.

        A failure is not kept, so that Home shows at once that it was fixed.
        """
        key = (workspace.team_id, workspace.alerts_channel)
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = self._tasks.start(self._check(workspace))
        await asyncio.wait({running}, timeout=_WAIT)
        checks = running.result() if running.done() and not running.cancelled() else []
        if any(isinstance(check.finding.kind, Wrong) for check in checks):
            self._running.pop(key, None)
        return checks

    async def _check(self, workspace: Workspace) -> list[Checked]:
        try:
            return await self._services.check_in_slack(workspace)
        except Exception:  # noqa: BLE001 - Home shows the rest
            _log.exception("workspace not checked", extra={"team": workspace.team_id})
            return []
