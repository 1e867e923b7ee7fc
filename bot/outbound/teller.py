"""See to it that a person is told: by response_url, else in the channel, else in a direct message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator

from bot.core.card import Card
from bot.core.messages.message import Message, Visibility
from bot.core.messages.notices import astray
from bot.core.requests import ReplyAddress
from bot.outbound.delivery import Delivered, Delivery, Doubtful, Refused, TryAgain
from bot.outbound.response_url import ResponseUrls
from bot.outbound.slack import SlackClient
from bot.outbound.workspaces import StoreError, Workspaces

_log = logging.getLogger(__name__)

_ATTEMPTS = 3  # a response_url may be used five times in all
_FIRST_BACKOFF = 0.5
_LONGEST_WAIT = 60.0
_MOST_DOUBTS = 2

_Way = tuple[str, Callable[[], Awaitable[Delivery]]]


class Teller:
    """Delivers messages after the ack, by the first way that works."""

    def __init__(self, response_urls: ResponseUrls, slack: SlackClient, workspaces: Workspaces) -> None:
        self._response_urls = response_urls
        self._slack = slack
        self._workspaces = workspaces

    async def tell(self, address: ReplyAddress, message: Message) -> bool:
        """Deliver `message`, and say whether Slack took it. What can't be told is logged, without its text.

        A message that got no answer may be seen all the same. So it is sent once more, the next way, and then no more.
        """
        failures: list[str] = []
        doubts = 0
        try:
            ways = self._ways(address, message)
            while doubts < _MOST_DOUBTS and (next_way := next(ways, None)):
                way, send = next_way
                result = await _persist(send)
                if isinstance(result, Delivered):
                    return True
                failures.append(f"{way}: {result.why}")
                doubts += isinstance(result, Doubtful)
        except asyncio.CancelledError:
            _log_untold(address, [*failures, "the bot was stopped"], doubts)
            raise
        _log_untold(address, failures, doubts)
        return False

    async def write_to(self, team_id: str, user_id: str, message: Message) -> bool:
        """Write somebody a direct message, and say whether they may have got it. Where not, the log says why."""
        result = await _persist(lambda: self._post(team_id, user_id, message))
        if isinstance(result, Refused):
            _log.warning("a direct message could not be sent", extra={"user": user_id, "why": result.why})
        return not isinstance(result, Refused)

    async def replace(self, address: ReplyAddress, card: Card, visibility: Visibility) -> None:
        """Put `card` in the place of the message that was clicked. Where Slack does not take it, the log says so."""
        url = address.response_url
        if url is None:
            return
        result = await _persist(lambda: self._response_urls.replace(url, card, visibility))
        if not isinstance(result, Delivered):
            _log.warning(
                "a message could not be changed", extra={"channel": address.asker.channel_id, "why": result.why}
            )

    def _ways(self, address: ReplyAddress, message: Message) -> Iterator[_Way]:
        asker, url = address.asker, address.response_url
        is_public = message.visibility is Visibility.IN_CHANNEL
        thread_ts = address.thread_ts if is_public else None
        if url is not None:
            yield "response_url", lambda: self._response_urls.post(url, message, thread_ts=thread_ts)
        if is_public:
            yield "channel", lambda: self._post(asker.team_id, asker.channel_id, message, thread_ts=thread_ts)
        private = astray(message, asker.channel_id)
        yield "direct message", lambda: self._post(asker.team_id, asker.user_id, private)

    async def _post(self, team_id: str, channel: str, message: Message, *, thread_ts: str | None = None) -> Delivery:
        """Post with the token of the workspace that the request came from, and with no other."""
        try:
            workspace = await self._workspaces.find(team_id)
        except StoreError as error:
            return Refused(str(error))
        if workspace is None:
            return Refused("no token for this workspace")
        return await self._slack.post_message(workspace.bot_token, channel, message, thread_ts=thread_ts)


async def _persist(send: Callable[[], Awaitable[Delivery]]) -> Delivered | Doubtful | Refused:
    """Send until Slack takes it, refuses it or falls silent, as often and as long as makes sense."""
    attempt = 1
    while True:
        try:
            result = await send()
        except Exception as error:  # noqa: BLE001 - another way may do
            _log.exception("a way to tell people broke")
            return Refused(type(error).__name__)
        if not isinstance(result, TryAgain):
            return result
        wait = _FIRST_BACKOFF * 2 ** (attempt - 1) if result.after is None else result.after
        if attempt == _ATTEMPTS or wait > _LONGEST_WAIT:
            return Refused(f"{result.why} (attempt {attempt})")
        await asyncio.sleep(wait)
        attempt += 1


def _log_untold(address: ReplyAddress, failures: list[str], doubts: int) -> None:
    asker = address.asker
    _log.error(
        "a result may not have been told" if doubts else "a result could not be told",
        extra={"channel": asker.channel_id, "user": asker.user_id, "why": "; ".join(failures)},
    )
