"""The outbox of cards."""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, MutableMapping
from dataclasses import KW_ONLY, dataclass, field, replace

from cachetools import TTLCache

from bot.core.cards import BATCH_INTERVAL, AlertContent, BatchContent, CardName, NewCard, ResultContent
from bot.core.fairness import Tally
from bot.core.fields import Secret
from bot.core.requests import Actor, operator_name, program_name
from bot.core.retries import CALL_INTERVAL, LONGEST_ATTEMPT, NO_WORKSPACE, Kind, delay_after_failure
from bot.core.sessions import Phase, SessionState
from bot.core.workspace import Workspace
from bot.health import OFF, Metrics
from bot.messages.batches import batch_message
from bot.messages.blocks import Message
from bot.messages.cards import card_message, digest_of, mentioning
from bot.messages.results import as_direct_message
from bot.messages.senders import with_revoked
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, SlackClient, TryAgain
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.store.card_values import CardChanges, ClaimedCard, Exchanged, IncomingAlert, Placed, SentCard
from bot.outbound.store.cards import CardRows
from bot.outbound.store.errors import StoreError, StoreUnreachableError
from bot.outbound.store.history import SessionStates
from bot.outbound.store.news import FALLBACK
from bot.outbound.store.secrets import FieldCipher, unseal
from bot.outbound.workspaces import Workspaces
from bot.request_id import new_id
from bot.runtime import Tasks, happens, until_tick

_log = logging.getLogger(__name__)

_TOO_LONG = Refused("msg_blocks_too_long")
_TOO_OLD = Refused("Slack took no message of this channel in time")
_LONGEST_CODE = 80

MOST_SENDING = 50
MOST_WAITING = 10_000  # new cards; while the database fails, others are dropped
_MOST_WRITTEN = 100  # changes of each kind in a transaction: orders must not wait for it for long
MOST_SENDERS = 100  # that wait until their alert is posted; others are told that it is queued
_MOST_DOUBTFUL = 2  # posts without an answer that are repeated, if nobody else can do it
_RETRY_DELAY = 1.0  # seconds after a failed transaction
_MOST_NAMED = 5  # sessions of a summary in the log
_CLOSE_TIMEOUT = 0.5  # seconds for what is being sent: half of what the end leaves, since it is recorded then

