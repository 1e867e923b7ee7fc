"""The modal with the sessions: of the global shortcut, and of the message shortcut if a message has no session id.

https://docs.slack.dev/surfaces/modals
"""

from bot.core.requests import Verb
from bot.core.session_overview import Overview
from bot.messages.blocks import Block, context, plain_text, section
from bot.messages.message import Message, ephemeral
from bot.messages.session_overview import overview_blocks
from bot.messages.usage import COMMANDS
from bot.messages.view import View

MODAL = "anchor_sessions"
"""The `callback_id` of the modal."""

SHORTCUT = "anchor_pause_an_agent"
"""The `callback_id` of the global shortcut, as manifest.yml declares it."""

PASTED = "pasted"
"""The input for an id that is not in the lists; block and element have the same name."""

NO_SESSION = "There is no session id here. Paste the id, or a URL that contains it."
IN_THREAD = "The results go to the message's thread, or to the channel."

_TITLE = "Pause an agent"
_LOADING = "⏳ Reading the sessions from Anchor…"
_LONGEST_PASTED = 1000


def sessions_modal(  # noqa: PLR0913 - settings of one view
    overview: Overview, origin: str, *, now: float, dashboard_url: str, note: str = "", has_thread: bool = False
) -> View:
    """Return the modal; `note` is mrkdwn above the lists. `now` is in Unix seconds.

    `origin` comes back with each click and with what is pasted; `has_thread` says whether it is that of a message.
    """
    lists = overview_blocks(overview, now=now, dashboard_url=dashboard_url)
    where = [context(IN_THREAD)] if has_thread else []
    if Verb.PAUSE not in overview.allowed:
        return _modal(note, *lists, *where, origin=origin)
    return _modal(note, *lists, _pasted(), *where, submit="Pause this id", origin=origin)


def loading_modal(note: str = "") -> View:
    """Return the modal that is shown until Anchor has answered."""
    return _modal(note, section(_LOADING))


def message_modal(message: Message, note: str = "") -> View:
    """Return the modal with a message in place of the lists."""
    return _modal(note, *(message.blocks or (section(message.text),)))


def not_opened_message() -> Message:
    """Return the answer if the modal, or the one to choose in, did not open."""
    return ephemeral(
        "The window to choose a session did not open: nothing was paused.",
        f"Use the shortcut again, or send `{COMMANDS[Verb.PAUSE]}`.",
    )


def _modal(note: str, *blocks: Block, submit: str = "", origin: str = "") -> View:
    shown = (*([section(note)] if note else []), *blocks)
    return View(shown, title=_TITLE, submit=submit, callback_id=MODAL, seen=origin)


def _pasted() -> Block:
    return {
        "type": "input",
        "block_id": PASTED,
        "label": plain_text("Session id, or a URL that contains it"),
        "element": {"type": "plain_text_input", "action_id": PASTED, "max_length": _LONGEST_PASTED},
        "optional": True,
    }
