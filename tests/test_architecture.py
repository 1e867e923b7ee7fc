"""Imports go one way: inbound, control, outbound, core. The simulators stand apart; the demo drives from outside."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bot

PACKAGE = Path(bot.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "core": {"core"},
    "once": set(),
    "tasks": set(),
    "readiness": set(),
    "logs": set(),
    "variables": {"core"},
    "environment": {"variables"},
    "settings": {"core", "variables"},
    "outbound": {"core", "outbound", "tasks", "bot"},
    "lane": {"core", "tasks"},
    "watch": {"core", "outbound", "tasks"},
    "gate": {"core", "outbound", "watch"},
    "control": {"core", "outbound", "gate", "lane", "once", "tasks"},
    "administration": {"core", "outbound", "administration", "tasks", "watch"},
    "installer": {"core", "outbound"},
    "inbound": {"core", "outbound", "control", "installer", "administration", "tasks", "readiness", "inbound"},
    "serving": {"core", "outbound", "serving_many", "readiness", "settings"},
    "serving_many": {"core", "outbound", "inbound", "installer", "serving", "settings"},
    "assembly": {
        *("core", "outbound", "gate", "control", "administration", "inbound"),
        *("serving", "once", "tasks", "settings", "watch"),
    },
    "app": {"assembly", "core", "outbound", "control", "inbound", "serving", "tasks", "readiness", "settings"},
    "sim": {"sim"},
    "demo": {"sim", "demo", "bot", "core", "outbound"},  # the last two to set a workspace up
    "arguments": {"core", "variables", "bot"},
    "cli": {"app", "arguments", "demo", "environment", "logs", "operators", "outbound", "settings", "variables"},
    "operators": {"core", "environment", "outbound", "settings", "shown_workspace", "variables"},
    "shown_workspace": {"core", "outbound"},
    "__main__": {"cli"},
    "__init__": set(),
}
"""Part of the package -> the parts it may import; "bot" is the package's own `__init__`, for the version."""

PURE = {
    *("collections", "dataclasses", "enum", "html", "re", "typing", "unicodedata"),
    *("hashlib", "hmac"),
    *("collections.abc", "urllib.parse"),
    "datetime",  # to write a moment down, not to ask for it
}
"""All that `core` may take from outside: nothing that reads, writes, waits or tells the time."""


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a module imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = node.module or ""
            yield from (f"bot.{alias.name}" for alias in node.names) if module == "bot" else (module,)


def part_of(path: Path) -> str:
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_module_imports_only_what_it_may() -> None:
    violations = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in FILES
        for name in imports(path)
        if name.split(".")[0] == "bot" and [*name.split("."), "bot"][1] not in MAY_IMPORT[part_of(path)]
    ]
    assert violations == []


def test_core_touches_nothing_outside() -> None:
    violations = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in FILES
        if part_of(path) == "core"
        for name in imports(path)
        if name.split(".")[0] != "bot" and name not in PURE
    ]
    assert violations == []


def test_every_part_has_a_rule() -> None:
    assert set(map(part_of, FILES)) == set(MAY_IMPORT)


def test_a_bot_of_one_workspace_loads_no_database() -> None:
    """It would take twice the memory."""
    look = "import sys, bot.cli; print({name.partition('.')[0] for name in sys.modules} & {'sqlalchemy', 'psycopg'})"
    shown = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True, timeout=30)  # noqa: S603 - ours
    assert shown.stdout == "set()\n"
