"""The rules for what is posted to a slash command's response_url.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sim.slack.ack import RESPONSE_TYPES
from bot.sim.slack.content import CONTENT_KEYS, Part, mistakes
from bot.sim.slack.history import Place
from bot.sim.slack.rules import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.sim.slack.workspace import Workspace

LIFETIME = 30 * 60.0  # seconds
USES = 5
_KEYS = CONTENT_KEYS | {"response_type", "replace_original", "delete_original", "thread_ts"}


@dataclass(slots=True)
class Ticket:
    """The right to answer one command: whoever holds its URL speaks as the app, in that channel."""

    workspace: Workspace
    channel: str
    user: str
    trigger_id: str
    expires_at: float
    uses_left: int = USES

    def refusal(self, now: float) -> str | None:
        """Return Slack's error if the URL can't be used any more."""
        if now > self.expires_at:
            return "Expired url"
        return None if self.uses_left else "used_url"

    def place(self, raw: Part) -> Place:
        """Return where this answer goes, as far as its flags make sense."""
        in_channel = raw.get("response_type") == "in_channel"
        return Place(
            channel=self.channel,
            ephemeral_to=None if in_channel else self.user,
            thread_ts=str(raw["thread_ts"]) if raw.get("thread_ts") and in_channel else None,
            trigger_id=self.trigger_id,
        )


def mistakes_of_response(raw: Part) -> Iterator[Violation]:
    """Yield what is wrong with the JSON posted for a slash command."""
    yield from mistakes(raw, _KEYS)
    yield from _mistaken_flags(raw)
    if raw.get("thread_ts") and (raw.get("response_type") != "in_channel" or raw.get("replace_original") is not False):
        yield Violation(Rule.MISPLACED_THREAD, f"thread_ts {raw['thread_ts']}")


def _mistaken_flags(raw: Part) -> Iterator[Violation]:
    if "response_type" not in raw:
        yield Violation(Rule.IMPLICIT_RESPONSE_TYPE, "say whether everyone shall see it")
    elif raw["response_type"] not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(raw["response_type"]))
    if "replace_original" not in raw:
        yield Violation(Rule.IMPLICIT_REPLACE_ORIGINAL, "say that nothing shall be replaced")
    if raw.get("replace_original") or raw.get("delete_original"):
        yield Violation(Rule.REPLACES_SLASH_COMMAND, "through response_url")