_MOST_WRITES = 10_000  # messages
_WRITES_FOR = 60.0  # seconds
REPLACE_TIMEOUT = 3.0  # seconds for Slack to replace a clicked message; then its thread gets the result


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send a card, as it is recorded, and why there is no other one, if so."""

    sent: SentCard
    failure: TryAgain | Doubtful | Refused | None = None


@dataclass(eq=False)
class MessageWrites:
    """The writes of a message by this process: one at a time, so that the last one shows the newest state."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    coming: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """The clicks that are going to replace it, by the id of the order."""
    shown: str = ""
    """The digest of the last write, if that was the replacement of a click."""

    async def let_clicks_go_first(self) -> None:
        """Wait for what is coming, but for that no longer than a click waits."""
        if coming := dict(self.coming):
            await asyncio.wait(coming.values(), timeout=REPLACE_TIMEOUT)
            self.coming = {name: one for name, one in self.coming.items() if name not in coming}


@dataclass(eq=False)
class CardSender:
    """Sender of cards. In a channel, a post lets those go first that are `posting` (results of orders)."""

    slack: SlackClient
    workspaces: Workspaces
    states: SessionStates
    posting: Tally[tuple[str, str]] = field(default_factory=Tally)
    _: KW_ONLY
    response_urls: ResponseUrls
    cipher: FieldCipher
    writes: MutableMapping[CardName, MessageWrites] = field(
        default_factory=lambda: TTLCache(_MOST_WRITES, _WRITES_FOR, timer=time.monotonic)
    )
    """Those of the messages that were written, or clicked, in the last minute."""

    async def send(self, card: ClaimedCard) -> Attempt:
        """Make one attempt, within LONGEST_ATTEMPT. Never raises."""
        if card.is_given_up:
            return Attempt(SentCard(card), _TOO_OLD)
        try:
            async with asyncio.timeout(LONGEST_ATTEMPT):
                return await self._try(card)
        except StoreError as error:
            return _again(card, TryAgain(str(error)))
        except TimeoutError:
            return _read(card, Doubtful(f"Slack did not answer within {LONGEST_ATTEMPT:.0f} s"), "")
        except Exception as error:  # noqa: BLE001 - the next card may work
            _log.exception("card not sent")
            return _read(card, Doubtful(type(error).__name__), "")

    async def _try(self, card: ClaimedCard) -> Attempt:
        owner = await self.workspaces.find(card.team_id)
        if card.ts is None:
            return await self._write(card, owner, None)
        writes = self.writes.setdefault((card.team_id, card.channel_id, card.ts), MessageWrites())
        await writes.let_clicks_go_first()
        async with writes.turn:
            shown, writes.shown = writes.shown or card.shown, ""
            return await self._write(card, owner, shown)

    async def _write(self, card: ClaimedCard, owner: Workspace | None, shown: str | None) -> Attempt:
        if isinstance(content := card.parts[0].content, BatchContent):
            return await self._try_batch(card, owner, content)
        message = await self._compose(card, owner)
        digest = digest_of(message)
        if card.ts is not None and digest == shown:
            return Attempt(SentCard(card, card.ts, digest))
        return _read(card, await self._call(card, owner, message), digest)

    async def compose(self, card: ClaimedCard) -> Message:
        """Return what a message that is kept up to date shows now. Raises StoreError."""
        owner = await self.workspaces.find(card.team_id)
        if isinstance(content := card.parts[0].content, BatchContent):
            return (await self._compose_batch(card, owner, content))[0]
        return await self._compose(card, owner)

    async def _compose(self, card: ClaimedCard, owner: Workspace | None) -> Message:
        states = await self._read_states(card)
        parts = [(part.content, part.session_id) for part in card.parts]
        facts = {part.session_id: part.facts for part in card.parts if part.facts is not None}
        asking = [one.session_id for one in card.parts if isinstance(one.content, AlertContent) and one.content.asks]
        refusals = await self.states.refusals_of_alerts(card.team_id, asking) if asking else {}
        at, can_end = card.channel_id, owner is not None and owner.policy.end is not None
        message = card_message(parts, states, facts, channel_id=at, refusals=refusals, offers_end=can_end)
        alerts = [one for one, _ in parts if isinstance(one, AlertContent) and one.reply is None]
        gone = {one.sender for alert in alerts for one in alert.firing if owner and not owner.named_token(one.sender)}
        return with_revoked(message, sorted(gone))

    async def _compose_batch(
        self, card: ClaimedCard, owner: Workspace | None, content: BatchContent
    ) -> tuple[Message, bool]:
        batch_id = card.parts[0].session_id
        orders = await self.states.of_batch(card.team_id, batch_id)
        posted = await self.states.message_of_batch(content.follows) if content.follows else None
        earlier = await self.slack.permalink(owner.bot_token, *posted) if posted and owner else ""
        return batch_message(content, orders, batch_id, earlier=earlier), all(one.outcome for one in orders)

    async def _try_batch(self, card: ClaimedCard, owner: Workspace | None, content: BatchContent) -> Attempt:
        """Send the result of a batch, as far as it has come; at its end elsewhere if Slack refuses it there."""
        message, is_over = await self._compose_batch(card, owner, content)
        after = None if is_over else BATCH_INTERVAL
        if card.channel_id != content.channel_id:
            message = as_direct_message(message, content.channel_id)
        digest = digest_of(message)
        if card.ts is not None and digest == card.shown:
            return Attempt(SentCard(card, card.ts, digest, retry_after=after))
        result = await self._call(card, owner, message)
        if isinstance(result, Refused) and not is_over:
            return Attempt(SentCard(card, retry_after=after))
        if isinstance(result, Refused) and card.ts is not None:  # its message was deleted, or the channel archived
            result = await self._call(replace(card, ts=None), owner, message)
        if isinstance(result, Refused) and content.channel_id:
            address = unseal(content.address, Actor(card.team_id, content.channel_id, content.user_id), self.cipher)
            url = None if address is None else address.response_url
            if url is not None and isinstance(await self.response_urls.post(url, message), Posted):
                return Attempt(SentCard(card))
            message = as_direct_message(message, content.channel_id)
            result = await self._call(replace(card, channel_id=content.user_id, ts=None), owner, message)
        attempt = _read(card, result, digest_of(message))
        return attempt if attempt.sent.ts is None else replace(attempt, sent=replace(attempt.sent, retry_after=after))

    async def _read_states(self, card: ClaimedCard) -> dict[str, SessionState]:
        """Return the states of the card's sessions: that of the last order, or what Anchor reported later."""
        states = await self.states.of(card.team_id, [part.session_id for part in card.parts])
        for part in card.parts:
            state, seen = states.get(part.session_id), part.seen
            if seen is not None and (state is None or (state.at <= seen.at and state.phase is not Phase.ENDED)):
                states[part.session_id] = replace(seen, before=state)
        return states

    async def _call(self, card: ClaimedCard, workspace: Workspace | None, message: Message) -> PostResult:
        if workspace is None:
            return Refused(NO_WORKSPACE)
        if card.mentions and (group := workspace.alerts_group):
            message = mentioning(message, group)
        result = await self._send(workspace.bot_token, card, message)
        if result == _TOO_LONG:  # its text names every session
            result = await self._send(workspace.bot_token, card, replace(message, blocks=()))
        return result

    async def _send(self, token: Secret, card: ClaimedCard, message: Message) -> PostResult:
        channel, post, thread = card.channel_id, self.slack.post_message, card.thread_ts
        if card.ts is not None:
            return await self.slack.update_message(token, channel, card.ts, message)
        if self.posting[card.team_id, channel]:
            await asyncio.sleep(CALL_INTERVAL)
        result = await post(token, channel, message, thread_ts=thread, is_broadcast=thread is not None)
        if isinstance(result, Refused):
            for person in {part.content.reminds for part in card.parts if isinstance(part.content, ResultContent)}:
                if person and program_name(person) is None and operator_name(person) is None:
                    direct = await post(token, person, as_direct_message(message, channel))
                    result = result if isinstance(direct, Refused) else direct
        is_lost = thread is not None and isinstance(result, Refused)
        return await post(token, channel, message) if is_lost else result


