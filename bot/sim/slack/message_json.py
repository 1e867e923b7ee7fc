"""A message as the JSON in which Slack gives it to apps.

https://docs.slack.dev/reference/events/message
"""

import uuid

from bot.sim.slack.content import Part
from bot.sim.slack.history import History, Message, Source
from bot.sim.slack.typed_rich_text import typed_rich_text
from bot.sim.slack.workspace import Workspace


def message_json(message: Message, workspace: Workspace, history: History) -> Part:
    """Return the whole message, with its place in a thread."""
    shown = _author(message, workspace) | {"type": "message", "ts": message.ts}
    if message.bot_id is None:
        shown["client_msg_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, message.channel + message.ts))
    shown |= {"text": message.text, "team": workspace.team_id}
    if message.blocks:
        shown["blocks"] = list(message.blocks)
    elif message.bot_id is None:
        shown["blocks"] = [typed_rich_text(message.text)]
    if message.attachments:
        shown["attachments"] = list(message.attachments)
    if message.edited_at:
        shown["edited"] = {"user": message.user, "ts": f"{int(message.edited_at.time)}.000000"}
    return shown | _thread(message, workspace, history)


def _author(message: Message, workspace: Workspace) -> Part:
    app = workspace.installation
    if message.bot_id is None:
        return {"user": message.user}
    if message.bot_id != app.bot_id:
        return {"user": message.user, "bot_id": message.bot_id, "app_id": f"A{message.bot_id[1:]}"}
    made_by: Part = {"bot_id": message.bot_id, "app_id": app.app_id}
    if message.source is Source.POSTED:  # as incoming webhooks do: a bot, but not the app's user
        return made_by | {"subtype": "bot_message", "username": app.bot_name}
    return made_by | {"user": message.user}


def _thread(message: Message, workspace: Workspace, history: History) -> Part:
    thread_ts = history.thread(message)
    if thread_ts is None:
        return {}
    first = history.find(message.channel, thread_ts)
    if first is None or thread_ts == message.ts:
        return {"thread_ts": thread_ts}
    if message.is_broadcast:
        root = message_json(first, workspace, history)
        return {"subtype": "thread_broadcast", "thread_ts": thread_ts, "root": root}
    return {"thread_ts": thread_ts, "parent_user_id": first.user}
