"""See to it that a person is told: by response_url, else in the channel, else in a direct message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from bot.core.messages.message import Message, Visibility
from bot.core.messages.notices import astray
from bot.core.requests import ReplyAddress
from bot.outbound.delivery import Delivered, Delivery, Refused, TryAgain
from bot.outbound.response_url import ResponseUrls
from bot.outbound.slack import SlackClient
from bot.outbound.workspaces import SingleWorkspace

_log = logging.getLogger(__name__)

_ATTEMPTS = 3  # a response_url may be used five times in all
_FIRST_BACKOFF = 0.5
_LONGEST_WAIT = 60.0

_Way = tuple[str, Callable[[], Awaitable[Delivery]]]


class Teller:
    """Delivers messages after the ack, by the first way that works."""

    def __init__(self, response_urls: ResponseUrls, slack: SlackClient, workspaces: SingleWorkspace) -> None:
        self._response_urls = response_urls
        self._slack = slack
        self._workspaces = workspaces

    async def tell(self, address: ReplyAddress, message: Message) -> bool:
        """Deliver `message`, and say whether Slack took it. What can't be told is logged, without its text."""
        failures = []
        try:
            for way, send in self._ways(address, message):
                result = await _persist(send)
                if isinstance(result, Delivered):
                    return True
                failures.append(f"{way}: {result.why}")
        except asyncio.CancelledError:
            _log_untold(address, [*failures, "the bot was stopped"])
            raise
        _log_untold(address, failures)
        return False

    def _ways(self, address: ReplyAddress, message: Message) -> Iterator[_Way]:
        asker, url = address.asker, address.response_url
        if url is not None:
            yield "response_url", lambda: self._response_urls.post(url, message)
        workspace = self._workspaces.find(asker.team_id)
        if workspace is None:
            return
        token = workspace.bot_token
        if message.visibility is Visibility.IN_CHANNEL:
            yield "channel", lambda: self._slack.post_message(token, asker.channel_id, message.text)
        private = astray(message, asker.channel_id).text
        yield "direct message", lambda: self._slack.post_message(token, asker.user_id, private)


async def _persist(send: Callable[[], Awaitable[Delivery]]) -> Delivered | Refused:
    """Send until Slack takes it or refuses it, as often and as long as makes sense."""
    attempt = 1
    while True:
        result = await send()
        if not isinstance(result, TryAgain):
            return result
        wait = _FIRST_BACKOFF * 2 ** (attempt - 1) if result.after is None else result.after
        if attempt == _ATTEMPTS or wait > _LONGEST_WAIT:
            return Refused(f"{result.why} (attempt {attempt})")
        await asyncio.sleep(wait)
        attempt += 1


def _log_untold(address: ReplyAddress, failures: list[str]) -> None:
    asker = address.asker
    _log.error(
        "a result could not be told",
        extra={"channel": asker.channel_id, "user": asker.user_id, "why": "; ".join(failures)},
    )
