"""The listeners for Home and for the modals of admins."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core import admin_outcomes as outcomes
from bot.core.admin_outcomes import AlertOutcome, AlertPosted
from bot.core.fields import CHANNEL_ID, text_field
from bot.core.installation import Uninstall
from bot.core.outcomes import StoreUnavailable
from bot.core.policy import Policy, Rule
from bot.core.requests import Actor, ReplyAddress, Verb
from bot.inbound.slack.listener import ACK_ARRIVES, Routes
from bot.inbound.slack.payload import Submission, read_submission
from bot.messages.blocks import View, ephemeral
from bot.messages.buttons import ALERTS_CHANNEL, ALERTS_TOKEN, CHANGE_POLICY, KEY_MENU, REMOVE_KEY, SET_KEY, TEST_ALERT
from bot.messages.home import Notice
from bot.messages.settings import (
    ALLOW_UNVERIFIED,
    CHANNELS,
    CHECKING,
    EVERYONE,
    KEY,
    NOBODY_SELECTED,
    SELECTED,
    TITLES,
    UNSEEN,
    USERS,
    WHO,
    about_alert,
    about_key,
    about_policy,
    about_removal,
    about_token,
    alert_example,
    answer_view,
)
from bot.outbound.workspaces import Workspaces
from bot.usecases.delivery import MessageDelivery
from bot.usecases.home import HomeView
from bot.usecases.incidents import report
from bot.usecases.settings import Admin, Change


class HomeActionListeners:
    """Listeners for the controls of alerts in Home."""

    def __init__(self, admin: Admin, home_view: HomeView, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._admin = admin
        self._home_view = home_view
        self._delivery = delivery
        self._tasks = tasks
        self.routes = Routes(actions={ALERTS_CHANNEL: self.choose_channel, TEST_ALERT: self.test_alert})

    async def choose_channel(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Change the channel for alerts."""
        await ack()
        actor, channel = context["request"].address.actor, body["actions"][0].get("selected_conversation")
        if not (isinstance(channel, str) and CHANNEL_ID.fullmatch(channel)):
            return
        change = partial(self._admin.alerts.choose_channel, channel=channel)
        self._tasks.start(self._execute(ALERTS_CHANNEL, actor, change))

    async def test_alert(self, ack: AsyncAck, context: AsyncBoltContext) -> None:
        """Post a test alert."""
        await ack()
        actor, test = context["request"].address.actor, self._admin.alerts.test
        self._tasks.start(self._execute(TEST_ALERT, actor, test))

    async def _execute(self, name: str, actor: Actor, change: Change[AlertOutcome]) -> None:
        """Execute a change, and show its outcome in Home, or else in a direct message."""
        is_success = False
        try:
            outcome = await self._admin.actions.execute(name, actor, change, exclusive=True)
            text, is_success = about_alert(outcome), isinstance(outcome, AlertPosted)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            text = report(error).text
        if not await self._home_view.publish(actor, notice=Notice(text, is_sticky=not is_success)):
            await self._delivery.send_dm(actor.team_id, actor.user_id, ephemeral(text))


