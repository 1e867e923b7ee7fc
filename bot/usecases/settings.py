"""Change a workspace's settings in Slack: its key, its permissions, and where alerts go."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from bot.core.alert_tokens import TOKEN_BYTES, AlertToken, new_alert_token
from bot.core.alerts import alerts_url
from bot.core.fields import CHANNEL_ID, Secret
from bot.core.mentions import read_groups
from bot.core.orders import Actor, ReplyAddress, Submission, Verb
from bot.core.permissions import PAUSE_SEVERAL, Policy, Role, Rule
from bot.core.workspace import AnchorKey, AutoPause, KeyCheck, Workspace, is_key
from bot.messages import alert_tokens, buttons
from bot.messages import settings as messages
from bot.messages.blocks import View
from bot.messages.cards import SAMPLE_ALERT
from bot.messages.home import DAYS, MOST_IN_MODAL, history_modal
from bot.messages.settings import Reply
from bot.outbound.anchor_orders import AnchorClient
from bot.outbound.slack.client import Posted, Refused, TryAgain
from bot.outbound.slack.roles import RoleCache
from bot.outbound.store.errors import StoreError
from bot.outbound.store.journal import OrderHistory
from bot.outbound.store.workspaces import Record, WorkspaceRows
from bot.outbound.workspaces import Workspaces
from bot.runtime import KeyedLocks
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.views import Modals

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Change:
    """A change to be written. It is a conflict if `write` returns False.

    The admins read what was done, and so does the person `concerned`.
    """

    reply: Reply
    write: Awaitable[bool]
    concerned: str | None = None


Save = Callable[[Workspace, str, Submission], Awaitable[Change | Reply]]
"""Reads and checks what an admin with this user id has sent. Can raise StoreError."""


@dataclass(eq=False, repr=False)
class Forms:
    """The windows and the controls in Home with which admins change settings: one path for all of them."""

    anchor: AnchorClient
    workspaces: Workspaces
    rows: WorkspaceRows
    roles: RoleCache
    monitor: WorkspaceMonitor
    modals: Modals
    history: OrderHistory
    base_url: str

    def __post_init__(self) -> None:
        self.saves: Mapping[str, Save] = {
            buttons.SET_KEY: self._set_key,
            buttons.CHANGE_POLICY: self._change_policy,
            buttons.ALERTS_TOKEN: self._make_token,
            buttons.ALERTS_SENDER: self._change_token,
            buttons.ALERTS_CHANNEL: self._choose_channel,
            buttons.ALERTS_GROUP: self._choose_group,
            buttons.AUTO_PAUSE: self._choose_auto_pause,
        }
        self._locks = KeyedLocks()

    # --- windows ---

    async def open(self, address: ReplyAddress, trigger_id: str, name: str, about: str) -> None:
        """Open the window `name`, `about` a token if its title says so, or report why it does not open."""
        await self.modals.open(address, trigger_id, partial(self._view_by_role, address.actor, name, about), name)

    async def _view_by_role(self, actor: Actor, name: str, about: str, workspace: Workspace) -> View:
        """Make the view if Slack confirms once more that the person is an admin: earlier answers can be out of date."""
        role = await self.roles.fetch(workspace, actor)
        return await self._view(name, about, workspace) if role is Role.ADMIN else messages.not_admin(role).view(name)

    async def _view(self, name: str, about: str, workspace: Workspace) -> View:
        if name == buttons.HISTORY:
            since = time.time() - DAYS * 86_400
            most, team_id = MOST_IN_MODAL + 1, workspace.team_id
            return history_modal(await self.history.newest(most=most, team_id=team_id, since=since))
        if name == buttons.ALERTS_SENDER:
            token = workspace.named_token(about)
            return (
                alert_tokens.TOKEN_REVOKED.view(name) if token is None else alert_tokens.token_modal(workspace, token)
            )
        if name == buttons.ALERTS_TOKEN:
            return alert_tokens.new_token_modal(workspace, alerts_url(self.base_url, workspace.team_id))
        return messages.policy_modal(workspace) if name == buttons.CHANGE_POLICY else messages.key_modal(workspace)

    # --- the one path of a change ---

    async def submit(self, actor: Actor, sent: Submission) -> Reply:
        """Make a change if the person is an admin, and log it. Those of a workspace take turns."""
        try:
            reply = await self._check_and_change(actor, sent)
        except StoreError as error:
            _log.error("database error during an admin's change", extra={"team": actor.team_id, "why": str(error)})
            reply = replace(messages.NOT_SAVED, fields=(messages.KEY,) if sent.name == buttons.SET_KEY else ())
        fields = {"what": sent.name, "outcome": reply.outcome, "user": actor.user_id, "team": actor.team_id}
        _log.info("administration", extra=fields)
        return reply

    async def _check_and_change(self, actor: Actor, sent: Submission) -> Reply:
        async with self._locks.get(actor.team_id):
            workspace = await self.workspaces.find_now(actor.team_id)
            if workspace is None:
                return messages.NOT_SERVED
            role = await self.roles.fetch(workspace, actor)  # not cached: a change needs an admin of now
            if role is not Role.ADMIN:
                return messages.not_admin(role)
            change = await self.saves[sent.name](workspace, actor.user_id, sent)
            return change if isinstance(change, Reply) else await self._write(workspace, actor.user_id, change)

    async def _write(self, workspace: Workspace, user_id: str, change: Change) -> Reply:
        if not await change.write:
            return messages.OUTDATED
        self.monitor.notify_change(workspace, change.reply.notice(user_id), user_id, change.concerned)
        return change.reply

    # --- what each of them reads and writes ---

    async def _choose_channel(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        """Send alerts to a channel from now on, if a test alert can be posted there."""
        channel = next(iter(sent.selected_ids(sent.name)), "")
        before = workspace.alerts_channel
        if not CHANNEL_ID.fullmatch(channel):
            return messages.NO_CHANNEL
        reply = await self._post_test(workspace, channel)
        if not reply.changed or channel == before:
            return reply
        write = self.rows.set_alerts_channel(workspace.team_id, channel, before=before or "", by=user_id)
        return Change(reply, write)

    async def _choose_group(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        """Let messages about alerts mention user groups from now on, or nobody."""
        try:
            read = read_groups(sent.text(sent.name).reveal())
        except ValueError:
            return messages.NOT_A_GROUP
        groups, reply = ",".join("=".join(filter(None, one)) for one in read.items()), messages.groups_saved(read)
        if groups == workspace.alerts_groups:
            return reply
        write = self.rows.set_alerts_groups(workspace.team_id, groups, by=user_id)
        return Change(reply, write)

    async def _choose_auto_pause(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        """Set the effect of alerts that ask for a pause, if it is still the one that the admin has seen."""
        seen, _, value = sent.selected_value(sent.name).partition(" ")
        if not {seen, value} <= {*AutoPause}:
            return messages.OUTDATED
        mode = AutoPause(value)
        reply = alert_tokens.auto_pause_saved(mode)
        if mode is workspace.auto_pause:
            return reply
        write = self.rows.set_auto_pause(workspace.team_id, mode, before=AutoPause(seen), by=user_id)
        return Change(reply, write)

    async def _post_test(self, workspace: Workspace, channel: str) -> Reply:
        match await self.modals.slack.post_message(workspace.bot_token, channel, SAMPLE_ALERT):
            case Posted():
                return messages.alert_posted(channel)
            case TryAgain(limited=True):
                return messages.alert_not_posted(channel, "ratelimited")
            case Refused(why=why):
                return messages.alert_not_posted(channel, why)
            case _:
                return messages.alert_not_posted(channel, "")

    async def _make_token(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        name = sent.text(alert_tokens.NAME).reveal().strip()
        if problem := alert_tokens.name_problem(name, workspace.alert_tokens):
            return Reply("TokenNotMade", problem, (alert_tokens.NAME,))
        may_pause, random = sent.is_checked(alert_tokens.PAUSE), secrets.token_urlsafe(TOKEN_BYTES)
        secret, token = new_alert_token(random, name, user_id, time.time(), may_pause=may_pause)
        reply = alert_tokens.token_made(secret, alerts_url(self.base_url, workspace.team_id), token)
        return self._set_token(workspace, user_id, sent, token, reply)

    async def _change_token(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        """Change what a token can do, or revoke it."""
        token = workspace.named_token(sent.about)
        if token is None:
            return alert_tokens.TOKEN_REVOKED
        did = "revoked" if sent.is_checked(alert_tokens.REVOKE) else "changed"
        may_pause = sent.is_checked(alert_tokens.PAUSE) and did == "changed"
        new = replace(token, channels=sent.selected_ids(alert_tokens.CHANNELS), may_pause=may_pause)
        return self._set_token(workspace, user_id, sent, new, alert_tokens.token_changed(did, new))

    def _set_token(
        self, workspace: Workspace, user_id: str, sent: Submission, token: AlertToken, reply: Reply
    ) -> Change:
        """Store a token, unless it is to be revoked."""
        tokens = {one.name: one for one in workspace.alert_tokens} | {token.name: token}
        can_pause = "can pause" if token.may_pause else "cannot pause"
        content = f"{can_pause}, {len(token.channels)} more channels"
        if sent.is_checked(alert_tokens.REVOKE):
            del tokens[token.name]
            content = "revoked"
        record, version = Record(user_id, f"alert token {token.name}", content), sent.expected_version
        write = self.rows.set_alert_tokens(workspace.team_id, tokens.values(), if_version=version, record=record)
        return Change(reply, write)

    async def _set_key(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        """Save a key that Anchor accepts."""
        value = Secret(sent.text(messages.KEY).reveal().strip())
        if not is_key(value.reveal()):
            return messages.NOT_A_KEY
        if (problem := await self.anchor.try_key(value)) is not None:
            return messages.key_not_accepted(problem)
        key, before = AnchorKey(value, KeyCheck.VERIFIED, user_id, int(time.time())), workspace.anchor_key
        reply = messages.key_saved(key)
        write = self.rows.set_key(workspace.team_id, key, if_version=sent.expected_version, by=user_id)
        return Change(reply, write, before.set_by if before else None)

    async def _change_policy(self, workspace: Workspace, user_id: str, sent: Submission) -> Change | Reply:
        policy = _read_policy(sent)
        if isinstance(policy, Reply):
            return policy
        write = self.rows.set_policy(workspace.team_id, policy, if_version=sent.expected_version, by=user_id)
        return Change(messages.policy_saved(policy), write)


def _read_policy(sent: Submission) -> Policy | Reply:
    who = {what: sent.selected_value(name) for what, name in messages.WHO.items()}
    are_sent = sent.has_inputs([*messages.USERS.values(), *messages.CHANNELS.values()])
    if not are_sent or any(who[what] not in choices for what, choices in messages.CHOICES.items()):
        # a missing input must not count as "everyone"
        return messages.OUTDATED
    selected = {what: name for what, name in messages.USERS.items() if who[what] == messages.SELECTED}
    users = dict.fromkeys(who, frozenset[str]()) | {what: sent.selected_ids(name) for what, name in selected.items()}
    if unselected := tuple(name for what, name in selected.items() if not users[what]):
        return Reply("NobodySelected", messages.NOBODY_SELECTED, unselected)
    pause, resume = [Rule(users[verb], sent.selected_ids(name)) for verb, name in messages.CHANNELS.items()]
    end = None if who[Verb.END] == messages.NOBODY else Rule(users[Verb.END])
    return Policy(pause, resume, users[PAUSE_SEVERAL], end)
