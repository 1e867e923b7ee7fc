"""Change a workspace's settings: its key, its permissions, and where alerts go."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace

from bot.core.cards import alerts_url
from bot.core.fields import GROUP_ID, Secret, digest
from bot.core.policy import Policy, Role
from bot.core.requests import Actor
from bot.core.workspace import SHOWN, AlertToken, AnchorKey, AutoPause, KeyCheck, NewKeyUnverified, Workspace, is_key
from bot.messages import senders
from bot.messages import settings as messages
from bot.messages.cards import SAMPLE_ALERT
from bot.messages.settings import Reply
from bot.outbound.anchor.orders import AnchorClient
from bot.outbound.slack.client import Posted, Refused, SlackClient, TryAgain
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.store.workspaces import Record, WorkspaceRows
from bot.outbound.workspaces import Workspaces
from bot.runtime import KeyedLocks, Tasks, ended
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.sessions import SessionLists

_log = logging.getLogger(__name__)

_TOKEN_BYTES = 32
TokenChange = Callable[[AlertToken], AlertToken]


def new_alert_token(name: str, made_by: str | None = None, *, may_pause: bool = False) -> tuple[Secret, AlertToken]:
    """Return a new random token, and what the store keeps of it."""
    text, now = secrets.token_urlsafe(_TOKEN_BYTES), int(time.time())
    return Secret(text), AlertToken(name, digest(text), text[-SHOWN:], made_by, now, may_pause=may_pause)


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of settings by the admin `user_id`, who has seen `expected_version`. All can raise StoreError."""

    anchor: AnchorClient
    slack: SlackClient
    rows: WorkspaceRows
    monitor: WorkspaceMonitor
    lists: SessionLists
    base_url: str

    async def choose_channel(self, workspace: Workspace, user_id: str, channel: str) -> Reply:
        """Send alerts to `channel` from now on, if a test alert can be posted there."""
        before, reply = workspace.alerts_channel, await self._post_test(workspace, channel)
        if not reply.did or channel == before:
            return reply
        if not await self.rows.set_alerts_channel(workspace.team_id, channel, before=before or "", by=user_id):
            return await self._conflict(workspace, reply, lambda now: now.alerts_channel == channel)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def choose_group(self, workspace: Workspace, user_id: str, group: str | None) -> Reply:
        """Let critical alerts mention the user group with this id from now on, or nobody."""
        if group is not None and not GROUP_ID.fullmatch(group):
            return messages.NOT_A_GROUP
        reply = messages.group_saved(group)
        if not await self.rows.set_alerts_group(workspace.team_id, group, by=user_id):
            return messages.NOT_SERVED
        if group != workspace.alerts_group:
            self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def set_auto_pause(self, workspace: Workspace, user_id: str, mode: AutoPause, seen: AutoPause) -> Reply:
        """Set the effect of alerts that ask for a pause, if it is still the one that the admin has `seen`."""
        reply = senders.auto_pause_saved(mode)
        if not await self.rows.set_auto_pause(workspace.team_id, mode, before=seen, by=user_id):
            return await self._conflict(workspace, reply, lambda now: now.auto_pause is mode)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def send_test(self, workspace: Workspace, _user_id: str) -> Reply:
        """Post a test alert to the channel for alerts."""
        channel = workspace.alerts_channel
        return messages.NO_CHANNEL if channel is None else await self._post_test(workspace, channel)

    async def make_token(
        self, workspace: Workspace, user_id: str, name: str, *, may_pause: bool, expected_version: int
    ) -> Reply:
        """Make a token for alerts."""
        if problem := senders.name_problem(name, workspace.alert_tokens):
            return Reply("TokenNotMade", problem, (senders.NAME,))
        secret, token = new_alert_token(name, user_id, may_pause=may_pause)
        team_id, tokens = workspace.team_id, (*workspace.alert_tokens, token)
        reply = senders.token_made(secret, alerts_url(self.base_url, team_id), token)
        record = token_record(user_id, "made", token)
        if not await self.rows.set_alert_tokens(team_id, tokens, if_version=expected_version, record=record):
            return await self._conflict(workspace, reply, lambda now: token in now.alert_tokens)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def change_token(
        self, workspace: Workspace, user_id: str, name: str, change: TokenChange | None, *, expected_version: int
    ) -> Reply:
        """Change what a token can do, or revoke it if `change` is None."""
        token = workspace.named_token(name)
        if token is None:
            return await self._conflict(workspace, senders.TOKEN_REVOKED, lambda now: now.named_token(name) is None)
        did, new = ("revoked", replace(token, may_pause=False)) if change is None else ("changed", change(token))
        reply, record = senders.token_changed(did, new), token_record(user_id, did, new)
        tokens = tuple(
            new if one is token else one for one in workspace.alert_tokens if change is not None or one is not token
        )
        if not await self.rows.set_alert_tokens(workspace.team_id, tokens, if_version=expected_version, record=record):
            return await self._conflict(workspace, reply, lambda now: now.alert_tokens == tokens)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def set_key(
        self, workspace: Workspace, user_id: str, text: Secret, *, expected_version: int, allow_unverified: bool
    ) -> Reply:
        """Verify a key with Anchor, and save it; save an unverified key only with `allow_unverified`."""
        value = Secret(text.reveal().strip())
        if not is_key(value.reveal()):
            return messages.NOT_A_KEY
        problem, lost = await asyncio.gather(self.anchor.try_key(value), self.lists.paused_without(workspace, value))
        if problem is not None and not (allow_unverified and isinstance(problem, NewKeyUnverified)):
            return messages.key_not_accepted(problem)
        check = KeyCheck.VERIFIED if problem is None else KeyCheck.UNVERIFIED
        key, before = AnchorKey(value, check, user_id, int(time.time())), workspace.anchor_key
        reply = messages.key_saved(key, before, lost)
        if not await self.rows.set_key(workspace.team_id, key, if_version=expected_version, by=user_id):
            return await self._conflict(workspace, reply, lambda now: _has(now, key))
        previous_setter = before.set_by if before else None
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id, previous_setter)
        return reply

    async def remove_key(self, workspace: Workspace, user_id: str, *, expected_version: int) -> Reply:
        """Delete the key."""
        key = workspace.anchor_key
        if key is None or not await self.rows.remove_key(workspace.team_id, if_version=expected_version, by=user_id):
            return await self._conflict(workspace, messages.key_removed(None), lambda now: now.anchor_key is None)
        reply = messages.key_removed(key)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id, key.set_by)
        return reply

    async def set_policy(self, workspace: Workspace, user_id: str, policy: Policy, *, expected_version: int) -> Reply:
        """Save a policy."""
        reply = messages.policy_saved(policy)
        if not await self.rows.set_policy(workspace.team_id, policy, if_version=expected_version, by=user_id):
            return await self._conflict(workspace, reply, lambda now: now.policy == policy)
        self.monitor.notify_change(workspace, reply.notice(user_id), user_id)
        return reply

    async def _post_test(self, workspace: Workspace, channel: str) -> Reply:
        match await self.slack.post_until_final(workspace.bot_token, channel, SAMPLE_ALERT):
            case Posted():
                return messages.alert_posted(channel)
            case TryAgain(limited=True):
                return messages.alert_refused(channel, "ratelimited")
            case Refused(why=why):
                return messages.alert_refused(channel, why)
            case _:
                return messages.alert_unanswered(channel)

    async def _conflict(self, workspace: Workspace, done: Reply, holds: Callable[[Workspace], bool]) -> Reply:
        """Return the reply to a change that was not made: `done` if the stored workspace `holds` it (a duplicate)."""
        now = await self.rows.find(workspace.team_id)
        if now is None:
            return messages.NOT_SERVED
        return done if holds(now) else messages.OUTDATED


