"""Other revisions of this bot, as applications to compare with."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "bench/.cache"


@dataclass(frozen=True, slots=True)
class Revision:
    """A checkout of this project; `name` is "" for the one that the benchmark is in, uncommitted changes included."""

    name: str
    directory: Path
    python: str

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables with which Python imports this revision of the bot."""
        return {"PYTHONPATH": str(self.directory)}


def current() -> Revision:
    """Return the checkout that the benchmark is in."""
    return Revision("", ROOT, sys.executable)


def check_out(name: str) -> Revision:
    """Export a revision into the cache. If it pins other requirements, it gets an environment of its own.

    Raises CalledProcessError if there is no such revision.
    """
    commit = _run("git", "rev-parse", "--verify", f"{name}^{{commit}}").strip()
    directory = CACHE / "revisions" / commit
    if not directory.exists():
        directory.mkdir(parents=True)
        _run("sh", "-c", 'git archive "$0" | tar -x -C "$1"', commit, str(directory))
        _run(sys.executable, "-m", "compileall", "-q", str(directory / "bot"))
    python = sys.executable
    if (directory / "requirements.txt").read_text() != (ROOT / "requirements.txt").read_text():
        python = str(directory / ".venv/bin/python")
        if not Path(python).exists():
            _run(sys.executable, "-m", "venv", str(directory / ".venv"))
            _run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(directory / "requirements.txt"))
    return Revision(name, directory, python)


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 - ours
