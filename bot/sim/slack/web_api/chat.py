"""chat.postMessage: the app speaks on its own account.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sim.slack.content import CONTENT_KEYS, block_problems, mistakes, read_content
from bot.sim.slack.history import Author, Message, Place, Source
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.web_api.call import ApiError, Caller, Method
from bot.sim.slack.workspace import Channel, ChannelKind, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bot.sim.slack.content import Content

_KEYS = CONTENT_KEYS | {"channel", "thread_ts", "reply_broadcast"}


def _post_message(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    caller.platform.record(_mistakes_of_post(arguments))
    channel = _destination(caller.workspace, str(arguments.get("channel", "")))
    content = _content(arguments)
    wait = caller.platform.pace.wait(channel.id, caller.platform.clock.now())
    if wait is not None:
        raise ApiError("ratelimited", retry_after=wait)
    app = caller.workspace.installation
    thread_ts = arguments.get("thread_ts")
    place = Place(channel.id, thread_ts=str(thread_ts) if thread_ts else None)
    author = Author(app.bot_user_id, app.bot_id)
    message = caller.platform.history.post(content, author, place, Source.POST_MESSAGE)
    return {"channel": channel.id, "ts": message.ts, "message": _shown(message)}


def _mistakes_of_post(arguments: Mapping[str, object]) -> Iterator[Violation]:
    yield from mistakes(arguments, _KEYS)
    if arguments.get("unfurl_links") is not False or arguments.get("unfurl_media") is not False:
        yield Violation(Rule.UNFURLS, "set unfurl_links and unfurl_media to false")


def _destination(workspace: Workspace, channel_id: str) -> Channel:
    app = workspace.installation
    if channel_id in workspace.users:
        channel = workspace.dm_with_bot(channel_id)
    elif channel_id in workspace.channels:
        channel = workspace.channels[channel_id]
    else:
        raise ApiError("channel_not_found")
    if app.bot_user_id not in channel.members and not _open_to(app.scopes, channel):
        raise ApiError("not_in_channel" if channel.kind is ChannelKind.PUBLIC else "channel_not_found")
    if channel.is_archived:
        raise ApiError("is_archived")
    if channel.kind is ChannelKind.DM and not app.messages_tab:
        raise ApiError("messages_tab_disabled")
    return channel


def _open_to(scopes: set[str], channel: Channel) -> bool:
    return channel.kind is ChannelKind.PUBLIC and "chat:write.public" in scopes


def _content(arguments: Mapping[str, object]) -> Content:
    if complaints := block_problems(arguments):
        raise ApiError("invalid_blocks", response_metadata={"messages": complaints})
    content = read_content(arguments)
    if content.is_empty:
        raise ApiError("no_text")
    return content


def _shown(message: Message) -> dict[str, object]:
    shown: dict[str, object] = {
        "type": "message",
        "user": message.user,
        "bot_id": message.bot_id,
        "ts": message.ts,
        "text": message.text,
    }
    if message.blocks:
        shown["blocks"] = list(message.blocks)
    return shown


METHODS = {"chat.postMessage": Method(_post_message, scope="chat:write")}
