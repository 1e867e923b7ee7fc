"""The content of messages, and what Slack makes of it."""

import html
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.sim.slack import block_kit, markup
from bot.sim.slack.block_kit import ELEMENTS, width
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.workspace import Enterprise, User, Workspace

# The content of a message, read from JSON, and its violations.

Part = dict[str, object]

ADVISED_TEXT = 4_000
MOST_TEXT = 40_000
MOST_ATTACHMENTS = 100
MOST_BLOCKS = 13_200
"""Characters of the JSON of a post's blocks. Slack does not document its limit, and refused so many in
https://github.com/slackapi/bolt-js/issues/2509.
"""
CONTENT_KEYS = frozenset({"text", "blocks", "attachments", "metadata", "mrkdwn", "unfurl_links", "unfurl_media"})
_TYPES: Mapping[str, type] = {
    "text": str,
    "blocks": list,
    "attachments": list,
    "metadata": dict,
    "mrkdwn": bool,
    "unfurl_links": bool,
    "unfurl_media": bool,
    "response_type": str,
    "replace_original": bool,
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
    metadata = raw.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and metadata.get("event_type")):
        return "invalid_metadata_format"
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


# Content as Slack stores and returns it: with the ids and defaults that the app left out.
# https://docs.slack.dev/reference/block-kit/

_DEFAULTS: dict[object, Part] = {
    "plain_text": {"emoji": True},
    "mrkdwn": {"verbatim": False},
    "input": {"optional": False, "dispatch_action": False},
    "image": {  # these make up a file that nobody fetches; Slack does not accept them back
        "image_width": 1200,
        "image_height": 600,
        "image_bytes": 48_000,
        "is_animated": False,
        "fallback": "1200x600px image",
    },
}
_WITH_ACTION = {*ELEMENTS, "plain_text_input"}


def normalize(content: Content, ids: Iterator[str]) -> Content:
    """Complete blocks and attachments; `ids` are given to blocks and elements that have none."""
    return Content(
        text=content.text,
        blocks=tuple(normalize_block(block, ids) for block in content.blocks),
        attachments=tuple(_attachment(number, each, ids) for number, each in enumerate(content.attachments, 1)),
    )


def _attachment(number: int, attachment: Part, ids: Iterator[str]) -> Part:
    normalized = _numbered(number, attachment)
    if "actions" in attachment:
        normalized["actions"] = [
            _numbered(str(at), action) for at, action in enumerate(parts(attachment["actions"]), 1)
        ]
    if "blocks" in attachment:
        normalized["blocks"] = [normalize_block(block, ids) for block in parts(attachment["blocks"])]
        normalized.setdefault("fallback", "[no preview available]")
    return normalized


def _numbered(number: int | str, part: Part) -> Part:
    """Slack counts by itself, whatever the app calls its parts."""
    return {"id": number} | {name: value for name, value in part.items() if name != "id"}


def normalize_block(block: Part, ids: Iterator[str]) -> Part:
    """Complete one block."""
    normalized = _part(block, ids)
    if "block_id" not in normalized:
        normalized["block_id"] = next(ids)
    return normalized


def _part(part: Part, ids: Iterator[str]) -> Part:
    normalized = {name: normalize_value(value, ids) for name, value in part.items()}
    if part.get("type") in _WITH_ACTION and "action_id" not in part:
        normalized["action_id"] = next(ids)
    return normalized | {
        name: value for name, value in _DEFAULTS.get(part.get("type"), {}).items() if name not in normalized
    }


def normalize_value(value: object, ids: Iterator[str]) -> object:
    """Complete whatever stands in a block, such as a text."""
    if isinstance(value, dict):
        return _part(value, ids)
    return [normalize_value(one, ids) for one in value] if isinstance(value, list) else value


# The rich text that Slack makes of what a person types: apps get it in `blocks`, beside `text`.
# https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

_CODE = "```"
_TOKEN = re.compile(r"<([^<>|]+)(?:\|([^<>]*))?>")
_ID_FIELDS = {"@": ("user", "user_id"), "#": ("channel", "channel_id")}


def typed_rich_text(text: str) -> Part:
    """Return the block for an escaped text: links, mentions and code blocks become elements of their own."""
    elements = [
        {
            "type": "rich_text_preformatted" if position % 2 else "rich_text_section",
            "elements": list(_elements(piece)),
            **({"border": 0} if position % 2 else {}),
        }
        for position, piece in enumerate(text.split(_CODE))
        if piece
    ]
    return {"type": "rich_text", "block_id": "typed", "elements": elements}


def _elements(text: str) -> Iterator[Part]:
    end = 0
    for token in _TOKEN.finditer(text):
        if before := text[end : token.start()]:
            yield _words(before)
        yield _token(token[1], token[2])
        end = token.end()
    if rest := text[end:]:
        yield _words(rest)


def _words(text: str) -> Part:
    return {"type": "text", "text": html.unescape(text)}


def _token(target: str, label: str | None) -> Part:
    if target[0] in _ID_FIELDS:
        kind, field = _ID_FIELDS[target[0]]
        return {"type": kind, field: target[1:]}
    named = {"text": html.unescape(label)} if label else {}
    return {"type": "link", "url": html.unescape(target), **named}


# People, workspaces and organisations as apps get them in payloads.


def user_json(user: User) -> Part:
    """Return who did it."""
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def team_json(workspace: Workspace) -> Part:
    """Return a workspace, with its organisation if it has one."""
    team: Part = {"id": workspace.team_id, "domain": workspace.domain}
    if enterprise := workspace.enterprise:
        team |= {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name}
    return team


def enterprise_json(enterprise: Enterprise | None) -> Part | None:
    """Return a Grid organisation."""
    return {"id": enterprise.id, "name": enterprise.name} if enterprise else None
