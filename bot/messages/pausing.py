"""The modals to choose a session and to pause it."""

from collections.abc import Iterator, Sequence

from bot.core.requests import Verb
from bot.core.session_ids import Mention, Mentions
from bot.core.sessions import Overview
from bot.messages.blocks import Block, Message, View, context, ephemeral, input_block, option, plain_text, section
from bot.messages.markup import one_line
from bot.messages.sessions import overview_blocks
from bot.messages.usage import COMMANDS

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

CHOICE = "anchor_choose_sessions"
"""The `callback_id` of the modal."""

ALL, SESSIONS = "all", "sessions"
"""The inputs: one box for all sessions, and boxes for each in `sessions_0`, `sessions_1`, ….

Block and element have the same name. The values of the boxes are the session ids.
"""

MOST_SHOWN = 50
"""The most sessions that are offered."""

TITLE = "Pause Anchor agents"
NOTHING_CHOSEN = "Choose at least one session."
OUT_OF_DATE = "This window can't be used any more. Use the shortcut again."

_EACH = 10  # https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
_LONGEST_CONTEXT = 75
_INCOMPLETE = "The message is too long to be read completely, so it can have ids that are not shown."


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
    element = {"type": "plain_text_input", "action_id": PASTED, "max_length": _LONGEST_PASTED}
    pasted = input_block("Session id, or a URL that contains it", element)
    return _modal(note, *lists, pasted, *where, submit="Pause this id", origin=origin)


def loading_modal(note: str = "") -> View:
    """Return the modal that is shown until Anchor has answered."""
    return _modal(note, section(_LOADING))


def message_modal(message: Message, note: str = "") -> View:
    """Return the modal with a message in place of the lists."""
    return _modal(note, *(message.blocks or (section(message.text),)))


def not_opened_message() -> Message:
    """Return the answer if a modal did not open."""
    return ephemeral("The window did not open: nothing was paused.", f"Try again, or send `{COMMANDS[Verb.PAUSE]}`.")


def _modal(note: str, *blocks: Block, submit: str = "", origin: str = "") -> View:
    shown = (*([section(note)] if note else []), *blocks)
    return View(shown, title=_TITLE, submit=submit, callback_id=MODAL, seen=origin)


def choice_modal(mentions: Mentions, origin: str) -> View:
    """Return the modal; `origin` comes back with what is chosen."""
    shown, count = mentions.found[:MOST_SHOWN], len(mentions.found)
    is_complete = mentions.is_complete and count == len(shown)
    which = f"This message has {count} session ids." if count > 1 else "This message has a session id."
    blocks = (
        section(" ".join([which, *([] if is_complete else [_INCOMPLETE]), IN_THREAD])),
        *([_boxes(ALL, "Which agents to pause", [option(f"All {len(shown)} sessions", ALL)])] if count > 1 else []),
        *_sessions(shown),
    )
    return View(blocks, title=TITLE, submit="Pause", close="Cancel", callback_id=CHOICE, seen=origin)


def no_id_note(*, is_complete: bool) -> str:
    """Return what stands above the list of sessions, in mrkdwn; `is_complete`: the whole message was read."""
    no_id = "This message has no session id." if is_complete else f"No session id was found. {_INCOMPLETE}"
    return f"{no_id} *Nothing is paused yet.*"


def _sessions(mentions: Sequence[Mention]) -> Iterator[Block]:
    for number, first in enumerate(range(0, len(mentions), _EACH)):
        some = mentions[first : first + _EACH]
        label = f"Sessions {first + 1} to {first + len(some)}" if len(mentions) > _EACH else "Sessions"
        yield _boxes(f"{SESSIONS}_{number}", label, [_box(mention) for mention in some])


def _box(mention: Mention) -> Block:
    context = one_line(mention.context, limit=_LONGEST_CONTEXT)
    about = {"description": plain_text(context)} if context else {}
    return {**option(mention.session_id, mention.session_id), **about}


def _boxes(name: str, label: str, options: Sequence[Block]) -> Block:
    return input_block(label, {"type": "checkboxes", "action_id": name, "options": list(options)})
