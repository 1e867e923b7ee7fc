"""The outbox: the leader sends the messages that are due, at the pace that Slack allows."""

import asyncio
import heapq
import logging
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core import retries
from bot.core.cards import AlertContent, Card, HeldContent, Urgency
from bot.core.fields import TOKEN_REFUSED
from bot.health import OFF, Metrics
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, TryAgain
from bot.outbound.store.alerts import IncomingAlert, Placed, place
from bot.outbound.store.connections import Row
from bot.outbound.store.errors import StoreError, or_default
from bot.outbound.store.leases import Lease
from bot.outbound.store.messages import MOST_TAKEN, MessageRows
from bot.runtime import Tasks, happens, new_id, until_tick
from bot.usecases.cards import Attempt, CardSender
from bot.usecases.lanes import Lane, LaneName, Memory, updates_of

_log = logging.getLogger(__name__)

MOST_SENDING, MOST_SENDING_EACH = 50, 17  # calls of all workspaces and of one: Slack can hang for one of them
MOST_SENDERS = 100  # that wait until their alert is posted; others are told that it is queued
LONGEST_SILENCE = 30.0  # seconds without an answer of Slack after which another process leads
LOOK_INTERVAL = 2.0  # seconds between two looks for what nobody has told
_PLACED_WITHIN = 2.0  # seconds for the database to place an alert
_PLACED_AGAIN_AFTER = 3.0  # seconds after it could not, for which alerts do not wait for it
_POSTED_INTERVAL = 0.5  # seconds between two looks whether another process has posted an alert
_RETRY_DELAY = 1.0  # seconds after a failure of the database
_CLOSE_TIMEOUT = 0.5  # seconds for what is being sent: half of what the end leaves, since it is recorded then
_MOST_NAMED = 5  # sessions of a summary in the log


_Failure = TryAgain | Doubtful | Refused


