"""Post to response URLs: only to Slack's, and without logging them.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus

import httpx
from cachetools import LRUCache

from bot.core.fields import Secret, parse_object, text_field
from bot.core.requests import MessageContent
from bot.messages.blocks import Message, Visibility, as_response
from bot.messages.results import without_added_keys
from bot.outbound.http import MAX_BODY_BYTES, NETWORK_ERRORS, read_body
from bot.outbound.slack.client import BlocksRefused, Doubtful, Posted, PostResult, Refused, TryAgain, read_failure
from bot.outbound.slack.errors import read_wait

_log = logging.getLogger(__name__)

_SLACK_HOST = re.compile(r"(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com", re.ASCII)
_JSON = {"Content-Type": "application/json"}
_TIMEOUT = 5.0
MOST_USES = 4  # of the five that Slack accepts
MOST_URLS = 10_000
_LONGEST_WORD = 100  # bytes of a plain text of Slack's
_WORDS = frozenset({b"", b"ok"})
_MOST_LOGGED = 20  # characters of an unknown word, and words
_INVALID_BLOCKS = "invalid_blocks"


class ResponseUrls:
    """Client of response URLs of Slack, and of the origin of `api_url` (SLACK_API_URL)."""

    def __init__(self, transport: httpx.AsyncBaseTransport, *, api_url: str) -> None:
        self._transport = transport
        self._api_origin = _origin(httpx.URL(api_url))
        self._uses: LRUCache[str, int] = LRUCache(MOST_URLS)
        self._unknown_words: set[bytes] = set()

    async def post(self, url: Secret, message: Message, *, thread_ts: str | None = None) -> PostResult:
        """Post `message` once, in a thread if one is given; raises no errors. One use is left for `replace`."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        body = {**as_response(message), "replace_original": False, **thread}
        return await self._send(url, body, most_uses=MOST_USES - 1)

    async def replace(self, url: Secret, card: MessageContent, visibility: Visibility) -> PostResult:
        """Replace the clicked message by `card` as a whole. Raises no Slack or network errors."""
        blocks = without_added_keys(card.blocks)
        body = {"response_type": visibility, "replace_original": True, "text": card.text, "blocks": blocks}
        return await self._send(url, body, most_uses=MOST_USES)

    async def _send(self, url: Secret, content: Mapping[str, object], *, most_uses: int) -> PostResult:
        if (parsed := self.trusted(url.reveal())) is None:
            return Refused("response_url is not Slack's")
        uses = self._uses.get(url.reveal(), 0)
        if uses >= most_uses:
            return Refused("response_url is used up")
        self._uses[url.reveal()] = uses + 1
        began, body = time.monotonic(), json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        request = httpx.Request("POST", parsed, headers=_JSON, stream=httpx.ByteStream(body.encode()))
        try:
            async with asyncio.timeout(_TIMEOUT):
                response = await self._transport.handle_async_request(request)
                async with aclosing(response):
                    answer = await read_body(response, MAX_BODY_BYTES)
        except NETWORK_ERRORS as error:
            result: PostResult = read_failure(error)
        else:
            result = read_response(response, answer)
            self._log_unknown(answer or b"", result)
        if isinstance(result, TryAgain):  # no use: nothing was sent, or Slack did not take it
            self._uses[url.reveal()] = self._uses.get(url.reveal(), 1) - 1
        fields = {"result": type(result).__name__, "ms": round((time.monotonic() - began) * 1000)}
        _log.debug("post to a response_url", extra=fields)
        return result

    def _log_unknown(self, word: bytes, result: PostResult) -> None:
        """Log once each word of a success that Slack is not known to use; it could repeat a URL, so not all of it."""
        is_known = not isinstance(result, Posted) or len(word) > _LONGEST_WORD or word.startswith(b"{")
        if not is_known and word not in _WORDS | self._unknown_words and len(self._unknown_words) < _MOST_LOGGED:
            self._unknown_words.add(word)
            shown = word.decode(errors="replace")[:_MOST_LOGGED]
            _log.warning("a response_url answered with an unknown word", extra={"word": shown})

    def trusted(self, url: str) -> httpx.URL | None:
        """Parse `url`; return None if Slack cannot have sent it: it could be a forged request (SSRF)."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return None
        if parsed.userinfo or "\\" in url:
            return None
        by_slack = parsed.scheme == "https" and parsed.port is None and _SLACK_HOST.fullmatch(parsed.host) is not None
        return parsed if by_slack or _origin(parsed) == self._api_origin else None


def read_response(response: httpx.Response, content: bytes | None) -> PostResult:
    """Translate Slack's response: 429 and 5xx are retried; an expired or used-up URL and `ok: false` are final.

    Slack accepts with a short text or `ok: true`. A page, a redirect, any other JSON, and `content` that is too large
    to be read (None) are not Slack's.
    """
    if _INVALID_BLOCKS.encode() in (content or b""):  # in JSON or as text
        return BlocksRefused(f"response_url error {_INVALID_BLOCKS}")
    why = f"response_url status {response.status_code}"
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return TryAgain(why, read_wait(response.headers))
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryAgain(why)
    body, fields = (content or b"").strip(), parse_object(content or b"")
    if fields is not None and fields.get("ok") is False and (error := text_field(fields, "error")):
        return Refused(f"response_url error {error}" if response.is_success else why)
    is_word = len(body) <= _LONGEST_WORD and b"<" not in body and not body.startswith((b"{", b"["))
    is_slacks = content is not None and (is_word or (fields is not None and fields.get("ok") is True))
    if response.is_redirect or not is_slacks:
        return Doubtful(why)
    return Posted() if response.status_code == HTTPStatus.OK else Refused(why)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)
