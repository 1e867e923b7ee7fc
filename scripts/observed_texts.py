"""The texts on docs/messages.md that only a running program shows, each with a heading and a block of its own."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "messages.md"

_TEXT = re.compile(r"^### ([^\n]+)\n\n```text\n(.*?)\n?```$", re.MULTILINE | re.DOTALL)
_CHANGING = (
    (re.compile(r"<!date\^\d+\^[^>]*>"), "(date)"),
    (re.compile(r"incident (`?)[0-9a-f]{8,}\b"), r"incident \1INCIDENT"),
    (re.compile(r"details under `[0-9a-f]{8,}`"), "details under `INCIDENT`"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
)
"""What differs from run to run, or hides the text, and what stands for it on the page."""


def read() -> dict[str, str]:
    """Return the texts by their headings."""
    return dict(_TEXT.findall(PAGE.read_text()))


def without_chance(text: str) -> str:
    """Return the text with placeholders for what differs from run to run."""
    for pattern, placeholder in _CHANGING:
        text = pattern.sub(placeholder, text)
    return text
