"""Slack's Web API, as far as the bot calls it."""

import asyncio
import logging

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.messages.message import Message
from bot.core.secret import Secret
from bot.core.slack_errors import TOKEN_REFUSED
from bot.outbound.delivery import Doubtful, Posted, Refused, TryAgain, read_failure
from bot.outbound.http_client import NETWORK_ERRORS
from bot.outbound.retry_after import read_retry_after

_log = logging.getLogger(__name__)

_TIMEOUT = 5.0
_LIMITED = {"ratelimited", "rate_limited"}
_MAY_PASS = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_NO_ANSWER_OF_SLACKS = (*NETWORK_ERRORS, ValueError, AttributeError)
"""What slack_sdk 3.48 lets through where the network fails, or where something else answers in Slack's place."""


class TokenRefusedError(Exception):
    """Slack knows no such token, or no longer accepts it. The text is Slack's error code."""


class SlackUnreachableError(Exception):
    """Slack gave no answer that says anything about the token. The text says why, fit for a log."""


class SlackClient:
    """Web API calls over the shared connection pool; each bounded by 5 s and made once."""

    def __init__(self, session: aiohttp.ClientSession, *, api_url: str) -> None:
        self._web = AsyncWebClient(base_url=api_url, session=session, retry_handlers=[])
        self._web.proxy = None  # slack_sdk alone would take it from the environment; httpx here does not

    async def identify(self, token: Secret) -> str:
        """The team id that a bot token belongs to, by auth.test.

        Raises TokenRefusedError or SlackUnreachableError. https://docs.slack.dev/reference/methods/auth.test
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.auth_test(token=token.reveal())
        except SlackApiError as error:
            code, _, _ = _read_error(error)
            if code in TOKEN_REFUSED:
                raise TokenRefusedError(code) from None
            raise SlackUnreachableError(code) from None
        except _NO_ANSWER_OF_SLACKS as error:
            raise SlackUnreachableError(type(error).__name__) from None
        team_id = answer.get("team_id")
        if not isinstance(team_id, str):
            raise SlackUnreachableError("an answer without a team")
        return team_id

    async def enterprise_of(self, token: Secret, user_id: str) -> str:
        """The Grid enterprise that a person belongs to, by users.info; "" where there is none, or Slack does not say.

        https://docs.slack.dev/reference/methods/users.info
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.users_info(token=token.reveal(), user=user_id)
        except (SlackApiError, *_NO_ANSWER_OF_SLACKS) as error:
            _log.warning("Slack does not say who somebody is", extra={"user": user_id, "why": type(error).__name__})
            return ""
        user = answer.get("user") or {}
        return "" if user.get("is_stranger") else str((user.get("enterprise_user") or {}).get("enterprise_id") or "")

    async def post_message(
        self, token: Secret, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> Posted | TryAgain | Doubtful | Refused:
        """Post `message` to a conversation, or to a person's direct messages where `channel` is a user id.

        `Refused.why` is Slack's error code. https://docs.slack.dev/reference/methods/chat.postMessage
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.chat_postMessage(
                    token=token.reveal(),
                    channel=channel,
                    text=message.text,
                    blocks=message.blocks or None,
                    thread_ts=thread_ts,
                    unfurl_links=False,
                    unfurl_media=False,
                )
        except SlackApiError as error:
            return _read_refusal(error)
        except _NO_ANSWER_OF_SLACKS as error:
            return read_failure(error)
        return Posted(channel=str(answer.get("channel", channel)), ts=str(answer.get("ts", "")))


def _read_refusal(error: SlackApiError) -> TryAgain | Refused:
    code, status_code, retry_after = _read_error(error)
    limited = code in _LIMITED or status_code == _TOO_MANY_REQUESTS
    may_pass = limited or code in _MAY_PASS or status_code >= _SERVER_ERROR
    return TryAgain(code, retry_after, limited) if may_pass else Refused(code)


def _read_error(error: SlackApiError) -> tuple[str, int, float | None]:
    """Slack's error code (or the HTTP status, where the answer has none), the status, and Retry-After in seconds.

    The error holds slack_sdk's own response, or aiohttp's where the body was not JSON.
    """
    response = error.response
    status_code = response.status if isinstance(response, aiohttp.ClientResponse) else response.status_code
    data = getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return str(code or f"HTTP {status_code}"), status_code, read_retry_after(headers)
