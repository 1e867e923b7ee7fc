"""What the body of an ack makes Slack display, which depends on what it acknowledges.

https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.sim.slack.content import CONTENT_KEYS, Content, Part, block_problems, mistakes, read_content
from bot.sim.slack.rules import Rule, Violation

RESPONSE_TYPES = ("ephemeral", "in_channel")
_ACK_KEYS = CONTENT_KEYS | {"response_type", "replace_original", "delete_original"}


@dataclass(frozen=True, slots=True)
class Ack:
    """What is displayed: nothing if `content` is empty; in_channel shows a typed command to everyone as well."""

    content: Content = field(default_factory=Content)
    response_type: str = "ephemeral"

    @property
    def text(self) -> str:
        """The displayed text."""
        return self.content.text

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The displayed blocks."""
        return self.content.blocks


Reading = tuple[Ack, list[Violation]]
Reader = Callable[[str, bytes], Reading]
"""Reads the body of a 200, given its content type."""


def read_ack(content_type: str, body: bytes) -> Reading:
    """Read the ack of a command."""
    text = body.decode(errors="replace")
    if not text.strip():
        return Ack(), []
    if content_type.partition(";")[0].strip().lower() == "application/json":
        return _read_json(text)
    wrong = [Violation(Rule.ACK_JSON_AS_TEXT, f"{content_type}: {text:.80}")] if _json_object(text) else []
    return Ack(read_content({"text": text})), wrong


def ignore_ack(_content_type: str, body: bytes) -> Reading:
    """Read an ack whose body Slack does not look at."""
    return Ack(), [Violation(Rule.ACK_BODY_IGNORED, f"{body[:80]!r}")] if body.strip() else []


def _read_json(text: str) -> Reading:
    raw = _json_object(text)
    if raw is None:
        return Ack(), [Violation(Rule.ACK_NOT_JSON, f"{text:.80}")]
    content = Content() if block_problems(raw) else read_content(raw)
    response_type = "in_channel" if raw.get("response_type") == "in_channel" else "ephemeral"
    return Ack(content, response_type), list(_mistakes_of_ack(raw))


def _mistakes_of_ack(raw: Part) -> Iterator[Violation]:
    yield from mistakes(raw, _ACK_KEYS)
    if raw.get("response_type", "ephemeral") not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(raw["response_type"]))
    if raw.get("replace_original") or raw.get("delete_original"):
        yield Violation(Rule.REPLACES_SLASH_COMMAND, "in an ack")


def _json_object(text: str) -> Part | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
