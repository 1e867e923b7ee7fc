"""`.env.example` and the tables in docs/install.md, made from the table of settings by `scripts/test --update`."""

import re
import textwrap
from pathlib import Path

from bot.config.settings import SECTIONS, SETTINGS

_ROOT = Path(__file__).parents[1]
EXAMPLE, PAGE = _ROOT / ".env.example", _ROOT / "docs" / "install.md"

_WIDTH = 120
_INTRODUCTION = """\
Settings of the bot. Copy this file to .env in the directory in which you start the bot, or set the same names in the \
environment. The environment wins. A name without a value counts as not set. Times are in seconds. A secret can be in \
a file instead: SLACK_BOT_TOKEN_FILE names the file with the value of SLACK_BOT_TOKEN, and so for each."""
_MARKS = ("<!-- settings: made by scripts/test --update -->\n", "<!-- end of settings -->\n")
_NAME = re.compile(rf"(?<![\w`])({'|'.join(SETTINGS)})(?![\w`])")
_DOCUMENT = re.compile(r"\bdocs/([\w-]+\.md(?:#[\w-]+)?)")


def example() -> str:
    """Return the text of `.env.example`."""
    lines = [_comment(_INTRODUCTION)]
    for section in SECTIONS:
        lines += ["", f"# --- {section.title} ".ljust(_WIDTH, "-"), *filter(None, [_comment(section.note)])]
        for one in section.settings:
            words = ["required"] * one.is_required + ["secret"] * one.is_secret
            kind = f"{', '.join(words).capitalize()}. " if words else ""
            lines += ["", _comment(kind + one.text), f"{one.name}={one.default}"]
    return "\n".join([*lines, ""])


def page() -> str:
    """Return the text of docs/install.md with new tables between the marks."""
    lines: list[str] = []
    for section in SECTIONS:
        lines += ["", f"### {section.title}", "", *([_markdown(section.note), ""] if section.note else [])]
        lines += ["| name | default | |", "|---|---|---|"]
        for one in section.settings:
            default = f"`{one.default}`" if one.default else "required" * one.is_required
            lines.append(f"| `{one.name}` | {default} | {'Secret. ' * one.is_secret}{_markdown(one.text)} |")
    before, rest = PAGE.read_text().split(_MARKS[0])
    return "\n".join([before + _MARKS[0].strip(), *lines, _MARKS[1] + rest.split(_MARKS[1])[1]])


def write() -> None:
    """Rewrite both files."""
    EXAMPLE.write_text(example())
    PAGE.write_text(page())


def _comment(text: str) -> str:
    return "\n".join(
        f"# {one}" for one in textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    )


def _markdown(text: str) -> str:
    return _NAME.sub(r"`\1`", _DOCUMENT.sub(r"[\1](\1)", text))
