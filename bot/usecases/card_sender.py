"""Cards as they are sent: what they show now, and the calls of Slack that post or update them."""

import asyncio
import logging
from dataclasses import dataclass, replace

from bot.core.alerts import AlertContent
from bot.core.cards import BatchContent, Card, HeldContent, Part, ResultContent
from bot.core.fields import Secret
from bot.core.orders import MessageContent, operator_name, program_name
from bot.core.retries import NO_WORKSPACE
from bot.core.sessions import Phase, SessionState
from bot.core.workspace import Workspace
from bot.messages.batches import batch_message
from bot.messages.blocks import Message, Visibility, digest_of
from bot.messages.cards import card_message, elsewhere, mentioning
from bot.messages.sessions import failed_message, held_message
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, SlackClient
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.store.session_states import SessionStates
from bot.outbound.workspaces import Workspaces
from bot.runtime import new_id
from bot.usecases.notices import WorkspaceMonitor

_log = logging.getLogger(__name__)

LONGEST_ATTEMPT = 15.0  # seconds of an attempt, which can be four calls
_TOO_LONG = Refused("msg_blocks_too_long")


@dataclass(eq=False, repr=False)
class CardSender:
    """Sender of cards."""

    slack: SlackClient
    workspaces: Workspaces
    states: SessionStates
    response_urls: ResponseUrls
    monitor: WorkspaceMonitor

    async def send(self, card: Card, click: Secret | None = None) -> tuple[PostResult, str]:
        """Make one attempt, within LONGEST_ATTEMPT, by the response_url of a click if there is one.

        Return the result, and the digest of the message. Raises StoreError.
        """
        owner = await self.workspaces.find(card.team_id)
        message = await self._compose(card, owner)
        digest = digest_of(message)
        if card.ts is not None and digest == card.shown:
            return Posted(card.channel_id, card.ts), digest
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                if click is not None:
                    content = MessageContent(message.text, message.blocks)
                    result = await self.response_urls.replace(click, content, Visibility.IN_CHANNEL)
                else:
                    result = await self._call(card, owner, message)
        except TimeoutError:
            result = Doubtful(f"Slack did not answer within {LONGEST_ATTEMPT:.0f} s")
        return result, digest

    async def channel_instead(self, card: Card) -> str:
        """Return where a card is posted that its channel does not take, "" for nowhere; admins are told once a day.

        What alerts have caused goes to the channel for alerts. Raises StoreError.
        """
        owner = await self.workspaces.find(card.team_id) if card.is_by_alert else None
        if owner is None or owner.alerts_channel in {None, card.channel_id}:
            return ""
        self.monitor.report_closed_channel(owner, card.channel_id)
        return owner.alerts_channel or ""

    async def delete(self, card: Card, channel_id: str, ts: str) -> None:
        """Delete a message that was posted twice. Raises StoreError."""
        if (owner := await self.workspaces.find(card.team_id)) is not None:
            await self.slack.delete_message(owner.bot_token, channel_id, ts)

    async def _compose(self, card: Card, owner: Workspace | None) -> Message:
        if isinstance(content := card.content, BatchContent):
            return await self._compose_batch(card, content)
        if isinstance(content, HeldContent):
            message = failed_message(content) if content.failed else held_message(content, card.id)
            return elsewhere(message, card.meant_for) if card.meant_for else message
        states = await self._read_states(card)
        parts = [(part.content, part.session_id) for part in card.parts]
        facts = {part.session_id: part.facts for part in card.parts if part.facts is not None}
        alerted = [one.alert.session_id for one in card.alerts]
        refusals = await self.states.refusals_of_alerts(card.team_id, alerted) if alerted else {}
        message = card_message(
            parts,
            states,
            facts,
            channel_id=card.channel_id,
            refusals=refusals,
            offers_end=owner is not None and owner.policy.end is not None,
            more=card.more,
        )
        return elsewhere(message, card.meant_for) if card.meant_for else message

    async def _compose_batch(self, card: Card, content: BatchContent) -> Message:
        batch_id = card.parts[0].session_id
        return batch_message(content, await self.states.of_batch(card.team_id, batch_id), batch_id)

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
        if card.mentions and card.ts is None and (group := workspace.group_of(card.channel_id)):
            message = mentioning(message, group)
        result = await self._call_slack(workspace.bot_token, card, message)
        if result == _TOO_LONG:  # its text names every session
            result = await self._call_slack(workspace.bot_token, card, replace(message, blocks=()))
        return result

    async def _call_slack(self, token: Secret, card: Card, message: Message) -> PostResult:
        if card.ts is not None:
            return await self.slack.update_message(token, card.channel_id, card.ts, message)
        return await self.slack.post_message(token, card.channel_id, message)


def instead_of(card: Card) -> list[Card]:
    """Return new cards instead of one that Slack refuses.

    A message that cannot be updated can have been deleted: alerts that have come for it get new ones. A reminder, or
    the result of a batch, is told by a direct message.
    """
    if card.ts is not None:
        alerts = [part for part in card.parts if part.is_news and isinstance(part.content, AlertContent)]
        return [_copy(card, card.meant_for or card.channel_id, part) for part in alerts]
    return [_copy(card, person, part) for part in card.parts for person in _people(card, part)]


def _people(card: Card, part: Part) -> list[str]:
    """Return the person who is told alone what their channel does not take."""
    match part.content:
        case ResultContent(reminds=person) if person not in {"", card.channel_id}:
            return [person] if program_name(person) is None and operator_name(person) is None else []
        case BatchContent(user_id=person, channel_id=card.channel_id):
            return [person]
    return []


def _copy(card: Card, channel_id: str, part: Part) -> Card:
    name = new_id()
    return Card(id=name, team_id=card.team_id, channel_id=channel_id, parts=(replace(part, id=name),))
