"""Post to response URLs: only to Slack's, and without logging them.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus

import httpx
from cachetools import LRUCache

from bot.core.clicked_message import MessageContent
from bot.core.json_fields import parse_object
from bot.core.secret import Secret
from bot.messages.card_images import without_added_keys
from bot.messages.message import Message, Visibility, as_response
from bot.outbound.http_client import NETWORK_ERRORS, never_sent, read_retry_after, timeouts
from bot.outbound.slack.delivery import BlocksRefused, Delivered, Delivery, Refused, TryAgain, read_failure

_log = logging.getLogger(__name__)

_SLACK_HOST = re.compile(r"(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com", re.ASCII)
_TIMEOUT = 5.0
MOST_USES = 4  # of the five that Slack accepts
MOST_URLS = 10_000
_INVALID_BLOCKS = "invalid_blocks"


class ResponseUrls:
    """Client of response URLs of Slack, and of the origin of `api_url` (SLACK_API_URL)."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, api_url: str) -> None:
        self._transport = transport
        self._api_origin = _origin(httpx.URL(api_url))
        self._uses: LRUCache[str, int] = LRUCache(MOST_URLS)

    async def post(self, url: Secret, message: Message, *, thread_ts: str | None = None) -> Delivery:
        """Post `message` once, in a thread if one is given. Raises no Slack or network errors.

        One use of the URL is left for `replace`.
        """
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        body = {**as_response(message), "replace_original": False, **thread}
        return await self._send(url, body, most_uses=MOST_USES - 1)

    async def replace(self, url: Secret, card: MessageContent, visibility: Visibility) -> Delivery:
        """Replace the clicked message by `card` as a whole. Raises no Slack or network errors."""
        parts = without_added_keys({"blocks": card.blocks, "attachments": card.attachments})
        body = {"response_type": visibility, "replace_original": True, "text": card.text, **parts}
        return await self._send(url, body, most_uses=MOST_USES)

    async def _send(self, url: Secret, body: Mapping[str, object], *, most_uses: int) -> Delivery:
        if not self.is_trusted(url.reveal()):
            return Refused("response_url is not Slack's")
        uses = self._uses.get(url.reveal(), 0)
        if uses >= most_uses:
            return Refused("response_url is used up")
        self._uses[url.reveal()] = uses + 1
        request, began = httpx.Request("POST", url.reveal(), json=body, extensions=timeouts()), time.monotonic()
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._transport.handle_async_request(request)
                await response.aread()
        except NETWORK_ERRORS as error:
            self._uses[url.reveal()] = uses + (not never_sent(error))
            result: Delivery = read_failure(error)
        else:
            result = read_response(response)
        fields = {"result": type(result).__name__, "ms": round((time.monotonic() - began) * 1000)}
        _log.debug("post to a response_url", extra=fields)
        return result

    def is_trusted(self, url: str) -> bool:
        """Return whether Slack can have sent `url`: any other could be a forged request (SSRF)."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        if parsed.userinfo or "\\" in url:
            return False
        by_slack = parsed.scheme == "https" and parsed.port is None and _SLACK_HOST.fullmatch(parsed.host) is not None
        return by_slack or _origin(parsed) == self._api_origin


def read_response(response: httpx.Response) -> Delivery:
    """Translate Slack's response: 429 and 5xx are retried; an expired or used-up URL and `ok: false` are final."""
    if _INVALID_BLOCKS.encode() in response.content:  # in JSON or as text
        return BlocksRefused(f"response_url error {_INVALID_BLOCKS}")
    if response.is_success:
        error = _error_in(response.content)
        return Refused(f"response_url error {error}") if error else Delivered()
    why = f"response_url status {response.status_code}"
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return TryAgain(why, read_retry_after(response.headers))
    return TryAgain(why) if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else Refused(why)


def _error_in(body: bytes) -> str | None:
    """Return the error of a body `{"ok": false, …}`; the body of a success is the text "ok"."""
    fields = parse_object(body)
    return str(fields.get("error")) if fields is not None and fields.get("ok") is False else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)
