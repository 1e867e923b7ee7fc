"""The answers to unknown and unreadable requests and to exceptions, and the fallback to a direct message."""

from bot.core.requests import Verb
from bot.messages.blocks import section
from bot.messages.markup import channel, code
from bot.messages.message import Message, ephemeral
from bot.messages.usage import COMMANDS

_PAUSE = COMMANDS[Verb.PAUSE]


def unknown_command_message(command: str) -> Message:
    """Return the answer to an unknown command."""
    return ephemeral(f"I don't know the command {code(command)}; nothing was done.", f"Try `{_PAUSE} help`.")


def unknown_action_message() -> Message:
    """Return the answer to an unknown button or menu."""
    return ephemeral("I don't know this button; nothing was done.", f"To pause a session, use `{_PAUSE}`.")


def broken_button_message(verb: Verb, value: str) -> Message:
    """Return the answer to a button whose value is not one session id."""
    return ephemeral(
        f"*Nothing was {verb.past}:* this button carries no single session id, but {code(value)}.",
        f"The sender of these messages must put the id into the button's `value`. Until then: `{COMMANDS[verb]}`.",
    )


def unreadable_message() -> Message:
    """Return the answer to a command whose payload is not in Slack's format."""
    return ephemeral(
        "Slack handed this command over in a form that I can't read; nothing was done.",
        "Send it again. If that does not help, tell the operator of the bot.",
    )


def incident_message(incident_id: str) -> Message:
    """Return the answer after an unexpected exception: whether the order was executed is unknown."""
    return ephemeral(
        f"*Something broke in the bot itself* (incident {code(incident_id)}).",
        "Whether what you asked was done is not known. A pause may be sent again, it does no harm; before a resume, "
        "look at the session in Anchor's dashboard.",
        f"Tell the operator of the bot; the log has the details under {code(incident_id)}.",
    )


def as_direct_message(message: Message, channel_id: str) -> Message:
    """Return `message` as a direct message, which says which channel it belongs to."""
    why = f"For {channel(channel_id)}, in case it does not show there:"
    blocks = (section(why), *message.blocks) if message.blocks else ()
    return Message(f"{why}\n{message.text}", message.visibility, blocks)
