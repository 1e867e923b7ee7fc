"""`.env.example` and the tables in docs/settings.md, made from the catalog by `scripts/test --update`."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from bot.config.catalog import SECTIONS, SETTINGS, Section, Setting

_ROOT = Path(__file__).parents[1]
EXAMPLE, PAGE = _ROOT / ".env.example", _ROOT / "docs" / "settings.md"

_WIDTH = 120
_INTRODUCTION = """\
Settings of the bot. Copy this file to .env in the directory in which you start the bot, or set the same names in the \
environment. The environment wins. A name without a value counts as not set. Times are in seconds. A secret can be in \
a file instead: SLACK_BOT_TOKEN_FILE names the file with the value of SLACK_BOT_TOKEN, and so for each."""
_MARKS = ("<!-- settings: made by scripts/test --update -->\n", "<!-- end of settings -->\n")
_NAME = re.compile(rf"(?<![\w`])({'|'.join(SETTINGS)})(?![\w`])")
_DOCUMENT = re.compile(r"\bdocs/(\w+\.md(?:#[\w-]+)?)")


def example() -> str:
    """Return the text of `.env.example`."""
    return "\n".join([_comment(_INTRODUCTION), *(line for section in SECTIONS for line in _example_of(section)), ""])


def page() -> str:
    """Return the text of docs/settings.md with new tables between the marks."""
    before, rest = PAGE.read_text().split(_MARKS[0])
    after = rest.split(_MARKS[1])[1]
    tables = "\n".join(line for section in SECTIONS for line in _table_of(section))
    return f"{before}{_MARKS[0]}{tables}\n{_MARKS[1]}{after}"


def write() -> None:
    """Rewrite both files."""
    EXAMPLE.write_text(example())
    PAGE.write_text(page())


def _example_of(section: Section) -> Iterator[str]:
    yield from ("", f"# --- {section.title} ".ljust(_WIDTH, "-"))
    if section.note:
        yield _comment(section.note)
    for setting in section.settings:
        yield from ("", _comment(f"{_kind(setting)}{setting.description}"), f"{setting.name}={setting.default}")


def _kind(setting: Setting) -> str:
    words = [word for word, holds in (("required", setting.is_required), ("secret", setting.is_secret)) if holds]
    return f"{', '.join(words).capitalize()}. " if words else ""


def _comment(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)


def _table_of(section: Section) -> Iterator[str]:
    yield from ("", f"### {section.title}", "")
    if section.note:
        yield from (_markdown(section.note), "")
    yield from ("| name | default | |", "|---|---|---|")
    for setting in section.settings:
        default = f"`{setting.default}`" if setting.default else "required" if setting.is_required else ""
        secret = "Secret. " if setting.is_secret else ""
        yield f"| `{setting.name}` | {default} | {secret}{_markdown(setting.description)} |"


def _markdown(text: str) -> str:
    linked = _DOCUMENT.sub(r"[\1](\1)", text)
    return _NAME.sub(r"`\1`", linked)
