"""The rich text that Slack makes of what a person types: apps get it in `blocks`, beside `text`.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

import html
import re
from collections.abc import Iterator

from bot.sim.slack.content import Part

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