@dataclass(eq=False)
class Outbox:
    """The outbox. Orders never wait for it. Without a `sender` it sends nothing: a bot does, for a command."""

    rows: MessageRows
    lease: Lease
    sender: CardSender | None = None
    metrics: Metrics = OFF

    def __post_init__(self) -> None:
        self.wake = self.rows.database.news.cards
        self._memory, self._term = Memory(), 0
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, tuple[LaneName, int]] = {}  # what changed while it is sent
        self._recording: set[str] = set()  # what Slack may have got a post for: that is always recorded
        self._calls: Counter[str] = Counter()
        self._senders: dict[str, asyncio.Future[PostResult]] = {}
        self._tasks = Tasks()
        self._silent_since: float | None = None
        self._fails_until = -math.inf  # until when the database is not asked to place alerts
        self._is_stopping = False

    def add(self, cards: Sequence[Card]) -> None:
        """Keep cards of a workspace up to date from now on; post those that have no `ts`."""
        if cards:
            self.rows.add(cards)

    async def post(self, alert: IncomingAlert, *, within: float) -> tuple[Placed, PostResult | None] | None:
        """Place an alert on a card, and wait until a new card is posted, but for that no longer than `within` seconds.

        Return its place, and the result if there is one by then. Return None if the database fails.
        """
        if len(self._senders) < MOST_SENDERS and within:
            self._senders[alert.id] = asyncio.get_running_loop().create_future()
        try:
            placed = (await self.place([alert])).get(alert.id)
            if placed is None:
                return None
            is_waiting = placed.is_new and alert.id in self._senders
            return placed, await self._posted(alert.id, within) if is_waiting else None
        finally:
            self._senders.pop(alert.id, None)

    async def place(self, alerts: Sequence[IncomingAlert]) -> dict[str, Placed]:
        """Place alerts of a workspace on cards. Return their places by id, without any if the database fails."""
        if time.monotonic() < self._fails_until:
            return {}
        placing = place(self.rows, alerts)
        await asyncio.wait({placing}, timeout=_PLACED_WITHIN)
        if placing.done() and placing.exception() is None:
            return placing.result()
        placing.cancel()
        self._fails_until = time.monotonic() + _PLACED_AGAIN_AFTER
        return {}

    async def _posted(self, part_id: str, within: float) -> PostResult | None:
        """Wait until an alert is posted, by this process or another one. Return the result, if there is one."""
        posting, ends = self._senders[part_id], time.monotonic() + within
        while not posting.done() and (left := ends - time.monotonic()) > 0:
            await asyncio.wait({posting}, timeout=min(left, _POSTED_INTERVAL))
            if not posting.done() and self.lease.term is None:
                row = await or_default(self.rows.posted(part_id), None, within=_POSTED_INTERVAL)
                if row is not None and (row.ts or row.closed_at):
                    return Posted(row.channel_id, row.ts) if row.ts else Refused(row.failure or "")
        return posting.result() if posting.done() else None

    async def run(self) -> None:
        """Send what is due whenever this process leads, until `stop`; then record what was sent."""
        while not self._is_stopping:
            self.wake.clear()
            try:
                trusted_for = self.lease.trusted_for()
                async with asyncio.timeout(trusted_for if 0 < trusted_for < math.inf else None):
                    wait = await self._look()
            except (StoreError, TimeoutError):  # it can have been committed
                self.lease.doubt()
                wait = _RETRY_DELAY
            except Exception:  # noqa: BLE001 - the next look may work
                _log.exception("messages not sent")
                wait = _RETRY_DELAY
            await happens(self.wake, within=wait)
        await self._tasks.settle(within=_CLOSE_TIMEOUT)

    def stop(self) -> None:
        """Let `run` end. What is due is sent by another process, or after the next start."""
        self._is_stopping = True
        self.wake.set()

    async def _look(self) -> float:
        """Take what is due, and begin to send it. Return in how many seconds the next look is."""
        interval = until_tick(LOOK_INTERVAL)
        if self.sender is None or (term := self.lease.term) is None:
            self._give_up()
            return interval
        leading = self.lease.leading
        if term != self._term:
            self._give_up()
            if self.lease.is_alone:
                await self.rows.begin()
            self._memory, self._term = Memory(), term
        if await self._leaves():
            return interval
        urgency = Urgency.NEW_ALERT if self._memory.is_full else Urgency.UPDATE
        taken = await self.rows.take(leading, urgency=urgency)
        for row in taken:
            self._take(row)
        if len(taken) == MOST_TAKEN:
            self.wake.set()
        return max(0.0, min(interval, self._start(), self.lease.trusted_for()))

    def _give_up(self) -> None:
        """Break off what is under way: another process can lead. A post is finished and recorded."""
        self._term = 0
        for message_id, task in self._sending.items():
            if message_id not in self._recording:
                task.cancel()

    async def _leaves(self) -> bool:
        """Leave the lead to another process if Slack gives this one no answer. Return whether."""
        if self._silent_since is None or time.monotonic() < self._silent_since + LONGEST_SILENCE:
            return False
        self._silent_since = None
        if self.lease.is_alone or not await self.rows.database.change(self.lease.yield_lead):
            return False
        _log.warning("Slack gives no answer; another process leads")
        self._give_up()
        return True

    def _take(self, row: Row) -> None:
        if row.id in self._sending:
            self._again[row.id] = LaneName(row.team_id, row.channel_id, bool(row.is_post)), row.urgency
            return  # never twice at a time
        name, memory = LaneName(row.team_id, row.channel_id, bool(row.is_post)), self._memory
        memory.push(row.id, memory.lane(name), row.urgency)

    def _start(self) -> float:
        """Begin the calls that may be made now. Return the seconds until the next one may."""
        memory, now = self._memory, time.monotonic()
        memory.resume(now)
        while memory.ready and len(self._tasks) < MOST_SENDING and memory.ready[0][0] <= now:
            *_, lane = heapq.heappop(memory.ready)
            if self._calls[lane.name.team_id] >= MOST_SENDING_EACH:
                memory.held[lane.name.team_id].append(lane)
                continue
            if (free_at := memory.free_at(lane, now)) > now:
                lane.free_at = free_at
            elif chosen := memory.choose(lane):
                self._begin(lane, chosen, now)
                continue
            lane.is_queued = False
            memory.queue(lane)
            memory.release(lane.name.team_id)
        waits = [heap[0][0] for heap in (memory.later, memory.ready) if heap]
        return max(0.0, min(waits) - now) if waits and len(self._tasks) < MOST_SENDING else math.inf

    def _begin(self, lane: Lane, chosen: Sequence[tuple[int, str]], now: float) -> None:
        memory = self._memory
        self._calls[lane.name.team_id] += 1
        if not lane.name.is_post:
            memory.updates[lane.name.team_id].append(now)
        task = self._tasks.start(self._send(memory, lane, [message_id for _, message_id in chosen], chosen[0][0]))
        for _, message_id in chosen:
            self._sending[message_id] = task
        task.add_done_callback(lambda task: self._ended(task, memory, lane, chosen))

    def _ended(self, task: asyncio.Task[None], memory: Memory, lane: Lane, chosen: Sequence[tuple[int, str]]) -> None:
        """Let the lane, and others of the workspace, have further calls. What could not be recorded is sent later."""
        error = None if task.cancelled() else task.exception()
        is_broken = error is not None and not isinstance(error, StoreError)
        if is_broken:
            _log.error("message not sent", exc_info=error)
        self._calls[lane.name.team_id] -= 1
        for urgency, message_id in chosen:
            if error is not None:
                memory.failures[message_id] += is_broken  # what is broken is tried less and less often
                wait = retries.wait_refused(memory.failures[message_id], retries.UPDATE, 0.0) if is_broken else None
                memory.push(message_id, lane, urgency, time.monotonic() + (wait or _RETRY_DELAY))
            if message_id not in memory.entries:
                del memory.failures[message_id]
            del self._sending[message_id]
            self._recording.discard(message_id)
            if again := self._again.pop(message_id, None):
                self._memory.push(message_id, self._memory.lane(again[0]), again[1])
        lane.is_queued, lane.free_at = False, max(lane.free_at, time.monotonic() + retries.CALL_INTERVAL)
        memory.queue(lane)
        self._memory.release(lane.name.team_id)
        self.wake.set()

    async def _send(self, memory: Memory, lane: Lane, ids: Sequence[str], urgency: int) -> None:
        """Send a message as it is by now, with others that become parts of it, and record that."""
        term, message_id = self._term, ids[0]
        if len(ids) > 1:
            joined = await self.rows.join(message_id, ids[1:], term)
            left = [one for one in ids[1:] if one not in joined]
            self._again = dict.fromkeys(left, (lane.name, urgency)) | self._again
        card = await self.rows.card(message_id)
        if card is None or self.lease.term != term:
            return
        if card.ts is not None and lane.name.is_post:
            self._again.setdefault(message_id, (lane.name._replace(is_post=False), Urgency.UPDATE))
            return
        self._recording |= {message_id} if card.ts is None else set()
        attempt = await self._attempt(card)
        result, updates = attempt.result, memory.lane(lane.name._replace(is_post=False))
        if isinstance(result, Posted):
            memory.failures[message_id] = 0
            await self._record(card, result, attempt.digest, term)
            if attempt.again_in is not None:
                memory.push(message_id, updates, Urgency.UPDATE, time.monotonic() + attempt.again_in)
        elif (wait := self._wait_after(memory, card, result, lane)) is not None:
            memory.failures[message_id] += 1
            memory.push(message_id, lane, urgency, time.monotonic() + wait)
        else:
            self._report(card, result)
            await self.rows.close(card, result.why, _new_cards(card) if card.ts else ())
            self._tell(card, Refused(result.why))

    async def _attempt(self, card: Card) -> Attempt:
        """Make one attempt. Of an update without an answer nobody knows which state Slack has: that is recorded."""
        assert self.sender is not None  # noqa: S101 - else nothing is taken
        if card.ts is None and card.is_critical:
            card = replace(card, mentions=await self.rows.mention(card))
        try:
            attempt = await self.sender.send(card)
        except asyncio.CancelledError:  # it can arrive after what another leader sends by now
            if card.ts is not None:
                self.rows.shown(card, None)
            raise
        if card.ts is not None and isinstance(attempt.result, Doubtful):
            self.rows.shown(card, None)
        result = attempt.result
        is_answer = isinstance(result, Posted | Refused) or (isinstance(result, TryAgain) and result.limited)
        self._silent_since = None if is_answer else self._silent_since or time.monotonic()
        return attempt

    async def _record(self, card: Card, result: Posted, digest: str, term: int) -> None:
        if not result.ts:  # of the end of a batch, which was told elsewhere
            await self.rows.close(card, "")
            return
        posted = result.channel or card.channel_id, result.ts
        kept = await self.rows.sent(card, posted, digest, term)
        if card.ts is None and kept != result.ts and self.sender is not None:
            await self.sender.delete(card, *posted)  # another leader's post is kept up to date, or it is a part of one
        self._tell(card, result)

    def _wait_after(self, memory: Memory, card: Card, result: _Failure, lane: Lane) -> float | None:
        """Return the seconds until a message is sent again; None if never. Hold what Slack has refused for now."""
        is_of_alerts = bool(card.sender) or isinstance(card.content, AlertContent | HeldContent)
        patience = retries.UPDATE if card.ts else retries.ALERT if is_of_alerts else retries.RESULT
        failures, now = memory.failures[card.id] + 1, time.monotonic()
        if isinstance(result, Doubtful):
            return retries.wait_unanswered(failures, patience)
        if isinstance(result, TryAgain):
            if result.after and lane.name.is_post:
                lane.free_at = now + result.after
            elif result.after:
                memory.held_until[updates_of(lane.name)] = now + result.after
            wait = retries.wait_refused(failures, patience, card.age)
            return wait and max(result.after or 0.0, wait)
        if result.why in TOKEN_REFUSED:
            memory.held_until[lane.name.team_id] = now + retries.TOKEN_INTERVAL
            return retries.TOKEN_INTERVAL if card.age < patience.longest else None
        is_final = card.ts is None or result.why in retries.FINAL_FOR_UPDATE
        return None if is_final else retries.wait_refused(failures, patience, card.age, most=retries.MOST_TRIES)

    def _tell(self, card: Card, result: PostResult) -> None:
        for part in card.parts:
            if (sender := self._senders.get(part.id)) is not None and not sender.done():
                sender.set_result(result)

    def _report(self, card: Card, failure: _Failure) -> None:
        """Log a failure, and count the alerts that are lost by it, unless somebody still waits for them and does so."""
        sessions = ", ".join(part.session_id for part in card.parts[:_MOST_NAMED])
        fields = {"team": card.team_id, "channel": card.channel_id, "session": sessions, "why": failure.why}
        _log.error("message not posted" if card.ts is None else "message not updated any more", extra=fields)
        for part in card.parts:
            if card.ts is None and isinstance(part.content, AlertContent) and part.id not in self._senders:
                self.metrics.alerted(type(failure).__name__, part.content.alert.sender)


def _new_cards(card: Card) -> list[Card]:
    """Return new cards for the alerts that came for a message that cannot be updated: it can have been deleted."""
    news = [
        replace(part, id=new_id()) for part in card.parts if part.is_news and isinstance(part.content, AlertContent)
    ]
    return [Card(id=one.id, team_id=card.team_id, channel_id=card.channel_id, parts=(one,)) for one in news]
