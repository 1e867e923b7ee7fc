"""What admins open and send in the dialogs: thin, as all listeners are."""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.administration.administration import Administration
from bot.administration.homes import Homes
from bot.core.administration import KeyNotTaken, KeyNotTried, NotAKey, NotSaved, Outdated, TokenMade
from bot.core.messages import controls
from bot.core.messages.dialog_answers import (
    CHECKING,
    UNSEEN,
    about_key,
    about_policy,
    about_token,
    answer_view,
)
from bot.core.messages.dialogs import CHANNELS, KEY, TITLES, UNTRIED, USERS
from bot.core.messages.message import ephemeral
from bot.core.policy import Policy, Rule
from bot.core.requests import Asker, ReplyAddress, Verb
from bot.inbound.address import read_address
from bot.inbound.incidents import report
from bot.inbound.patience import PATIENCE, ends_in_time
from bot.inbound.submission import Submission, read_submission
from bot.outbound.teller import Teller
from bot.tasks import Tasks

_ACK_ARRIVES = 1.0  # seconds; what comes to Slack before the ack is overwritten by it
_MENDED_IN_DIALOG = (NotAKey, KeyNotTaken, KeyNotTried, NotSaved)


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is said in the dialog: under the input `field`, or in place of all. `astray` is for a direct message."""

    text: str
    astray: str
    field: str = ""


class DialogListeners:
    """Listens to that."""

    def __init__(
        self, administration: Administration, homes: Homes, teller: Teller, tasks: Tasks, *, patience: float = PATIENCE
    ) -> None:
        self._administration = administration
        self._homes = homes
        self._teller = teller
        self._tasks = tasks
        self._patience = patience

    def register(self, bolt: AsyncApp) -> None:
        """Put the listeners on."""
        for name in TITLES:
            bolt.block_action(name)(self.open)
        bolt.view(controls.SET_KEY)(self.save_key)
        bolt.view(controls.CHANGE_POLICY)(self.save_policy)
        bolt.view(controls.ALERTS_TOKEN)(self.renew_token)

    async def open(self, ack: AsyncAck, body: Mapping[str, Any]) -> None:
        """A button that opens a dialog, in Home or in a message."""
        await ack()
        name = body["actions"][0]["action_id"]
        self._tasks.start(self._open(read_address(body), body.get("trigger_id", ""), name))

    async def save_key(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """The dialog for the key."""
        sent = read_submission(body)
        await self._settle(ack, context, controls.SET_KEY, sent, self._save_key(sent))

    async def save_policy(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """The dialog for who may do what."""
        sent = read_submission(body)
        await self._settle(ack, context, controls.CHANGE_POLICY, sent, self._save_policy(sent))

    async def renew_token(self, ack: AsyncAck, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
        """The dialog for the token of alerts."""
        sent = read_submission(body)
        await self._settle(ack, context, controls.ALERTS_TOKEN, sent, self._renew_token(sent))

    async def _open(self, address: ReplyAddress, trigger_id: str, name: str) -> None:
        try:
            await self._administration.dialogs.open(address, trigger_id, name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            await self._teller.tell(address, report(error))

    async def _save_key(self, sent: Submission) -> _Reply:
        outcome = await self._administration.carry_out(
            controls.SET_KEY,
            sent.asker,
            self._administration.keys.set(sent.asker, sent.typed(KEY), seen=sent.seen, untried=sent.ticked(UNTRIED)),
        )
        text = about_key(outcome)
        return _Reply(text, text, KEY if isinstance(outcome, _MENDED_IN_DIALOG) else "")

    async def _save_policy(self, sent: Submission) -> _Reply:
        if not sent.has([*USERS.values(), *CHANNELS.values()]):  # what is missing must not count as "everybody"
            text = about_policy(Outdated())
            return _Reply(text, text)
        rules = {verb: Rule(sent.chosen(USERS[verb]), sent.chosen(CHANNELS[verb])) for verb in Verb}
        policy = Policy(pause=rules[Verb.PAUSE], resume=rules[Verb.RESUME])
        saving = self._administration.policies.set(sent.asker, policy, seen=sent.seen)
        text = about_policy(await self._administration.carry_out(controls.CHANGE_POLICY, sent.asker, saving))
        return _Reply(text, text)

    async def _renew_token(self, sent: Submission) -> _Reply:
        renewing = self._administration.alerting.renew_token(sent.asker, seen=sent.seen)
        outcome = await self._administration.carry_out(controls.ALERTS_TOKEN, sent.asker, renewing)
        text = about_token(outcome, self._administration.dialogs.alerts_url(sent.asker.team_id))
        return _Reply(text, UNSEEN if isinstance(outcome, TokenMade) else text)

    async def _settle(
        self, ack: AsyncAck, context: AsyncBoltContext, name: str, sent: Submission, work: Awaitable[_Reply]
    ) -> None:
        """The outcome, if it comes in time for the ack; else a word that it will come, and then it comes."""
        replying = self._tasks.start(self._reply(sent.asker, work))
        if await ends_in_time(replying, context["received_at"], self._patience):
            await _acknowledge(ack, name, replying.result())
        else:
            await ack(response_action="update", view=answer_view(TITLES[name], CHECKING).as_json())
            self._tasks.start(self._follow_up(name, sent, replying))

    async def _reply(self, asker: Asker, work: Awaitable[_Reply]) -> _Reply:
        """What came of it, whatever that is; then Home shows what holds now."""
        try:
            reply = await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told
            text = report(error).text
            reply = _Reply(text, text)
        self._tasks.start(self._homes.show(asker))
        return reply

    async def _follow_up(self, name: str, sent: Submission, replying: asyncio.Task[_Reply]) -> None:
        """Say in the dialog what came of it, once the ack has surely arrived there; else in a direct message."""
        _, reply = await asyncio.gather(asyncio.sleep(_ACK_ARRIVES), replying)
        asker = sent.asker
        if not await self._administration.dialogs.say(asker, sent.view_id, name, reply.text):
            await self._teller.write_to(asker.team_id, asker.user_id, ephemeral(reply.astray))


async def _acknowledge(ack: AsyncAck, name: str, reply: _Reply) -> None:
    if reply.field:
        await ack(response_action="errors", errors={reply.field: reply.text})
    else:
        await ack(response_action="update", view=answer_view(TITLES[name], reply.text).as_json())
