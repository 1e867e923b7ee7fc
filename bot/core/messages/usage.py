"""How the command is used, and what was wrong with the way it was."""

from typing import assert_never

from bot.core.command import Help
from bot.core.messages.markup import code
from bot.core.messages.message import Message, ephemeral
from bot.core.session_id import Ambiguous, Broken, Missing

PAUSE_COMMAND = "/anchor-pause"
"""The slash command, as manifest.yml declares it."""

_USAGE = f"Usage: `{PAUSE_COMMAND} &lt;session_id&gt; [reason]`"
_EXAMPLE = f"Example: `{PAUSE_COMMAND} 3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b spending too fast`"
_WHERE_TO_LOOK = "The session id is in the alert, in the session's URL and in Anchor's dashboard."
_DIGITS = 32
_MOST_IDS_SHOWN = 5


def usage_message(problem: Help | Missing | Broken | Ambiguous) -> Message:
    """The answer to a command that names no single session; nothing was sent to Anchor."""
    return ephemeral(*_explain(problem), _USAGE, _EXAMPLE)


def _explain(problem: Help | Missing | Broken | Ambiguous) -> tuple[str, ...]:
    match problem:
        case Help():
            return (
                "I pause the AI agent of an Anchor Browser session at once and post the result in this channel.",
                f"{_WHERE_TO_LOOK} It may be pasted in any form. Pausing a paused agent does no harm.",
            )
        case Missing():
            return ("*Nothing was paused:* which session? Put its id behind the command.", _WHERE_TO_LOOK)
        case Broken(written=written, digits=digits):
            return (f"*Nothing was paused:* there is no session id in {code(written)}.", _near_miss(digits))
        case Ambiguous(session_ids=session_ids):
            ids = ", ".join(code(session_id) for session_id in session_ids[:_MOST_IDS_SHOWN])
            more = ", …" if len(session_ids) > _MOST_IDS_SHOWN else ""
            return (
                f"*Nothing was paused:* this names {len(session_ids)} different sessions: {ids}{more}.",
                "Send one command for each session.",
            )
        case _:
            assert_never(problem)


def _near_miss(digits: int) -> str:
    if digits and digits != _DIGITS:
        return f"An id has {_DIGITS} hexadecimal digits; this has {digits}. Copy it again, whole."
    return f"An id has {_DIGITS} hexadecimal digits in groups of 8-4-4-4-12. {_WHERE_TO_LOOK}"
