"""Deliver messages to people, by every route that they allow."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from cachetools import LRUCache

from bot.core.fairness import Tally
from bot.core.requests import FORGOTTEN, MessageContent, Person, ReplyAddress, program_name
from bot.core.retries import LONGEST_WAIT_IN_ROUND, ROUNDS, WAIT_FOR_SLACK, backoff
from bot.core.workspace import Workspace
from bot.messages.blocks import Message, Visibility
from bot.messages.clicked import without_images
from bot.messages.results import as_direct_message
from bot.outbound.slack.client import (
    BlocksRefused,
    Doubtful,
    NotSlack,
    Posted,
    PostResult,
    Refused,
    SlackClient,
    TryAgain,
)
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import happens
from bot.usecases.queue import CAPACITY, FairQueue

_log = logging.getLogger(__name__)

_MAX_DOUBTFUL = 2

Send = Callable[[], Awaitable[PostResult]]  # one attempt on a route
MAX_WAITING = 5_000  # the most results that wait for another round: a bound of memory
MAX_WAITING_EACH = 1_000  # the most of them for one person
MOST_REMEMBERED = 10_000
MOST_SENDING = 2_000  # messages that are being sent; others wait
MOST_SENDING_EACH = 500  # to or for one person
_ATTEMPTS = 3  # for an updated card and for a notice to an admin
_ATTEMPTS_WITHOUT_SLACK = 2  # if something else answers: each can have reached Slack
_FIRST_BACKOFF = 0.5
_MAX_DELAY = 60.0
_DELAY_WHILE_STOPPING = 0.5
_SHORTEST_PAUSE = 0.5  # seconds between two rounds, if one takes long


@dataclass(frozen=True, slots=True)
class Receipt:
    """The route by which a result was delivered, and the message if it was posted to a conversation."""

    route: str
    posted: Posted | None = None


@dataclass(slots=True)
class PendingResult:
    """A result under delivery: the routes that are left, and what happened so far. `began` is the loop's time."""

    address: ReplyAddress
    began: float
    routes: dict[str, Send]
    not_before: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    doubts: int = 0
    receipt: Receipt | None = None
    is_logged: bool = False
    foreign: str = ""
    """The route whose last answer was not Slack's, until Slack answers again."""
    is_cut_off: bool = False
    """All of Slack was replaced, not only this route."""
    is_taken_over: bool = False
    """Another process delivers it."""

    def record(self, route: str, outcome: PostResult) -> bool:
        """Record the outcome of a route. Return whether the delivery has ended."""
        if isinstance(outcome, Posted):
            self.receipt = Receipt(route, outcome if outcome.ts else None)
            return True
        self.failures[route] = outcome.why
        if isinstance(outcome, TryAgain):
            self.not_before[route] = asyncio.get_running_loop().time() + (outcome.after or 0.0)
            return False
        if isinstance(outcome, NotSlack):
            self.foreign = route
        else:
            del self.routes[route]
        self.doubts += isinstance(outcome, Doubtful)
        return self.doubts == _MAX_DOUBTFUL

    def resume(self) -> None:
        """Try the routes again: first the others, if only one did not lead to Slack."""
        if self.foreign and not self.is_cut_off:
            self.routes[self.foreign] = self.routes.pop(self.foreign)
        self.foreign, self.is_cut_off = "", False

    def log_retry(self) -> None:
        """Log once that the delivery is going to be repeated."""
        if not self.is_logged:
            _log.warning("Slack does not accept a result; it is sent again", extra=self._fields())
        self.is_logged = True

    def log_end(self) -> None:
        """Log how a delivery ended that did not succeed in its first round."""
        if self.is_taken_over:
            _log.info("result delivered by another process", extra=self._fields())
        elif self.receipt is None:
            _log.error("result possibly not delivered" if self.doubts else "result not delivered", extra=self._fields())
        elif self.is_logged:
            seconds = round(asyncio.get_running_loop().time() - self.began)
            _log.info("result delivered", extra=self._fields() | {"after_seconds": seconds})

    def _fields(self) -> dict[str, str]:
        actor, why = self.address.actor, "; ".join(f"{route}: {why}" for route, why in self.failures.items())
        return {"channel": actor.channel_id, "user": actor.user_id, "why": why}


Post = Callable[..., Awaitable[PostResult]]
"""Posts to a conversation or a person with the token of a workspace: `MessageDelivery` has it."""


