"""A bot between the simulated Slack and Anchor, with a database of its own, which a fault can change."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.people import Measured, People
from bot.demo.sandbox import environment
from bot.sim.anchor import SimAnchor, Slow
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness.databases import KEY, PostgreSQL
from harness.process import MODULE, BotProcess, bot_process

_ANCHOR = 0.1  # seconds that Anchor takes
_PATIENCE = 180.0  # seconds until those who have no word are untold: results are sent again each minute
ALERTS_TOKEN = "bench-alerts-token-0123456789abcdef"  # noqa: S105 - made up


@dataclass(frozen=True, slots=True)
class Machine:
    """A directory and a PostgreSQL to make a fault with.

    A fault lasts so many `seconds`, in which people pause.
    """

    directory: Path
    server: PostgreSQL
    seconds: float = 15.0

    @property
    def file(self) -> str:
        """Return the URL of a SQLite file."""
        return f"sqlite:///{self.directory / 'bot.db'}"

    @property
    def database(self) -> str:
        """Return the URL of a new database of the server."""
        return self.server.new_database(f"faults-{self.directory.name}")


@dataclass(eq=False)
class Stage:
    """Participants of a run. `start` starts a bot, also another one after a kill."""

    slack: SimSlack
    anchor: SimAnchor
    people: People
    environ: Mapping[str, str]
    machine: Machine
    command: Sequence[str]
    _exit: AsyncExitStack
    bots: list[BotProcess] = field(default_factory=list)

    @property
    def bot(self) -> BotProcess:
        """The bot that was started last."""
        return self.bots[-1]

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self.bot.process.pid

    async def start(self) -> None:
        """Start a bot, and wait until it is ready."""
        bot = await self._exit.enter_async_context(
            bot_process(self.environ, command=self.command, directory=self.machine.directory, covered=False)
        )
        self.bots.append(bot)
        await bot.says("ready")
        self.slack.request_url = f"{bot.url}/slack/events"

    async def kill(self) -> None:
        """End the bot as a crash does."""
        with suppress(ProcessLookupError):
            self.bot.process.send_signal(signal.SIGKILL)
        await self.bot.exit_code()


@asynccontextmanager
async def stage(
    machine: Machine, database_url: str, *, command: Sequence[str] = MODULE, urls: Mapping[str, str] | None = None
) -> AsyncIterator[Stage]:
    """Run a bot for one workspace that has paused something already."""
    async with SimSlack() as slack, SimAnchor() as anchor, AsyncExitStack() as leaving:
        anchor.fault = Slow(_ANCHOR)
        own = {
            "DATABASE_URL": database_url,
            "ENCRYPTION_KEYS": KEY.reveal(),
            "ALERTS_TOKEN": ALERTS_TOKEN,
            "ALERTS_CHANNEL": slack.alerts.id,
            "PORT": str(free_port()),
        }
        environ = environment(slack, anchor, **own)
        environ |= {name: value.format(port=anchor.port, slack_port=slack.port) for name, value in (urls or {}).items()}
        people = People(slack, anchor)
        at = Stage(slack, anchor, people, environ, machine, command, leaving)
        await at.start()
        looking = asyncio.create_task(people.look())
        try:
            await people.pause_often(per_second=4, seconds=1)
            await people.until_told(within=_PATIENCE)
            people.pauses.clear()
            yield at
        finally:
            looking.cancel()


async def measure(at: Stage) -> Measured:
    """Wait until all have the word, and return what became of the pauses."""
    await at.people.until_told(within=_PATIENCE)
    return at.people.measured()
