"""Imports go one way through the layers, without cycles; the simulators and the demo stand apart."""

import ast
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import bot
from harness import product

PACKAGE = Path(bot.__file__).parent

LAYERS = (
    "cli",
    "app",
    "inbound",
    "usecases",
    "outbound",
    "messages",
    "core",
)
"""Each layer can import itself and those below it."""

LEAVES = {
    "config",
    "health",
    "logs",
    "metrics",
    "runtime",
}
"""Every layer except `core` and `messages` can import them; they import nothing of ours but `core` and leaves."""

APART = {"sim": {"sim"}, "demo": {"sim", "demo", "core", "messages", "usecases", "outbound"}}
"""The simulators import only themselves. The demo sets a workspace up, too, and reads the bot's messages.

Only the command line imports the demo.
"""

PURE = {
    *("collections", "dataclasses", "enum", "html", "json", "re", "typing", "unicodedata", "hashlib", "hmac"),
    *("base64", "collections.abc", "math", "urllib.parse"),
    "datetime",  # to write a moment down, not to ask for it
}
"""All that `core` and `messages` can import from outside: nothing that reads, writes, waits or tells the time."""


def module_of(path: Path) -> str:
    return ".".join(("bot", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> Sequence[str]:
    """The dotted names of the modules that a file imports."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from {name if name in MODULES else str(node.module) for name in names}


def part_of(module: str) -> str:
    return (*module.split("."), "")[1]


def allowed(part: str) -> set[str]:
    """The parts of the package that one part can import; "" is the package itself, for the version."""
    if part in APART:
        return APART[part] | {""}
    if part in LEAVES:
        return LEAVES | {"core"}
    if part not in LAYERS:
        return {"cli"}  # __main__
    below = set(LAYERS[LAYERS.index(part) :])
    return below | ({""} if part in {"core", "messages"} else {"", *LEAVES}) | ({"demo"} if part == "cli" else set())


def test_imports_go_one_way() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        for name in imports(path)
        if name.split(".")[0] == "bot" and part_of(name) not in allowed(part_of(module))
    ]
    assert wrong == []


def graph(of: Mapping[str, Path], depth: int | None) -> dict[str, set[str]]:
    """Which modules import which, with names cut to `depth` parts."""
    edges: dict[str, set[str]] = {}
    for module, path in of.items():
        own = ".".join(module.split(".")[:depth])
        names = (".".join(name.split(".")[:depth]) for name in imports(path) if name in of)
        edges.setdefault(own, set()).update(name for name in names if name not in {own, "bot"})
    return edges


@pytest.mark.parametrize("depth", [None, 3, 2], ids=["files", "packages", "layers"])
def test_there_are_no_cycles(depth: int | None) -> None:
    product = {name: path for name, path in MODULES.items() if part_of(name) not in APART}
    try:
        TopologicalSorter(graph(product, depth)).prepare()
    except CycleError as error:
        pytest.fail(f"a cycle: {' -> '.join(error.args[1])}")


def test_core_and_messages_are_pure() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, path in MODULES.items()
        if part_of(module) in {"core", "messages"}
        for name in imports(path)
        if name.split(".")[0] != "bot" and name not in PURE
    ]
    assert wrong == []


USE_A_FILE = """
import asyncio, sys
import bot.app
from bot.core.fields import Secret
from bot.outbound.store.encryption import new_key
from bot.outbound.store.store import open_store

async def use() -> None:
    for keys in [[new_key()]] * 2:
        async with open_store(Secret(f"sqlite:///{sys.argv[1]}"), keys) as store:
            assert not await store.notices.claim("T0HOME00001", "x")

asyncio.run(use())
"""


@pytest.mark.parametrize(
    ("code", "spared"),
    [
        ("import sys, bot.cli.main", {"slack_bolt", "sqlite3", "psycopg"}),
        (USE_A_FILE, {"psycopg", "bot.sim", "bot.demo", "prometheus_client"}),
    ],
    ids=["a command", "a bot with a SQLite file"],
)
def test_what_is_not_used_is_not_loaded(tmp_path: Path, code: str, spared: set[str]) -> None:
    """It would take time and memory."""
    command = (sys.executable, "-c", f"{code}\nprint(*sys.modules)", str(tmp_path / "bot.db"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    shown = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60, env=env)  # noqa: S603 - ours
    assert spared & set(shown.stdout.split()) == set()


# --- what the tests may know of the product ---

TESTS = Path(__file__).parent
EXCEPTIONS = {
    "test_documented_limits.py",  # the limits of the whole product
    "test_deployment_files.py",  # compares the manifest with the listeners
    "test_logs.py",  # compares the metrics with what is measured
    "config/test_settings.py",  # one reading
    *("usecases/test_crossing.py", "usecases/test_outbox.py"),  # worlds of whole processes
}
"""Files that import several modules of the product, with the reason."""

MOST_MODULES = 4  # those under test: a file has a topic
_PRIVATE = re.compile(r"\"bot(?:\.\w+)*\._[a-zA-Z]\w*")
_PATCHED = re.compile(r"setattr\((?:f\"bot|[^()]*[\".][A-Z\d_]{3,}\")")  # a constant


def product_modules(path: Path) -> set[str]:
    """The modules of the product that a test file imports, but for the simulators and the demo."""
    names = {name if name in MODULES else name.rpartition(".")[0] for name in imports(path)}
    return {name for name in names if name.startswith("bot.") and part_of(name) not in APART}


def test_a_test_file_imports_few_modules_of_the_product_beside_the_harness() -> None:
    found = {
        str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py") if len(product_modules(path)) > MOST_MODULES
    }
    assert found - EXCEPTIONS == set()


def test_the_harness_exports_at_most_twenty_names_of_the_product() -> None:
    assert len(product.__all__) <= 20


def test_no_test_names_a_private_attribute_of_the_product_or_patches_a_constant() -> None:
    """Of an object, also in a string; an attribute that the same file defines is its own.

    A number that a test needs different is a field of the object that uses it.
    """
    found = dict[str, set[str]]()
    for path in TESTS.rglob("*.py"):
        source, tree = path.read_text(), parsed(path)
        own = {
            "_replace",
            "_get_running_loop",
            *re.findall(r"(?:def |self\.|class |^)(_[a-zA-Z]\w*)", source, re.MULTILINE),
        }
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr[:1] == "_"}
        private = {name for name in used - own if not name.startswith("__")}
        private.update(_PRIVATE.findall(source), _PATCHED.findall(source))
        if private:
            found[str(path.relative_to(TESTS))] = private
    assert found == {}


# --- the shape ---

SHAPE = {
    "modules": 110,
    "lines": 20_406,
    "lines of tests": 24_709,
    "lines of a module": 450,
    "lines of nine functions in ten": 16,
    "lines of a function": 45,
    "modules beside the packages": 6,
    "modules of a folder with the same first word": 2,
}
"""The most of each. A number only goes down."""

COMPOSITION_ROOT = {"build", "running"}
PRODUCT = {name: path for name, path in MODULES.items() if part_of(name) not in APART and path.name != "__init__.py"}


def measure(trees: Mapping[str, ast.Module], lines: Mapping[str, int]) -> dict[str, float]:
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    functions = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name not in COMPOSITION_ROOT
    )
    first_words = Counter((name.rpartition(".")[0], re.split(r"[._]", name.rsplit(".", 1)[1])[0]) for name in trees)
    return {
        "modules": len(trees),
        "lines": sum(lines.values()),
        "lines of a module": max(lines.values()),
        "lines of nine functions in ten": functions[int(0.9 * len(functions))],
        "lines of a function": functions[-1],
        "modules beside the packages": sum(name.count(".") == 1 for name in trees),
        "modules of a folder with the same first word": max(first_words.values()),
    }


def test_the_product_keeps_its_shape() -> None:
    measured = measure(
        {name: parsed(path) for name, path in PRODUCT.items()},
        {name: path.read_text().count("\n") for name, path in PRODUCT.items()},
    )
    measured["lines of tests"] = sum(path.read_text().count("\n") for path in TESTS.rglob("*.py"))
    assert {name: value for name, value in measured.items() if value > SHAPE[name]} == {}
    assert measured["lines"] / measured["modules"] >= 150