def find_routes(address: ReplyAddress, message: Message, response_urls: ResponseUrls, post: Post) -> dict[str, Send]:
    """Return the routes by name, in the order in which they are tried.

    The response_url works where the bot is not a member. In a thread it comes second if a message shortcut gave it:
    Slack can post such an answer in the channel. A thread can be locked, so the channel follows.
    https://docs.slack.dev/interactivity/implementing-shortcuts
    """
    actor, url = address.actor, address.response_url
    is_public = message.visibility is Visibility.IN_CHANNEL
    thread_ts = address.thread_ts if is_public else None
    by_url: dict[str, Send] = {}
    by_post: dict[str, Send] = {}
    if url is not None:
        by_url["response_url"] = partial(response_urls.post, url, message, thread_ts=thread_ts)
    if is_public and actor.channel_id:
        by_post["channel"] = partial(post, actor.team_id, actor.channel_id, message, thread_ts=thread_ts)
    routes = by_post | by_url if thread_ts and address.message_url else by_url | by_post
    if url is not None and thread_ts:
        routes["response_url without thread"] = partial(response_urls.post, url, message)
    if program_name(actor.user_id) is None:
        private = as_direct_message(message, actor.channel_id)
        routes["direct message"] = partial(post, actor.team_id, actor.user_id, private)
    return routes