def token_record(user_id: str, did: str, token: AlertToken) -> Record:
    """Return the record that an alert token was made, changed or revoked."""
    can_pause = "can pause" if token.may_pause else "cannot pause"
    value, sender = f"{did}, {can_pause}, {len(token.channels)} more channels", "" if did == "changed" else token.name
    return Record(user_id, f"alert token {token.name}", value, sender)


def _has(workspace: Workspace, key: AnchorKey) -> bool:
    held = workspace.anchor_key
    return held is not None and (held.value, held.set_by) == (key.value, key.set_by)


Change = Callable[[Workspace, str], Awaitable[Reply]]
"""A change in a workspace by the admin with this user id, which returns the reply and can raise StoreError."""


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

    async def execute(self, name: str, actor: Actor, change: Change, *, exclusive: bool = False) -> Reply:
        """Make a change if the person is an admin, and log it. `exclusive` ones of a workspace take turns."""
        task = self._tasks.start(self._check_and_change(actor, change, exclusive=exclusive))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await ended(task)
        reply = messages.INTERRUPTED
        try:
            if not task.cancelled():
                reply = task.result()
        except StoreError as error:
            _log.error("database error during an admin's change", extra={"team": actor.team_id, "why": str(error)})
            reply = messages.NOT_SAVED
        fields = {"what": name, "outcome": reply.outcome, "user": actor.user_id, "team": actor.team_id}
        _log.info("administration", extra=fields)
        return reply

    async def _check_and_change(self, actor: Actor, change: Change, *, exclusive: bool) -> Reply:
        lock: AbstractAsyncContextManager[object] = self._locks.get(actor.team_id) if exclusive else nullcontext()
        async with lock:
            workspace = await self._workspaces.find_now(actor.team_id)
            if workspace is None:
                return messages.NOT_SERVED
            role = await self._roles.fetch(workspace, actor)  # not cached: a change needs an admin of now
            return await change(workspace, actor.user_id) if role is Role.ADMIN else messages.not_admin(role)
