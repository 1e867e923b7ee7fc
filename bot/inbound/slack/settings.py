"""The listeners for the controls of admins in Home, and for their modals."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.core.fields import CHANNEL_ID, text_field
from bot.core.policy import PAUSE_MANY, Policy, Rule
from bot.core.requests import Verb
from bot.core.workspace import AutoPause
from bot.inbound.slack.payload import Submission, read_submission
from bot.inbound.slack.router import Request, Router, guarded
from bot.messages import buttons, senders
from bot.messages import settings as texts
from bot.messages.blocks import Message, ephemeral
from bot.messages.home import Notice
from bot.usecases.home import HomeView
from bot.usecases.modals import AdminModals
from bot.usecases.settings import AdminActions, Change, Changes


@dataclass(frozen=True, slots=True)
class SettingsListeners:
    """Listeners for the controls of admins in Home, and for the modals that they open."""

    actions: AdminActions
    changes: Changes
    modals: AdminModals
    home: HomeView

    def add_to(self, router: Router) -> None:
        """Register the listeners."""
        router.add("action", buttons.ALERTS_CHANNEL, listener=self.choose_channel)
        router.add("action", buttons.ALERTS_GROUP, listener=self.choose_group)
        router.add("action", buttons.AUTO_PAUSE, listener=self.choose_auto_pause)
        router.add("action", buttons.TEST_ALERT, listener=self.test_alert)
        router.add("action", *texts.TITLES, buttons.KEY_MENU, listener=self.open)  # named as the modal
        router.add("view", *texts.TITLES, listener=self.submit)

    async def choose_channel(self, request: Request) -> None:
        """Change the channel for alerts."""
        channel = request.payload["actions"][0].get("selected_conversation")
        if isinstance(channel, str) and CHANNEL_ID.fullmatch(channel):
            change = partial(self.changes.choose_channel, channel=channel)
            request.tasks.start(self._execute(request, buttons.ALERTS_CHANNEL, change))

    async def choose_group(self, request: Request) -> None:
        """Change the user group that critical alerts mention."""
        group = text_field(request.payload["actions"][0], "value").strip()
        change = partial(self.changes.choose_group, group=group or None)
        request.tasks.start(self._execute(request, buttons.ALERTS_GROUP, change))

    async def choose_auto_pause(self, request: Request) -> None:
        """Change the effect of alerts that ask for a pause."""
        value = text_field(request.payload["actions"][0].get("selected_option"), "value")
        seen, _, mode = value.partition(" ")
        if {seen, mode} <= {*AutoPause}:
            change = partial(self.changes.set_auto_pause, mode=AutoPause(mode), seen=AutoPause(seen))
            request.tasks.start(self._execute(request, buttons.AUTO_PAUSE, change))

    async def test_alert(self, request: Request) -> None:
        """Post a test alert."""
        request.tasks.start(self._execute(request, buttons.TEST_ALERT, self.changes.send_test))

    async def open(self, request: Request) -> None:
        """Open the modal of a button in Home or in a message, or of an option of a menu."""
        action = request.payload["actions"][0]
        name = text_field(action.get("selected_option"), "value") or action["action_id"]
        if name in texts.TITLES:
            about = text_field(action, "value")
            request.start(self.modals.open_named(request.address, request.trigger, name, about))

    async def submit(self, request: Request) -> None:
        """Ack with the outcome if it arrives before the ack deadline; otherwise with "Checking…", and update later."""
        name, sent = request.payload["view"]["callback_id"], read_submission(request.payload)
        later = partial(self._show_later, request, name, sent)
        reply = await request.now_or_later(guarded(self._reply(request, name, sent), _incident), later)
        shown = texts.Reply("Checking", texts.CHECKING) if reply is None else reply
        if shown.fields:
            request.ack.errors = dict.fromkeys(shown.fields, shown.text)
        else:
            request.ack.view = shown.view(name)

    async def _execute(self, request: Request, name: str, change: Change) -> None:
        actor = request.actor
        reply = await guarded(self.actions.execute(name, actor, change, exclusive=True), _incident)
        notice = Notice(reply.text, is_sticky=not reply.did)
        if not await self.home.publish(actor, notice=notice):
            await request.delivery.send_dm(actor.team_id, actor.user_id, ephemeral(notice.text))

    async def _reply(self, request: Request, name: str, sent: Submission) -> texts.Reply:
        try:
            change = self._change(name, sent)
            if isinstance(change, texts.Reply):
                return change
            reply = await self.actions.execute(name, request.actor, change)
            return texts.KEY_NOT_SAVED if name == buttons.SET_KEY and reply is texts.NOT_SAVED else reply
        finally:
            request.tasks.start(self.home.publish(request.actor))

    def _change(self, name: str, sent: Submission) -> Change | texts.Reply:
        changes = self.changes
        change: Callable[..., Awaitable[texts.Reply]] = changes.remove_key
        if name == buttons.ALERTS_TOKEN:
            name_of_token = sent.text(senders.NAME).reveal().strip()
            change = partial(changes.make_token, name=name_of_token, may_pause=sent.is_checked(senders.PAUSE))
        elif name == buttons.ALERTS_SENDER:
            channels, may_pause = sent.selected_ids(senders.CHANNELS), sent.is_checked(senders.PAUSE)
            new = None if sent.is_checked(senders.REVOKE) else partial(replace, channels=channels, may_pause=may_pause)
            change = partial(changes.change_token, name=sent.about, change=new)
        elif name == buttons.SET_KEY:
            change = partial(
                changes.set_key, text=sent.text(texts.KEY), allow_unverified=sent.is_checked(texts.ALLOW_UNVERIFIED)
            )
        elif name == buttons.CHANGE_POLICY:
            policy = _read_policy(sent)
            if isinstance(policy, texts.Reply):
                return policy
            change = partial(changes.set_policy, policy=policy)
        return partial(change, expected_version=sent.expected_version)

    async def _show_later(self, request: Request, name: str, sent: Submission, reply: texts.Reply) -> None:
        actor = request.actor
        if not await self.modals.modals.update_after_ack(actor, sent.view_id, reply.view(name)):
            await request.delivery.send_dm(actor.team_id, actor.user_id, ephemeral(reply.dm_text or reply.text))


def _incident(message: Message) -> texts.Reply:
    return texts.Reply("Incident", message.text)


def _read_policy(sent: Submission) -> Policy | texts.Reply:
    who = {what: sent.selected_value(name) for what, name in texts.WHO.items()}
    are_sent = sent.has_inputs([*texts.USERS.values(), *texts.CHANNELS.values()])
    if not are_sent or any(who[what] not in choices for what, choices in texts.CHOICES.items()):
        # a missing input must not count as "everyone"
        return texts.OUTDATED
    selected = {what: name for what, name in texts.USERS.items() if who[what] == texts.SELECTED}
    users = dict.fromkeys(who, frozenset[str]()) | {what: sent.selected_ids(name) for what, name in selected.items()}
    if unselected := tuple(name for what, name in selected.items() if not users[what]):
        return texts.Reply("NobodySelected", texts.NOBODY_SELECTED, unselected)
    pause, resume = [Rule(users[verb], sent.selected_ids(name)) for verb, name in texts.CHANNELS.items()]
    end = None if who[Verb.END] == texts.NOBODY else Rule(users[Verb.END])
    return Policy(pause, resume, users[PAUSE_MANY], end)
