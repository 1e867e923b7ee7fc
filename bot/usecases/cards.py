"""Cards as they are sent: what they show now, and the calls of Slack that post or update them."""

import asyncio
import logging
from dataclasses import dataclass, replace

from bot.core.cards import BATCH_INTERVAL, BatchContent, Card, HeldContent, ResultContent
from bot.core.fields import Secret
from bot.core.requests import Actor, ReplyAddress, operator_name, program_name
from bot.core.retries import NO_WORKSPACE
from bot.core.sessions import Phase, SessionState
from bot.core.workspace import Workspace
from bot.messages.blocks import Message
from bot.messages.cards import card_message, digest_of, mentioning
from bot.messages.results import as_direct_message
from bot.messages.sessions import held_message
from bot.messages.several import batch_message
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, SlackClient, TryAgain
from bot.outbound.store.auto_pauses import AutoPauseRows
from bot.outbound.store.history import SessionStates
from bot.outbound.store.secrets import FieldCipher, unseal
from bot.outbound.workspaces import Workspaces
from bot.usecases.delivery import MessageDelivery

_log = logging.getLogger(__name__)

LONGEST_ATTEMPT = 15.0  # seconds of an attempt, which can be four calls
_TOO_LONG = Refused("msg_blocks_too_long")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt, and the digest of the message. It can have to be sent again, in seconds."""

    result: PostResult
    digest: str = ""
    again_in: float | None = None


@dataclass(eq=False)
class CardSender:
    """Sender of cards."""

    slack: SlackClient
    workspaces: Workspaces
    states: SessionStates
    auto_pauses: AutoPauseRows
    delivery: MessageDelivery
    cipher: FieldCipher

    async def send(self, card: Card) -> Attempt:
        """Make one attempt, within LONGEST_ATTEMPT. Raises StoreError."""
        owner = await self.workspaces.find(card.team_id)
        message, is_over = await self._compose(card, owner)
        digest = digest_of(message)
        after = None if is_over else BATCH_INTERVAL
        if card.ts is not None and digest == card.shown:
            return Attempt(Posted(card.channel_id, card.ts), digest, after)
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                if isinstance(content := card.content, BatchContent):
                    result = await self._send_batch(card, owner, message, content, is_over=is_over)
                else:
                    result = await self._call(card, owner, message)
        except TimeoutError:
            result = Doubtful(f"Slack did not answer within {LONGEST_ATTEMPT:.0f} s")
        return Attempt(result, digest, after)

    async def delete(self, card: Card, channel_id: str, ts: str) -> None:
        """Delete a message that was posted twice. Raises StoreError."""
        if (owner := await self.workspaces.find(card.team_id)) is not None:
            await self.slack.delete_message(owner.bot_token, channel_id, ts)

    async def compose(self, card: Card) -> Message:
        """Return what a card shows now. Raises StoreError."""
        return (await self._compose(card, await self.workspaces.find(card.team_id)))[0]

    async def _compose(self, card: Card, owner: Workspace | None) -> tuple[Message, bool]:
        """Return the message, and whether nothing more follows by itself."""
        if isinstance(content := card.content, BatchContent):
            return await self._compose_batch(card, content)
        if isinstance(content, HeldContent):
            numbers = await self.auto_pauses.numbers(card.team_id, content)
            return held_message(content, numbers, card.id), True
        states = await self._read_states(card)
        parts = [(part.content, part.session_id) for part in card.parts]
        facts = {part.session_id: part.facts for part in card.parts if part.facts is not None}
        asking = [one.alert.session_id for one in card.alerts if one.asks]
        refusals = await self.states.refusals_of_alerts(card.team_id, asking) if asking else {}
        message = card_message(
            parts,
            states,
            facts,
            channel_id=card.channel_id,
            refusals=refusals,
            offers_end=owner is not None and owner.policy.end is not None,
            more=card.more,
        )
        return message, True

    async def _compose_batch(self, card: Card, content: BatchContent) -> tuple[Message, bool]:
        batch_id = card.parts[0].session_id
        orders = await self.states.of_batch(card.team_id, batch_id)
        message = batch_message(content, orders, batch_id)
        if card.channel_id != content.channel_id:
            message = as_direct_message(message, content.channel_id)
        return message, all(one.outcome for one in orders)

    async def _send_batch(
        self, card: Card, owner: Workspace | None, message: Message, content: BatchContent, *, is_over: bool
    ) -> PostResult:
        """Send the result of a batch, as far as it has come; at its end by another route if Slack refuses it there."""
        result = await self._call(card, owner, message)
        if not isinstance(result, Refused):
            return result
        if not is_over:
            return TryAgain(result.why, limited=True)  # without a wait, which would hold up other messages
        if not content.channel_id:
            return result
        actor = Actor(card.team_id, content.channel_id, content.user_id)
        address = unseal(content.address, actor, self.cipher) or ReplyAddress(actor)
        return Posted() if await self.delivery.deliver(address, message) else result

    async def _read_states(self, card: Card) -> dict[str, SessionState]:
        """Return the states of the card's sessions: that of the last order, or what Anchor reported later."""
        states = await self.states.of(card.team_id, [part.session_id for part in card.parts])
        for part in card.parts:
            state, seen = states.get(part.session_id), part.seen
            if seen is not None and (state is None or (state.at <= seen.at and state.phase is not Phase.ENDED)):
                states[part.session_id] = replace(seen, before=state)
        return states

    async def _call(self, card: Card, workspace: Workspace | None, message: Message) -> PostResult:
        if workspace is None:
            return Refused(NO_WORKSPACE)
        if card.mentions and card.ts is None and (group := workspace.alerts_group):
            message = mentioning(message, group)
        result = await self._call_slack(workspace.bot_token, card, message)
        if result == _TOO_LONG:  # its text names every session
            result = await self._call_slack(workspace.bot_token, card, replace(message, blocks=()))
        return result

    async def _call_slack(self, token: Secret, card: Card, message: Message) -> PostResult:
        channel, post, thread = card.channel_id, self.slack.post_message, card.thread_ts
        if card.ts is not None:
            return await self.slack.update_message(token, channel, card.ts, message)
        result = await post(token, channel, message, thread_ts=thread, is_broadcast=thread is not None)
        if isinstance(result, Refused):
            for person in {part.content.reminds for part in card.parts if isinstance(part.content, ResultContent)}:
                if person and program_name(person) is None and operator_name(person) is None:
                    direct = await post(token, person, as_direct_message(message, channel))
                    result = result if isinstance(direct, Refused) else direct
        is_lost = thread is not None and isinstance(result, Refused)
        return await post(token, channel, message) if is_lost else result
