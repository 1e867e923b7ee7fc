"""The modal with the sessions, which a global shortcut opens.

https://docs.slack.dev/surfaces/modals
"""

from bot.core.session_overview import Overview
from bot.messages.blocks import Block, section
from bot.messages.message import Message
from bot.messages.session_overview import overview_blocks
from bot.messages.view import View

MODAL = "anchor_sessions"
"""The `callback_id` of the modal."""

SHORTCUT = "anchor_pause_an_agent"
"""The `callback_id` of the global shortcut, as manifest.yml declares it."""

_TITLE = "Pause an agent"
_LOADING = "⏳ Reading the sessions from Anchor…"


def sessions_modal(overview: Overview, *, now: float, dashboard_url: str, note: str = "") -> View:
    """Return the modal; `note` is mrkdwn above the lists. `now` is in Unix seconds."""
    return _modal(note, *overview_blocks(overview, now=now, dashboard_url=dashboard_url))


def loading_modal(note: str = "") -> View:
    """Return the modal that is shown until Anchor has answered."""
    return _modal(note, section(_LOADING))


def message_modal(message: Message, note: str = "") -> View:
    """Return the modal with a message in place of the lists."""
    return _modal(note, *(message.blocks or (section(message.text),)))


def _modal(note: str, *blocks: Block) -> View:
    return View((*([section(note)] if note else []), *blocks), title=_TITLE, callback_id=MODAL)
