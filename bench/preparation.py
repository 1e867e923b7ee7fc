"""Look for the tools that the benchmark needs, and install the peers in JavaScript."""

import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from bench.applications import BOLT_JS
from bench.machine import pinned

_SOURCES = Path(__file__).parent / "peers/bolt_js"


class MissingToolError(Exception):
    """A tool is missing; the text says which, and how to go on without it."""


def pinning(core: int, without: Collection[str]) -> tuple[str, ...]:
    """Return the command that runs another on a core. Raises MissingToolError."""
    if "taskset" in without:
        return ()
    if sys.platform != "linux" or shutil.which("taskset") is None:
        raise MissingToolError(
            "taskset (Linux, package util-linux) is missing: it gives each application a core of its own. "
            "To go on without it, add --without taskset: the numbers will be worse and less stable."
        )
    return pinned(core)


def require_valgrind() -> None:
    """Check that valgrind is there. Raises MissingToolError."""
    if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
        raise MissingToolError(
            "valgrind is missing: it counts the instructions. On Debian or Ubuntu: apt install valgrind"
        )


def install_bolt_js() -> None:
    """Install the peers in JavaScript with npm, unless that was done. Raises MissingToolError."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise MissingToolError(
            "npm (Node.js 20 or newer) is missing: it installs Bolt for JavaScript. "
            "To go on without that peer, add --without npm."
        )
    BOLT_JS.mkdir(parents=True, exist_ok=True)
    wanted, stamp = (_SOURCES / "package.json").read_text(), BOLT_JS / ".installed"
    shutil.copy(_SOURCES / "app.js", BOLT_JS)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.copy(_SOURCES / "package.json", BOLT_JS)
    command = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")
    try:
        subprocess.run(command, cwd=BOLT_JS, check=True)  # noqa: S603 - fixed
    except subprocess.CalledProcessError:
        raise MissingToolError(
            "npm could not install Bolt for JavaScript: see above. To go on without that peer, add --without npm."
        ) from None
    stamp.write_text(wanted)
