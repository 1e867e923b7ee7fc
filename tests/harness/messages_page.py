"""The page docs/messages.md: every entry of the wording snapshot that is a message, as tables."""

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"

_INTRODUCTION = """\
# Messages

This page is for people who want to know what the bot says and when. `scripts/test --update` writes it from the texts
in `bot/messages`.

In the examples, `@alice` is the person who sent the command or pressed the button.
"""
_SECTIONS = (
    ("Answers to a pause", "test_order_wording: pause: "),
    ("Answers to a resume", "test_order_wording: resume: "),
    ("Answers to a command without exactly one session id", "test_order_wording: usage: "),
    ("Lines in a clicked message", "test_order_wording: clicked message: "),
    ("Lists of sessions", "test_session_list_wording: "),
    ("Alert cards", "test_order_wording: alert: "),
    ("Other answers in Slack", "test_order_wording: notice: "),
    ("The window of the message shortcut, to choose sessions in", "test_session_choice_wording: "),
    ("Responses of `POST /alerts`", "test_order_wording: answer to an alert: "),
    ("Direct messages about settings", "test_administration_wording: direct message: "),
    ("Home", "test_administration_wording: home: "),
    ("Past orders in Home, and their modal", "test_history_wording: "),
    ("Settings modals and their answers", "test_administration_wording: "),
    ("Pages of the installation", "test_install_wording: "),
)
_BUTTON = re.compile(r"^\[(.+?) → \w+\](?: asks: (.+) \[.+\])?$")
_PEOPLE = {
    "<@U0ALICE0001>": "@alice",
    "<@U0BOB000001>": "@bob",
    "<@U0SETTER001>": "@carol",
    "<#C0ALERTS001>": "#alerts",
}


def page(entries: Mapping[str, str]) -> str:
    """Return the page for the entries of the snapshot; each is in the first section that fits."""
    left = dict(entries)
    parts = [_INTRODUCTION]
    for title, prefix in _SECTIONS:
        found = {
            name.removeprefix(prefix): left.pop(name) for name in entries if name in left and name.startswith(prefix)
        }
        rows = [f"| {_text(name)} | {' | '.join(_columns(text))} |" for name, text in found.items()]
        parts.append("\n".join([f"## {title}", "", "| When | Text | Buttons |", "| --- | --- | --- |", *rows, ""]))
    return "\n".join(parts)


def _columns(entry: str) -> tuple[str, str]:
    """Return the text and the buttons of an entry."""
    lines = entry.splitlines()
    buttons = [match for line in lines if (match := _BUTTON.match(line))]
    texts = [_text(line) for line in lines if not _BUTTON.match(line)]
    labels = [f"{match[1]} (asks: {_text(match[2])})" if match[2] else match[1] for match in buttons]
    return "<br>".join(texts), "<br>".join(labels)


def _text(mrkdwn: str) -> str:
    """Return Slack's mrkdwn as Markdown for a cell of a table."""
    for mention, name in _PEOPLE.items():
        mrkdwn = mrkdwn.replace(mention, name)
    mrkdwn = mrkdwn.replace("<!date>", "(date)")
    mrkdwn = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r"[\2](\1)", mrkdwn)
    mrkdwn = re.sub(r"<([@#]\w+)>", r"\1", mrkdwn)
    mrkdwn = re.sub(r"(?<![\w`])\*([^*\n]+)\*", r"**\1**", mrkdwn)
    return mrkdwn.replace("|", "\\|").replace("<", "&lt;")
