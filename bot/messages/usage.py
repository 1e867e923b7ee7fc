"""The usage of the commands, and what was wrong with the text after one."""

from typing import assert_never

from bot.core.requests import Help, Verb
from bot.core.session_ids import Ambiguous, Broken, Missing
from bot.messages.blocks import Message, ephemeral
from bot.messages.buttons import PAUSE_FROM_MESSAGE_NAME
from bot.messages.markup import NOT_DONE, code, dashboard

COMMANDS = {Verb.PAUSE: "/anchor-pause", Verb.RESUME: "/anchor-resume"}
"""The slash commands for orders, as manifest.yml declares them."""

SESSIONS = "/anchor-sessions"
"""The slash command that shows sessions."""

_EXAMPLE_ID = "3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b"
_EXAMPLE_REASON = {Verb.PAUSE: "spending too fast", Verb.RESUME: "it was the test account"}
_WHERE_TO_LOOK = "The id is in the alert, in the session's URL and in {dashboard}."
_HELP = {
    Verb.PAUSE: "Pause the AI agent of an Anchor Browser session, and post the result in this channel. "
    "Pausing a paused agent does no harm.\n"
    f"If a message has the session id, also in a thread, choose *{PAUSE_FROM_MESSAGE_NAME}* in that message's ⋮ menu.",
    Verb.RESUME: "Resume the paused AI agent of an Anchor Browser session, and post the result in this channel. "
    "A pause that is requested meanwhile goes first.",
}
_WITHOUT_ID = (
    f"Without an id, `{COMMANDS[Verb.PAUSE]}` lists the sessions that run, and `{COMMANDS[Verb.PAUSE]} &lt;words&gt;` "
    "those with the words in a tag, a domain or the name of the key. The first 8 digits of an id are enough if only "
    f"one session has them. `{SESSIONS}` shows what runs and what is paused."
)
SESSIONS_HELP = ephemeral(
    f"`{SESSIONS}` shows you the sessions that run and those that this app paused, with buttons to pause, to resume, "
    "and to read them again."
)
_DIGITS = 32
_MOST_IDS_SHOWN = 5


def usage_message(verb: Verb, problem: Help | Missing | Broken | Ambiguous, *, dashboard_url: str) -> Message:
    """Return the answer to a command without exactly one session id."""
    usage = f"Usage: `{COMMANDS[verb]} &lt;session_id&gt; [reason]`"
    where = _WHERE_TO_LOOK.format(dashboard=dashboard(dashboard_url))
    if isinstance(problem, Help):
        example = f"Example: `{COMMANDS[verb]} {_EXAMPLE_ID} {_EXAMPLE_REASON[verb]}`"
        return ephemeral(_HELP[verb], where, usage, example, _WITHOUT_ID if verb is Verb.PAUSE else "")
    return ephemeral(NOT_DONE[verb], _explain(problem), where, usage)


def _explain(problem: Missing | Broken | Ambiguous) -> str:
    match problem:
        case Missing():
            return "Put the session id after the command."
        case Broken(written=written, digits=digits):
            length = f", this has {digits}" if digits and digits != _DIGITS else ""
            return f"No session id in {code(written)}: an id has {_DIGITS} hexadecimal digits{length}."
        case Ambiguous(session_ids=session_ids):
            ids = ", ".join(code(session_id) for session_id in session_ids[:_MOST_IDS_SHOWN])
            more = ", …" if len(session_ids) > _MOST_IDS_SHOWN else ""
            return f"Send one command for each session. This has {len(session_ids)}: {ids}{more}."
        case _:
            assert_never(problem)
