"""The sessions that run, and those that this app paused: as a message, in Home and in the modal."""

from dataclasses import replace

from bot.core.history import can_see_all
from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.core.session_list import NotRead, SessionList
from bot.core.session_overview import Overview, PausedSession
from bot.messages.blocks import Block, actions, context, plain_text, section
from bot.messages.markup import code, mention, moment, place, plain
from bot.messages.message import Message, ephemeral, from_blocks
from bot.messages.session_buttons import button
from bot.messages.session_lines import session_facts
from bot.messages.session_list import (
    MORE_UNREAD,
    MOST_RUNNING,
    count_text,
    not_read_text,
    notes,
    others_text,
    running_row,
)
from bot.messages.usage import COMMANDS

MOST_PAUSED = 10
"""The most paused sessions that are shown."""

REFRESH = "anchor_refresh_sessions"
"""The `action_id` of the button that reads the sessions again."""

_PAUSE = COMMANDS[Verb.PAUSE]
_PAUSED_HEADING = "*Paused by this app* in the last 24 hours"
_PAUSED_NOTE = "Anchor does not say whether an agent is paused: one that was resumed elsewhere still stands here."
_JOURNAL_UNREADABLE = "⚠️ *Paused by this app*: the bot's database does not answer."
_ELSEWHERE = f"Pausing is allowed only in some channels: send `{_PAUSE}` there."


def reading_overview_message() -> Message:
    """Return the ack of a command whose lists take longer than Slack waits."""
    return ephemeral("⏳ Reading the sessions from Anchor… They follow here.")


def overview_message(overview: Overview, *, now: float, dashboard_url: str) -> Message:
    """Return both lists, for the person alone."""
    return from_blocks(overview_blocks(overview, now=now, dashboard_url=dashboard_url))


def overview_blocks(overview: Overview, *, now: float, dashboard_url: str) -> list[Block]:
    """Return both lists, and the button that reads them again; `now` is in Unix seconds."""
    read_at = overview.running.read_at if isinstance(overview.running, SessionList) else now
    return [
        *_running_blocks(overview, dashboard_url),
        *_paused_blocks(overview, now),
        actions(refresh_button()),
        context(f"As of {moment(read_at)}."),
    ]


def refresh_button() -> Block:
    """Return the button that reads the sessions again."""
    return {"type": "button", "action_id": REFRESH, "text": plain_text("Refresh")}


def _running_blocks(overview: Overview, dashboard_url: str) -> list[Block]:
    running = overview.running
    if isinstance(running, NotRead):
        return [section(not_read_text(running, dashboard_url=dashboard_url))]
    paused = {one.order.session_id for one in overview.paused or ()}
    others = replace(running, sessions=tuple(one for one in running.sessions if one.id not in paused))
    can_pause = Verb.PAUSE in overview.allowed
    unread = "" if running.is_complete else f" {MORE_UNREAD}"
    heading = f"*Running now:* {count_text(len(others.sessions))}." if others.sessions else _none_else(others)
    rows = [running_row(one, running.read_at, can_pause=can_pause) for one in others.sessions[:MOST_RUNNING]]
    return [section(heading + unread), *rows, *notes(others_text(others), "" if can_pause else _ELSEWHERE)]


def _none_else(running: SessionList) -> str:
    return "*Running now:* none." if running.is_complete else "*Running now:* no session was found."


def _paused_blocks(overview: Overview, now: float) -> list[Block]:
    if overview.paused is None:
        return [section(_JOURNAL_UNREADABLE)]
    if not overview.paused:
        return [section(f"{_PAUSED_HEADING}: none.")]
    more = len(overview.paused) - MOST_PAUSED
    rows = [_paused_row(one, overview, now) for one in overview.paused[:MOST_PAUSED]]
    return [section(f"{_PAUSED_HEADING}:"), *rows, *notes(f"And {more} more." if more > 0 else "", _PAUSED_NOTE)]


def _paused_row(paused: PausedSession, overview: Overview, now: float) -> Block:
    order = paused.order
    shows_all = can_see_all(order.user_id, viewer_id=overview.viewer_id, is_admin=overview.is_admin)
    where = f" in {place(order.channel_id)}" if shows_all and order.channel_id else ""
    why = f" Reason: {plain(order.reason)}" if shows_all and order.reason else ""
    who = f"Paused by {mention(order.user_id)}, {moment(order.given_at)}"
    facts = session_facts(paused.session, now=now) if paused.session else ""
    text = f"{code(order.session_id[:8])}{f' · {facts}' if facts else ''}\n{who}{where}.{why}"
    if Verb.RESUME not in overview.allowed:
        return section(text)
    history = f"{who}."
    resume = button(Verb.RESUME, SessionId(order.session_id), history=history, version=order.id)
    return section(text, accessory=resume)
