"""Read what a person typed after a slash command."""

from dataclasses import dataclass

from bot.core.session_id import Search, find_session_id

_ASKS_FOR_HELP = {"help", "?", "-h", "--help"}


@dataclass(frozen=True, slots=True)
class Help:
    """The person asked how the command is used."""


def read_command(text: str) -> Search | Help:
    """What `text`, the form field of that name, asks for: help, a session (`Found`), or nothing that can be done."""
    if text.strip().casefold() in _ASKS_FOR_HELP:
        return Help()
    return find_session_id(text)
