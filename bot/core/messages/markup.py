"""Slack's mrkdwn: make foreign text harmless, and write what Slack turns into links and names.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
import unicodedata
from datetime import UTC, datetime

_KEPT_FORMAT_CHARACTERS = {"\N{ZERO WIDTH JOINER}"}  # holds emoji together
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Co", "Cn"}
_BLANK_LINES = re.compile(r"\n{3,}")


def plain(text: str, *, limit: int = 300) -> str:
    """Foreign text on one line, without hidden or control characters, of at most `limit` characters, escaped."""
    return html.escape(_shorten(_clean(text), limit), quote=False)


def code(text: str, *, limit: int = 200) -> str:
    """Foreign text in a code span, where nothing is formatted. Backticks, which would end the span, become quotes."""
    return f"`{plain(text.replace('`', chr(39)), limit=limit) or '(nothing readable)'}`"


def lines(text: str, *, limit: int) -> str:
    """Foreign text with its line breaks, of at most `limit` characters as written, escaped.

    Backticks, between which all that follows could vanish, become quotes. Characters count as Slack's clients count
    them: in units of UTF-16.
    """
    cleaned = "\n".join(map(_clean, text.replace("`", "'").splitlines()))
    return _escape_within(_BLANK_LINES.sub("\n\n", cleaned).strip(), limit)


def width(text: str) -> int:
    """How long `text` is where units of UTF-16 are counted."""
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2


def link(url: str, label: str) -> str:
    """A link to an http or https address, with a label of ours."""
    return f"<{html.escape(url, quote=False).replace('|', '%7C')}|{label}>"


def mention(user_id: str) -> str:
    """A person, by name and with a notification."""
    return f"<@{user_id}>"


def channel(channel_id: str) -> str:
    """A conversation, by name."""
    return f"<#{channel_id}>"


def moment(unix_seconds: float) -> str:
    """A moment, as each reader's own clock has it."""
    in_utc = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(unix_seconds)}^{{date_short_pretty}} at {{time}}|{in_utc}>"


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


def _escape_within(text: str, limit: int) -> str:
    """Escape `text`, and cut it, between characters, where it would take more than `limit` units of UTF-16."""
    if width(whole := html.escape(text, quote=False)) <= limit:
        return whole
    room = limit - len("…")
    end = next(place for place, char in enumerate(text) if (room := room - width(html.escape(char, quote=False))) < 0)
    return html.escape(text[:end].rstrip(), quote=False) + "…"
