"""The usage of the commands, and what was wrong with the text after one."""

from typing import assert_never

from bot.core.requests import Help, Verb
from bot.core.session_ids import Ambiguous, Broken, Found, Missing
from bot.core.sessions import ALL_WORD
from bot.messages.blocks import Message, ephemeral
from bot.messages.buttons import PAUSE_FROM_MESSAGE_NAME
from bot.messages.markup import NOT_DONE, code, dashboard

COMMANDS = {Verb.PAUSE: "/anchor-pause", Verb.RESUME: "/anchor-resume", Verb.END: "/anchor-end"}
"""The slash commands for orders, as manifest.yml declares them."""

SESSIONS = "/anchor-sessions"
"""The slash command that shows sessions."""

_WHERE_TO_LOOK = "The id is in the alert, in the session's URL and in {dashboard}."
_ID = "&lt;id or first 8 digits&gt;"
_HELP = {
    Verb.PAUSE: (
        f"`{COMMANDS[Verb.PAUSE]}`: list what runs, with Pause buttons",
        f"`{COMMANDS[Verb.PAUSE]} {_ID} [reason]`: pause it",
        f"`{COMMANDS[Verb.PAUSE]} &lt;words&gt;`: find by tag, domain or key; `{ALL_WORD} [words]`: pause several",
        f"In threads: ⋮ &gt; *{PAUSE_FROM_MESSAGE_NAME}*",
    ),
    Verb.RESUME: (
        f"`{COMMANDS[Verb.RESUME]} &lt;id&gt; [reason]`: resume a paused agent",
        f"`{COMMANDS[Verb.RESUME]}`: list what is paused, with Resume buttons",
    ),
    Verb.END: (
        f"`{COMMANDS[Verb.END]} &lt;session_id&gt;`: end a session, after a question: its work is lost",
        f"`{COMMANDS[Verb.PAUSE]}` stops its agent, and loses nothing",
    ),
}
"""One line for each form. Nobody reads more in a hurry."""

SESSIONS_HELP = ephemeral(f"`{SESSIONS}`: list what runs and what is paused, with Pause and Resume buttons")
_DIGITS = 32
_MOST_IDS_SHOWN = 5


def usage_message(verb: Verb, problem: Help | Missing | Broken | Ambiguous | Found, *, dashboard_url: str) -> Message:
    """Return the answer to a command without exactly one session id; found with more, it is that of an end."""
    if isinstance(problem, Help):
        return ephemeral(*_HELP[verb])
    usage = f"Usage: `{COMMANDS[verb]} &lt;session_id&gt;{'' if verb is Verb.END else ' [reason]'}`"
    where = _WHERE_TO_LOOK.format(dashboard=dashboard(dashboard_url))
    return ephemeral(NOT_DONE[verb], _explain(problem), where, usage)


def _explain(problem: Missing | Broken | Ambiguous | Found) -> str:
    match problem:
        case Missing():
            return "Put the session id after the command."
        case Found():
            return "Put nothing after the session id."
        case Broken(written=written, digits=digits):
            length = f", this has {digits}" if digits and digits != _DIGITS else ""
            return f"No session id in {code(written)}: an id has {_DIGITS} hexadecimal digits{length}."
        case Ambiguous(session_ids=session_ids):
            ids = ", ".join(code(session_id) for session_id in session_ids[:_MOST_IDS_SHOWN])
            more = ", …" if len(session_ids) > _MOST_IDS_SHOWN else ""
            return f"Send one command for each session. This has {len(session_ids)}: {ids}{more}."
        case _:
            assert_never(problem)
