"""The snapshot of all texts that people read, tests/texts.txt: what conversations send, and texts that tests name.

A conversation records each line that Slack shows, that the doctor prints, and that a program or a browser is answered.
Ids, times, names and numbers are replaced, so that a line does not depend on its test. It stands once, under the first
test file that sent it, with the first line of its message above it; other lines that are known stand as "…".
The fixture `wording` records other texts whole, under a name. Workers of xdist hand over what they have recorded.
"""

import difflib
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, wraps
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bot.sim.slack import Message
from bot.sim.slack.content import objects
from bot.sim.slack.history import History, Source
from bot.sim.slack.views import View, Views

TESTS = Path(__file__).parents[1]
PAGE = TESTS / "texts.txt"
HINT = "If people should read this, run scripts/test --update, and look at git diff."
_HEAD = "All texts that people read. `scripts/test --update` writes this file; tests/README.md (Wording) says how."
_GAP = "…"

_CHANGING = (
    (r"<!date\^\d+\^[^>]*>", "(date)"),
    (r"incident (`?)[0-9a-f]{8,}\b", r"incident \1INCIDENT"),
    (r"details under `[0-9a-f]{8,}`", "details under `INCIDENT`"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
)
"""What differs from run to run, or hides the text, and what stands for it."""
_DIRECTORIES = "|".join(re.escape(str(one)) for one in (Path(__file__).parents[2], tempfile.gettempdir()))
_OF_TESTS = (
    *_CHANGING,
    (rf"({_DIRECTORIES})/[^\s,;()]*", "PATH"),
    (r"(can't be listened on): .*?\.(?= Fix|$)", r"\1: (error)."),  # its words are of the version of Python
    (r"(Slack did not (?:confirm|take) the alert) \([^)]*\)", r"\1 (why)"),  # a busy machine has others
    (r"https?://[^|>\s`]*", "URL"),
    (r"(?<![\w-])[\w-]{43}(?![\w-])", "TOKEN"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]+)*\b(-?…)?", "SESSION"),
    (r"\b[0-9a-f]{9,}\b", "HEX"),
    (r"⏳ \*Pausing\*.*", "⏳ *Pausing*"),  # until the outcome is shown
    (r"<@\w+>", "@person"),
    (r"<#\w+>", "#channel"),
    (r"<!subteam\^\w+>", "@group"),
    (r"\b[TUWCDS]0\w{6,}\b", "ID"),
    (r"ending `[^`]+`|ends `[^`]+`", "ending `KEY`"),
    (r"`\w+` \(command line\)", "`NAME` (command line)"),
    (r"(.{1,12}?)\1{20,}[\w…]*\.?", r"\1…"),
    (r"\d+", "N"),
    (r"(`SESSION`|@person|#channel)(, \1)+", r"\1, …"),
)
"""The same, and what differs from test to test, or is shown only if something takes long."""

_PART = re.compile(r" · |(?<=[.:!?…*,;]) ")
"""Lines are compared by these parts: a line can combine them in several ways, which differ from run to run."""

Lines = tuple[str, ...]
Texts = dict[str, dict[str, str]]
"""By test file and name."""


class Snapshot:
    """Compares texts with the page, or collects them to rewrite it."""

    def __init__(self, page: Path) -> None:
        self.update = False
        self._page = page
        self.lines, self.texts = read(page.read_text() if page.exists() else "")
        self.known = parts(self.lines)
        self.sent: set[tuple[str, Lines]] = set()
        self.named: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self.shown: dict[Lines, tuple[str, object]] = {}
        self._file = ""
        self._unknown: dict[str, Lines] = {}

    def saw(self, *lines: str, shown_in: Message | View | None = None) -> None:
        """Record what a person or a program reads at once, if the test is a conversation."""
        if not self._file:
            return
        shown = tuple(dict.fromkeys(without_chance(line, _OF_TESTS).rstrip() for line in lines if line.strip()))
        self.sent.update([(self._file, shown)] if shown else [])
        if shown_in and shown:
            self.shown[shown] = _json(shown_in)
        self._unknown.update({line: shown for line in shown if not parts([line]) <= self.known})

    @contextmanager
    def recording(self, file: Path) -> Iterator[None]:
        """Record what is sent inside the block. Fails at the end if a line is not on the page."""
        self._file, self._unknown = _title(file), {}
        yield
        self._file = ""
        if self._unknown and not self.update:
            found = [f"  {line}\nin:\n    " + "\n    ".join(shown) for line, shown in self._unknown.items()]
            pytest.fail("\n".join(["not in tests/texts.txt:", *found, HINT]), pytrace=False)

    def check(self, file: Path, name: str, text: str) -> None:
        """Compare a text of a test file, or keep it. Fails if it differs, or if two have one name."""
        title, changed = _title(file), without_chance(text, _CHANGING).strip("\n")
        text = "\n".join(line.rstrip() for line in changed.splitlines())
        assert self.named[title].setdefault(name, text) == text, f"two texts are called {title} {name!r}"
        saved = self.texts.get(title, {}).get(name)
        if not self.update and text != saved:
            pytest.fail(f"{title}: {name}\n{difference(saved or '', text, self._page.name)}", pytrace=False)

    def add(self, sent: Iterable[Any], named: Mapping[str, dict[str, str]]) -> None:
        """Take over what a worker has recorded."""
        self.sent.update((file, tuple(lines)) for file, lines in sent)
        for title, texts in named.items():
            self.named[title] |= texts

    def unsent(self) -> list[str]:
        """Return the lines on the page that nothing has sent, and the names of texts but for those of processes."""
        unnamed = (
            f"{title}: {name}"
            for title, named in self.texts.items()
            for name in named.keys() - self.named[title].keys()
            if not title.startswith("process/")
        )
        sent = parts(line for _, lines in self.sent for line in lines)
        return sorted([*unnamed, *(line for line in self.lines if not parts([line]) <= sent)])

    def write(self, *, is_complete: bool) -> None:
        """Rewrite the page, but for the lines that were there if the run was not complete, and texts of other files."""
        kept = {} if is_complete else self.lines
        blocks = defaultdict[str, list[str]](list)
        for file, shown in [*dict.fromkeys(kept.values()), *_once(self.sent, kept)]:
            blocks[file].append(_quoted(shown))
        existing = {_title(path) for path in TESTS.rglob("test_*.py")}
        texts = {title: texts for title, texts in self.texts.items() if title in existing} | self.named
        for title, named in sorted(texts.items()):
            blocks[title] += [f"{name}:\n{_quoted(text.splitlines())}" for name, text in sorted(named.items())]
        sections = ("\n\n".join([f"# {title}", *found]) for title, found in sorted(blocks.items()))
        self._page.write_text("\n\n".join([_HEAD, *sections]) + "\n")


