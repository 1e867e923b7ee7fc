"""The programs that some tests need. If one is missing, a single skipped test says so; in CI it is an error at once."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from harness.databases import has_postgresql


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is not among the pinned requirements, and how it is installed on Debian."""

    names: tuple[str, ...]
    install: str

    def find(self, environ: Mapping[str, str] = os.environ) -> str | None:
        found = (shutil.which(name, path=environ.get("PATH", "")) for name in self.names)
        return next(filter(None, found), None)


PROGRAMS = {
    "alertmanager": Program(("prometheus-alertmanager", "alertmanager"), "apt install prometheus-alertmanager"),
    "caddy": Program(("caddy",), "apt install caddy"),
    "chromium": Program(("chromium", "chromium-browser", "google-chrome"), "apt install chromium"),
    "curl": Program(("curl",), "apt install curl"),
    "git": Program(("git",), "apt install git"),
    "pgbouncer": Program(("pgbouncer", "/usr/sbin/pgbouncer"), "apt install pgbouncer"),
    "promtool": Program(("promtool",), "apt install prometheus"),
    "systemd": Program(("systemd-analyze",), "apt install systemd"),
}
POSTGRESQL = "postgresql"
"""The mark of tests on PostgreSQL, which a package brings."""


def program(name: str) -> str:
    path = PROGRAMS[name].find()
    assert path is not None, f"needs {name}: {PROGRAMS[name].install}"
    return path


def needs(*names: str) -> pytest.MarkDecorator:
    assert PROGRAMS.keys() >= set(names)
    return pytest.mark.needs(*names)


def missing(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    absent = {name: one.install for name, one in PROGRAMS.items() if one.find(environ) is None}
    return absent | ({} if has_postgresql() else {POSTGRESQL: "rm -rf .venv && scripts/setup"})


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() not in {"", "0", "false"}


def refuse_to_run_without(absent: Mapping[str, str]) -> None:
    """End a run in CI, where nothing is left out."""
    if in_ci() and absent:
        lines = (f"  {name}: {install}" for name, install in absent.items())
        raise pytest.UsageError("\n".join(["in CI no test is skipped, and these programs are missing:", *lines]))


def leave_out(items: list[pytest.Item], absent: Mapping[str, str]) -> list[pytest.Item]:
    """Remove and return the tests that need what is missing, but for one each, which is skipped and says how many."""
    if not absent:
        return []
    needing: dict[str, list[pytest.Item]] = {}
    for item in items:
        for name in [name for name in needed_by(item) if name in absent][:1]:
            needing.setdefault(name, []).append(item)
    for name, (first, *others) in needing.items():
        reason = f"{name} is missing, which {len(others) + 1} tests need ({absent[name]})"
        first.add_marker(pytest.mark.skip(reason=reason))
    removed = [item for _, *others in needing.values() for item in others]
    items[:] = [item for item in items if item not in removed]
    return removed


def needed_by(item: pytest.Item) -> list[str]:
    names = [name for mark in item.iter_markers("needs") for name in mark.args]
    if "browser" in getattr(item, "fixturenames", ()):
        names.append("chromium")
    return [*names, POSTGRESQL] if item.get_closest_marker(POSTGRESQL) else names
