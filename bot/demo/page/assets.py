"""The page's files, as they are in the package."""

from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from bot.demo.page.install import install_page

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes, and their content type."""

    body: bytes
    content_type: str


def read_assets() -> dict[str, Asset]:
    """Every file by its path below `assets`, such as "channel/mrkdwn.js", and how to install the bot."""
    return {**dict(_below(files("bot.demo.page") / "assets", "")), "install": Asset(install_page(), "text/html")}


def _below(folder: Traversable, prefix: str) -> list[tuple[str, Asset]]:
    found: list[tuple[str, Asset]] = []
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _below(entry, f"{name}/")
        else:
            found.append((name, Asset(entry.read_bytes(), _TYPES[name.rpartition(".")[2]])))
    return found
