"""chat.postMessage, chat.update and chat.getPermalink: the app speaks on its own account, and corrects itself.

https://docs.slack.dev/reference/methods/chat.postMessage
https://docs.slack.dev/reference/methods/chat.update
https://docs.slack.dev/reference/methods/chat.getPermalink
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.sim.slack.content import (
    ADVISED_TEXT,
    CONTENT_KEYS,
    MOST_BLOCKS,
    Content,
    block_problems,
    mistakes,
    read_content,
    refusal,
)
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.message_json import message_json
from bot.sim.slack.rate_limiter import RateLimiter
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.schema import width
from bot.sim.slack.web_api.call import ApiError, Caller, Method
from bot.sim.slack.workspace import Channel, ChannelKind, Workspace

_KEYS = CONTENT_KEYS | {"channel", "thread_ts", "reply_broadcast"}
_UPDATE_KEYS = CONTENT_KEYS | {"channel", "ts", "reply_broadcast"}


def _post_message(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    caller.platform.record(mistakes_of_post(arguments, _KEYS))
    channel = destination(caller.workspace, str(arguments.get("channel", "")))
    content = read_message(arguments)
    _check_rate(caller, caller.platform.post_limiter, channel.id)
    app = caller.workspace.installation
    thread_ts, is_broadcast = arguments.get("thread_ts"), bool(arguments.get("reply_broadcast"))
    if is_broadcast:
        _check_thread(caller, channel.id, thread_ts)
    place = Place(channel.id, thread_ts=str(thread_ts) if thread_ts else None, is_broadcast=is_broadcast)
    author = Author(app.bot_user_id, app.bot_id)
    message = caller.platform.history.post(content, author, place, Source.POST_MESSAGE)
    return _said(caller, message)


def _permalink(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    channel, ts = str(arguments.get("channel", "")), str(arguments.get("message_ts", ""))
    if caller.platform.history.find(channel, ts) is None:
        raise ApiError("message_not_found")
    link = f"https://{caller.workspace.domain}.slack.com/archives/{channel}/p{ts.replace('.', '')}"
    return {"channel": channel, "permalink": link}


def _check_thread(caller: Caller, channel_id: str, thread_ts: object) -> None:
    """Check that a broadcast answers to a message that others see, and that is no reply itself. Raises ApiError."""
    if not thread_ts:
        caller.platform.record([Violation(Rule.MISPLACED_THREAD, "reply_broadcast needs a thread_ts")])
        return
    first = caller.platform.history.find(channel_id, str(thread_ts))
    if first is None:
        raise ApiError("thread_not_found")
    if first.ephemeral_to is not None or first.thread_ts is not None:
        raise ApiError("cannot_reply_to_message")


def mistakes_of_post(arguments: Mapping[str, object], keys: frozenset[str]) -> Iterator[Violation]:
    """Yield what a careful app would not send in a new message."""
    yield from mistakes(arguments, keys)
    if arguments.get("unfurl_links") is not False or arguments.get("unfurl_media") is not False:
        yield Violation(Rule.UNFURLS, "set unfurl_links and unfurl_media to false")


def destination(workspace: Workspace, channel_id: str) -> Channel:
    """Return the conversation that the app can post to. Raises ApiError."""
    app = workspace.installation
    if channel_id in workspace.users:
        channel = workspace.dm_with_bot(channel_id)  # of a deactivated person too: nobody will read it
    elif channel_id in workspace.channels:
        channel = workspace.channels[channel_id]
    else:
        raise ApiError("channel_not_found")
    if app.bot_user_id not in channel.members:
        raise ApiError("not_in_channel" if channel.kind is ChannelKind.PUBLIC else "channel_not_found")
    if channel.is_archived:
        raise ApiError("is_archived")
    if channel.kind is ChannelKind.DM and not app.messages_tab:
        raise ApiError("messages_tab_disabled")
    return channel


def read_message(arguments: Mapping[str, object]) -> Content:
    """Return the content of a message. Raises ApiError."""
    if complaints := block_problems(arguments):
        raise ApiError("invalid_blocks", response_metadata={"messages": complaints})
    if error := refusal(arguments):
        raise ApiError(error)
    content = read_content(arguments)
    if content.is_empty:
        raise ApiError("no_text")
    if content.blocks and width(json.dumps(content.blocks, ensure_ascii=False, separators=(",", ":"))) > MOST_BLOCKS:
        raise ApiError("msg_blocks_too_long")
    return content


def _update(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    caller.platform.record(mistakes(arguments, _UPDATE_KEYS))
    message = _own_message(caller, arguments)
    content = read_message(arguments)
    if width(content.text) > ADVISED_TEXT:
        raise ApiError("msg_too_long")
    _check_rate(caller, caller.platform.update_limiter, caller.workspace.team_id)
    if "attachments" not in arguments:
        content = replace(content, attachments=message.attachments)
    changed = caller.platform.history.replace(message, content)
    return _said(caller, changed) | {"text": changed.text}


def _own_message(caller: Caller, arguments: Mapping[str, object]) -> Message:
    channel_id, ts = str(arguments.get("channel")), str(arguments.get("ts"))
    if channel_id not in caller.workspace.channels:
        raise ApiError("channel_not_found")
    message = caller.platform.history.find(channel_id, ts)
    if message is None or message.ephemeral_to:
        raise ApiError("message_not_found")
    if caller.workspace.channels[channel_id].is_archived:
        raise ApiError("is_inactive")
    app = caller.workspace.installation
    if message.source is not Source.POST_MESSAGE or message.bot_id != app.bot_id:
        raise ApiError("cant_update_message")
    window = caller.workspace.edit_window
    if window is not None and caller.platform.clock.now() - message.at.time > window:
        raise ApiError("edit_window_closed")
    return message


def _check_rate(caller: Caller, limiter: RateLimiter, key: str) -> None:
    wait = limiter.wait(key, caller.platform.clock.now())
    if wait is not None:
        raise ApiError("ratelimited", retry_after=wait)


def _said(caller: Caller, message: Message) -> dict[str, object]:
    shown = message_json(message, caller.workspace, caller.platform.history)
    return {"channel": message.channel, "ts": message.ts, "message": shown}


METHODS = {
    "chat.postMessage": Method(_post_message, scope="chat:write"),
    "chat.getPermalink": Method(_permalink),
    "chat.update": Method(_update, scope="chat:write"),
}
