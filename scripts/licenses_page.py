"""docs/licenses.md: the licenses of all run-time dependencies, made from their metadata by `scripts/test --update`."""

from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licenses.md"

_INTRODUCTION = """\
# Licenses

This page is for people who distribute the bot, or have to know what it brings with it. The bot itself is under the
[Apache License 2.0](../LICENSE). Its wheel contains nothing of these packages: they are installed beside it, as
[`requirements.txt`](../requirements.txt) pins them, and each can be replaced. psycopg, the driver for PostgreSQL, is
under the LGPL; a bot on SQLite does not load it. `scripts/test --update` makes the table from the packages' metadata.

| package | license |
|---|---|
"""
_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
}
_UNCLEAR = {
    "tzdata": "Apache-2.0",  # for Windows: not installed elsewhere
    "uvloop": "MIT OR Apache-2.0",  # the metadata has two classifiers
}


def pinned() -> list[Requirement]:
    """Return the run-time dependencies, on every platform."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalpha()]


def licenses() -> Mapping[str, str]:
    """Return the license of each package, as an SPDX expression."""
    return {one.name: _UNCLEAR.get(one.name) or _license_of(one.name) for one in pinned()}


def page() -> str:
    """Return the text of the page."""
    return _INTRODUCTION + "".join(f"| {name} | {found} |\n" for name, found in licenses().items())


def write() -> None:
    """Rewrite the page."""
    PAGE.write_text(page())


def _license_of(name: str) -> str:
    metadata = distribution(name).metadata
    classifiers = [one.rpartition(":: ")[2] for one in metadata.get_all("Classifier", []) if one.startswith("License")]
    found: list[str] = [*metadata.get_all("License-Expression", []), *metadata.get_all("License", []), *classifiers]
    return _NAMES.get(found[0], found[0])
