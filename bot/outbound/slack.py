"""Slack's Web API, as far as the bot calls it."""

import asyncio

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.secret import Secret
from bot.outbound.delivery import Delivered, Delivery, Refused, TryAgain
from bot.outbound.retry_after import read_retry_after

_TIMEOUT = 5.0
_TOKEN_REFUSED = {
    "account_inactive",
    "invalid_auth",
    "no_permission",
    "not_allowed_token_type",
    "not_authed",
    "org_login_required",
    "team_access_not_granted",
    "token_expired",
    "token_revoked",
}
_MAY_PASS = {"fatal_error", "internal_error", "ratelimited", "rate_limited", "request_timeout", "service_unavailable"}
_SERVER_ERROR = 500


class TokenRefusedError(Exception):
    """Slack knows no such token, or no longer accepts it. The text is Slack's error code."""


class SlackUnreachableError(Exception):
    """Slack gave no answer that says anything about the token. The text says why, fit for a log."""


class SlackClient:
    """Web API calls over the shared connection pool; each bounded by 5 s and made once."""

    def __init__(self, session: aiohttp.ClientSession, *, api_url: str) -> None:
        self._web = AsyncWebClient(base_url=api_url, session=session, retry_handlers=[])

    async def identify(self, token: Secret) -> str:
        """The team id that a bot token belongs to, by auth.test.

        Raises TokenRefusedError or SlackUnreachableError. https://docs.slack.dev/reference/methods/auth.test
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.auth_test(token=token.reveal())
        except SlackApiError as error:
            code = _error_code(error)
            if code in _TOKEN_REFUSED:
                raise TokenRefusedError(code) from None
            raise SlackUnreachableError(code) from None
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            raise SlackUnreachableError(type(error).__name__) from None
        return str(answer["team_id"])

    async def post_message(self, token: Secret, channel: str, text: str) -> Delivery:
        """Post `text` to a conversation, or to a person's direct messages where `channel` is a user id.

        https://docs.slack.dev/reference/methods/chat.postMessage
        """
        try:
            async with asyncio.timeout(_TIMEOUT):
                await self._web.chat_postMessage(
                    token=token.reveal(), channel=channel, text=text, unfurl_links=False, unfurl_media=False
                )
        except SlackApiError as error:
            return _read_error(error)
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            return TryAgain(type(error).__name__)
        return Delivered()


def _read_error(error: SlackApiError) -> Delivery:
    code = _error_code(error)
    if code in _MAY_PASS or error.response.status_code >= _SERVER_ERROR:
        return TryAgain(code, read_retry_after({k.lower(): v for k, v in error.response.headers.items()}))
    return Refused(code)


def _error_code(error: SlackApiError) -> str:
    """Slack's error code, or the HTTP status where the answer has none."""
    return str(error.response.get("error") or f"HTTP {error.response.status_code}")
