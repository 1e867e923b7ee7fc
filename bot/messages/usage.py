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

_WHERE_TO_LOOK = "The id is in the alert, in the session's URL and in {dashboard}."
_ID = "&lt;id or first 8 digits&gt;"
_HELP = {
    Verb.PAUSE: (
        f"`{COMMANDS[Verb.PAUSE]}`: list what runs, with Pause buttons",
        f"`{COMMANDS[Verb.PAUSE]} {_ID} [reason]`: pause it",
        f"`{COMMANDS[Verb.PAUSE]} &lt;words&gt;`: find by tag, domain or key",
        f"In threads: ⋮ &gt; *{PAUSE_FROM_MESSAGE_NAME}*",
    ),
    Verb.RESUME: (
        f"`{COMMANDS[Verb.RESUME]} &lt;id&gt; [reason]`: resume a paused agent",
        f"`{SESSIONS}`: list what is paused, with Resume buttons",
    ),
}
"""One line for each form. Nobody reads more in a hurry."""

SESSIONS_HELP = ephemeral(f"`{SESSIONS}`: list what runs and what is paused, with Pause and Resume buttons")
_DIGITS = 32
_MOST_IDS_SHOWN = 5


def usage_message(verb: Verb, problem: Help | Missing | Broken | Ambiguous, *, dashboard_url: str) -> Message:
    """Return the answer to a command without exactly one session id."""
    if isinstance(problem, Help):
        return ephemeral(*_HELP[verb])
    usage = f"Usage: `{COMMANDS[verb]} &lt;session_id&gt; [reason]`"
    where = _WHERE_TO_LOOK.format(dashboard=dashboard(dashboard_url))
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
