"""Slack's mrkdwn: make foreign text harmless, and write what Slack turns into links and names.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import unicodedata

_KEPT_FORMAT_CHARACTERS = {"\N{ZERO WIDTH JOINER}"}  # holds emoji together
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}


def plain(text: str, *, limit: int = 300) -> str:
    """Foreign text on one line, without hidden or control characters, of at most `limit` characters, escaped."""
    return html.escape(_shorten(_clean(text), limit), quote=False)


def code(text: str, *, limit: int = 200) -> str:
    """Foreign text in a code span, where nothing is formatted. Backticks, which would end the span, become quotes."""
    return f"`{plain(text.replace('`', chr(39)), limit=limit) or '(nothing readable)'}`"


def mention(user_id: str) -> str:
    """A person, by name and with a notification."""
    return f"<@{user_id}>"


def channel(channel_id: str) -> str:
    """A conversation, by name."""
    return f"<#{channel_id}>"


def _clean(text: str) -> str:
    visible = (
        char
        if char in _KEPT_FORMAT_CHARACTERS or unicodedata.category(char) not in _UNPRINTABLE or char.isspace()
        else ""
        for char in text
    )
    return " ".join("".join(visible).split())


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
