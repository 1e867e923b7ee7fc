"""The answers to a command that is no order: help, and what Slack has sent twice."""

from bot.core.commands import ALL_WORD
from bot.core.orders import Verb
from bot.messages import buttons
from bot.messages.blocks import ephemeral
from bot.messages.outcomes import COMMANDS

_PAUSE = COMMANDS[Verb.PAUSE]
REPEATED = ephemeral(
    "*Slack sent this command twice.* It counts once. If you don't see its result, send "
    f"`{_PAUSE}`: the list shows what runs and what is paused."
)
HELP = ephemeral(
    f"`{_PAUSE}`, `{COMMANDS[Verb.RESUME]}`: list what runs and is paused",
    f"`{_PAUSE} &lt;id or first 8 digits&gt; [reason]`: pause it; `{COMMANDS[Verb.RESUME]}` resumes it",
    f"`{_PAUSE} &lt;words&gt;`: find by tag, domain or key; `{ALL_WORD} [words]`: *Pause several…*",
    f"In threads: ⋮ &gt; *{buttons.PAUSE_FROM_MESSAGE_NAME}*",
)
"""The answer to `help` after a command: one line for each form. Nobody reads more in a hurry."""
