"""Slack's Web API: post, change and schedule messages, open views, and how a message fared."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.core.fields import SLACK_ID, Secret, object_field, text_field
from bot.messages.blocks import Message, View
from bot.outbound.http import never_sent
from bot.outbound.slack.web_api import (
    TIMEOUT,
    TOKEN_REFUSED,
    TRANSPORT_ERRORS,
    RefusedError,
    SlackUnreachableError,
    call,
    call_with_headers,
    read_error,
)

_log = logging.getLogger(__name__)

_RATE_LIMITED = {"ratelimited", "rate_limited"}
_TEMPORARY = {"fatal_error", "internal_error", "request_timeout", "service_unavailable"}

DELAY = 3600  # seconds until the message would show; a message of the next minute can't be deleted
_REFUSALS = (
    *("channel_not_found", "not_in_channel", "is_archived", "missing_scope", "messages_tab_disabled"),
    *("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """Slack's answer about a bot token; `scopes` is None if Slack did not say."""

    team_id: str
    enterprise_id: str
    team_name: str
    bot_name: str
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Posted:
    """Slack posted the message: the conversation's id and the message's timestamp, if it said them."""

    channel: str = ""
    ts: str = ""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Slack did not accept the message yet; `after` is in seconds. If `limited`, it was certainly not posted."""

    why: str
    after: float | None = None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Doubtful:
    """The message was sent without a response of Slack's: it may be visible."""

    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Slack refused the message finally."""

    why: str


PostResult = Posted | TryAgain | Doubtful | Refused


def read_failure(error: Exception) -> TryAgain | Doubtful:
    """Translate an exception of the HTTP stack."""
    why = type(error).__name__
    return TryAgain(why) if never_sent(error) else Doubtful(why)


class TokenRefusedError(Exception):
    """Slack refuses the bot token. The text is Slack's error code."""


class AppTokenRefusedError(Exception):
    """Slack refuses the app token for Socket Mode, or Socket Mode is off. The text is Slack's error code."""


class ViewResult(Enum):
    """Result of a views.* call."""

    SHOWN = "shown"
    CLOSED = "closed"  # the modal was closed meanwhile
    FAILED = "failed"  # the log says why


_CLOSED = {"not_found": RefusedError}

_REFUSED = dict.fromkeys(TOKEN_REFUSED, TokenRefusedError)
_APP_REFUSED = dict.fromkeys(TOKEN_REFUSED | {"missing_scope"}, AppTokenRefusedError)


