"""The modal in which a person chooses among the session ids of a message, or among the sessions that run.

https://docs.slack.dev/surfaces/modals
"""

from collections.abc import Iterator, Sequence

from bot.core.message_ids import Mention, Mentions
from bot.core.session import Session
from bot.core.session_list import SessionList
from bot.messages.blocks import Block, option, plain_text, section
from bot.messages.markup import one_line
from bot.messages.message import Message, ephemeral
from bot.messages.session_buttons import PAUSE_FROM_MESSAGE_NAME
from bot.messages.session_lines import age
from bot.messages.view import View

CHOICE = "anchor_choose_sessions"
"""The `callback_id` of the modal."""

ALL, SESSIONS, PASTED = "all", "sessions", "pasted"
"""The inputs: one box for all sessions, boxes for each in `sessions_0`, `sessions_1`, …, and a text.

Block and element have the same name. The values of the boxes are the session ids.
"""

MOST_SHOWN = 50
"""The most sessions that are offered."""

TITLE = "Pause Anchor agents"
NOTHING_CHOSEN = "Choose at least one session."
NO_SESSION = "This text has no session id. Paste the id, or a URL that contains it."
OUT_OF_DATE = f"This window can't be used any more. Use *{PAUSE_FROM_MESSAGE_NAME}* on the message again."

_EACH = 10  # https://docs.slack.dev/reference/block-kit/block-elements/checkboxes-element
_LONGEST_CONTEXT = 75
_LONGEST_PASTED = 1000
_RESULTS = "The results go to the message's thread, or to the channel."
_INCOMPLETE = "The message is too long to be read completely, so it can have ids that are not shown."


def choice_modal(mentions: Mentions, origin: str) -> View:
    """Return the modal; `origin` comes back with what is chosen."""
    shown, count = mentions.found[:MOST_SHOWN], len(mentions.found)
    is_complete = mentions.is_complete and count == len(shown)
    which = f"This message has {count} session ids." if count > 1 else "This message has a session id."
    blocks = (
        section(" ".join([which, *([] if is_complete else [_INCOMPLETE]), _RESULTS])),
        *([_boxes(ALL, "Which agents to pause", [option(f"All {len(shown)} sessions", ALL)])] if count > 1 else []),
        *_sessions(shown),
    )
    return View(blocks, title=TITLE, submit="Pause", close="Cancel", callback_id=CHOICE, seen=origin)


def running_modal(running: SessionList, origin: str, *, is_complete: bool = True) -> View:
    """Return the modal for a message without an id; there is no box for all, which would stop every agent.

    `is_complete` says whether the whole message was read.
    """
    shown = running.sessions[:MOST_SHOWN]
    about = [Mention(session.id, _facts(session, running.read_at)) for session in shown]
    which = "Choose among the sessions that run, or paste an id." if shown else "No running session was found."
    more = "" if running.is_complete and len(shown) == len(running.sessions) else "There can be more than these."
    return _without_id(" ".join(filter(None, [which, more])), [*_sessions(about)], origin, is_complete=is_complete)


def unread_modal(why: str, origin: str, *, is_complete: bool = True) -> View:
    """Return the same modal without the sessions; `why` is mrkdwn."""
    return _without_id(why, [], origin, is_complete=is_complete)


def choice_not_opened_message() -> Message:
    """Return the answer if the modal did not open."""
    return ephemeral(
        "The window to choose a session did not open: nothing was paused.",
        f"Use *{PAUSE_FROM_MESSAGE_NAME}* again.",
    )


def _without_id(text: str, boxes: Sequence[Block], origin: str, *, is_complete: bool) -> View:
    no_id = "This message has no session id." if is_complete else f"No session id was found. {_INCOMPLETE}"
    element = {"type": "plain_text_input", "action_id": PASTED, "max_length": _LONGEST_PASTED}
    pasted = {
        "type": "input",
        "block_id": PASTED,
        "label": plain_text("Session id, or a URL that contains it"),
        "element": element,
        "optional": True,
    }
    blocks = (section(f"{no_id} *Nothing is paused yet.*"), section(text), *boxes, pasted)
    return View(blocks, title=TITLE, submit="Pause", close="Cancel", callback_id=CHOICE, seen=origin)


def _facts(session: Session, now: float) -> str:
    """Return by what people recognize a session."""
    since = "" if session.created_at is None else age(now - session.created_at)
    return " · ".join(filter(None, [*session.tags, *session.domains[:1], session.key_name, since]))


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
