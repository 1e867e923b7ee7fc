"""Execute the changes that admins make: check the person, make the change, log it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from bot.concurrency import KeyedLocks, Tasks
from bot.core.admin_outcomes import Interrupted, NotAdmin, NotServed
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Role
from bot.core.requests import Actor
from bot.core.workspace import Workspace
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.admin.alerts import AlertChanges
from bot.usecases.admin.key_and_policy import KeyChanges, PolicyChanges
from bot.usecases.admin.settings_modals import SettingsModals

_log = logging.getLogger(__name__)

_T = TypeVar("_T")

Change = Callable[[Workspace, str], Awaitable[_T]]
"""A change in a workspace by the admin with this user id, which returns its outcome and can raise StoreError."""

NotMade = NotAdmin | NotServed | StoreUnavailable | Interrupted
"""The outcomes of a change that was not started, or whose end is unknown."""


class AdminActions:
    """The single path of every change."""

    def __init__(self, workspaces: Workspaces, roles: RoleCache, tasks: Tasks) -> None:
        self._workspaces = workspaces
        self._roles = roles
        self._tasks = tasks
        self._locks = KeyedLocks()
        self._running: set[asyncio.Task[object]] = set()

    def interrupt(self) -> None:
        """Cancel every change that runs."""
        for change in self._running:
            change.cancel()

    async def execute(self, name: str, actor: Actor, change: Change[_T], *, exclusive: bool = False) -> _T | NotMade:
        """Make a change if the person is an admin, and log who made it.

        `exclusive` changes of one workspace run one after the other, so that the last one holds.
        """
        task = self._tasks.start(self._check_and_change(actor, change, exclusive=exclusive))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task})
        outcome: _T | NotMade = Interrupted()
        try:
            if not task.cancelled():
                outcome = task.result()
        except StoreError as error:
            _log.error("database error during an admin's change", extra={"team": actor.team_id, "why": str(error)})
            outcome = StoreUnavailable()
        fields = {"what": name, "outcome": type(outcome).__name__, "user": actor.user_id, "team": actor.team_id}
        _log.info("administration", extra=fields)
        return outcome

    async def _check_and_change(
        self, actor: Actor, change: Change[_T], *, exclusive: bool
    ) -> _T | NotAdmin | NotServed:
        lock: AbstractAsyncContextManager[object] = self._locks.get(actor.team_id) if exclusive else nullcontext()
        async with lock:
            workspace = await self._workspaces.find(actor.team_id)
            if workspace is None:
                return NotServed()
            role = await self._roles.fetch(workspace, actor)  # not cached: a change needs an admin of now
            return await change(workspace, actor.user_id) if role is Role.ADMIN else NotAdmin(role)


@dataclass(frozen=True, slots=True)
class Admin:
    """The admin use cases: the changes, their path, and the modals that ask for them."""

    actions: AdminActions
    keys: KeyChanges
    policies: PolicyChanges
    alerts: AlertChanges
    modals: SettingsModals
