"""The display of an ack, which depends on what it acknowledges.

https://docs.slack.dev/interactivity/implementing-slash-commands#responding_to_commands
https://api.slack.com/legacy/interactive-messages
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.sim.slack.content import CONTENT_KEYS, Content, Part, is_json, json_object, mistakes, read_content, refusal
from bot.sim.slack.history import Place
from bot.sim.slack.rules import Rule, Violation

RESPONSE_TYPES = ("ephemeral", "in_channel")
_ACK_KEYS = CONTENT_KEYS | {"response_type", "replace_original", "delete_original"}


@dataclass(frozen=True, slots=True)
class Ack:
    """The displayed ack: nothing if `content` is empty; in_channel shows a typed command to everyone as well.

    `replaces` and `deletes` say what becomes of the message that held the button.
    """

    content: Content = field(default_factory=Content)
    response_type: str = "ephemeral"
    replaces: bool = False
    deletes: bool = False

    @property
    def text(self) -> str:
        """The displayed text."""
        return self.content.text

    @property
    def blocks(self) -> tuple[Part, ...]:
        """The displayed blocks."""
        return self.content.blocks

    def place(self, channel_id: str, user_id: str, trigger_id: str) -> Place:
        """Return where a new message goes, given who acted in which channel."""
        return Place(channel_id, None if self.response_type == "in_channel" else user_id, trigger_id=trigger_id)


Reading = tuple[Ack, list[Violation]]
Reader = Callable[[str, bytes], Reading]
"""Reads the body of a 200, given its content type."""


def read_ack(content_type: str, body: bytes) -> Reading:
    """Read the ack of a command: a text or JSON, which only the typist sees unless it says otherwise."""
    text = body.decode(errors="replace")
    if not text.strip():
        return Ack(), []
    if not is_json(content_type):
        wrong = [Violation(Rule.ACK_JSON_AS_TEXT, f"{content_type}: {text:.80}")] if json_object(text) else []
        return Ack(read_content({"text": text})), wrong
    raw, wrong = _message(text)
    if raw.get("replace_original") or raw.get("delete_original"):
        wrong.append(Violation(Rule.REPLACES_SLASH_COMMAND, "in an ack"))
    return Ack(_content(raw), _response_type(raw, "ephemeral")), wrong


def read_replacement(content_type: str, body: bytes) -> Reading:
    """Read the ack of a legacy button: JSON replaces the message for all who see it, unless it says otherwise."""
    if not (body.strip() and is_json(content_type)):
        return ignore_ack(content_type, body)  # of a text nothing is documented
    raw, wrong = _message(body.decode(errors="replace"))
    content, deletes = _content(raw), bool(raw.get("delete_original"))
    replaces = raw.get("replace_original") is not False and not content.is_empty
    if replaces or deletes:
        wrong.append(Violation(Rule.ACK_OVERWRITES_ALERT, f"{body[:80]!r}"))
    return Ack(content, _response_type(raw, "in_channel"), replaces, deletes), wrong


def ignore_ack(_content_type: str, body: bytes) -> Reading:
    """Read an ack at whose body Slack does not look."""
    return Ack(), [Violation(Rule.ACK_BODY_IGNORED, f"{body[:80]!r}")] if body.strip() else []


def _message(text: str) -> tuple[Part, list[Violation]]:
    raw = json_object(text)
    if raw is None:
        return {}, [Violation(Rule.ACK_NOT_JSON, f"{text:.80}")]
    return raw, list(_mistakes_of_ack(raw))


def _content(raw: Part) -> Content:
    return Content() if refusal(raw) else read_content(raw)


def _response_type(raw: Part, default: str) -> str:
    return next((known for known in RESPONSE_TYPES if known == raw.get("response_type")), default)


def _mistakes_of_ack(raw: Part) -> Iterator[Violation]:
    yield from mistakes(raw, _ACK_KEYS)
    if raw.get("response_type", "ephemeral") not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(raw["response_type"]))
