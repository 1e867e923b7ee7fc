"""The modal in which a person chooses among the session ids of a message, and what is said if it has none.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Iterator, Sequence

from bot.core.message_ids import Mention, Mentions
from bot.messages.blocks import Block, option, plain_text, section
from bot.messages.markup import one_line
from bot.messages.session_modal import IN_THREAD
from bot.messages.view import View

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
    element = {"type": "checkboxes", "action_id": name, "options": list(options)}
    return {"type": "input", "block_id": name, "label": plain_text(label), "element": element, "optional": True}