@dataclass(eq=False)
class MessageDelivery:
    """Delivery of messages after the ack. At most `capacity` wait until others are sent."""

    response_urls: ResponseUrls
    slack: SlackClient
    workspaces: Workspaces
    capacity: int = CAPACITY

    def __post_init__(self) -> None:
        self._queue = FairQueue(most=MOST_SENDING, most_each=MOST_SENDING_EACH, capacity=self.capacity)
        self._waiting: Tally[Person] = Tally()
        self.posting: Tally[tuple[str, str]] = Tally()
        """The workspaces and channels to which something is being posted."""
        self._receipts: LRUCache[tuple[str, str, str], asyncio.Future[Receipt | None]] = LRUCache(MOST_REMEMBERED)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Begin the next round of every waiting delivery now, and wait for no Retry-After from now on."""
        self._stopping.set()

    async def deliver(
        self, address: ReplyAddress, message: Message, *, is_ours: Callable[[], Awaitable[bool]] | None = None
    ) -> Receipt | None:
        """Deliver a result until Slack accepts it, or log the failure. Return how it was delivered, or None.

        A second call for the same address and text waits for the first one: Slack can send a request again.
        """
        url = address.response_url
        if url is None:
            return await self._deliver(address, message, is_ours)
        name = (url.reveal(), address.invocation, message.text)
        if (first := self._receipts.get(name)) is not None:
            return await asyncio.shield(first)
        receipt: asyncio.Future[Receipt | None] = asyncio.get_running_loop().create_future()
        self._receipts[name] = receipt
        try:
            receipt.set_result(await self._deliver(address, message, is_ours))
        finally:
            receipt.cancel()  # unless it has its result
        return receipt.result()

    async def _deliver(
        self, address: ReplyAddress, message: Message, is_ours: Callable[[], Awaitable[bool]] | None
    ) -> Receipt | None:
        """Deliver a result in the rounds of `core.retries`.

        Each round tries the routes in order. A route is dropped when Slack refuses it finally. A message without a
        response from Slack may be visible, so it is sent only once more, by another route. If something else answered,
        as at a captive portal, it is sent once more when Slack answers again. It ends before a round in which the
        result turns out not to be ours: another process delivers it.
        """
        began = asyncio.get_running_loop().time()
        result = PendingResult(address, began, find_routes(address, message, self.response_urls, self._post))
        try:
            for start in ROUNDS:
                if start and not await self._wait(address.actor.person, began + start):
                    break
                if start and is_ours is not None and not await is_ours():
                    result.is_taken_over = True
                    break
                if await self._is_slack_back(result, start) and await self._try_routes(result):
                    break
                result.log_retry()
        except asyncio.CancelledError:
            result.failures["all"] = "the bot was stopped"
            raise
        finally:
            result.log_end()
        return result.receipt

    async def send_dm(self, team_id: str, user_id: str, message: Message) -> bool:
        """Send a message to a person or a channel. Return whether it can have arrived. A forgotten person gets none."""
        if user_id.startswith(FORGOTTEN):
            return False
        result = await self._with_retries((team_id, user_id), lambda: self._post(team_id, user_id, message))
        if isinstance(result, Refused):
            _log.warning("direct message not delivered", extra={"user": user_id, "why": result.why})
        return not isinstance(result, Refused)

    async def update_message(self, address: ReplyAddress, card: MessageContent, visibility: Visibility) -> bool:
        """Replace the clicked message, without its images if Slack refuses the blocks. Return whether it took them."""
        url, person = address.response_url, address.actor.person
        if url is None:
            return True
        result = await self._with_retries(person, lambda: self.response_urls.replace(url, card, visibility))
        if isinstance(result, BlocksRefused):
            bare = without_images(card)
            result = await self._with_retries(person, lambda: self.response_urls.replace(url, bare, visibility))
        if not isinstance(result, Posted):
            _log.warning("message not updated", extra={"channel": address.actor.channel_id, "why": result.why})
        return not isinstance(result, BlocksRefused)

    async def _wait(self, person: Person, start: float) -> bool:
        """Wait until the start of a round. Return False if too many deliveries wait already."""
        delay = max(_SHORTEST_PAUSE, start - asyncio.get_running_loop().time())
        if self._waiting.total >= MAX_WAITING or self._waiting[person] >= MAX_WAITING_EACH:
            return False
        self._waiting.add(person)
        try:
            await self._sleep(delay)
        finally:
            self._waiting.remove(person)
        return True

    async def _is_slack_back(self, result: PendingResult, start: float) -> bool:
        """Return whether Slack answers, if something else did in its place to an attempt that may be visible."""
        if result.foreign:
            workspace = await self._find(result.address.actor.team_id)
            is_there = isinstance(workspace, Refused) or (
                isinstance(workspace, Workspace) and await self.slack.answers(workspace.bot_token)
            )
            result.is_cut_off |= not is_there
            if not is_there or start < WAIT_FOR_SLACK:
                return False
            result.resume()
        return True

    async def _try_routes(self, result: PendingResult) -> bool:
        """Try each route once, or twice if Slack asks for a short wait. Return whether the delivery has ended."""
        person = result.address.actor.person
        for name, send in list(result.routes.items()):
            if not self._stopping.is_set() and asyncio.get_running_loop().time() < result.not_before.get(name, 0.0):
                continue
            outcome = await self._attempt(person, send)
            if isinstance(outcome, TryAgain) and outcome.after and outcome.after <= LONGEST_WAIT_IN_ROUND:
                await self._sleep(outcome.after)
                outcome = await self._attempt(person, send)
            if result.record(name, outcome):
                return True
            if result.foreign:
                return False
        return not result.routes

    async def _sleep(self, seconds: float) -> None:
        if self._stopping.is_set():
            await asyncio.sleep(min(seconds, _DELAY_WHILE_STOPPING))
            return
        await happens(self._stopping, within=seconds)

    async def _post(self, team_id: str, channel: str, message: Message, *, thread_ts: str | None = None) -> PostResult:
        workspace = await self._find(team_id)
        if not isinstance(workspace, Workspace):
            return workspace
        self.posting.add((team_id, channel))
        try:
            return await self.slack.post_message(workspace.bot_token, channel, message, thread_ts=thread_ts)
        finally:
            self.posting.remove((team_id, channel))

    async def _find(self, team_id: str) -> Workspace | TryAgain | Refused:
        try:
            return await self.workspaces.find(team_id) or Refused("no token for this workspace")
        except StoreError as error:
            return TryAgain(str(error))

    async def _with_retries(self, person: Person, send: Send) -> Posted | Doubtful | Refused:
        attempt = 1
        while True:
            result = await self._attempt(person, send)
            if not isinstance(result, TryAgain | NotSlack):
                return result
            after, most = (result.after, _ATTEMPTS) if isinstance(result, TryAgain) else (None, _ATTEMPTS_WITHOUT_SLACK)
            delay = backoff(attempt, first=_FIRST_BACKOFF, longest=_MAX_DELAY) if after is None else after
            if attempt >= most or delay > _MAX_DELAY:
                return Refused(f"{result.why} (attempt {attempt})")
            await self._sleep(delay)
            attempt += 1

    async def _attempt(self, person: Person, send: Send) -> PostResult:
        async with self._queue.turn(person) as why_not:
            if why_not is not None:
                return Refused("too many messages of this person wait")
            try:
                return await send()
            except Exception as error:  # noqa: BLE001 - another route may work
                _log.exception("delivery attempt raised an exception")
                return Refused(type(error).__name__)
