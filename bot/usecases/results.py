"""Tell results after the ack, by the first route that Slack accepts, and send direct messages."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bot.core import retries
from bot.core.fairness import Tally
from bot.core.orders import FORGOTTEN, Actor, MessageContent, Person, ReplyAddress, program_name
from bot.core.workspace import Workspace
from bot.messages.blocks import Message, Visibility
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, SlackClient, TryAgain
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.slack.web_api import TOKEN_REFUSED
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import happens
from bot.usecases.queue import CAPACITY, FairQueue

_log = logging.getLogger(__name__)

Send = Callable[[], Awaitable[PostResult]]  # one attempt on a route
MAX_WAITING = 5_000  # the most results that wait until they are sent again: a bound of memory
MAX_WAITING_EACH = 1_000  # the most of them for one person
MOST_SENDING = 2_000  # messages that are being sent; others wait
MOST_SENDING_EACH = 500  # to or for one person
_SAME_ROUTE = 2  # attempts without an answer on a route, before the next one is taken
_DELAY_WHILE_STOPPING = 0.5
_LONGEST_WAIT_IN_ROUND = 3.0  # seconds of a Retry-After that is waited for before the next route is taken


@dataclass(frozen=True, slots=True)
class Delivered:
    """The route by which a result was delivered, and the message if it was posted to a conversation."""

    route: str
    posted: Posted | None = None


@dataclass(eq=False, repr=False)
class MessageDelivery:
    """Delivery of messages after the ack. At most `capacity` wait until others are sent."""

    response_urls: ResponseUrls
    slack: SlackClient
    workspaces: Workspaces
    capacity: int = CAPACITY

    def __post_init__(self) -> None:
        self._queue = FairQueue(most=MOST_SENDING, most_each=MOST_SENDING_EACH, capacity=self.capacity)
        self._waiting: Tally[Person] = Tally()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Try every waiting delivery again now, and wait only shortly from now on."""
        self._stopping.set()

    async def deliver(self, address: ReplyAddress, message: Message, *, session_id: str = "") -> Delivered | None:
        """Deliver a result until Slack accepts it. Return how; None if nobody can be told, which is an ERROR.

        A route that Slack refuses finally is dropped. What it refuses for now, or for the token, is tried on every
        route, for half an hour. Without an answer the message may be visible, and is sent again: from the third time on
        by the next route.
        """
        person, began = address.actor.person, asyncio.get_running_loop().time()
        routes, why = self._routes(address, message), dict[str, str]()
        unanswered = refused = 0
        about = {"session": session_id, "channel": address.actor.channel_id, "user": address.actor.user_id}
        try:
            while not isinstance(result := await self._try(person, routes, why), Delivered):
                age, wait = asyncio.get_running_loop().time() - began, None
                if result is None:
                    refused += 1
                    wait = retries.wait_refused(refused, retries.RESULT, age)
                else:
                    unanswered += 1
                    wait = retries.wait_unanswered(unanswered, retries.RESULT)
                    if unanswered >= _SAME_ROUTE:  # the next route first
                        first = next(iter(routes))
                        routes[first] = routes.pop(first)
                if not routes or wait is None or not await self._wait(person, wait):
                    _log.error("result not delivered", extra=about | {"why": _told(why)})
                    return None
        except asyncio.CancelledError:
            _log.error("result not delivered", extra=about | {"why": _told(why | {"all": "the bot was stopped"})})
            raise
        if why:
            _log.info("result delivered", extra=about | {"route": result.route})
        return result

    def _routes(self, address: ReplyAddress, message: Message) -> dict[str, Send]:
        """Return the routes by name, in the order in which they are tried.

        The response_url works where the bot is not a member. In a thread it comes second if a message shortcut gave it:
        Slack can post such an answer in the channel. A thread can be locked, so the channel follows.
        https://docs.slack.dev/interactivity/implementing-shortcuts
        """
        actor, url, by_url = address.actor, address.response_url, self.response_urls.post
        is_public = message.visibility is Visibility.IN_CHANNEL
        thread_ts = address.thread_ts if is_public else None
        answer: dict[str, Send] = {}
        post: dict[str, Send] = {}
        if url is not None:
            answer["response_url"] = partial(by_url, url, message, thread_ts=thread_ts)
        if is_public and actor.channel_id:
            post["channel"] = partial(self._post, actor.team_id, actor.channel_id, message, thread_ts=thread_ts)
        routes = post | answer if thread_ts and address.clicked is None else answer | post
        if url is not None and thread_ts:
            routes["response_url without thread"] = partial(by_url, url, message)
        if program_name(actor.user_id) is None and not actor.user_id.startswith(FORGOTTEN):
            routes["direct message"] = partial(self._post, actor.team_id, actor.user_id, message)
        return routes

    async def _try(self, person: Person, routes: dict[str, Send], why: dict[str, str]) -> Delivered | Doubtful | None:
        """Try the routes in order, until Slack has taken the message, or can have: each again after a short wait.

        Those that Slack refuses finally are dropped.
        """
        for name, send in list(routes.items()):
            result = await self._attempt(person, send)
            if isinstance(result, TryAgain) and 0.0 < (result.after or 0.0) <= _LONGEST_WAIT_IN_ROUND:
                await self._sleep(result.after or 0.0)
                result = await self._attempt(person, send)
            if isinstance(result, Posted):
                return Delivered(name, result if result.ts else None)
            why[name] = result.why
            if isinstance(result, Doubtful):
                return result
            if isinstance(result, Refused) and result.why not in TOKEN_REFUSED:
                del routes[name]
        return None

    async def send_dm(self, team_id: str, user_id: str, message: Message) -> bool:
        """Send a message to a person or a channel, as a result. Return whether Slack took it."""
        return await self.deliver(ReplyAddress(Actor(team_id, "", user_id)), message) is not None

    async def update_message(self, address: ReplyAddress, card: MessageContent, visibility: Visibility) -> bool:
        """Replace the clicked message, in one attempt. Return whether Slack has taken that."""
        if (url := address.response_url) is None:
            return False
        result = await self._attempt(address.actor.person, lambda: self.response_urls.replace(url, card, visibility))
        if not isinstance(result, Posted):
            _log.warning("message not updated", extra={"channel": address.actor.channel_id, "why": result.why})
        return isinstance(result, Posted)

    async def _wait(self, person: Person, seconds: float) -> bool:
        """Wait before a message is sent again. Return False if too many deliveries wait already."""
        if self._waiting.total >= MAX_WAITING or self._waiting[person] >= MAX_WAITING_EACH:
            return False
        self._waiting.add(person)
        try:
            await self._sleep(seconds)
        finally:
            self._waiting.remove(person)
        return True

    async def _sleep(self, seconds: float) -> None:
        if self._stopping.is_set():
            await asyncio.sleep(min(seconds, _DELAY_WHILE_STOPPING))
            return
        await happens(self._stopping, within=seconds)

    async def _post(self, team_id: str, channel: str, message: Message, *, thread_ts: str | None = None) -> PostResult:
        workspace = await self._find(team_id)
        if not isinstance(workspace, Workspace):
            return workspace
        return await self.slack.post_message(workspace.bot_token, channel, message, thread_ts=thread_ts)

    async def _find(self, team_id: str) -> Workspace | TryAgain | Refused:
        try:
            return await self.workspaces.find(team_id) or Refused("no token for this workspace")
        except StoreError as error:
            return TryAgain(str(error))

    async def _attempt(self, person: Person, send: Send) -> PostResult:
        async with self._queue.turn(person) as why_not:
            if why_not is not None:
                return Refused("too many messages of this person wait")
            try:
                return await send()
            except Exception as error:  # noqa: BLE001 - another route may work
                _log.exception("delivery attempt raised an exception")
                return Refused(type(error).__name__)


def _told(why: Mapping[str, str]) -> str:
    return "; ".join(f"{route}: {text}" for route, text in why.items())
