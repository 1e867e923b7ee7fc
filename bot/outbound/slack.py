"""Slack's Web API, as far as it is about tokens and messages."""

import asyncio

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.messages.message import Message
from bot.core.secret import Secret
from bot.core.slack_errors import TOKEN_REFUSED
from bot.outbound.delivery import Doubtful, Posted, Refused, TryAgain, read_failure
from bot.outbound.slack_web import NO_ANSWER_OF_SLACKS, TIMEOUT, SlackUnreachableError, read_error, verdict

_LIMITED = {"ratelimited", "rate_limited"}
_MAY_PASS = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}
_SOCKET_MODE_OFF = "Socket Mode is not turned on"
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class TokenRefusedError(Exception):
    """Slack knows no such token, or no longer accepts it. The text is Slack's error code."""


class AppTokenRefusedError(Exception):
    """Slack takes the app token for no Socket Mode. The text is Slack's error code."""


class SocketModeOffError(Exception):
    """Socket Mode is switched off in the app's settings: a connection could be opened, and nothing would come."""


_REFUSED = dict.fromkeys(TOKEN_REFUSED, TokenRefusedError)
_APP_REFUSED = dict.fromkeys(TOKEN_REFUSED | {"missing_scope"}, AppTokenRefusedError)


class SlackClient:
    """Calls of the Web API; each bounded by 5 s and made once."""

    def __init__(self, web: AsyncWebClient) -> None:
        self._web = web

    async def identify(self, token: Secret) -> str:
        """The team id that a bot token belongs to, by auth.test.

        Raises TokenRefusedError or SlackUnreachableError. https://docs.slack.dev/reference/methods/auth.test
        """
        with verdict(_REFUSED):
            async with asyncio.timeout(TIMEOUT):
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
        with verdict(_APP_REFUSED):
            async with asyncio.timeout(TIMEOUT):
                answer = await self._web.apps_connections_open(app_token=app_token.reveal())
            url = answer.get("url")
            warnings = answer.get("response_metadata")
        if _SOCKET_MODE_OFF in str(warnings):
            raise SocketModeOffError
        if not isinstance(url, str):
            raise SlackUnreachableError("an answer without a URL")
        return Secret(url)

    async def post_message(
        self, token: Secret, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> Posted | TryAgain | Doubtful | Refused:
        """Post `message` to a conversation, or to a person's direct messages where `channel` is a user id.

        `Refused.why` is Slack's error code. https://docs.slack.dev/reference/methods/chat.postMessage
        """
        try:
            async with asyncio.timeout(TIMEOUT):
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
        except NO_ANSWER_OF_SLACKS as error:
            return read_failure(error)
        return Posted(channel=str(answer.get("channel", channel)), ts=str(answer.get("ts", "")))


def _read_refusal(error: SlackApiError) -> TryAgain | Refused:
    code, status_code, retry_after = read_error(error)
    limited = code in _LIMITED or status_code == _TOO_MANY_REQUESTS
    may_pass = limited or code in _MAY_PASS or status_code >= _SERVER_ERROR
    return TryAgain(code, retry_after, limited) if may_pass else Refused(code)
