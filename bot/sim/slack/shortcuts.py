"""Delivers the use of a message shortcut to the app. Slack shows nothing of the ack but its absence."""

from collections.abc import Mapping

from bot.sim.slack.ack import ignore_ack
from bot.sim.slack.content import Content
from bot.sim.slack.delivery import Delivery
from bot.sim.slack.dispatch import Dispatch
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.interactions import Interactions
from bot.sim.slack.message_action import MessageAction
from bot.sim.slack.platform import SLACKBOT, Platform
from bot.sim.slack.response_urls import ResponseUrls

FAILED = "Sorry, that didn't work. Try again?"


class Shortcuts:
    """Uses shortcuts on behalf of people."""

    def __init__(self, platform: Platform, response_urls: ResponseUrls, dispatch: Dispatch) -> None:
        self._platform = platform
        self._response_urls = response_urls
        self._interactions = Interactions(platform, dispatch)

    async def send(self, action: MessageAction, overrides: Mapping[str, object]) -> Delivery:
        """Deliver it, and tell the person if it was not acknowledged."""
        click = action.click
        invocation = self._response_urls.issue_for_shortcut(click)
        payload = action.payload(invocation, f"{self._platform.clock.now():.6f}")
        delivery = await self._interactions.send(payload, overrides, invocation, ignore_ack)
        if delivery.ack is None:
            place = Place(click.channel.id, click.user.id, trigger_id=delivery.trigger_id)
            self._platform.history.post(Content(FAILED), Author(SLACKBOT), place, Source.CLIENT)
        return delivery
