"""The methods of the Web API with which an app posts messages and shows views."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.sim.slack import view_limits
from bot.sim.slack.block_kit import complaint, width
from bot.sim.slack.content import (
    ADVISED_TEXT,
    CONTENT_KEYS,
    MOST_BLOCKS,
    Content,
    Part,
    block_problems,
    json_object,
    mistakes,
    read_content,
    refusal,
)
from bot.sim.slack.history import Author, Message, Moment, Place, Source, message_json
from bot.sim.slack.people_in_views import view_json
from bot.sim.slack.platform import Platform, RateLimiter, Scheduled, Trigger, TriggerError
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.views import Owner, RefusedError, View
from bot.sim.slack.workspace import Channel, ChannelKind, Workspace


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call on record; `token` is None if there was none where Slack looks for it."""

    method: str
    arguments: Mapping[str, object]
    token: str | None
    at: Moment


@dataclass(frozen=True, slots=True)
class Caller:
    """The app that calls, in the workspace its token is for."""

    platform: Platform
    workspace: Workspace


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its function, its scope, and whether it accepts JSON."""

    run: Callable[[Caller, Mapping[str, object]], dict[str, object]]
    scope: str | None = None
    takes_json: bool = True


class ApiError(Exception):
    """`ok:false` with this error; with `retry_after` (seconds) it is an HTTP 429."""

    def __init__(self, error: str, *, retry_after: int | None = None, **details: object) -> None:
        super().__init__(error)
        self.retry_after = retry_after
        self.body: dict[str, object] = {"ok": False, "error": error} | details


# chat.postMessage, chat.update, chat.delete and chat.getPermalink: the app speaks, and corrects itself.
#
# https://docs.slack.dev/reference/methods/chat.postMessage
# https://docs.slack.dev/reference/methods/chat.update
# https://docs.slack.dev/reference/methods/chat.delete
# https://docs.slack.dev/reference/methods/chat.getPermalink

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


def _delete_message(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    channel, ts = str(arguments.get("channel", "")), str(arguments.get("ts", ""))
    message = caller.platform.history.find(channel, ts)
    if message is None:
        raise ApiError("message_not_found")
    if message.user != caller.workspace.installation.bot_user_id:
        raise ApiError("cant_delete_message")
    caller.platform.history.delete(message)
    return {"channel": channel, "ts": ts}


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
    if arguments.get("reply_broadcast"):
        raise ApiError("no_dual_broadcast_content_update")
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


# chat.scheduleMessage, its list and deletion: messages for later, which are kept and not posted.
#
# https://docs.slack.dev/reference/methods/chat.scheduleMessage
# https://docs.slack.dev/reference/methods/chat.scheduledMessages.list
# https://docs.slack.dev/reference/methods/chat.deleteScheduledMessage

_SCHEDULED_KEYS = CONTENT_KEYS | {"channel", "thread_ts", "reply_broadcast", "post_at"}
_numbers = itertools.count(1)


def _schedule(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    platform = caller.platform
    platform.record(mistakes_of_post(arguments, _SCHEDULED_KEYS))
    channel = destination(caller.workspace, str(arguments.get("channel", "")))
    content = read_message(arguments)
    post_at = arguments.get("post_at")
    if not isinstance(post_at, int):
        raise ApiError("invalid_time")
    if post_at <= platform.clock.now():
        raise ApiError("time_in_past")
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
    if found is None or found.channel != arguments.get("channel"):
        raise ApiError("invalid_scheduled_message_id")
    del platform.scheduled[scheduled_id]
    return {}


# views.open, views.push, views.update and views.publish: the app shows modals, and what is on its Home tab.
#
# https://docs.slack.dev/reference/methods/views.open
# https://docs.slack.dev/reference/methods/views.push
# https://docs.slack.dev/reference/methods/views.update
# https://docs.slack.dev/reference/methods/views.publish


def _open(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "modal")
    trigger = _trigger(caller, arguments)
    if trigger.is_in_modal:
        caller.platform.record([Violation(Rule.OPENED_IN_MODAL, "use views.push")])
        raise ApiError("invalid_trigger_id")
    owner = Owner(caller.workspace.team_id, trigger.user_id)
    return _shown(caller, lambda: caller.platform.views.push(owner, raw))


def _push(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "modal")
    trigger = _trigger(caller, arguments)
    owner = Owner(caller.workspace.team_id, trigger.user_id)
    if not (trigger.is_in_modal and caller.platform.views.modals(owner)):
        raise ApiError("not_found")
    return _shown(caller, lambda: caller.platform.views.push(owner, raw))


def _views_update(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, None)
    view = caller.platform.views.find(str(arguments.get("view_id")))
    if view is None or view.team_id != caller.workspace.team_id:
        raise ApiError("not_found")
    if raw["type"] != view.type:
        raise _invalid([complaint(f"must be one of: {view.type}", "/view/type")])
    _check_hash(arguments, view)
    return _shown(caller, lambda: caller.platform.views.update(view, raw))


def _publish(caller: Caller, arguments: Mapping[str, object]) -> dict[str, object]:
    raw = _view(caller, arguments, "home")
    if not arguments.get("user_id"):
        raise _invalid(["invalid `user_id`"])
    user = caller.workspace.users.get(str(arguments["user_id"]))
    if user is None or user.is_bot or user.deleted or not caller.platform.is_colleague(caller.workspace, user):
        raise ApiError("user_not_found")
    owner = Owner(caller.workspace.team_id, user.id)
    _check_hash(arguments, caller.platform.views.home(owner))
    return _shown(caller, lambda: caller.platform.views.publish(owner, raw))


def _view(caller: Caller, arguments: Mapping[str, object], kind: Literal["modal", "home"] | None) -> Part:
    """Return the view, which may be JSON in a string; ApiError if it breaks a limit."""
    raw = arguments.get("view")
    if isinstance(raw, str):
        raw = json_object(raw)
    if not isinstance(raw, dict):
        raise _invalid([complaint("must be an object", "/view")])
    if view_limits.is_too_large(raw):
        raise ApiError("view_too_large")
    if complaints := view_limits.problems(raw, kind):
        caller.platform.record(Violation(Rule.INVALID_BLOCKS, each) for each in complaints)
        raise _invalid(complaints)
    caller.platform.record(view_limits.mistakes(raw))
    return raw


def _trigger(caller: Caller, arguments: Mapping[str, object]) -> Trigger:
    try:
        return caller.platform.triggers.exchange(str(arguments.get("trigger_id")), caller.workspace)
    except TriggerError as refused:
        if str(refused) != "invalid_trigger_id":
            caller.platform.record([Violation(Rule.TRIGGER_TOO_LATE, str(refused))])
        raise ApiError(str(refused)) from None


def _check_hash(arguments: Mapping[str, object], view: View | None) -> None:
    known = arguments.get("hash")
    if known and view is not None and known != view.hash:
        raise ApiError("hash_conflict")


def _shown(caller: Caller, show: Callable[[], View]) -> dict[str, object]:
    try:
        view = show()
    except RefusedError as refused:
        raise ApiError(str(refused)) from None
    return {"view": view_json(view, caller.workspace.installation, with_state=False)}


def _invalid(complaints: list[str]) -> ApiError:
    return ApiError("invalid_arguments", response_metadata={"messages": complaints})


METHODS: Mapping[str, Method] = {
    "chat.postMessage": Method(_post_message, scope="chat:write"),
    "chat.getPermalink": Method(_permalink),
    "chat.update": Method(_update, scope="chat:write"),
    "chat.delete": Method(_delete_message, scope="chat:write"),
    "chat.scheduleMessage": Method(_schedule, scope="chat:write"),
    "chat.scheduledMessages.list": Method(_list),
    "chat.deleteScheduledMessage": Method(_delete, scope="chat:write"),
    "views.open": Method(_open),
    "views.push": Method(_push),
    "views.update": Method(_views_update),
    "views.publish": Method(_publish),
}
