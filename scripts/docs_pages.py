"""Copy the pages to build/pages for scripts/docs, as the site needs them.

GitHub and the site read a few things differently: links to files that are no pages lead to the repository, what is in a
list is indented by four spaces, and a sequence diagram is a table, since Mermaid would be loaded from another host.
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "build" / "pages"
PROJECT_URL = os.environ.get("PROJECT_URL", "https://example.com/anchor-bot")
_LINK = re.compile(r"(\]\()([^)#\s]+)")
_ITEM = re.compile(r"(\d+\. |- )\S")
_DIAGRAM = re.compile(r"^```mermaid\nsequenceDiagram\n(.*?)^```\n", re.DOTALL | re.MULTILINE)
_ARROW = re.compile(r"(\w+)--?>>(\w+): (.+)")
_NOT_SEARCHED = "---\nsearch: {exclude: true}\n---\n"


def pages() -> list[Path]:
    """Return the pages, their pictures and the style of the site."""
    found = [*ROOT.glob("*.md"), ROOT / "tests/README.md", *(ROOT / "docs").rglob("*")]
    return [path for path in found if path.is_file()]


def copied(page: Path, kept: set[Path]) -> str:
    """Return the text of a page as the site needs it."""

    def rewrite(link: re.Match[str]) -> str:
        before, target = link.groups()
        path = (page.parent / target).resolve()
        if re.match(r"[a-z]+:", target) or path in kept or not path.exists():
            return f"{before}{target}"
        return f"{before}{PROJECT_URL}/blob/HEAD/{path.relative_to(ROOT)}"

    text = _LINK.sub(rewrite, page.read_text()).replace("PROJECT_URL", PROJECT_URL)
    text = "\n".join(_indented(_DIAGRAM.sub(lambda found: "\n".join(_steps(found[1])), text).split("\n")))
    return f"{_NOT_SEARCHED}{text}" if page.parent.name == "decisions" else text


def _indented(lines: list[str]) -> Iterator[str]:
    """Indent what belongs to an item of a list by four spaces: with less, the site ends the list there."""
    width, is_code, has_paragraphs = 0, False, False
    for line in lines:
        is_code ^= line.startswith("```")
        item = None if is_code else _ITEM.match(line)
        if item and has_paragraphs:
            yield ""  # else it belongs to the last paragraph
        if item:
            width, has_paragraphs = len(item[1]), False
        elif not line.startswith(" " * width) and line:
            width, has_paragraphs = 0, False
        has_paragraphs |= width > 0 and not line
        yield f"    {line[width:]}" if width and line and not item else line


def _steps(diagram: str) -> Iterator[str]:
    """Return the rows of a table with what a sequence diagram shows."""
    names = dict(re.findall(r"participant (\w+) as (.+)", diagram))
    yield from ("| from and to | |", "|---|---|")
    for line in map(str.strip, diagram.splitlines()):
        kind, _, text = line.partition(" ")
        if arrow := _ARROW.match(line):
            sender, receiver = (names.get(one, one) for one in arrow.groups()[:2])
            yield f"| {sender} → {receiver} | {arrow[3]} |"
        elif kind == "Note":
            where, _, said = text.removeprefix("over ").partition(": ")
            yield f"| {names.get(where, where)} | *{said}* |"
        elif kind in {"alt", "else", "opt"}:
            yield f"| **if {text}** | |"
    yield ""


def main() -> None:
    """Copy them."""
    shutil.rmtree(TARGET, ignore_errors=True)
    kept = set(pages())
    for path in sorted(kept):
        target = TARGET / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            target.write_text(copied(path, kept))
        else:
            shutil.copy(path, target)


if __name__ == "__main__":
    main()
