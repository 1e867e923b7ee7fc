"""The page after the guide: how to install the bot, a section of the README in the style of the demo."""

import re
from collections.abc import Iterator
from html import escape
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import bot

_HEADING, _NEXT = "## Install it in Slack\n", "\n## "
_PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Install it in Slack · Anchor demo</title>
    <link rel="icon" href="favicon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="style/tokens.css">
    <link rel="stylesheet" href="style/controls.css">
    <link rel="stylesheet" href="style/install.css">
    <script src="theme.js"></script>
  </head>
  <body>
    <main>
      <p><a href="./">← Demo</a></p>
      <h1>Install it in Slack</h1>
      {steps}
    </main>
  </body>
</html>
"""


def install_page() -> bytes:
    """Return the page. Its links lead to the repository, if a release has said where that is."""
    root = Path(bot.__file__).parents[1]
    try:
        package = metadata("anchor-chatops")
        readme, urls = str(package.get_payload()), package.get_all("Project-URL", [])  # type: ignore[attr-defined]
    except PackageNotFoundError:
        readme, urls = root.joinpath("README.md").read_text("utf-8"), []
    repository = next((url for one in urls if (url := one.partition(", ")[2]).startswith("https://")), "")
    section = readme.partition(_HEADING)[2].partition(_NEXT)[0]
    return _PAGE.format(steps="\n".join(_blocks(section, repository))).encode()


def _blocks(section: str, repository: str) -> Iterator[str]:
    """Yield HTML of the Markdown that the section has: paragraphs, blocks of code, and one numbered list."""
    is_open = False
    for block in filter(None, re.split(r"\n{2,}", section.strip())):
        text, *items = re.split(r"^\d+\. ", re.sub(r"^ {3}", "", block, flags=re.MULTILINE), flags=re.MULTILINE)
        if items and not is_open:
            yield "<ol>"
        elif is_open and not items and not block.startswith(" "):
            yield "</ol>"
        is_open = bool(items) or (is_open and block.startswith(" "))
        if text.startswith("```"):
            yield f"<pre><code>{escape(text.partition(chr(10))[2].rpartition(chr(10))[0])}</code></pre>"
        elif text:
            yield f"<p>{_inline(text, repository)}</p>"
        yield from (f"<li><p>{_inline(item, repository)}</p>" for item in items)


def _inline(text: str, repository: str) -> str:
    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        if not target.startswith("https://"):
            target = f"{repository}/blob/HEAD/{target}" if repository else ""
        path = f"<code>{found[2].partition('#')[0]}</code>"
        return f'<a href="{target}">{words}</a>' if target else words if words == path else f"{words} ({path})"

    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    text = re.sub(r"\[([^\]]+)\]\(([^)]+)\)", link, text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
