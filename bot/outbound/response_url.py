"""Answer through a response_url: only Slack's, and never logged.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import json
import re
from collections.abc import Mapping

import httpx

from bot.core.card import Card
from bot.core.messages.message import Message, Visibility, as_response
from bot.core.secret import Secret
from bot.outbound.delivery import Delivered, Delivery, Refused, TryAgain, read_failure
from bot.outbound.http_client import NETWORK_ERRORS
from bot.outbound.retry_after import read_retry_after

_SLACK_HOST = re.compile(r"(?:[a-z0-9-]+\.)+slack(?:-gov)?\.com", re.ASCII)
_TIMEOUT = 5.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class ResponseUrls:
    """Posts to response URLs of Slack, and of the host of `api_url` (SLACK_API_URL), scheme and port included."""

    def __init__(self, http: httpx.AsyncClient, *, api_url: str) -> None:
        self._http = http
        self._api_origin = _origin(httpx.URL(api_url))

    async def post(self, url: Secret, message: Message, *, thread_ts: str | None = None) -> Delivery:
        """Post `message` once, in a thread if one is named. Never raises for what the network or Slack does."""
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        return await self._send(url, {**as_response(message), "replace_original": False, **thread})

    async def replace(self, url: Secret, card: Card, visibility: Visibility) -> Delivery:
        """Put `card` in the place of the message that was clicked, once. Never raises, as `post`.

        Slack takes the new message whole: what is not sent again is gone.
        """
        content = {"text": card.text, "blocks": list(card.blocks), "attachments": list(card.attachments)}
        return await self._send(url, {"response_type": visibility, "replace_original": True, **content})

    async def _send(self, url: Secret, body: Mapping[str, object]) -> Delivery:
        if not self.may_follow(url.reveal()):
            return Refused("response_url is not Slack's")
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._http.post(url.reveal(), json=body)
        except NETWORK_ERRORS as error:
            return read_failure(error)
        return read_answer(answer)

    def may_follow(self, url: str) -> bool:
        """Whether `url` is one that Slack can have sent: anything else could make the bot call where it should not."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            return False
        if parsed.userinfo or "\\" in url:
            return False
        by_slack = parsed.scheme == "https" and parsed.port is None and _SLACK_HOST.fullmatch(parsed.host) is not None
        return by_slack or _origin(parsed) == self._api_origin


def read_answer(answer: httpx.Response) -> Delivery:
    """What Slack's answer means: 429 and 5xx may be repeated; expired, used up and an `ok` of false are final."""
    if answer.is_success:
        error = _error_in(answer.content)
        return Refused(f"response_url said {error}") if error else Delivered()
    why = f"response_url answered {answer.status_code}"
    if answer.status_code == _TOO_MANY_REQUESTS:
        return TryAgain(why, read_retry_after(answer.headers))
    return TryAgain(why) if answer.status_code >= _SERVER_ERROR else Refused(why)


def _error_in(body: bytes) -> str | None:
    """Slack's error in a body that is `{"ok": false, …}`; success is the bare text "ok"."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return str(answer.get("error")) if isinstance(answer, dict) and answer.get("ok") is False else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return (url.scheme, url.host, url.port)
