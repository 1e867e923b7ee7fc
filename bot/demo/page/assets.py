"""The page's files, as they are in the package."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import bot

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
INDEX = "index.html"
_INSTALL, _NEXT = "## Install it in Slack\n", "\n## "


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, and their content type."""

    body: bytes
    content_type: str


def read_assets() -> dict[str, Asset]:
    """Every file by its path below `assets`, such as "channel/mrkdwn.js", and how to install the bot."""
    return {**dict(_below(files("bot.demo.page") / "assets", "")), "install": Asset(_install_steps(), "text/plain")}


def _install_steps() -> bytes:
    """Return the section of the README, which an installed package has in its metadata."""
    try:
        readme = str(metadata("anchor-chatops").get_payload())  # type: ignore[attr-defined]
    except PackageNotFoundError:
        readme = Path(bot.__file__).parents[1].joinpath("README.md").read_text("utf-8")
    _, heading, rest = readme.partition(_INSTALL)
    return f"{heading}{rest.partition(_NEXT)[0]}".encode()


def _below(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _below(entry, f"{name}/")
        else:
            found.append((name, Asset(entry.read_bytes(), _TYPES[name.rpartition(".")[2]])))
    return found
