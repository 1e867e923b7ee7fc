"""Change a workspace's settings: its key, its permissions, and where alerts go."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

from bot.core import admin_outcomes as outcomes
from bot.core.admin_outcomes import Interrupted, NotAdmin, NotServed
from bot.core.fields import Secret, digest
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Policy, Role
from bot.core.requests import Actor
from bot.core.workspace import AnchorKey, KeyCheck, Workspace, is_key
from bot.messages.cards import sample_alert_message
from bot.messages.settings import (
    alerts_channel_message,
    alerts_token_message,
    key_removed_message,
    key_set_message,
    policy_message,
)
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.slack.client import Delivery, Posted, Refused, SlackClient, TryAgain
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.store.workspaces import WorkspaceRows
from bot.outbound.workspaces import Workspaces
from bot.runtime import KeyedLocks, Tasks
from bot.usecases.cards import post_alert
from bot.usecases.monitor import AdminNotifier
from bot.usecases.settings_modals import AdminModals

_TOKEN_BYTES = 32


def new_alerts_token() -> Secret:
    """Return a new random token; the store keeps only its digest."""
    return Secret(secrets.token_urlsafe(_TOKEN_BYTES))


class AlertChanges:
    """Changes to alerts, made by the admin `user_id`. Every method can raise StoreError."""

    def __init__(self, slack: SlackClient, rows: WorkspaceRows, notifier: AdminNotifier) -> None:
        self._slack = slack
        self._rows = rows
        self._notifier = notifier

    async def choose_channel(self, workspace: Workspace, user_id: str, channel: str) -> outcomes.AlertOutcome:
        """Send alerts to `channel` from now on, if a test alert can be posted there."""
        team_id, before = workspace.team_id, workspace.alerts_channel
        posted = await self._post_test(workspace, channel)
        if not isinstance(posted, outcomes.AlertPosted) or channel == before:
            return posted
        if not await self._rows.move_alerts(team_id, channel, before=before):
            conflict = outcomes.explain_conflict(
                await self._rows.find(team_id), lambda now: now.alerts_channel == channel
            )
            return conflict or posted
        self._notifier.notify_change(workspace, alerts_channel_message(user_id, channel), user_id)
        return posted

    async def test(self, workspace: Workspace, _user_id: str) -> outcomes.AlertOutcome:
        """Post a test alert to the channel for alerts."""
        channel = workspace.alerts_channel
        return outcomes.NoChannel() if channel is None else await self._post_test(workspace, channel)

    async def renew_token(self, workspace: Workspace, user_id: str, *, expected_version: int) -> outcomes.TokenOutcome:
        """Replace the token if the stored version is the one that the admin has seen."""
        team_id, made = workspace.team_id, outcomes.TokenMade(new_alerts_token())
        stored = digest(made.token.reveal())
        if not await self._rows.set_alerts_token(team_id, stored, if_version=expected_version):
            conflict = outcomes.explain_conflict(
                await self._rows.find(team_id), lambda now: now.alerts_token_digest == stored
            )
            return conflict or made
        self._notifier.notify_change(workspace, alerts_token_message(user_id), user_id)
        return made

    async def _post_test(self, workspace: Workspace, channel: str) -> outcomes.AlertOutcome:
        result = await post_alert(self._slack, workspace.bot_token, channel, sample_alert_message())
        return _test_outcome(channel, result)


def _test_outcome(channel: str, result: Delivery) -> outcomes.AlertOutcome:
    match result:
        case Posted():
            return outcomes.AlertPosted(channel)
        case TryAgain(limited=True):
            return outcomes.AlertRefused(channel, "ratelimited")
        case Refused(why=why):
            return outcomes.AlertRefused(channel, why)
        case _:
            return outcomes.AlertUnanswered(channel)


class KeyChanges:
    """Changes to the key by the admin `user_id`, who has seen `expected_version`. Every method can raise StoreError.

    `now` returns Unix seconds.
    """

    def __init__(
        self, anchor: AnchorClient, rows: WorkspaceRows, notifier: AdminNotifier, now: Callable[[], float]
    ) -> None:
        self._anchor = anchor
        self._rows = rows
        self._notifier = notifier
        self._now = now

    async def set(
        self, workspace: Workspace, user_id: str, text: Secret, *, expected_version: int, allow_unverified: bool
    ) -> outcomes.KeyOutcome:
        """Verify a key with Anchor, and save it; save an unverified key only with `allow_unverified`."""
        value = Secret(text.reveal().strip())
        if not is_key(value.reveal()):
            return outcomes.NotAKey()
        problem = await self._anchor.try_key(value)
        if problem is not None and not (allow_unverified and isinstance(problem, outcomes.NewKeyUnverified)):
            return problem
        check = KeyCheck.VERIFIED if problem is None else KeyCheck.UNVERIFIED
        key = AnchorKey(value, check, user_id, int(self._now()))
        saved = outcomes.KeySaved(key.ending, check)
        team_id, before = workspace.team_id, workspace.anchor_key
        if not await self._rows.set_key(team_id, key, if_version=expected_version):
            return outcomes.explain_conflict(await self._rows.find(team_id), lambda now: _has(now, key)) or saved
        previous_setter = before.set_by if before else None
        self._notifier.notify_change(workspace, key_set_message(user_id, key, before), user_id, previous_setter)
        return saved

    async def remove(self, workspace: Workspace, user_id: str, *, expected_version: int) -> outcomes.RemovalOutcome:
        """Delete the key."""
        team_id, key = workspace.team_id, workspace.anchor_key
        if key is None or not await self._rows.remove_key(team_id, if_version=expected_version):
            conflict = outcomes.explain_conflict(await self._rows.find(team_id), lambda now: now.anchor_key is None)
            return conflict or outcomes.KeyRemoved("")
        self._notifier.notify_change(workspace, key_removed_message(user_id, key), user_id, key.set_by)
        return outcomes.KeyRemoved(key.ending)


def _has(workspace: Workspace, key: AnchorKey) -> bool:
    """Return whether the workspace has this key, set by the same person."""
    held = workspace.anchor_key
    return held is not None and (held.value, held.set_by) == (key.value, key.set_by)


class PolicyChanges:
    """Changes to the policy by the admin `user_id`."""

    def __init__(self, rows: WorkspaceRows, notifier: AdminNotifier) -> None:
        self._rows = rows
        self._notifier = notifier

    async def set(
        self, workspace: Workspace, user_id: str, policy: Policy, *, expected_version: int
    ) -> outcomes.PolicyOutcome:
        """Save a policy if the stored version is `expected_version`, which the admin has seen. Raises StoreError."""
        team_id = workspace.team_id
        if not await self._rows.set_policy(team_id, policy, if_version=expected_version):
            now = await self._rows.find(team_id)
            return outcomes.explain_conflict(now, lambda found: found.policy == policy) or outcomes.PolicySaved()
        self._notifier.notify_change(workspace, policy_message(user_id, policy), user_id)
        return outcomes.PolicySaved()


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
    modals: AdminModals