def read(page: str) -> tuple[dict[str, tuple[str, Lines]], Texts]:
    """Return the lines that conversations have sent, each with its file and entry, and the named texts."""
    lines, texts, title = dict[str, tuple[str, Lines]](), Texts(), ""
    page = re.sub(r"(?m)^(# .*)\n(?=# )", r"\1\n\n", page)  # as git merges two changes by union
    for block in page.split("\n\n")[1:]:
        name, quote = re.fullmatch(r"((?:[^>].*\n)?)((?:>.*\n?)+)|.*", block).groups()  # type: ignore[union-attr]
        shown = tuple(line[2:] for line in (quote or "").splitlines())
        if quote is None:
            title = block.removeprefix("# ").strip()
        elif name:
            texts.setdefault(title, {})[name.removesuffix(":\n")] = "\n".join(shown)
        else:
            lines.update({line: (title, shown) for line in shown if line != _GAP and line not in lines})
    return lines, texts


def parts(lines: Iterable[str]) -> set[str]:
    """Return the parts of lines."""
    return {part for line in lines for part in _PART.split(line)}


def difference(saved: str, text: str, name: str) -> str:
    lines = difflib.unified_diff(saved.splitlines(), text.splitlines(), name, "now", lineterm="", n=0)
    return "\n".join([*lines, HINT])


@cache
def without_chance(text: str, changing: Iterable[tuple[str, str]]) -> str:
    """Return the text with placeholders for what differs."""
    for pattern, placeholder in changing:
        text = re.sub(pattern, placeholder, text)
    return text


SNAPSHOT = Snapshot(PAGE)


def is_recorded(item: pytest.Item) -> bool:
    """Whether it is a conversation that most runs do not leave out."""
    is_rare = any(item.get_closest_marker(name) for name in ("long", "realtime"))
    return "transport" in getattr(item, "fixturenames", ()) and not is_rare


def watch_slack() -> None:
    """Record what simulated Slacks show."""
    for kind, methods in ((History, ("post", "replace")), (Views, ("push", "publish", "put"))):
        for method in methods:
            setattr(kind, method, _watched(getattr(kind, method)))


def _watched(method: Any) -> Any:
    @wraps(method)
    def watched(*args: Any, **kwargs: Any) -> Any:
        shown = method(*args, **kwargs)
        SNAPSHOT.saw(*lines_of(shown), shown_in=shown)
        return shown

    return watched


def lines_of(shown: Message | View) -> Iterator[str]:
    """Yield the lines of what the bot sent, the labels of controls in brackets, and those for screen readers."""
    if isinstance(shown, View):
        content: list[Any] = [*shown.texts.values(), *shown.blocks]
        yield from shown.errors.values()
    elif shown.revision or shown.source not in {Source.POSTED, Source.TYPED, Source.CLIENT}:
        content = list(shown.blocks)
        yield from shown.text.splitlines()
    else:
        return
    for one in objects(content):
        if isinstance(one.get("text"), str):
            yield from (f"[{one['text']}]",) if one.get("type") == "plain_text" else str(one["text"]).splitlines()
        if "accessibility_label" in one:
            yield f"({one['accessibility_label']})"


def _json(shown: Message | View) -> tuple[str, object]:
    """Return what it is, and its JSON as the app could have sent it."""
    if isinstance(shown, Message):
        return "message", {"text": shown.text, "blocks": shown.blocks}
    return "view", {"type": shown.type, **shown.texts, "blocks": shown.blocks}


def sentences(answer: object) -> Iterator[str]:
    """Yield the strings of several words in JSON."""
    if isinstance(answer, dict | list):
        for one in answer.values() if isinstance(answer, dict) else answer:
            yield from sentences(one)
    elif isinstance(answer, str) and " " in answer:
        yield answer


def _once(sent: Iterable[tuple[str, Lines]], kept: Iterable[str]) -> Iterator[tuple[str, Lines]]:
    """Yield what was sent, sorted, each line once, so that nothing depends on the order of tests."""
    known = set(kept)
    for file, lines in sorted(sent):
        if new := set(lines) - known:
            known |= new
            shown = [line if line in {*new, lines[0]} else _GAP for line in lines]
            yield file, tuple(line for line, after in pairwise([*shown, _GAP]) if (line, after) != (_GAP, _GAP))


def _quoted(lines: Iterable[str]) -> str:
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _title(file: Path) -> str:
    return str(file.relative_to(TESTS))
