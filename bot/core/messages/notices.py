"""What is said outside the answer to a pause: unknown requests, accidents, messages that go astray."""

from bot.core.messages.blocks import section
from bot.core.messages.markup import channel, code
from bot.core.messages.message import Message, ephemeral
from bot.core.messages.usage import COMMANDS
from bot.core.requests import Verb

_PAUSE = COMMANDS[Verb.PAUSE]


def unknown_command_message(command: str) -> Message:
    """The answer to a command that reaches this app but is none of its own."""
    return ephemeral(f"I don't know the command {code(command)}; nothing was done.", f"Try `{_PAUSE} help`.")


def unknown_action_message() -> Message:
    """The answer to a button or menu that this app does not know."""
    return ephemeral("I don't know this button; nothing was done.", f"To pause a session, use `{_PAUSE}`.")


def broken_button_message(verb: Verb, value: str) -> Message:
    """The answer to a button of ours that somebody sent without a proper session id."""
    return ephemeral(
        f"*Nothing was {verb.past}:* this button carries no single session id, but {code(value)}.",
        f"Whoever sends these messages must put the id into the button's `value`. Until then: `{COMMANDS[verb]}`.",
    )


def unreadable_message() -> Message:
    """The answer to a command that Slack handed over with something in it that Slack does not send."""
    return ephemeral(
        "Slack handed this command over in a form that I can't read; nothing was done.",
        "Send it again. If that does not help, tell whoever runs the bot.",
    )


def incident_message(incident_id: str) -> Message:
    """The answer when something broke in the bot itself. What was asked may have been carried out or not."""
    return ephemeral(
        f"*Something broke in the bot itself* (incident {code(incident_id)}).",
        "Whether what you asked was done is not known. A pause may be sent again, it does no harm; before a resume, "
        "look at the session in Anchor's dashboard.",
        f"Tell whoever runs the bot; the log has the details under {code(incident_id)}.",
    )


def astray(message: Message, channel_id: str) -> Message:
    """`message` for the person's own DM, since it is not known to have got where it belongs."""
    why = f"For {channel(channel_id)}, in case it does not show there:"
    blocks = (section(why), *message.blocks) if message.blocks else ()
    return Message(f"{why}\n{message.text}", message.visibility, blocks)
