"""Try whether the bot can post to a channel, without a visible message."""

import logging
from collections.abc import Callable
from contextlib import suppress

from slack_sdk.web.async_client import AsyncWebClient

from bot.core.json_fields import object_list_field, text_field
from bot.core.secret import Secret
from bot.messages.message import Message
from bot.outbound.slack.errors import SlackUnreachableError, call

_log = logging.getLogger(__name__)

DELAY = 3600  # seconds until the message would show; a message of the next minute can't be deleted
_GONE = "invalid_scheduled_message_id"
_REFUSALS = (
    *("channel_not_found", "not_in_channel", "is_archived", "missing_scope", "messages_tab_disabled"),
    *("restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
)


class ChannelRefusedError(Exception):
    """Slack takes no message for the channel. The text is Slack's error code."""


async def try_channel(
    web: AsyncWebClient, token: Secret, channel: str, message: Message, now: Callable[[], float]
) -> bool:
    """Schedule a message for an hour later, and delete it. Return whether it is deleted.

    Slack checks the channel when it takes the message. `now` gives Unix seconds.
    https://docs.slack.dev/reference/methods/chat.scheduleMessage

    Raises ChannelRefusedError or SlackUnreachableError.
    """
    scheduling = web.chat_scheduleMessage(
        token=token.reveal(),
        channel=channel,
        text=message.text,
        post_at=int(now()) + DELAY,
        unfurl_links=False,
        unfurl_media=False,
    )
    scheduled = await call(scheduling, dict.fromkeys(_REFUSALS, ChannelRefusedError))
    message_id, in_channel = text_field(scheduled, "scheduled_message_id"), text_field(scheduled, "channel") or channel
    return await _delete(web, token, in_channel, message_id)


async def delete_left(web: AsyncWebClient, token: Secret, message: Message) -> None:
    """Delete what a killed process has left of `try_channel` with this message; what fails is left.

    https://docs.slack.dev/reference/methods/chat.scheduledMessages.list
    """
    with suppress(SlackUnreachableError):
        listed = await call(web.chat_scheduledMessages_list(token=token.reveal()), {})
        for one in object_list_field(listed, "scheduled_messages"):
            if text_field(one, "text") == message.text:
                await _delete(web, token, text_field(one, "channel_id"), text_field(one, "id"))


async def _delete(web: AsyncWebClient, token: Secret, channel: str, message_id: str) -> bool:
    """Delete a scheduled message. Return whether it is gone: another process can have deleted it."""
    deleting = web.chat_deleteScheduledMessage(token=token.reveal(), channel=channel, scheduled_message_id=message_id)
    try:
        await call(deleting, {})
    except SlackUnreachableError as error:
        if str(error) == _GONE:
            return True
        _log.warning("scheduled message not deleted", extra={"channel": channel, "why": str(error)})
        return False
    return True
