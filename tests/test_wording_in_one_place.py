"""A changed sentence of the product breaks one test file at most.

Messages stand in tests/texts.txt only: tests compare data, or call the product's own functions. Any other sentence,
such as a log line or an error of the command line, may stand in one test file.

A test repeats a sentence if one of its strings has five consecutive words of it, one of which is long, or all words of
a sentence of four, two of which are long. Fewer words meet by chance: "it spends too fast" is also an alert, and
"session is not running" is also Anchor's. Docstrings do not count; the parts of an f-string do, each for itself.
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import bot

PRODUCT, TESTS = Path(bot.__file__).parent, Path(__file__).parent
SQL = re.compile(r"\s*(--|SELECT |UPDATE |INSERT |DELETE |CREATE |ALTER |DROP )")  # no sentence
WORD = re.compile(r"[a-z0-9_]+(?:['’./-][a-z0-9_]+)*")

Words = tuple[str, ...]
Sentence = tuple[bool, str, str]
"""Whether it is a message, the module of the product, and the string in it."""


def strings(path: Path) -> Iterator[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings or SQL.match(node.value):
                continue
            yield node.lineno, node.value


def consecutive(text: str, count: int) -> list[Words]:
    words = WORD.findall(text.lower())
    return [tuple(words[start : start + count]) for start in range(len(words) - count + 1)]


def recognised_by(sentence: str) -> list[Words]:
    """The words of which a test that repeats the sentence has at least one group."""
    fives = [words for words in consecutive(sentence, 5) if any(len(word) > 4 for word in words)]
    fours = [words for words in consecutive(sentence, 4) if sum(len(word) > 4 for word in words) > 1]
    return fives or fours


@cache
def repeated() -> dict[Sentence, set[str]]:
    """The repeated sentences, and the places in tests, as file:line. Words of several count for the one with most."""
    product, places = defaultdict[Words, set[Sentence]](set), defaultdict[Sentence, set[str]](set)
    for path in PRODUCT.rglob("*.py"):
        module = path.relative_to(PRODUCT)
        for _, text in strings(path) if module.parts[0] not in {"sim", "demo"} else ():
            for words in recognised_by(text):
                product[words].add((module.parts[0] == "messages", str(module), text))
    for path in TESTS.rglob("*.py"):
        for line, text in strings(path) if TESTS / "harness" not in path.parents and path != Path(__file__) else ():
            known = [product[words] for words in consecutive(text, 4) + consecutive(text, 5) if words in product]
            counts = Counter(sentence for sentences in known for sentence in sentences)
            for sentences in known:
                best = max((counts[sentence], sentence) for sentence in sentences)[1]
                places[best].add(f"{path.relative_to(TESTS)}:{line}")
    return places


@pytest.mark.parametrize(("messages", "most"), [(True, 0), (False, 1)], ids=["messages", "other sentences"])
def test_sentences_are_not_repeated(messages: bool, most: int) -> None:
    too_often = [
        f"{module}: {text!r}\n    {', '.join(sorted(places))}"
        for (is_message, module, text), places in sorted(repeated().items())
        if module.startswith("messages/") is messages and len({place.partition(":")[0] for place in places}) > most
    ]
    if too_often:
        pytest.fail(f"more than {most} test files repeat:\n" + "\n".join(too_often), pytrace=False)
