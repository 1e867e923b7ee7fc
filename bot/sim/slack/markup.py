"""Slack's markup in text: what escapes, what links, and what wakes people up.

https://docs.slack.dev/messaging/formatting-message-text
"""

import html
import re
from collections.abc import Callable, Iterator

from bot.sim.slack.rules import Rule, Violation

_LABEL = r"(?:\|[^|<>]*)?"
ON_CALL = "S0ONCALL001"
"""The user group that the app is told to mention; it can mention no other one."""

_TOKEN = re.compile(
    rf"<(?:@[UW][A-Z0-9]+{_LABEL}"
    rf"|!subteam\^{ON_CALL}"
    rf"|#[CGD][A-Z0-9]+{_LABEL}"
    rf"|!date\^\d+\^[^|<>]+\|[^|<>]+"
    rf"|(?:https?://|mailto:|tel:)[^\s|<>]+{_LABEL})>"
)
_BROADCAST = re.compile(r"<!(?:channel|here|everyone|subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
_RAW_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
_RAW_BRACKET = re.compile(r"[<>]")


def problems(text: str) -> Iterator[Violation]:
    """Yield what is wrong with one mrkdwn text."""
    rest = _TOKEN.sub("", text)
    for found in _BROADCAST.finditer(rest):
        yield Violation(Rule.BROADCAST, _around(rest, found))
    rest = _BROADCAST.sub("", rest)
    for found in _RAW_BRACKET.finditer(rest):
        yield Violation(Rule.RAW_ANGLE_BRACKET, _around(rest, found))
    for found in _RAW_AMPERSAND.finditer(text):
        yield Violation(Rule.RAW_AMPERSAND, _around(text, found))


def escaped(typed: str) -> str:
    """Return what a person typed as the client sends it."""
    return html.escape(typed, quote=False)


def plain(text: str, user_name: Callable[[str], str], channel_name: Callable[[str], str]) -> str:
    """Return mrkdwn as a person reads it; the two functions give the names that belong to ids."""

    def shown(token: re.Match[str]) -> str:
        target, _, label = token[0][1:-1].partition("|")
        if target.startswith("@"):
            return f"@{user_name(target[1:])}"
        if target.startswith("#"):
            return f"#{channel_name(target[1:])}"
        if target.startswith("!"):
            return label
        return f"{label} ({target})" if label and label not in target else target

    return html.unescape(_TOKEN.sub(shown, text))


def _around(text: str, found: re.Match[str]) -> str:
    return repr(text[max(0, found.start() - 20) : found.end() + 20])
