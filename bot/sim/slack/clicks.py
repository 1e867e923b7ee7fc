"""Delivers a click to the app, and shows what comes of it: what the ack says, or that there was none."""

from collections.abc import Mapping

from bot.sim.slack.ack import Ack
from bot.sim.slack.click import Action, Click
from bot.sim.slack.content import Content
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.message_json import message_json
from bot.sim.slack.message_response import MessageResponse, respond
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.possible import NotPossibleError
from bot.sim.slack.response_urls import ResponseUrls


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
        warning = Content(action.warning(self._interactions.reason(delivery.answer)))
        self._platform.history.post(warning, Author(SLACKBOT), place, Source.CLIENT)
