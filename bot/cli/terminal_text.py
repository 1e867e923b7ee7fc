"""Write a message of Slack's mrkdwn for a terminal."""

import html
import re

_LINK = re.compile(r"<(https?:[^<>|]+)\|([^<>]+)>")
_DATE = re.compile(r"<!date\^[^<>|]+\|([^<>]+)>")
_ID = re.compile(r"<([@#][A-Z0-9]+)>")
_VERDICT = re.compile(r"^(\W*)\*([^*\n]+)\*", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


def terminal_text(mrkdwn: str) -> str:
    """Return a message as plain text, with the URLs of its links."""
    text = _LINK.sub(r"\2 (\1)", mrkdwn)
    text = _DATE.sub(r"\1", text)
    text = _ID.sub(r"\1", text)
    text = _VERDICT.sub(r"\1\2", text)
    return html.unescape(_CODE.sub(r"\1", text))
