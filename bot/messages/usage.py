"""The usage of the commands, and what was wrong with the text after one."""

from typing import assert_never

from bot.core.requests import Help, Verb
from bot.core.session_id import Ambiguous, Broken, Missing
from bot.messages.markup import code
from bot.messages.message import Message, ephemeral

COMMANDS = {Verb.PAUSE: "/anchor-pause", Verb.RESUME: "/anchor-resume"}
"""The slash commands, as manifest.yml declares them."""

_EXAMPLE_ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
_EXAMPLE_REASON = {Verb.PAUSE: "spending too fast", Verb.RESUME: "it was the test account"}
_WHERE_TO_LOOK = "The session id is in the alert, in the session's URL and in Anchor's dashboard."
_HELP = {
    Verb.PAUSE: (
        "I pause the AI agent of an Anchor Browser session at once and post the result in this channel.",
        f"{_WHERE_TO_LOOK} It may be pasted in any form. Pausing a paused agent does no harm.",
    ),
    Verb.RESUME: (
        "I let the paused AI agent of an Anchor Browser session go on and post the result in this channel.",
        f"{_WHERE_TO_LOOK} It may be pasted in any form. A pause that is ordered meanwhile goes first.",
    ),
}
_DIGITS = 32
_MOST_IDS_SHOWN = 5


def usage_message(verb: Verb, problem: Help | Missing | Broken | Ambiguous) -> Message:
    """Return the answer to a command without exactly one session id."""
    usage = f"Usage: `{COMMANDS[verb]} &lt;session_id&gt; [reason]`"
    example = f"Example: `{COMMANDS[verb]} {_EXAMPLE_ID} {_EXAMPLE_REASON[verb]}`"
    return ephemeral(*_explain(verb, problem), usage, example)


def _explain(verb: Verb, problem: Help | Missing | Broken | Ambiguous) -> tuple[str, str]:
    nothing = f"*Nothing was {verb.past}:*"
    match problem:
        case Help():
            return _HELP[verb]
        case Missing():
            return (f"{nothing} which session? Put its id behind the command.", _WHERE_TO_LOOK)
        case Broken(written=written, digits=digits):
            return (f"{nothing} there is no session id in {code(written)}.", _near_miss(digits))
        case Ambiguous(session_ids=session_ids):
            ids = ", ".join(code(session_id) for session_id in session_ids[:_MOST_IDS_SHOWN])
            more = ", …" if len(session_ids) > _MOST_IDS_SHOWN else ""
            return (
                f"{nothing} this names {len(session_ids)} different sessions: {ids}{more}.",
                "Send one command for each session.",
            )
        case _:
            assert_never(problem)


def _near_miss(digits: int) -> str:
    if digits and digits != _DIGITS:
        return f"An id has {_DIGITS} hexadecimal digits; this has {digits}. Copy it again, whole."
    return f"An id has {_DIGITS} hexadecimal digits in groups of 8-4-4-4-12. {_WHERE_TO_LOOK}"
