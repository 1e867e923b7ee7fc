"""chat.scheduleMessage, its list and deletion: messages for later, which are kept and not posted.

https://docs.slack.dev/reference/methods/chat.scheduleMessage
https://docs.slack.dev/reference/methods/chat.scheduledMessages.list
https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage
"""

import itertools
from collections.abc import Mapping

from bot.sim.slack.content import CONTENT_KEYS
from bot.sim.slack.platform import Scheduled
from bot.sim.slack.web_api.call import ApiError, Caller, Method
from bot.sim.slack.web_api.chat import destination, mistakes_of_post, read_message

_KEYS = CONTENT_KEYS | {"channel", "thread_ts", "reply_broadcast", "post_at"}
_LATEST = 120 * 86_400.0  # seconds from now
_MOST, _WINDOW = 30, 300  # messages of a channel that are posted within so many seconds
_TOO_LATE = 60.0  # seconds before a message is posted, in which it can't be deleted
_numbers = itertools.count(1)


def _schedule(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    platform = caller.platform
    platform.record(mistakes_of_post(arguments, _KEYS))
    channel = destination(caller.workspace, str(arguments.get("channel", "")))
    content = read_message(arguments)
    post_at = arguments.get("post_at")
    if not isinstance(post_at, int):
        raise ApiError("invalid_time")
    if post_at <= platform.clock.now():
        raise ApiError("time_in_past")
    if post_at > platform.clock.now() + _LATEST:
        raise ApiError("time_too_far")
    near = [one for one in platform.scheduled.values() if abs(one.post_at - post_at) < _WINDOW]
    if sum(one.channel == channel.id for one in near) >= _MOST:
        raise ApiError("restricted_too_many")
    scheduled_id = f"Q{next(_numbers):010}"
    platform.scheduled[scheduled_id] = Scheduled(channel.id, content.text, post_at)
    return {"channel": channel.id, "scheduled_message_id": scheduled_id, "post_at": post_at}


def _list(caller: Caller, _: Mapping[str, object]) -> dict[str, object]:
    scheduled = [
        {"id": name, "channel_id": one.channel, "post_at": one.post_at, "text": one.text}
        for name, one in caller.platform.scheduled.items()
        if one.channel in caller.workspace.channels
    ]
    return {"scheduled_messages": scheduled, "response_metadata": {"next_cursor": ""}}


def _delete(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    platform, scheduled_id = caller.platform, str(arguments.get("scheduled_message_id"))
    found = platform.scheduled.get(scheduled_id)
    is_pending = found is not None and found.post_at > platform.clock.now() + _TOO_LATE
    if found is None or not is_pending or found.channel != arguments.get("channel"):
        raise ApiError("invalid_scheduled_message_id")
    del platform.scheduled[scheduled_id]
    return {}


METHODS = {
    "chat.scheduleMessage": Method(_schedule, scope="chat:write"),
    "chat.scheduledMessages.list": Method(_list),
    "chat.deleteScheduledMessage": Method(_delete, scope="chat:write"),
}
