"""The applications that are measured, and how each is started."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from bench.load import ALERTS_TOKEN
from bench.services import ANCHOR_KEY, CHANNELS, SIGNING_SECRET, Services

ROOT = Path(__file__).parents[1]

_CACHE, _PEERS = ROOT / "bench/.cache", ROOT / "bench/peers"


@dataclass(frozen=True, slots=True)
class Application:
    """This bot in the checkout `directory` of `revision`, "" for that of the benchmark, or a peer with a `command`."""

    name: str
    title: str
    command: tuple[str, ...] = ()
    is_socket: bool = False
    is_postgresql: bool = False
    revision: str = ""
    directory: Path = ROOT
    python: str = sys.executable

    @property
    def is_bot(self) -> bool:
        """Return whether it is this bot."""
        return not self.command

    @property
    def full_name(self) -> str:
        """Return the name with its revision, as in http@main."""
        return f"{self.name}@{self.revision}" if self.revision else self.name

    def command_line(self) -> tuple[str, ...]:
        """Return the command."""
        return self.command or (self.python, "-m", "bot", "run")

    def variables(self, services: Services, port: int, database_url: str) -> dict[str, str]:
        """Return the environment."""
        slack = {"SLACK_APP_TOKEN": "xapp-bench"} if self.is_socket else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        own = {
            "PYTHONPATH": str(self.directory),
            "DATABASE_URL": database_url,
            "ENCRYPTION_KEYS": "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU=",
            "ALERTS_TOKEN": ALERTS_TOKEN,
            "ALERTS_CHANNEL": CHANNELS[0],
            "ALERTS_CHANNELS": ",".join(CHANNELS),
        }
        common = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "SLACK_BOT_TOKEN": "xoxb-bench-00000",
            "SLACK_API_URL": f"{services.slack_url}/api/",
            "ANCHOR_API_URL": services.anchor_url,
            "ANCHOR_API_KEY": ANCHOR_KEY,
        }
        return common | slack | (own if self.is_bot else {})


APPLICATIONS = (
    Application("http", "this bot, HTTP"),
    Application("socket", "this bot, Socket Mode", is_socket=True),
    Application("postgresql", "this bot, HTTP, PostgreSQL", is_postgresql=True),
    Application("socket-postgresql", "this bot, Socket Mode, PostgreSQL", is_socket=True, is_postgresql=True),
    Application("bolt-js", "Bolt for JavaScript", ("node", str(_CACHE / "bolt_js/app.js"))),
    Application("bolt-python", "Bolt for Python, AsyncApp", (sys.executable, str(_PEERS / "bolt_python.py"))),
)


def at_revision(bots: list[Application], name: str) -> list[Application]:
    """Return these bots at a git revision, which is exported into the cache.

    If it pins other requirements, it gets an environment of its own. Raises CalledProcessError.
    """
    commit = run("git", "rev-parse", "--verify", f"{name}^{{commit}}")
    directory, python = _CACHE / "revisions" / commit, sys.executable
    if not directory.exists():
        directory.mkdir(parents=True)
        run("sh", "-c", 'git archive "$0" | tar -x -C "$1"', commit, str(directory))
        run(sys.executable, "-m", "compileall", "-q", str(directory / "bot"))
    if (directory / "requirements.txt").read_text() != (ROOT / "requirements.txt").read_text():
        python = str(directory / ".venv/bin/python")
        if not Path(python).exists():
            run(sys.executable, "-m", "venv", str(directory / ".venv"))
            run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(directory / "requirements.txt"))
    return [replace(bot, revision=name, directory=directory, python=python) for bot in bots]


def install_bolt_js() -> None:
    """Install Bolt for JavaScript with npm, unless that was done. Raises CalledProcessError."""
    source, target = _PEERS / "bolt_js", _CACHE / "bolt_js"
    is_done = target.exists() and (target / "package.json").read_text() == (source / "package.json").read_text()
    shutil.copytree(source, target, dirs_exist_ok=True)
    if not is_done or not (target / "node_modules").exists():
        run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", cwd=target)


def run(*command: str, cwd: Path = ROOT) -> str:
    """Return what a program prints. Raises CalledProcessError."""
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603 - ours
