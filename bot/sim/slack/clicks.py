"""Delivers a click to the app, and shows what comes of it: what the ack says, or that there was none."""

from collections.abc import Mapping

from bot.sim.slack.ack import Ack
from bot.sim.slack.click import ABSENT, Action, Click
from bot.sim.slack.content import Content
from bot.sim.slack.courier import Answered
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.hooks import Hooks
from bot.sim.slack.message_json import message_json
from bot.sim.slack.message_response import MessageResponse, respond
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.possible import NotPossibleError

NOT_CONFIGURED = "This app is not configured to handle interactive responses"
TIMED_OUT = "Operation timed out. Apps need to respond within three seconds"


class Clicks:
    """Clicks buttons on behalf of people."""

    def __init__(self, platform: Platform, hooks: Hooks, dispatch: Dispatch) -> None:
        self._platform = platform
        self._hooks = hooks
        self._dispatch = dispatch

    def aim(self, user_id: str, message: Message) -> Click:
        """Return a click on the message as it is now; NotPossibleError if this person can't click there."""
        platform, history = self._platform, self._platform.history
        present = history.find(message.channel, message.ts)
        if present is None:
            raise NotPossibleError("the message is gone")
        workspace = platform.workspace_of_channel(message.channel)
        click = Click(
            workspace=workspace,
            user=workspace.users[user_id],
            channel=workspace.channels[message.channel],
            message=present,
            message_json=message_json(present, workspace, history),
        )
        click.check()
        return click

    async def send(self, action: Action, overrides: Mapping[str, object]) -> Delivery:
        """Deliver a click, and show what comes of it, instead of what came of the one before it."""
        self._withdraw_warning(action)
        occasion = self._hooks.issue(action.click)
        fields = {**action.payload(occasion, f"{self._platform.clock.now():.6f}"), **overrides}
        payload = {name: value for name, value in fields.items() if value is not ABSENT}
        request = self._dispatch.pack("interactive", payload)
        delivery = Delivery(occasion, request, await self._dispatch.send(request), action.read)
        self._platform.record(delivery.mistakes)
        if delivery.ack is None:
            self._warn(action, delivery)
        else:
            self._show(action.click, delivery.trigger_id, delivery.ack)
        return delivery

    def _show(self, click: Click, trigger_id: str, ack: Ack) -> None:
        place = ack.place(click.channel.id, click.user.id, trigger_id)
        original = click.message if ack.replaces or ack.deletes else None
        response = MessageResponse(ack.content, place, Source.ACK, original, ack.deletes)
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
        warning = Content(action.warning(self._reason(delivery.answer)))
        self._platform.history.post(warning, Author(SLACKBOT), place, Source.CLIENT)

    def _reason(self, answer: Answered) -> str:
        if not self._dispatch.has_road:
            return NOT_CONFIGURED
        return TIMED_OUT if answer.status is None else f"This app responded with Status Code {answer.status}."
