"""Post to response URLs: only to Slack's, and without logging them.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from bot.core.fields import Secret, parse_object, text_field
from bot.core.orders import MessageContent
from bot.messages.blocks import Message, Visibility, as_response
from bot.messages.results import without_added_keys
from bot.outbound.http import NETWORK_ERRORS, content_of
from bot.outbound.slack.client import Doubtful, Posted, PostResult, Refused, TryAgain, read_failure
from bot.outbound.slack.web_api import read_wait

_log = logging.getLogger(__name__)

_URL = re.compile(r"(?P<origin>https?://[^/?#@\\\s]+)/[!-\[\]-~]*", re.ASCII)
_SLACK = re.compile(r"https://(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com", re.ASCII | re.IGNORECASE)
_JSON = {"Content-Type": "application/json"}
_TIMEOUT = 5.0
_LONGEST_WORD = 100  # bytes of a plain text of Slack's
_INVALID_BLOCKS = b"invalid_blocks"


class ResponseUrls:
    """Client of response URLs of Slack, and of the origin of `api_url` (SLACK_API_URL)."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, api_url: str) -> None:
        self._transport = transport
        parts = urlsplit(api_url)
        self._api_origin = f"{parts.scheme}://{parts.netloc}"

    async def post(self, url: Secret, message: Message, *, thread_ts: str | None = None) -> PostResult:
        """Post `message` once, in a thread if one is given; raises no errors."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        return await self._send(url, {**as_response(message), "replace_original": False, **thread})

    async def replace(self, url: Secret, card: MessageContent, visibility: Visibility) -> PostResult:
        """Replace the clicked message by `card` as a whole. Raises no Slack or network errors."""
        blocks = without_added_keys(card.blocks)
        body = {"response_type": visibility, "replace_original": True, "text": card.text, "blocks": blocks}
        return await self._send(url, body)

    async def _send(self, url: Secret, content: Mapping[str, object]) -> PostResult:
        if not self.is_trusted(url.reveal()):
            return Refused("response_url is not Slack's")
        began, body = time.monotonic(), json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        request = httpx.Request("POST", url.reveal(), headers=_JSON, stream=httpx.ByteStream(body.encode()))
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._transport.handle_async_request(request)
        except NETWORK_ERRORS as error:
            result: PostResult = read_failure(error)
        else:
            result = read_response(response)
        fields = {"result": type(result).__name__, "ms": round((time.monotonic() - began) * 1000)}
        _log.debug("post to a response_url", extra=fields)
        return result

    def is_trusted(self, url: str) -> bool:
        """Return whether Slack can have sent it; else it could be a forged request (SSRF)."""
        found = _URL.fullmatch(url)
        return found is not None and bool(_SLACK.fullmatch(found["origin"]) or found["origin"] == self._api_origin)


def read_response(response: httpx.Response) -> PostResult:
    """Translate Slack's response: 429 and 5xx are retried; an expired or used-up URL and `ok: false` are final.

    Slack accepts with a short text or `ok: true`. A page, a redirect, and any other JSON are not Slack's.
    """
    body, status = content_of(response).strip(), response.status_code
    why = f"response_url status {status}"
    if _INVALID_BLOCKS in body:  # in JSON or as text
        return Refused(f"response_url error {_INVALID_BLOCKS.decode()}")
    fields = parse_object(body)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryAgain(why, read_wait(response.headers))
    is_accepted = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if fields is not None and fields.get("ok") is False and (error := text_field(fields, "error")):
        return Refused(f"response_url error {error}" if is_accepted else why)
    is_word = len(body) <= _LONGEST_WORD and b"<" not in body and body[:1] not in (b"{", b"[")
    is_slacks = is_word or (fields is not None and fields.get("ok") is True)
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST or not is_slacks:
        return Doubtful(why)
    return Posted() if status == HTTPStatus.OK else Refused(why)
