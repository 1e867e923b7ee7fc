"""The controls in the app's Home that open no modal."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncBoltContext

from bot.concurrency import Tasks
from bot.core.admin_outcomes import AlertOutcome, AlertPosted
from bot.core.fields import CHANNEL_ID
from bot.core.requests import Actor
from bot.inbound.slack.listener import Routes
from bot.messages.blocks import ephemeral
from bot.messages.buttons import ALERTS_CHANNEL, TEST_ALERT
from bot.messages.home import Notice
from bot.messages.settings import about_alert
from bot.usecases.admin.actions import Admin, Change
from bot.usecases.admin.home import HomeView
from bot.usecases.incidents import report
from bot.usecases.message_delivery import MessageDelivery


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
