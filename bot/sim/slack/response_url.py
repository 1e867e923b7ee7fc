"""The rules for what is posted to a response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.sim.slack.ack import RESPONSE_TYPES
from bot.sim.slack.content import CONTENT_KEYS, Part, mistakes
from bot.sim.slack.history import Message, Place
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.workspace import Workspace

LIFETIME = 30 * 60.0  # seconds
USES = 5
_KEYS = CONTENT_KEYS | {"response_type", "replace_original", "delete_original", "thread_ts"}


@dataclass(slots=True)
class Ticket:
    """The right to answer one command or click: the holder of its URL posts as the app, in that channel.

    `original` is the message that held the button; a command and a shortcut have none. Unless it `keeps_threads`, what
    is posted with a `thread_ts` goes to the channel.
    """

    workspace: Workspace
    channel: str
    user: str
    trigger_id: str
    expires_at: float
    original: Message | None
    uses_left: int = USES
    keeps_threads: bool = True

    def refusal(self, now: float) -> str | None:
        """Return Slack's error if the URL can't be used any more."""
        if now > self.expires_at:
            return "Expired url"
        return None if self.uses_left else "used_url"

    def place(self, raw: Part) -> Place:
        """Return where a new message goes, as far as its flags make sense."""
        in_channel = raw.get("response_type") == "in_channel"
        return Place(
            channel=self.channel,
            ephemeral_to=None if in_channel else self.user,
            thread_ts=str(raw["thread_ts"]) if raw.get("thread_ts") and in_channel and self.keeps_threads else None,
            trigger_id=self.trigger_id,
        )


def mistakes_of_response(raw: Part, original: Message | None) -> Iterator[Violation]:
    """Yield what is wrong with the JSON posted for a command, or for a click in the message `original`."""
    yield from mistakes(raw, _KEYS)
    response_type = raw.get("response_type")
    if response_type is not None and response_type not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(response_type))
    yield from _missing_flags(raw) if original is None else _mistakes_with_original(raw, original)
    if original is None and (raw.get("replace_original") or raw.get("delete_original")):
        yield Violation(Rule.REPLACES_SLASH_COMMAND, "through response_url")
    if raw.get("thread_ts") and (response_type != "in_channel" or raw.get("replace_original") is not False):
        yield Violation(Rule.MISPLACED_THREAD, f"thread_ts {raw['thread_ts']}")


def _missing_flags(raw: Part) -> Iterator[Violation]:
    if "response_type" not in raw:
        yield Violation(Rule.IMPLICIT_RESPONSE_TYPE, "say whether everyone shall see it")
    if "replace_original" not in raw:
        yield Violation(Rule.IMPLICIT_REPLACE_ORIGINAL, "say whether anything shall be replaced")


def _mistakes_with_original(raw: Part, original: Message) -> Iterator[Violation]:
    visible = "ephemeral" if original.ephemeral_to else "in_channel"
    if not raw.get("replace_original"):
        yield from () if raw.get("delete_original") else _missing_flags(raw)
    elif raw.get("response_type", visible) != visible:
        yield Violation(Rule.CHANGES_VISIBILITY, f"the message stays {visible}")
