"""The snapshot of every text that people read, tests/wording.txt. `scripts/test --update` rewrites it and its page."""

import re
from pathlib import Path

from harness.messages_page import PAGE, page

SNAPSHOT = Path(__file__).parents[1] / "wording.txt"

_TITLE = """\
Texts that people read, by the test file that compares them. Do not edit: `scripts/test --update` rewrites this file,
and the difference shows in review.
"""
_HEADING = re.compile(r"^== (.+)\n", re.MULTILINE)
_CHANGING = (
    (re.compile(r"<!date\^\d+\^[^>]*>"), "<!date>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"incident (`?)[0-9a-f]{8,}\b"), r"incident \1INCIDENT"),
    (re.compile(r"details under `[0-9a-f]{8,}`"), "details under `INCIDENT`"),
)
"""What differs from run to run, and what stands for it in the snapshot."""


class Wording:
    """Compares texts with the snapshot, or collects them to rewrite it."""

    def __init__(self, *, update: bool) -> None:
        self.update = update
        self.saved = read(SNAPSHOT.read_text()) if SNAPSHOT.exists() else {}
        self.seen: dict[str, str] = {}

    def check(self, name: str, text: str) -> None:
        """Compare `text` with the entry `name`, or keep it. Raises AssertionError if it differs, or if two do."""
        for pattern, stand_in in _CHANGING:
            text = pattern.sub(stand_in, text)
        if self.update:
            assert self.seen.setdefault(name, text) == text, f"two texts are called {name!r}"
        else:
            assert name in self.saved, f"tests/wording.txt has no {name!r}: run scripts/test --update"
            assert text == self.saved[name]

    def write(self) -> None:
        """Rewrite the entries of the test files that ran, and the page of the messages."""
        ran = {name.partition(":")[0] for name in self.seen}
        unchanged = {name: text for name, text in self.saved.items() if name.partition(":")[0] not in ran}
        entries = dict(sorted((unchanged | self.seen).items()))
        SNAPSHOT.write_text(_TITLE + "".join(f"\n== {name}\n{text}\n" for name, text in entries.items()))
        PAGE.write_text(page(entries))


def read(snapshot: str) -> dict[str, str]:
    """Return the texts of a snapshot by name."""
    _, *parts = _HEADING.split(snapshot)
    return {
        name: text.removesuffix("\n").removesuffix("\n") for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