def _read(card: ClaimedCard, result: PostResult, digest: str) -> Attempt:
    """Return the end of the attempt. A post without an answer is not repeated; an update does no harm twice."""
    if isinstance(result, Posted):
        return Attempt(SentCard(card, result.ts, digest, channel_id=result.channel or None))
    if isinstance(result, Refused):
        code = result.why[:_LONGEST_CODE]
        delay = delay_after_failure(card.lane.kind, code, card.failures_with(code))
        return Attempt(SentCard(card, retry_after=delay, failure=code), result if delay is None else None)
    is_final = isinstance(result, Doubtful) and card.lane.kind is Kind.POST
    return Attempt(SentCard(card), result) if is_final else _again(card, result)


def _again(card: ClaimedCard, result: TryAgain | Doubtful) -> Attempt:
    after = result.after if isinstance(result, TryAgain) else None
    delay = delay_after_failure(card.lane.kind, "", card.failures_with(""))
    return Attempt(SentCard(card, retry_after=max(after or 0.0, delay or 0.0), held_for=after))


@dataclass(eq=False)
class CardOutbox:
    """The outbox of cards. Orders never wait for it: without a database, cards stay as they are.

    Without a `sender` it only writes the changes, for a bot that sends them. `wake` is set when cards are due.
    """

    rows: CardRows
    sender: CardSender | None = None
    metrics: Metrics = OFF
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._changes = CardChanges()
        self._sending = Tasks()
        self._placing: dict[str, asyncio.Future[Placed | None]] = {}
        self._senders: dict[str, asyncio.Future[PostResult]] = {}
        self._keeping: list[tuple[NewCard, asyncio.Future[None]]] = []
        self._is_stopping = False
        self._is_failing = False

    def remember(self, new: Iterable[NewCard]) -> None:
        """Keep cards up to date from now on; post those that have no `ts`."""
        self._changes.new.extend(new)
        self.wake.set()

    async def keep(self, card: NewCard) -> None:
        """Keep a card up to date, as `remember` does. Return when it is stored."""
        keeping = asyncio.get_running_loop().create_future()
        self._keeping.append((card, keeping))
        self.remember([card])
        await asyncio.shield(keeping)  # the outbox sets it, also if nobody waits any more

    async def post(self, alert: IncomingAlert, *, within: float) -> tuple[Placed, PostResult | None] | None:
        """Place an alert on a card, and wait until a new card is posted, but for that no longer than `within` seconds.

        Return its place, and the result if there is one by then. Return None if the database fails: at once if it did
        so before.
        """
        if self._is_failing:
            return None
        placing = self._placing[alert.id] = asyncio.get_running_loop().create_future()
        self._changes.alerts.append(alert)
        self.wake.set()
        placed = await asyncio.shield(placing)  # the outbox sets it, also if nobody waits any more
        if placed is None or (sender := self._senders.get(alert.id)) is None:
            return None if placed is None else (placed, None)
        try:
            await asyncio.wait({sender}, timeout=within)
            return placed, sender.result() if sender.done() else None
        finally:
            del self._senders[alert.id]

    async def run(self) -> None:
        """Write changes and send cards until `stop`, and then record what was sent."""
        delay = 0.0
        while True:
            await happens(self.wake, within=delay)
            if self._is_stopping:
                break
            self.wake.clear()
            delay = await self._tick()
        await self._sending.settle(within=_CLOSE_TIMEOUT)
        while await self._exchange(most=0) and self._changes:
            pass

    def stop(self) -> None:
        """Let `run` end. Cards that are due are sent by another process, or after the next start."""
        self._is_stopping = True
        self.wake.set()

    async def _tick(self) -> float:
        result = await self._exchange(most=MOST_SENDING - len(self._sending) if self.sender else 0)
        if result is None:
            return _RETRY_DELAY
        for card in result.claimed:
            self._sending.start(self._send_one(card))
        longest = until_tick(FALLBACK)
        return longest if result.next_in is None else min(longest, result.next_in)

    async def _exchange(self, *, most: int) -> Exchanged | None:
        """Write the changes. Return None if the database fails; the changes stay."""
        changes = self._changes.take(_MOST_WRITTEN)
        try:
            result = await self.rows.exchange(changes, most=most)
        except Exception as error:  # noqa: BLE001 - the next transaction may work
            self._put_back(changes, error)
            return None
        self._is_failing = False
        if self._changes:
            self.wake.set()
        for card, keeping in self._keeping:
            if card in changes.new:
                keeping.set_result(None)
        self._keeping = [one for one in self._keeping if not one[1].done()]
        for alert_id, placed in result.placed.items():
            if placed.is_new and len(self._senders) < MOST_SENDERS:  # its sender can wait for the post
                self._senders[alert_id] = asyncio.get_running_loop().create_future()
            self._placing.pop(alert_id).set_result(placed)
        return result

    async def _send_one(self, card: ClaimedCard) -> None:
        assert self.sender is not None  # noqa: S101 - else nothing is claimed
        attempt = await self.sender.send(card)
        sent, failure = attempt.sent, attempt.failure
        senders = [sender for part in card.parts if (sender := self._senders.get(part.id))]
        is_told = bool(senders) and card.is_single_alert
        if isinstance(failure, Doubtful) and not is_told and card.attempts < _MOST_DOUBTFUL:
            sent, failure = replace(sent, retry_after=_RETRY_DELAY), None  # nobody else would send it again
        if failure is not None:
            self._report(card, failure)
        elif sent.failure not in {"", card.failure}:
            self._report(card, Refused(sent.failure))
        result = failure or (Posted(card.channel_id, sent.ts) if sent.ts else None)
        if result is not None:
            for sender in senders:
                sender.set_result(result)
        if card.ts is not None and isinstance(failure, Refused):
            self._changes.new.extend(_new_cards(card))
        self._changes.sent.append(sent)
        self.wake.set()

    def _report(self, card: ClaimedCard, failure: TryAgain | Doubtful | Refused) -> None:
        """Log a failure, and count the alerts that are lost by it, unless somebody still waits for them and does so."""
        sessions = ", ".join(part.session_id for part in card.parts[:_MOST_NAMED])
        fields = {"team": card.team_id, "channel": card.channel_id, "session": sessions, "why": failure.why}
        _log.warning("card not posted" if card.ts is None else "card not updated", extra=fields)
        for part in card.parts:
            if card.ts is None and isinstance(part.content, AlertContent) and part.id not in self._senders:
                self.metrics.alerted(type(failure).__name__, part.content.alert.sender)

    def _put_back(self, changes: CardChanges, error: Exception) -> None:
        """Keep the changes for the next transaction, and let nobody wait for them."""
        if not self._is_failing:
            is_known = isinstance(error, StoreUnreachableError)
            _log.warning("cards not updated", extra={"why": str(error)}, exc_info=None if is_known else error)
        self._is_failing = True
        for placing in self._placing.values():
            placing.set_result(None)
        self._placing, self._changes.alerts = {}, []
        self._changes.put_back(changes, MOST_WAITING)


def _new_cards(card: ClaimedCard) -> Iterator[NewCard]:
    """Return new cards for the alerts that came for a message that cannot be updated: it can have been deleted."""
    for part in card.parts:
        if part.is_news and isinstance(part.content, AlertContent):
            content = replace(part.content, group="", total=0)
            yield NewCard(new_id(), card.team_id, card.channel_id, part.session_id, content, facts=part.facts)
