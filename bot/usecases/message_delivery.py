"""Deliver messages: by response_url, else to the channel, else as a direct message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from bot.core.requests import ReplyAddress
from bot.messages.card_update import MessageContent
from bot.messages.message import Message, Visibility
from bot.messages.request_errors import as_direct_message
from bot.outbound.slack.client import SlackClient
from bot.outbound.slack.delivery import Delivered, Delivery, Doubtful, Refused, TryAgain
from bot.outbound.slack.response_url import ResponseUrls
from bot.outbound.workspaces import StoreError, Workspaces

_log = logging.getLogger(__name__)

_ATTEMPTS = 3  # Slack accepts five uses of a response_url
_FIRST_BACKOFF = 0.5
_MAX_DELAY = 60.0
_MAX_DOUBTFUL = 2

_Route = tuple[str, Callable[[], Awaitable[Delivery]]]


class MessageDelivery:
    """Delivery of messages after the ack, by the first route that works."""

    def __init__(self, response_urls: ResponseUrls, slack: SlackClient, workspaces: Workspaces) -> None:
        self._response_urls = response_urls
        self._slack = slack
        self._workspaces = workspaces

    async def deliver(self, address: ReplyAddress, message: Message) -> None:
        """Deliver `message`, or log the failure without its text.

        A message without a response from Slack may still be visible, so only one more route is tried after it.
        """
        failures: list[str] = []
        doubts = 0
        try:
            routes = self._routes(address, message)
            while doubts < _MAX_DOUBTFUL and (next_route := next(routes, None)):
                route, send = next_route
                result = await _with_retries(send)
                if isinstance(result, Delivered):
                    return
                failures.append(f"{route}: {result.why}")
                doubts += isinstance(result, Doubtful)
        except asyncio.CancelledError:
            _log_undelivered(address, [*failures, "the bot was stopped"], doubts)
            raise
        _log_undelivered(address, failures, doubts)

    async def send_dm(self, team_id: str, user_id: str, message: Message) -> bool:
        """Send a direct message. Return whether it can have arrived; if not, log why."""
        result = await _with_retries(lambda: self._post(team_id, user_id, message))
        if isinstance(result, Refused):
            _log.warning("direct message not delivered", extra={"user": user_id, "why": result.why})
        return not isinstance(result, Refused)

    async def update_message(self, address: ReplyAddress, card: MessageContent, visibility: Visibility) -> None:
        """Replace the clicked message by `card`, or log the failure."""
        url = address.response_url
        if url is None:
            return
        result = await _with_retries(lambda: self._response_urls.replace(url, card, visibility))
        if not isinstance(result, Delivered):
            _log.warning("message not updated", extra={"channel": address.actor.channel_id, "why": result.why})

    def _routes(self, address: ReplyAddress, message: Message) -> Iterator[_Route]:
        actor, url = address.actor, address.response_url
        is_public = message.visibility is Visibility.IN_CHANNEL
        thread_ts = address.thread_ts if is_public else None
        if url is not None:
            yield "response_url", lambda: self._response_urls.post(url, message, thread_ts=thread_ts)
        if is_public:
            yield "channel", lambda: self._post(actor.team_id, actor.channel_id, message, thread_ts=thread_ts)
        private = as_direct_message(message, actor.channel_id)
        yield "direct message", lambda: self._post(actor.team_id, actor.user_id, private)

    async def _post(self, team_id: str, channel: str, message: Message, *, thread_ts: str | None = None) -> Delivery:
        """Post with the token of the request's own workspace."""
        try:
            workspace = await self._workspaces.find(team_id)
        except StoreError as error:
            return Refused(str(error))
        if workspace is None:
            return Refused("no token for this workspace")
        return await self._slack.post_message(workspace.bot_token, channel, message, thread_ts=thread_ts)


async def _with_retries(send: Callable[[], Awaitable[Delivery]]) -> Delivered | Doubtful | Refused:
    """Send until the result is final or the retries are used up."""
    attempt = 1
    while True:
        try:
            result = await send()
        except Exception as error:  # noqa: BLE001 - another route may work
            _log.exception("delivery attempt raised an exception")
            return Refused(type(error).__name__)
        if not isinstance(result, TryAgain):
            return result
        delay = _FIRST_BACKOFF * 2 ** (attempt - 1) if result.after is None else result.after
        if attempt == _ATTEMPTS or delay > _MAX_DELAY:
            return Refused(f"{result.why} (attempt {attempt})")
        await asyncio.sleep(delay)
        attempt += 1


def _log_undelivered(address: ReplyAddress, failures: list[str], doubts: int) -> None:
    actor = address.actor
    _log.error(
        "result possibly not delivered" if doubts else "result not delivered",
        extra={"channel": actor.channel_id, "user": actor.user_id, "why": "; ".join(failures)},
    )
