"""Prose is plain English: no archaic words, and docstrings that begin with a verb or a noun.

Ruff's D401 checks the mood of function docstrings.
"""

import ast
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import bot

ROOT = Path(bot.__file__).parents[1]

BANNED = (
    *("anew", "of late", "all the same", "heed", "heeds", "in hand", "turned away", "turn away", "what came of"),
    *("whoever", "whomever", "likewise", "asked for by", "looked for by", "let go", "lets go", "put off", "taken up"),
    *("left alone", "hence", "albeit", "lest", "thereof", "therein", "how-manieth"),
)
"""Archaisms, and idioms that a reader of English as a second language has to look up."""

BAD_BEGINNINGS = ("What", "Who", "Whoever", "Where", "How", "Of", "Both", "Likewise")

_BANNED = re.compile(rf"(?<![\w-])({'|'.join(BANNED)})(?![\w-])", re.IGNORECASE)


def files(*patterns: str) -> list[Path]:
    """The files of the repository that match."""
    listed = subprocess.run(  # noqa: S603 - our own repository
        ["git", "ls-files", "--", *patterns],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
    ).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).exists()]


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that people read: strings and comments of Python, and every line of a document."""
    if path.suffix != ".py":
        yield from enumerate(path.read_text().splitlines(), start=1)
        return
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type in {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", -1)}:
                yield from enumerate(token.string.splitlines(), start=token.start[0])


def test_no_banned_words() -> None:
    documents = files("*.md", "docs/*", ".env.example", "manifest.yml", "scripts/*", ".ci/*")
    found = [
        f"{path.relative_to(ROOT)}:{line}: {match[0]!r} in {text.strip()[:100]}"
        for path in [*files("*.py"), *(path for path in documents if path.suffix not in {".png", ".webp"})]
        if path != Path(__file__) and _BANNED.search(path.read_text())  # few of them need a closer look
        for line, text in prose_of(path)
        if (match := _BANNED.search(text))
    ]
    assert found == []


def test_docstrings_begin_with_a_verb_or_a_noun() -> None:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        f"{path.relative_to(ROOT)}: {docstring.splitlines()[0]}"
        for path in files("bot/*.py", "bench/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds)
        and (docstring := ast.get_docstring(node))
        and docstring.split(maxsplit=1)[0].rstrip(".,:") in BAD_BEGINNINGS
    ]
    assert found == []