@dataclass(eq=False, repr=False)
class SlackClient:
    """Calls of the Web API: one attempt each, with a timeout of 5 s."""

    web: AsyncWebClient

    async def inspect(self, token: Secret) -> TokenInfo:
        """Return what Slack says about a bot token. Raises TokenRefusedError or SlackUnreachableError.

        https://docs.slack.dev/reference/methods/auth.test
        A header names the scopes: https://docs.slack.dev/authentication/installing-with-oauth
        """
        response, headers = await call_with_headers(self.web.auth_test(token=token.reveal()), _REFUSED)
        team_id, scopes = response.get("team_id"), headers.get("x-oauth-scopes")
        if not isinstance(team_id, str) or not SLACK_ID.fullmatch(team_id):
            raise SlackUnreachableError("response without a team id")
        return TokenInfo(
            team_id=team_id,
            enterprise_id=text_field(response, "enterprise_id"),
            team_name=text_field(response, "team"),
            bot_name=text_field(response, "user"),
            scopes=None if scopes is None else frozenset(filter(None, map(str.strip, scopes.split(",")))),
        )

    async def open_connection(self, app_token: Secret) -> Secret:
        """Return a websocket URL for Socket Mode, for one use. Raises AppTokenRefusedError or SlackUnreachableError.

        Slack can warn that Socket Mode is off, also while it works: the connection shows it.
        https://docs.slack.dev/reference/methods/apps.connections.open
        """
        response = await call(self.web.apps_connections_open(app_token=app_token.reveal()), _APP_REFUSED)
        url = response.get("url")
        if not isinstance(url, str):
            raise SlackUnreachableError("response without a URL")
        return Secret(url)

    async def post_message(
        self, token: Secret, channel: str, message: Message, *, thread_ts: str | None = None
    ) -> PostResult:
        """Post `message` to a conversation, or as a direct message if `channel` is a user id.

        `Refused.why` is Slack's error code. https://docs.slack.dev/reference/methods/chat.postMessage
        """
        posting = self.web.chat_postMessage(
            token=token.reveal(),
            channel=channel,
            text=message.text,
            blocks=message.blocks or None,
            thread_ts=thread_ts,
            unfurl_links=False,
            unfurl_media=False,
        )
        return await _send(posting, channel, "")

    async def update_message(self, token: Secret, channel: str, ts: str, message: Message) -> PostResult:
        """Replace a message that the bot posted. https://docs.slack.dev/reference/methods/chat.update."""
        updating = self.web.chat_update(
            token=token.reveal(), channel=channel, ts=ts, text=message.text, blocks=message.blocks
        )
        return await _send(updating, channel, ts)

    async def delete_message(self, token: Secret, channel: str, ts: str) -> None:
        """Delete a message that the bot posted; a failure is logged. https://docs.slack.dev/reference/methods/chat.delete."""
        try:
            await call(self.web.chat_delete(token=token.reveal(), channel=channel, ts=ts), {})
        except SlackUnreachableError as error:
            _log.warning("message not deleted", extra={"channel": channel, "why": str(error)})

    async def open_view(self, token: Secret, trigger_id: str, view: View) -> str | None:
        """Open a modal, and return its id. https://docs.slack.dev/reference/methods/views.open."""
        opening = self.web.views_open(token=token.reveal(), trigger_id=trigger_id, view=view.as_json())
        _, opened = await _show("views.open", opening)
        return str(opened["id"]) if "id" in opened else None

    async def update_view(self, token: Secret, view_id: str, view: View) -> ViewResult:
        """Replace the view of an open modal. https://docs.slack.dev/reference/methods/views.update."""
        updating = self.web.views_update(token=token.reveal(), view_id=view_id, view=view.as_json())
        return (await _show("views.update", updating))[0]

    async def publish_home(self, token: Secret, user_id: str, view: View) -> bool:
        """Publish Home. https://docs.slack.dev/reference/methods/views.publish."""
        publishing = self.web.views_publish(token=token.reveal(), user_id=user_id, view=view.as_json())
        return (await _show("views.publish", publishing))[0] is ViewResult.SHOWN

    async def try_channel(self, token: Secret, channel: str, message: Message) -> None:
        """Schedule a message for an hour later, and delete it; a failure of that is logged.

        Slack checks the channel when it takes the message.
        https://docs.slack.dev/reference/methods/chat.scheduleMessage

        Raises RefusedError if Slack takes no message for the channel, or SlackUnreachableError.
        """
        scheduling = self.web.chat_scheduleMessage(
            token=token.reveal(),
            channel=channel,
            text=message.text,
            post_at=int(time.time()) + DELAY,
            unfurl_links=False,
            unfurl_media=False,
        )
        scheduled = await call(scheduling, dict.fromkeys(_REFUSALS, RefusedError))
        where = text_field(scheduled, "channel") or channel
        deleting = self.web.chat_deleteScheduledMessage(
            token=token.reveal(),
            channel=where,
            scheduled_message_id=text_field(scheduled, "scheduled_message_id"),
        )
        try:
            await call(deleting, {})
        except SlackUnreachableError as error:
            _log.warning("scheduled message not deleted", extra={"channel": where, "why": str(error)})


async def _send(pending: Awaitable[AsyncSlackResponse], channel: str, ts: str) -> PostResult:
    """Await a call, and return where the message is: in `channel` as `ts`, unless Slack says otherwise."""
    try:
        async with asyncio.timeout(TIMEOUT):
            said = (await pending).data
    except SlackApiError as error:
        return _read_refusal(error)
    except TRANSPORT_ERRORS as error:
        return read_failure(error)
    if not isinstance(said, dict):
        return Doubtful(type(said).__name__)
    return Posted(text_field(said, "channel") or channel, text_field(said, "ts") or ts)


def _read_refusal(error: SlackApiError) -> TryAgain | Refused | Doubtful:
    code, status_code, retry_after = read_error(error)
    limited = code in _RATE_LIMITED or status_code == HTTPStatus.TOO_MANY_REQUESTS
    is_temporary = limited or code in _TEMPORARY or status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_temporary:
        return TryAgain(code, retry_after, limited)
    return Refused(code) if text_field(getattr(error.response, "data", None), "error") else Doubtful(code)


async def _show(method: str, pending: Awaitable[AsyncSlackResponse]) -> tuple[ViewResult, dict[str, Any]]:
    try:
        response = await call(pending, _CLOSED)
    except RefusedError:
        return ViewResult.CLOSED, {}
    except SlackUnreachableError as error:
        _log.warning("Slack view call failed", extra={"method": method, "why": str(error)})
        return ViewResult.FAILED, {}
    return ViewResult.SHOWN, object_field(response, "view")
