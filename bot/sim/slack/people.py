"""Acts of people in channels: commands, clicks, shortcuts and events."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.sim.slack.content import Content, Part, enterprise_json, team_json, user_json
from bot.sim.slack.delivery import Ack, Delivery, Dispatch, Invocation, Request, ignore_ack, read_ack
from bot.sim.slack.history import Author, Message, MessageResponse, Place, Source, message_json, respond
from bot.sim.slack.http_transport import Answered
from bot.sim.slack.interactions import Action, Click, Interactions, Typed, fields
from bot.sim.slack.markup import escaped
from bot.sim.slack.platform import SLACKBOT, Platform, put
from bot.sim.slack.responses import ResponseUrls
from bot.sim.slack.workspace import NotPossibleError, Shortcut, User, Workspace, check_presence

# Sends the app the events of a workspace to which its manifest subscribes.
# https://docs.slack.dev/apis/events-api


@dataclass(frozen=True, slots=True)
class EventDelivery:
    """One event, and the answer to it; Slack sends it once more where that is no 200."""

    request: Request
    answer: Answered


class Events:
    """Sends events, even if the app's token is invalid by then."""

    def __init__(self, platform: Platform, dispatch: Dispatch) -> None:
        self._platform = platform
        self._dispatch = dispatch
        self._numbers = itertools.count(1)

    async def send(
        self, workspace: Workspace, event: Mapping[str, object], *, event_time: int | None = None
    ) -> EventDelivery:
        """Send an event of now, or of `event_time` (Unix seconds)."""
        when = int(self._platform.clock.now()) if event_time is None else event_time
        envelope = self._envelope(workspace, event, when)
        return await self.again(self._dispatch.pack("events_api", envelope))

    async def uninstall(self, workspace: Workspace, *, revoked_first: bool) -> list[EventDelivery]:
        """Take the app out. Its token is dead before the app hears of it, by two events in either order."""
        app = workspace.installation
        app.refusal = "account_inactive"
        events = [{"type": "app_uninstalled"}, tokens_revoked(bot=[app.bot_user_id])]
        return [await self.send(workspace, event) for event in (reversed(events) if revoked_first else events)]

    async def again(self, request: Request) -> EventDelivery:
        """Send the very same event once more."""
        return EventDelivery(request, await self._dispatch.send(request))

    def _envelope(self, workspace: Workspace, event: Mapping[str, object], event_time: int) -> dict[str, object]:
        app, enterprise = workspace.installation, workspace.enterprise
        enterprise_id = enterprise.id if enterprise else None
        return {
            "token": app.verification_token,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": enterprise_id,
            "api_app_id": app.app_id,
            "event": {**event, "event_ts": f"{event_time}.000100"},
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):010}",
            "event_time": event_time,
            "authorizations": [
                {
                    "enterprise_id": enterprise_id,
                    "team_id": workspace.team_id,
                    "user_id": app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
        }


def tokens_revoked(*, bot: Sequence[str] = (), oauth: Sequence[str] = ()) -> Mapping[str, object]:
    """Return the event with the user ids of the bots and people whose tokens were revoked."""
    return {"type": "tokens_revoked", "tokens": {"oauth": list(oauth), "bot": list(bot)}}


_ADVICE = "To send it as a message, put a space before the slash."


class Commands:
    """Sends commands on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._dispatch = dispatch

    def typed(self, user_id: str, channel_id: str, command: str, text: str) -> Typed:
        """Look up who types where; KeyError if there is no such person or channel."""
        workspace = self._platform.workspace_of_channel(channel_id)
        return Typed(workspace, workspace.users[user_id], workspace.channels[channel_id], command, text)

    async def send(self, typed: Typed, overrides: Mapping[str, str | None]) -> Delivery:
        """Deliver a command and show its ack; NotPossibleError if this person can't send it here."""
        typed.check()
        invocation = self._response_urls.issue(typed)
        request = self._dispatch.pack("slash_commands", fields(typed, invocation, overrides))
        answer = await self._dispatch.send(request)
        delivery = Delivery(invocation.response_url, invocation.trigger_id, request, answer, read_ack)
        self._platform.record(delivery.mistakes)
        if delivery.ack is None:
            failure = f'{typed.command} failed with the error "{delivery.error}"'
            self._tell(typed, failure, trigger_id=delivery.trigger_id)
        else:
            self._show(typed, delivery.trigger_id, delivery.ack)
        return delivery

    async def enter(self, user_id: str, channel_id: str, line: str, thread_ts: str | None) -> None:
        """Escape a line of the composer and send it; NotPossibleError for somebody who can't write here."""
        workspace = self._platform.workspace_of_channel(channel_id)
        channel = workspace.channels[channel_id]
        check_presence(workspace.users[user_id], channel)
        if not workspace.has_composer(channel):
            raise NotPossibleError("the app takes no messages")
        text = escaped(line)
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            await self._run(self.typed(user_id, channel_id, command, rest), thread_ts)
        elif said := text.strip():
            put(self._platform, {"text": said}, Place(channel_id, thread_ts=thread_ts), user_id)

    async def _run(self, typed: Typed, thread_ts: str | None) -> None:
        """Send a command, or tell the person why it can't be sent."""
        if thread_ts is not None:
            self._tell(typed, f"{typed.command} is not supported in threads. Sorry!", thread_ts=thread_ts)
        elif typed.is_offered:
            await self.send(typed, {})
        else:
            self._tell(typed, f"{typed.command} is not a valid command. {_ADVICE}")

    def _show(self, typed: Typed, trigger_id: str, ack: Ack) -> None:
        history, channel = self._platform.history, typed.channel.id
        if ack.response_type == "in_channel":
            echo = Place(channel, trigger_id=trigger_id)
            history.post(Content(typed.line), Author(typed.user.id), echo, Source.TYPED)
        place = ack.place(channel, typed.user.id, trigger_id)
        respond(history, typed.workspace.installation, MessageResponse(ack.content, place, Source.ACK))

    def _tell(self, typed: Typed, text: str, *, thread_ts: str | None = None, trigger_id: str | None = None) -> None:
        place = Place(typed.channel.id, typed.user.id, thread_ts, trigger_id)
        self._platform.history.post(Content(text), Author(SLACKBOT), place, Source.CLIENT)


class Clicks:
    """Clicks buttons on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._interactions = Interactions(platform, dispatch)

    def prepare(self, user_id: str, message: Message) -> Click:
        """Return a click on the message as it is now; NotPossibleError if this person can't click there."""
        platform, history = self._platform, self._platform.history
        present = history.find(message.channel, message.ts)
        if present is None:
            raise NotPossibleError("the message is gone")
        workspace = platform.workspace_of_channel(message.channel)
        user = workspace.users[user_id]
        click = Click(
            workspace=workspace,
            user=user,
            channel=workspace.channels[message.channel],
            message=present,
            message_json=message_json(present, workspace, history),
            enterprise=platform.enterprise_of(workspace, user),
        )
        click.check()
        return click

    async def send(self, action: Action, overrides: Mapping[str, object]) -> Delivery:
        """Deliver a click, and show its outcome in place of the previous one."""
        self._withdraw_warning(action)
        invocation = self._response_urls.issue(action.click)
        payload = action.payload(invocation, f"{self._platform.clock.now():.6f}")
        delivery = await self._interactions.send(payload, overrides, invocation, action.read)
        if delivery.ack is None:
            self._warn(action, delivery)
        else:
            self._show(action.click, delivery.trigger_id, delivery.ack)
        return delivery

    def _show(self, click: Click, trigger_id: str, ack: Ack) -> None:
        place = ack.place(click.channel.id, click.user.id, trigger_id)
        original = click.message if ack.replaces else None
        response = MessageResponse(ack.content, place, Source.ACK, original)
        respond(self._platform.history, click.workspace.installation, response)

    def _withdraw_warning(self, action: Action) -> None:
        history, click = self._platform.history, action.click
        for message in history.seen_by(click.user.id, click.channel.id):
            if message.warns == action.ref:
                history.delete(message)

    def _warn(self, action: Action, delivery: Delivery) -> None:
        """Show the warning by the button."""
        click = action.click
        place = Place(click.channel.id, click.user.id, click.message.thread_ts, delivery.trigger_id, action.ref)
        warning = Content(action.warning(self._interactions.reason(delivery.answer)))
        self._platform.history.post(warning, Author(SLACKBOT), place, Source.CLIENT)


# Delivers the use of a shortcut to the app. Slack shows nothing of the ack but its absence.
# https://docs.slack.dev/interactivity/implementing-shortcuts

FAILED = "Sorry, that didn't work. Try again?"


class Shortcuts:
    """Uses shortcuts on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._interactions = Interactions(platform, dispatch)

    async def use_on_message(self, click: Click, callback_id: str, overrides: Mapping[str, object]) -> Delivery:
        """Choose one in the menu of a message, and tell the person if it was not acknowledged."""
        _check(click.workspace, click.user, callback_id, click.workspace.installation.shortcuts)
        if click.message.ephemeral_to is not None:
            raise NotPossibleError("a message for one person has no shortcuts")
        invocation = self._response_urls.issue_for_shortcut(click)
        head: Part = {"type": "message_action", "channel": click.channel_json}
        payload = self._payload(head, click.workspace, click.user, callback_id, invocation) | {
            "response_url": invocation.response_url,
            "message_ts": click.message.ts,
            "message": click.message_json,
        }
        delivery = await self._interactions.send(payload, overrides, invocation, ignore_ack)
        if delivery.ack is None:
            place = Place(click.channel.id, click.user.id, trigger_id=delivery.trigger_id)
            self._platform.history.post(Content(FAILED), Author(SLACKBOT), place, Source.CLIENT)
        return delivery

    async def use(
        self, workspace: Workspace, user: User, callback_id: str, overrides: Mapping[str, object]
    ) -> Delivery:
        """Use a global one: it belongs to no message and no conversation."""
        _check(workspace, user, callback_id, workspace.installation.global_shortcuts)
        invocation = Invocation("", self._platform.triggers.issue(workspace, user.id))
        payload = self._payload({"type": "shortcut"}, workspace, user, callback_id, invocation)
        return await self._interactions.send(payload, overrides, invocation, ignore_ack)

    def _payload(self, head: Part, workspace: Workspace, user: User, callback_id: str, invocation: Invocation) -> Part:
        """Return the payload in Slack's order, with a channel if the head has one."""
        return {
            "type": head["type"],
            "token": workspace.installation.verification_token,
            "action_ts": f"{self._platform.clock.now():.6f}",
            "team": team_json(workspace),
            "user": user_json(user),
            **head,
            "is_enterprise_install": False,
            "enterprise": enterprise_json(self._platform.enterprise_of(workspace, user)),
            "callback_id": callback_id,
            "trigger_id": invocation.trigger_id,
        }


def _check(workspace: Workspace, user: User, callback_id: str, offered: Iterable[Shortcut]) -> None:
    """Raise NotPossibleError if the client does not offer it to this person."""
    if user.team_id != workspace.team_id or user.deleted:
        raise NotPossibleError("only people of the installing workspace have its shortcuts")
    if callback_id not in {one.callback_id for one in offered}:
        raise NotPossibleError(f"the app has no shortcut {callback_id}")
