"""Methods of Slack's Web API: tokens and messages."""

import asyncio
import logging
from dataclasses import dataclass
from http import HTTPStatus

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.checks import TokenInfo
from bot.core.json_fields import text_field
from bot.core.secret import Secret
from bot.core.slack_ids import TOKEN_REFUSED
from bot.messages.message import Message
from bot.outbound.slack.delivery import NotSlack, Posted, PostResult, Refused, TryAgain, read_failure
from bot.outbound.slack.errors import (
    TIMEOUT,
    TRANSPORT_ERRORS,
    SlackUnreachableError,
    call,
    call_with_headers,
    read_error,
)

_log = logging.getLogger(__name__)

_RATE_LIMITED = {"ratelimited", "rate_limited"}
_TEMPORARY = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
_SOCKET_MODE_OFF = "Socket Mode is not turned on"


class TokenRefusedError(Exception):
    """Slack refuses the bot token. The text is Slack's error code."""


class AppTokenRefusedError(Exception):
    """Slack refuses the app token for Socket Mode. The text is Slack's error code."""


class SocketModeOffError(Exception):
    """Socket Mode is off in the app's settings, so Slack ended the connection."""


@dataclass(frozen=True, slots=True)
class SocketUrl:
    """A websocket URL for Socket Mode: short-lived, for one use, and secret.

    If `is_doubted`, Slack says that Socket Mode is off. It has said so while envelopes came.
    """

    url: Secret
    is_doubted: bool


_REFUSED = dict.fromkeys(TOKEN_REFUSED, TokenRefusedError)
_APP_REFUSED = dict.fromkeys(TOKEN_REFUSED | {"missing_scope"}, AppTokenRefusedError)


class SlackClient:
    """Calls of the Web API: one attempt each, with a timeout of 5 s."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def identify(self, token: Secret) -> tuple[str, str]:
        """Return the team of a bot token, and its Grid organisation or "".

        https://docs.slack.dev/reference/methods/auth.test

        Raises TokenRefusedError or SlackUnreachableError.
        """
        found = await self.inspect(token)
        return found.team_id, found.enterprise_id

    async def inspect(self, token: Secret) -> TokenInfo:
        """Return what Slack says about a bot token. Raises TokenRefusedError or SlackUnreachableError.

        A header names the scopes: https://docs.slack.dev/authentication/installing-with-oauth
        """
        response, headers = await call_with_headers(self._web.auth_test(token=token.reveal()), _REFUSED)
        team_id, scopes = response.get("team_id"), headers.get("x-oauth-scopes")
        if not isinstance(team_id, str):
            raise SlackUnreachableError("response without a team id")
        return TokenInfo(
            team_id=team_id,
            enterprise_id=text_field(response, "enterprise_id"),
            team_name=text_field(response, "team"),
            bot_name=text_field(response, "user"),
            scopes=None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(",")))),
        )

    async def answers(self, token: Secret) -> bool:
        """Return whether Slack answers, and nothing in its place."""
        try:
            await self.identify(token)
        except SlackUnreachableError:
            return False
        except TokenRefusedError:
            return True
        return True

    async def open_connection(self, app_token: Secret) -> SocketUrl:
        """Return a websocket URL for Socket Mode. Raises AppTokenRefusedError or SlackUnreachableError.

        https://docs.slack.dev/reference/methods/apps.connections.open
        """
        response = await call(self._web.apps_connections_open(app_token=app_token.reveal()), _APP_REFUSED)
        url = response.get("url")
        if not isinstance(url, str):
            raise SlackUnreachableError("response without a URL")
        return SocketUrl(Secret(url), is_doubted=_SOCKET_MODE_OFF in str(response.get("response_metadata")))

    async def post_message(
        self, token: Secret, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> PostResult:
        """Post `message` to a conversation, or as a direct message if `channel` is a user id.

        `Refused.why` is Slack's error code. https://docs.slack.dev/reference/methods/chat.postMessage
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                response = await self._web.chat_postMessage(
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
        except TRANSPORT_ERRORS as error:
            return read_failure(error)
        return Posted(channel=str(response.get("channel", channel)), ts=str(response.get("ts", "")))

    async def update_message(self, token: Secret, channel: str, ts: str, message: Message) -> PostResult:
        """Replace a message that the bot posted. `Refused.why` is Slack's error code.

        https://docs.slack.dev/reference/methods/chat.update
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._web.chat_update(
                    token=token.reveal(), channel=channel, ts=ts, text=message.text, blocks=message.blocks
                )
        except SlackApiError as error:
            return _read_refusal(error)
        except TRANSPORT_ERRORS as error:
            return read_failure(error)
        return Posted(channel=channel, ts=ts)


def _read_refusal(error: SlackApiError) -> TryAgain | Refused | NotSlack:
    code, status_code, retry_after = read_error(error)
    limited = code in _RATE_LIMITED or status_code == HTTPStatus.TOO_MANY_REQUESTS
    is_temporary = limited or code in _TEMPORARY or status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_temporary:
        return TryAgain(code, retry_after, limited)
    return Refused(code) if text_field(getattr(error.response, "data", None), "error") else NotSlack(code)
