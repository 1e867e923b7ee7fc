"""The content of a message, read from JSON, and its violations."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.sim.slack import block_kit, markup
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.schema import width

Part = dict[str, object]

ADVISED_TEXT = 4_000
MOST_TEXT = 40_000
MOST_ATTACHMENTS = 100
MOST_BLOCKS = 13_200
"""Characters of the JSON of a post's blocks. Slack does not document its limit, and refused so many in
https://github.com/slackapi/bolt-js/issues/2509.
"""
CONTENT_KEYS = frozenset({"text", "blocks", "attachments", "mrkdwn", "unfurl_links", "unfurl_media"})
_TYPES: Mapping[str, type] = {
    "text": str,
    "blocks": list,
    "attachments": list,
    "mrkdwn": bool,
    "unfurl_links": bool,
    "unfurl_media": bool,
    "response_type": str,
    "replace_original": bool,
    "delete_original": bool,
    "thread_ts": str,
    "channel": str,
    "reply_broadcast": bool,
}


@dataclass(frozen=True, slots=True)
class Content:
    """Text, blocks and legacy attachments of a message; text past 40,000 characters is cut off as Slack does."""

    text: str = ""
    blocks: tuple[Part, ...] = ()
    attachments: tuple[Part, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to show."""
        return not (self.text or self.blocks or self.attachments)


def read_content(raw: Mapping[str, object]) -> Content:
    """Take what can be shown; what has the wrong type is left out."""
    text = raw.get("text")
    return Content(
        text=text[:MOST_TEXT] if isinstance(text, str) else "",
        blocks=parts(raw.get("blocks")),
        attachments=parts(raw.get("attachments")),
    )


def block_problems(raw: Mapping[str, object]) -> list[str]:
    """Return Slack's complaints about the blocks; a message with any is shown to nobody."""
    complaints = _problems(raw, "/blocks")
    for position, attachment in enumerate(parts(raw.get("attachments"))):
        complaints += _problems(attachment, f"/attachments/{position}/blocks")
    return complaints


def _problems(raw: Mapping[str, object], pointer: str) -> list[str]:
    blocks = raw.get("blocks")
    return [] if blocks is None else block_kit.problems(blocks, pointer=pointer)


def refusal(raw: Mapping[str, object]) -> str | None:
    """Return the error with which Slack rejects a message; None if it has content that can be shown."""
    if len(parts(raw.get("attachments"))) > MOST_ATTACHMENTS:
        return "too_many_attachments"
    return "invalid_blocks" if block_problems(raw) else None


def mistakes(raw: Mapping[str, object], known: Iterable[str]) -> Iterator[Violation]:
    """Yield what is wrong with a message's JSON, for an endpoint that reads the `known` keys."""
    for name in raw.keys() - set(known) - {"link_names", "parse"}:
        yield Violation(Rule.UNKNOWN_KEY, name)
    for name, kind in _TYPES.items():
        if raw.get(name) is not None and not isinstance(raw[name], kind):
            yield Violation(Rule.WRONG_TYPE, f"{name} is {raw[name]!r:.80}")
    if raw.get("link_names") or raw.get("parse", "none") != "none":
        yield Violation(Rule.LINKS_NAMES, "link_names or parse")
    if (error := refusal(raw)) and error != "invalid_blocks":
        yield Violation(Rule.REJECTED, error)
    yield from _mistakes_in_words(raw)


def _mistakes_in_words(raw: Mapping[str, object]) -> Iterator[Violation]:
    for complaint in block_problems(raw):
        yield Violation(Rule.INVALID_BLOCKS, complaint)
    text = raw.get("text")
    if raw.get("blocks") and not text:
        yield Violation(Rule.BLOCKS_WITHOUT_TEXT, "blocks need a text that tells the same")
    if isinstance(text, str) and width(text) > ADVISED_TEXT:
        yield Violation(Rule.TEXT_TOO_LONG, f"{width(text)} characters")
    for words in _mrkdwn_in(raw):
        yield from markup.problems(words)


def _mrkdwn_in(raw: Mapping[str, object]) -> Iterator[str]:
    text = raw.get("text")
    if isinstance(text, str):
        yield text
    yield from mrkdwn_objects(raw.get("blocks"))
    for attachment in parts(raw.get("attachments")):
        yield from (str(attachment[name]) for name in ("pretext", "title", "text") if name in attachment)
        yield from (str(field.get("value", "")) for field in parts(attachment.get("fields")))
        yield from mrkdwn_objects(attachment.get("blocks"))


def mrkdwn_objects(part: object) -> Iterator[str]:
    """Yield the texts of all mrkdwn objects in a part of a JSON."""
    for one in objects(part):
        if one.get("type") == "mrkdwn" and isinstance(one.get("text"), str):
            yield str(one["text"])


def texts(part: object, leave_out: Callable[[str], bool] = lambda _: False) -> Iterator[str]:
    """Yield the texts in a part of a JSON, but for members with a name to `leave_out`."""
    for one in objects(part, leave_out):
        if isinstance(one.get("text"), str):
            yield str(one["text"])


def objects(part: object, leave_out: Callable[[str], bool] = lambda _: False) -> Iterator[Part]:
    """Yield the objects in a part of a JSON, each before those in it."""
    if isinstance(part, list):
        for one in part:
            yield from objects(one, leave_out)
    elif isinstance(part, dict):
        yield part
        for name, one in part.items():
            if not leave_out(name):
                yield from objects(one, leave_out)


def is_json(content_type: str) -> bool:
    """Return whether a header says that the body is JSON."""
    return content_type.partition(";")[0].strip().lower() == "application/json"


def json_object(text: str | bytes) -> Part | None:
    """Return the JSON object in a text; None if it is something else."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def parts(value: object) -> tuple[Part, ...]:
    """Return the objects in a JSON list; nothing if it is none."""
    return tuple(part for part in value if isinstance(part, dict)) if isinstance(value, list) else ()
