"""Slack's Web API, as far as the bot calls it."""

import asyncio
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

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
_APP_TOKEN_REFUSED = TOKEN_REFUSED | {"missing_scope"}
_SOCKET_MODE_OFF = "Socket Mode is not turned on"
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_NO_ANSWER_OF_SLACKS = (*NETWORK_ERRORS, ValueError, AttributeError)
"""What slack_sdk 3.48 lets through where the network fails, or where something else answers in Slack's place."""


class TokenRefusedError(Exception):
    """Slack knows no such token, or no longer accepts it. The text is Slack's error code."""


class AppTokenRefusedError(Exception):
    """Slack takes the app token for no Socket Mode. The text is Slack's error code."""


class SocketModeOffError(Exception):
    """Socket Mode is switched off in the app's settings: a connection could be opened, and nothing would come."""


class SlackUnreachableError(Exception):
    """Slack gave no answer that says anything about the token. The text says why, fit for a log.

    `after` is how many seconds Slack wants to be left in peace, where it said so.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class SlackClient:
    """Web API calls over the shared connection pool; each bounded by 5 s and made once."""

    def __init__(self, session: aiohttp.ClientSession, *, api_url: str) -> None:
        self._web = AsyncWebClient(base_url=api_url, session=session, retry_handlers=[])
        self._web.proxy = None  # slack_sdk alone would take it from the environment; httpx here does not

    async def identify(self, token: Secret) -> str:
        """The team id that a bot token belongs to, by auth.test.

        Raises TokenRefusedError or SlackUnreachableError. https://docs.slack.dev/reference/methods/auth.test
        """
        with _verdict_on_token(TOKEN_REFUSED, TokenRefusedError):
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.auth_test(token=token.reveal())
            team_id = answer.get("team_id")
        if not isinstance(team_id, str):
            raise SlackUnreachableError("an answer without a team")
        return team_id

    async def open_connection(self, app_token: Secret) -> Secret:
        """The URL of a new websocket for Socket Mode, good once and soon. Whoever holds it gets our envelopes.

        Raises AppTokenRefusedError, SocketModeOffError or SlackUnreachableError.
        https://docs.slack.dev/reference/methods/apps.connections.open
        """
        with _verdict_on_token(_APP_TOKEN_REFUSED, AppTokenRefusedError):
            async with asyncio.timeout(_TIMEOUT):
                answer = await self._web.apps_connections_open(app_token=app_token.reveal())
            url = answer.get("url")
            warnings = answer.get("response_metadata")
        if _SOCKET_MODE_OFF in str(warnings):
            raise SocketModeOffError
        if not isinstance(url, str):
            raise SlackUnreachableError("an answer without a URL")
        return Secret(url)

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


@contextmanager
def _verdict_on_token(refusals: Collection[str], refused: type[Exception]) -> Iterator[None]:
    """Turn what a call raises into `refused`, where Slack says so, or into SlackUnreachableError."""
    try:
        yield
    except SlackApiError as error:
        code, _, after = _read_error(error)
        if code in refusals:
            raise refused(code) from None
        raise SlackUnreachableError(code, after) from None
    except _NO_ANSWER_OF_SLACKS as error:
        raise SlackUnreachableError(type(error).__name__) from None


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
