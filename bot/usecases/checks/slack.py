"""Check what Slack says about tokens, scopes, Socket Mode and the alert channel."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from slack_sdk.web.async_client import AsyncWebClient

from bot.core import installation
from bot.core.checks import Finding, Good, Questionable, Skipped, TokenInfo, Unanswered, Wrong
from bot.core.fields import Secret
from bot.core.workspace import Workspace
from bot.messages.checks import channel_probe_message
from bot.outbound.slack.client import (
    AppTokenRefusedError,
    ChannelRefusedError,
    SlackClient,
    SocketModeOffError,
    TokenRefusedError,
    delete_left,
    try_channel,
)
from bot.outbound.slack.errors import NotConnectedError, NotSlackError, SlackUnreachableError
from bot.outbound.slack.oauth import SlackOAuth

_NO_CODE = Secret("made-up-by-the-check")
_CLIENT_REFUSED = {"invalid_client_id", "bad_client_secret"}


class Connection(Protocol):
    """A connection of Socket Mode."""

    is_doubted: bool

    async def close(self) -> None:
        """Close it."""


async def check_token(
    slack: SlackClient, token: Secret, *, refused: Wrong = Wrong.TOKEN_REFUSED
) -> tuple[Finding, TokenInfo | None]:
    """Check a bot token. Return the finding, and what Slack says if it accepts the token."""
    try:
        found = await slack.inspect(token)
    except TokenRefusedError as error:
        return Finding(refused, {"code": str(error)}), None
    except SlackUnreachableError as error:
        return _no_answer(error), None
    values = {"team": found.team_id, "name": found.team_name, "bot": found.bot_name}
    return Finding(Good.TOKEN_ACCEPTED, values), found


async def check_socket_mode(connect: Callable[[], Awaitable[Connection]]) -> Finding:
    """Open a connection for Socket Mode, and close it at once: Slack can send it a request."""
    try:
        connection = await connect()
    except AppTokenRefusedError as error:
        return Finding(Wrong.APP_TOKEN_REFUSED, {"code": str(error)})
    except SocketModeOffError:
        return Finding(Wrong.SOCKET_OFF)
    except SlackUnreachableError as error:
        return _no_answer(error)
    await connection.close()
    return Finding(Wrong.SOCKET_OFF if connection.is_doubted else Good.SOCKET_OPENED)


async def check_client(oauth: SlackOAuth) -> Finding:
    """Check the client id and secret with a code that Slack cannot know: it refuses the code, or them."""
    match await oauth.exchange(_NO_CODE, now=0.0):
        case installation.RefusedBySlack(code) if code in _CLIENT_REFUSED:
            return Finding(Wrong.CLIENT_REFUSED, {"code": code})
        case installation.CodeRefused():
            return Finding(Good.CLIENT_NOT_REFUSED)
        case installation.RefusedBySlack(code):
            return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": code})
        case _:
            return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": "oauth.v2.access"})


async def check_channel(web: AsyncWebClient, token: Secret, channel: str | None, now: Callable[[], float]) -> Finding:
    """Check whether the bot can post alerts to a channel, without a visible message; `now` gives Unix seconds."""
    if channel is None:
        return Finding(Skipped.CHANNEL_UNSET)
    try:
        is_deleted = await try_channel(web, token, channel, channel_probe_message(), now)
    except ChannelRefusedError as error:
        return Finding(Wrong.CHANNEL_REFUSED, {"channel": channel, "code": str(error)})
    except SlackUnreachableError as error:
        return _no_answer(error)
    return Finding(Good.CHANNEL_OPEN if is_deleted else Questionable.MESSAGE_LEFT, {"channel": channel})


async def delete_left_probe(web: AsyncWebClient, workspace: Workspace) -> None:
    """Delete the message of a check of the alert channel that a killed process left; what fails is left."""
    if workspace.alerts_channel is not None:
        await delete_left(web, workspace.bot_token, channel_probe_message())


def _no_answer(error: SlackUnreachableError) -> Finding:
    if isinstance(error, NotSlackError):
        return Finding(Wrong.NOT_SLACK, {"why": str(error)})
    if isinstance(error, NotConnectedError):
        return Finding(Unanswered.NO_CONNECTION, {"who": "Slack", "setting": "SLACK_API_URL"})
    return Finding(Unanswered.NO_ANSWER, {"who": "Slack", "why": str(error)})
