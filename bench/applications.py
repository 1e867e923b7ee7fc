"""The applications that are measured, and how each is started."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from bench.people import APP_TOKEN, SIGNING_SECRET, anchor_key, bot_token
from bench.revisions import CACHE, Revision

BOLT_JS = CACHE / "bolt_js"
"""The directory of the peer in JavaScript and its packages."""

_HERE = Path(__file__).parent
_ENCRYPTION_KEY = "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmU="


@dataclass(frozen=True, slots=True)
class Application:
    """An application of one process or several `replicas`. `revision` is None for a peer.

    The bot `has_many` workspaces, or one. Its `database`, sqlite or postgresql, has as many old orders as `history`
    says. `baseline` is the name of the bot that it is compared with. An application that `is_slow` would take hours
    for a long run, and a minute for a burst.
    """

    name: str
    title: str
    command: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    revision: Revision | None = None
    database: str = "sqlite"
    has_many: bool = False
    is_socket: bool = False
    replicas: int = 1
    history: int = 0
    baseline: str = "http"
    is_slow: bool = False

    @property
    def full_name(self) -> str:
        """Return the name with its revision, as in http@main."""
        return f"{self.name}@{self.revision.name}" if self.revision and self.revision.name else self.name

    @property
    def full_title(self) -> str:
        """Return the title with its revision."""
        return f"{self.title}, {self.revision.name}" if self.revision and self.revision.name else self.title

    def at(self, revision: Revision) -> "Application":
        """Return this application of another revision of the bot."""
        return replace(self, revision=revision)

    def command_line(self, *, with_jumps: bool = False) -> tuple[str, ...]:
        """Return the command; `with_jumps` makes the bot's clocks jump at SIGUSR2."""
        if self.revision is None:
            return self.command
        program = ("-P", str(_HERE / "hour_later.py")) if with_jumps else ("-m", "bot")
        return (self.revision.python, *program, "run")

    def variables(self, urls: dict[str, str], port: int, database_url: str) -> dict[str, str]:
        """Return the environment; `urls` are those of the simulated services, by the bot's names."""
        slack = {"SLACK_APP_TOKEN": APP_TOKEN} if self.is_socket else {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
        one = {"SLACK_BOT_TOKEN": bot_token(0), "ANCHOR_API_KEY": anchor_key(0)} | _store(database_url)
        tenancy = many_workspaces(database_url, port) if self.has_many else one
        own = self.revision.environ if self.revision else dict(self.environ)
        common = {"PATH": os.environ["PATH"], "PORT": str(port), "DRAIN_SECONDS": "0"}
        return common | own | slack | tenancy | urls


def many_workspaces(database_url: str, port: int) -> dict[str, str]:
    """Return the settings of a bot for many workspaces."""
    return {
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "bench-client-secret",
        "BASE_URL": f"http://127.0.0.1:{port}",
    } | _store(database_url)


def _store(database_url: str) -> dict[str, str]:
    return {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": _ENCRYPTION_KEY}


BOTS = (
    Application("http", "this bot, HTTP"),
    Application("socket", "this bot, Socket Mode", is_socket=True),
    Application("sqlite", "this bot, many workspaces, SQLite", has_many=True),
    Application("postgresql", "this bot, many workspaces, PostgreSQL", database="postgresql", has_many=True),
    Application("socket-postgresql", "this bot, Socket Mode, PostgreSQL", database="postgresql", is_socket=True),
)


def _with_history(name: str, word: str, orders: int) -> Application:
    """Return a bot with so many old orders, to compare with it without them."""
    (bot,) = (one for one in BOTS if one.name == name)
    title = f"{bot.title}, {orders:,} old orders"
    return replace(bot, name=f"{name}-{word}", title=title, history=orders, baseline=name)


OLD = tuple(_with_history(name, "old", 100_000) for name in ("http", "socket", "postgresql"))
"""A long history."""

VARIANTS = (
    *(
        Application(
            f"postgresql-{count}",
            f"{count} replicas, PostgreSQL",
            database="postgresql",
            has_many=True,
            replicas=count,
            baseline="postgresql",
        )
        for count in (2, 3)
    ),
    *(_with_history(name, "million", 1_000_000) for name in ("sqlite", "postgresql")),
)
"""More processes, or a very long history."""

NODE = ("node", str(BOLT_JS / "app.js"))

_PYTHON_ASYNC = (sys.executable, str(_HERE / "peers/bolt_python_async.py"))

PEERS = (
    Application(
        "bolt-python",
        "Bolt for Python, App with httpx",
        (sys.executable, str(_HERE / "peers/bolt_python.py")),
        is_slow=True,
    ),
    Application("bolt-python-aiohttp", "Bolt for Python, AsyncApp with aiohttp", _PYTHON_ASYNC),
    Application("bolt-python-httpx", "Bolt for Python, AsyncApp with httpx", _PYTHON_ASYNC, (("WITH_HTTPX", "1"),)),
    Application("bolt-js", "Bolt for JavaScript, as documented", NODE),
    Application("bolt-js-ack", "Bolt for JavaScript, answer in the ack", NODE, (("ANSWER_IN_ACK", "1"),)),
    Application("limit", "bare aiohttp, no Bolt", (sys.executable, str(_HERE / "peers/limit.py"))),
)
