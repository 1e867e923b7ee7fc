"""The slash commands, and how they are used."""

from bot.core.requests import Verb
from bot.core.sessions import ALL_WORD
from bot.messages.blocks import ephemeral
from bot.messages.buttons import PAUSE_FROM_MESSAGE_NAME

COMMANDS = {Verb.PAUSE: "/anchor-pause", Verb.RESUME: "/anchor-resume"}
"""The slash commands, as manifest.yml declares them."""

_PAUSE, _RESUME = COMMANDS.values()
HELP = ephemeral(
    f"`{_PAUSE}`, `{_RESUME}`: list what runs and is paused",
    f"`{_PAUSE} &lt;id or first 8 digits&gt; [reason]`: pause it; `{_RESUME}` resumes it",
    f"`{_PAUSE} &lt;words&gt;`: find by tag, domain or key; `{ALL_WORD} [words]`: *Pause several…*",
    f"In threads: ⋮ &gt; *{PAUSE_FROM_MESSAGE_NAME}*",
)
"""The answer to `help` after a command: one line for each form. Nobody reads more in a hurry."""
