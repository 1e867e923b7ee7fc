"""The texts outside of Slack on docs/messages.md, which tests compare by the fixture `wording`."""

import difflib
from pathlib import Path

import pytest

from scripts import observed_texts

TESTS = Path(__file__).parents[1]
HINT = "If people should read this, run scripts/test --update, and look at git diff."


def difference(saved: str, text: str, name: str = "docs/messages.md") -> str:
    lines = difflib.unified_diff(saved.splitlines(), text.splitlines(), name, "now", lineterm="", n=0)
    return "\n".join([*lines, HINT])


class Wording:
    """Compares texts with the page, or collects them to rewrite it."""

    def __init__(self, *, update: bool) -> None:
        self.update = update
        self.saved = observed_texts.read()
        self.seen: dict[str, str] = {}

    def check(self, file: Path, name: str, text: str) -> None:
        """Compare a text of a test file, or keep it. Fails if it differs, or if two have one name."""
        heading, text = f"{_title(file)}: {name}", observed_texts.without_chance(text).strip("\n")
        if self.update:
            assert self.seen.setdefault(heading, text) == text, f"two texts are called {heading!r}"
        else:
            assert heading in self.saved, f"docs/messages.md has no text {heading!r}. {HINT}"
            if text != self.saved[heading]:
                pytest.fail(f"{heading}\n{difference(self.saved[heading], text)}", pytrace=False)

    def write(self) -> None:
        """Rewrite the page with the texts of the test files that ran, and those that it had of the others."""
        ran = {heading.partition(":")[0] for heading in self.seen}
        others = {_title(path) for path in TESTS.rglob("test_*.py")} - ran
        kept = {heading: text for heading, text in self.saved.items() if heading.partition(":")[0] in others}
        from scripts import messages_page  # noqa: PLC0415 - it makes every message, and can fail

        observed_texts.PAGE.write_text(messages_page.page(kept | self.seen))


def _title(file: Path) -> str:
    return file.stem.removeprefix("test_").replace("_", " ").capitalize()
