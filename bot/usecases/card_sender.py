"""Send one card to Slack: post it, or update it to the state that its session has now."""

import logging
from dataclasses import dataclass, replace

from bot.core.fields import Secret
from bot.core.retries import Kind
from bot.core.sessions import SessionState, ended_state
from bot.messages.blocks import Message
from bot.messages.cards import card_message, digest_of
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, SlackClient, TryAgain
from bot.outbound.store.card_changes import ClaimedCard, SentCard
from bot.outbound.store.errors import StoreError
from bot.outbound.store.session_states import SessionStates
from bot.outbound.workspaces import Workspaces

_log = logging.getLogger(__name__)

_FIRST_BACKOFF, _LONGEST_BACKOFF = 1.0, 60.0  # seconds
_TOO_LONG = Refused("msg_blocks_too_long")
_TOO_OLD = Refused("Slack took no message of this channel in time")
_MOST_ATTEMPTS = 40  # half an hour; then an update, which shows what is true now, is tried more rarely
RARE_BACKOFF = 900.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a card, as it is recorded, and why there is no other one, if so."""

    sent: SentCard
    failure: TryAgain | Doubtful | Refused | None = None


class CardSender:
    """Sender of cards."""

    def __init__(self, slack: SlackClient, workspaces: Workspaces, states: SessionStates) -> None:
        self._slack = slack
        self._workspaces = workspaces
        self._states = states

    async def send(self, card: ClaimedCard) -> Attempt:
        """Make one attempt. A message that Slack has already is not sent again. Never raises."""
        if card.is_given_up:
            return Attempt(SentCard(card), _TOO_OLD)
        try:
            states = await self._read_states(card)
            parts = [(part.content, part.session_id) for part in card.parts]
            facts = {part.session_id: part.facts for part in card.parts if part.facts is not None}
            message = card_message(parts, states, facts, channel_id=card.channel_id)
            digest = digest_of(message)
            if card.ts is not None and digest == card.shown:
                return Attempt(SentCard(card, card.ts, digest))
            return _read(card, await self._call(card, message), digest)
        except StoreError as error:
            return _again(card, TryAgain(str(error)))
        except Exception as error:  # noqa: BLE001 - the next card may work
            _log.exception("card not sent")
            return _read(card, Doubtful(type(error).__name__), "")

    async def _read_states(self, card: ClaimedCard) -> dict[str, SessionState]:
        """Return the states of the card's sessions: that of the last order, or the end that Anchor reported later."""
        states = await self._states.of(card.team_id, [part.session_id for part in card.parts])
        for part in card.parts:
            if part.ended is not None:
                state, ended = states.get(part.session_id), ended_state(*part.ended)
                states[part.session_id] = ended if state is None or state.at <= ended.at else state
        return states

    async def _call(self, card: ClaimedCard, message: Message) -> PostResult:
        workspace = await self._workspaces.find(card.team_id)
        if workspace is None:
            return Refused("no token for this workspace")
        result = await self._send(workspace.bot_token, card, message)
        if result == _TOO_LONG:  # its text names every session
            result = await self._send(workspace.bot_token, card, replace(message, blocks=()))
        return result

    async def _send(self, token: Secret, card: ClaimedCard, message: Message) -> PostResult:
        if card.ts is None:
            return await self._slack.post_message(token, card.channel_id, message)
        return await self._slack.update_message(token, card.channel_id, card.ts, message)


def _read(card: ClaimedCard, result: PostResult, digest: str) -> Attempt:
    """Return the end of the attempt. A post without an answer is not repeated; an update does no harm twice."""
    if isinstance(result, Posted):
        return Attempt(SentCard(card, result.ts, digest))
    is_update = card.lane.kind is Kind.UPDATE
    is_final = isinstance(result, Refused) or (isinstance(result, Doubtful) and not is_update)
    return Attempt(SentCard(card), result) if is_final else _again(card, result)


def _again(card: ClaimedCard, result: TryAgain | Doubtful | Refused) -> Attempt:
    after = result.after if isinstance(result, TryAgain) else None
    is_rare = card.lane.kind is Kind.UPDATE and card.attempts >= _MOST_ATTEMPTS
    longest = RARE_BACKOFF if is_rare else _LONGEST_BACKOFF
    backoff = min(_FIRST_BACKOFF * 2 ** min(card.attempts, 10), longest)
    return Attempt(SentCard(card, retry_after=max(after or 0.0, backoff), held_for=after))