class EventListeners:
    """Listeners for events. They can raise StoreError: Slack sends an unacknowledged event again."""

    def __init__(self, home_view: HomeView, workspaces: Workspaces, tasks: Tasks) -> None:
        self._home_view = home_view
        self._workspaces = workspaces
        self._tasks = tasks
        self.routes = Routes(
            events={"app_home_opened": self.opened, "app_uninstalled": self.delete, "tokens_revoked": self.delete}
        )

    async def opened(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Publish Home. The event also comes for the Messages tab, which shows nothing of ours."""
        event = body["event"]
        if event.get("tab") != "home" or "user" not in event:
            return
        team_id = context["request"].address.actor.team_id
        actor = Actor(team_id, "", event["user"], home_team_id=team_id)  # only members of the workspace have its Home
        view_hash = text_field(event.get("view"), "hash") or None  # None the first time
        self._tasks.start(self._home_view.publish(actor, view_hash=view_hash))

    async def delete(self, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Delete the workspace's data if the app was uninstalled, or a bot token revoked."""
        event = body["event"]
        bots = event.get("tokens", {}).get("bot")
        if event["type"] == "tokens_revoked" and not bots:
            return  # the bot has no tokens of people
        event_time = int(body.get("event_time", 0))  # without a time the event is older than every installation
        team_id = context["request"].address.actor.team_id
        await self._workspaces.delete_uninstalled(Uninstall(team_id, event_time, tuple(bots) if bots else None))


_CORRECTED_IN_MODAL = (outcomes.NotAKey, outcomes.NewKeyRejected, outcomes.NewKeyUnverified, StoreUnavailable)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A text for the modal: at the inputs `fields`, or in place of the content, with texts to copy below it.

    A direct message has `dm_text` or else `text`.
    """

    text: str
    fields: tuple[str, ...] = ()
    copyable: tuple[str, ...] = ()
    dm_text: str = ""

    def view(self, name: str) -> View:
        """Return the modal `name` with this text as its content."""
        return answer_view(TITLES[name], self.text, *self.copyable)


class ModalListeners:
    """Listeners for buttons that open a modal, and for submitted modals."""

    def __init__(self, admin: Admin, home_view: HomeView, delivery: MessageDelivery, tasks: Tasks) -> None:
        self._admin = admin
        self._home_view = home_view
        self._delivery = delivery
        self._tasks = tasks
        self._save = {
            SET_KEY: self._save_key,
            REMOVE_KEY: self._remove_key,
            CHANGE_POLICY: self._save_policy,
            ALERTS_TOKEN: self._renew_token,
        }
        controls = [*TITLES, KEY_MENU]  # a modal and its button have the same name
        self.routes = Routes(actions=dict.fromkeys(controls, self.open), views=dict.fromkeys(self._save, self.submit))

    async def open(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Open the modal of a button in Home or in a message, or of an option of a menu."""
        await ack()
        action = body["actions"][0]
        name = text_field(action.get("selected_option"), "value") or action["action_id"]
        if name in TITLES:
            self._tasks.start(self._open(context["request"].address, body.get("trigger_id", ""), name))

    async def submit(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """Ack with the outcome if it arrives before the ack deadline; otherwise with "Checking…", and update later."""
        request, name = context["request"], body["view"]["callback_id"]
        sent = read_submission(body, request.address.actor)
        replying = self._tasks.start(self._reply(sent.actor, self._save[name](sent)))
        if await request.is_done_in_time(replying):
            request.ack.fields = _ack_fields(name, replying.result())
        else:
            request.ack.fields = _ack_fields(name, _Reply(CHECKING))
            self._tasks.start(self._update_later(name, sent, replying))
        await ack()

    async def _open(self, address: ReplyAddress, trigger_id: str, name: str) -> None:
        try:
            await self._admin.modals.open_named(address, trigger_id, name)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            await self._delivery.deliver(address, report(error))

    async def _save_key(self, sent: Submission) -> _Reply:
        change = partial(
            self._admin.keys.set,
            text=sent.text(KEY),
            expected_version=sent.expected_version,
            allow_unverified=sent.is_checked(ALLOW_UNVERIFIED),
        )
        outcome = await self._admin.actions.execute(SET_KEY, sent.actor, change)
        return _Reply(about_key(outcome), (KEY,) if isinstance(outcome, _CORRECTED_IN_MODAL) else ())

    async def _remove_key(self, sent: Submission) -> _Reply:
        change = partial(self._admin.keys.remove, expected_version=sent.expected_version)
        return _Reply(about_removal(await self._admin.actions.execute(REMOVE_KEY, sent.actor, change)))

    async def _save_policy(self, sent: Submission) -> _Reply:
        who = {verb: sent.selected_value(WHO[verb]) for verb in Verb}
        is_complete = sent.has_inputs([*USERS.values(), *CHANNELS.values()]) and {*who.values()} <= {EVERYONE, SELECTED}
        if not is_complete:  # a missing input must not count as "everyone"
            return _Reply(about_policy(outcomes.Outdated()))
        users = {verb: sent.selected_ids(USERS[verb]) if who[verb] == SELECTED else frozenset() for verb in Verb}
        if unselected := tuple(USERS[verb] for verb in Verb if who[verb] == SELECTED and not users[verb]):
            return _Reply(NOBODY_SELECTED, unselected)
        rules = {verb: Rule(users[verb], sent.selected_ids(CHANNELS[verb])) for verb in Verb}
        policy = Policy(pause=rules[Verb.PAUSE], resume=rules[Verb.RESUME])
        change = partial(self._admin.policies.set, policy=policy, expected_version=sent.expected_version)
        return _Reply(about_policy(await self._admin.actions.execute(CHANGE_POLICY, sent.actor, change)))

    async def _renew_token(self, sent: Submission) -> _Reply:
        change = partial(self._admin.alerts.renew_token, expected_version=sent.expected_version)
        outcome = await self._admin.actions.execute(ALERTS_TOKEN, sent.actor, change)
        if not isinstance(outcome, outcomes.TokenMade):
            return _Reply(about_token(outcome))
        example = alert_example(self._admin.modals.alerts_url(sent.actor.team_id))
        return _Reply(about_token(outcome), copyable=(outcome.token.reveal(), example), dm_text=UNSEEN)

    async def _reply(self, actor: Actor, work: Awaitable[_Reply]) -> _Reply:
        """Return the reply, or that of an incident, and update Home."""
        try:
            reply = await work
        except Exception as error:  # noqa: BLE001 - every exception is reported to the person
            reply = _Reply(report(error).text)
        self._tasks.start(self._home_view.publish(actor))
        return reply

    async def _update_later(self, name: str, sent: Submission, replying: asyncio.Task[_Reply]) -> None:
        """Show the reply in the modal once the ack has arrived there, or else in a direct message."""
        _, reply = await asyncio.gather(asyncio.sleep(ACK_ARRIVES), replying)
        actor = sent.actor
        if not await self._admin.modals.update(actor, sent.view_id, reply.view(name)):
            await self._delivery.send_dm(actor.team_id, actor.user_id, ephemeral(reply.dm_text or reply.text))


def _ack_fields(name: str, reply: _Reply) -> dict[str, Any]:
    if reply.fields:
        return {"response_action": "errors", "errors": dict.fromkeys(reply.fields, reply.text)}
    return {"response_action": "update", "view": reply.view(name).as_json()}
