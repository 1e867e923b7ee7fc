"""What admins press and choose in the app's Home, but for what opens a dialog: thin, as all listeners are."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.administration.administration import Administration
from bot.administration.homes import Homes
from bot.core.administration import AlertPosted, CutShort, KeyRemoved, NotSaved
from bot.core.alert import CHANNEL_ID
from bot.core.messages import controls
from bot.core.messages.dialog_answers import about_alert, about_removal
from bot.core.messages.home import Notice
from bot.core.messages.message import ephemeral
from bot.inbound.address import read_address
from bot.inbound.incidents import report
from bot.inbound.submission import read_version
from bot.outbound.teller import Teller
from bot.tasks import Tasks

_DONE = (KeyRemoved, AlertPosted)

_Outcome = TypeVar("_Outcome")


class HomeControls:
    """Listens to that."""

    def __init__(self, administration: Administration, homes: Homes, teller: Teller, tasks: Tasks) -> None:
        self._administration = administration
        self._homes = homes
        self._teller = teller
        self._tasks = tasks

    def register(self, bolt: AsyncApp) -> None:
        """Put the listeners on."""
        bolt.block_action(controls.REMOVE_KEY)(self.remove_key)
        bolt.block_action(controls.ALERTS_CHANNEL)(self.choose_channel)
        bolt.block_action(controls.TEST_ALERT)(self.test_alert)

    async def remove_key(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """The button in Home that removes the key."""
        await ack()
        seen = read_version(body["actions"][0].get("value"))
        removing = self._administration.keys.remove(read_address(body).asker, seen=seen)
        self._tasks.start(self._act(body, removing, about_removal))

    async def choose_channel(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """The choice in Home of a channel for alerts."""
        await ack()
        channel = body["actions"][0].get("selected_conversation")
        if isinstance(channel, str) and CHANNEL_ID.fullmatch(channel):
            choosing = self._administration.alerting.choose(read_address(body).asker, channel)
            self._tasks.start(self._act(body, choosing, about_alert))

    async def test_alert(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """The button in Home for a test alert."""
        await ack()
        testing = self._administration.alerting.test(read_address(body).asker)
        self._tasks.start(self._act(body, testing, about_alert))

    async def _act(
        self,
        body: Mapping[str, Any],
        work: Coroutine[Any, Any, _Outcome],
        tell: Callable[[_Outcome | NotSaved | CutShort], str],
    ) -> None:
        """Do what was asked for in Home, and say there what came of it; else in a direct message."""
        asker, name = read_address(body).asker, body["actions"][0]["action_id"]
        is_done = False
        try:
            outcome = await self._administration.carry_out(name, asker, work)
            text, is_done = tell(outcome), isinstance(outcome, _DONE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            text = report(error).text
        if not await self._homes.show(asker, notice=Notice(name, text, lasts=not is_done)):
            await self._teller.write_to(asker.team_id, asker.user_id, ephemeral(text))
