"""The answers to unknown and unreadable requests and to exceptions, and the fallback to a direct message."""

from bot.core.requests import Verb
from bot.core.session_id import SessionId
from bot.messages.blocks import section
from bot.messages.markup import code, place
from bot.messages.message import Message, ephemeral, with_buttons
from bot.messages.phrases import NOT_DONE
from bot.messages.session_buttons import button
from bot.messages.usage import COMMANDS

_PAUSE = COMMANDS[Verb.PAUSE]


def unknown_command_message(command: str) -> Message:
    """Return the answer to an unknown command."""
    return ephemeral(f"Unknown command {code(command)}: nothing was done.", f"Try `{_PAUSE} help`.")


def unknown_action_message(session_id: SessionId | None = None) -> Message:
    """Return the answer to an unknown button, menu or shortcut, perhaps of another version; it can name a session."""
    message = ephemeral("Unknown button or shortcut: nothing was done.", f"To pause a session, use `{_PAUSE}`.")
    if session_id is None:
        return message
    return with_buttons(message, button(Verb.PAUSE, session_id))


def broken_button_message(verb: Verb, value: str, *, is_legacy: bool = False) -> Message:
    """Return the answer to a button whose value is not one session id; a legacy one is probably Alertmanager's."""
    has = f"{code(value)} instead of a session id" if value else "no session id"
    return ephemeral(
        NOT_DONE[verb],
        f"This button has {has}. Use `{COMMANDS[verb]}`.",
        "The sender of this message must put the id into the button's `value`.",
        "In Alertmanager, the label with the id must be in `group_by`." if is_legacy else "",
    )


def unreadable_message() -> Message:
    """Return the answer to a command whose payload is not in Slack's format."""
    return ephemeral(
        "Slack sent this command in a form that the bot can't read; nothing was done.",
        "Send it again. If that does not help, tell the operator of the bot.",
    )


def incident_message(incident_id: str) -> Message:
    """Return the answer after an unexpected exception outside of an order."""
    return ephemeral(
        f"*Something broke in the bot itself* (incident {code(incident_id)}).",
        "It is not known whether your request was carried out.",
        f"Tell the operator of the bot; the log has the details under {code(incident_id)}.",
    )


def as_direct_message(message: Message, channel_id: str) -> Message:
    """Return `message` as a direct message, which says which channel it belongs to, if to any."""
    if not channel_id:
        return message
    why = f"This is for {place(channel_id)}, in case it does not show there."
    blocks = (*message.blocks, section(why)) if message.blocks else ()
    return Message(f"{message.text}\n{why}", message.visibility, blocks)
