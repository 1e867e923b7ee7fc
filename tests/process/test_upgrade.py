"""An upgrade from a revision before the first release, with its database and its .env, while 20 orders run."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.revisions import Revision, check_out
from bot.demo.sandbox import environment, environment_of_many
from bot.sim.anchor import DEFAULT_KEY, SimAnchor, Slow
from bot.sim.local_server import free_port
from bot.sim.slack import SimSlack
from harness import SESSION
from harness.conversation import Conversation, post_json, until
from harness.databases import KEY
from harness.install_browser import Browser
from harness.process import MODULE, BotProcess, bot_process
from harness.programs import needs

pytestmark = [pytest.mark.anyio, pytest.mark.long, needs("git")]

ORDERS = 20
TOKEN = "s3cret-of-the-alerts-of-old"
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute.", "title": "High spend"}


@pytest.fixture(scope="module")
def old() -> Revision:
    return check_out("35a5838")


@dataclass(frozen=True, slots=True)
class Site(Conversation):
    """The simulators, and a directory with the `.env` of the old revision."""

    directory: Path
    port: int

    async def operate(self, *arguments: str, of: Revision | None = None, stdin: str = "") -> list[str]:
        async with self.process(of, *arguments, stdin=stdin) as command:
            assert await command.exit_code() == 0, command.lines
        return command.printed

    @asynccontextmanager
    async def process(self, of: Revision | None, *arguments: str, stdin: str = "") -> AsyncIterator[BotProcess]:
        """Run a command of a revision, of this one without, with nothing but the `.env`."""
        command, environ = (MODULE, {}) if of is None else ((of.python, "-m", "bot"), of.environ)
        async with bot_process(
            environ, command=command, arguments=arguments, directory=self.directory, covered=False, stdin=stdin
        ) as process:
            yield process

    async def add_card(self, of: Revision, *, many: bool) -> None:
        """Let a program post an alert; with many workspaces, install the app and give it a key and a token before."""
        path, token = "/alerts", TOKEN
        if many:
            async with Browser() as browser:
                await browser.install(f"http://127.0.0.1:{self.port}", self.workspace.team_id, user=self.person.id)
            team_id = self.workspace.team_id
            await self.operate("workspaces", "set-key", team_id, of=of, stdin=DEFAULT_KEY)
            lines = await self.operate("workspaces", "alert-token", team_id, "--channel", self.channel.id, of=of)
            path, token = f"/alerts/{team_id}", lines[-1].split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        status, answer, _ = await post_json(f"http://127.0.0.1:{self.port}{path}", ALERT, headers=headers)
        assert status == 200, answer

    def told(self, session: str) -> bool:
        """Whether the person has seen a result, which ends with the id, and not only that it is coming."""
        return any(session in one.text and "Pausing" not in one.text for one in self.seen())


def filled_in(example: str, variables: Mapping[str, str]) -> str:
    """Return the `.env.example` of the old revision with these values."""
    lines = [line for line in example.splitlines() if "=" in line and not line.startswith("#")]
    given = dict(line.split("=", 1) for line in lines if not line.startswith("ALERTS_WORKSPACE"))
    assert variables.keys() <= given.keys()
    return "".join(f"{name}={value}\n" for name, value in (given | dict(variables)).items())


@asynccontextmanager
async def site_at(url: str, directory: Path, example: str, *, many: bool) -> AsyncIterator[Site]:
    async with SimSlack(socket_mode=True, ack_deadline=30.0) as slack, SimAnchor() as anchor:
        port = free_port()
        own = {"DATABASE_URL": url, "PORT": str(port), "LOG_FORMAT": "json"}
        if many:
            variables = environment_of_many(slack, anchor, port=port, ENCRYPTION_KEYS=KEY.reveal()) | own
        else:
            variables = environment(slack, anchor, ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL=slack.alerts.id) | own
            variables |= {"ENCRYPTION_KEYS": KEY.reveal()}
        (directory / ".env").write_text(filled_in(example, variables))
        (directory / ".env").chmod(0o600)
        anchor.add_session(session_id=SESSION)
        yield Site(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, directory, port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("database", ["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgresql)])
async def test_orders_cards_and_journal_go_on(
    old: Revision, tmp_path: Path, request: pytest.FixtureRequest, database: str, number: signal.Signals, *, many: bool
) -> None:
    urls: Iterator[str] = iter([f"sqlite:///{tmp_path / 'anchor-bot.db'}"])
    if database == "PostgreSQL":
        urls = request.getfixturevalue("postgresql_urls")
    example = (old.directory / ".env.example").read_text()
    async with site_at(str(next(urls)), tmp_path, example, many=many) as at:
        sessions = [at.anchor.add_session() for _ in range(ORDERS)]
        async with at.process(old, "run") as before:
            await before.says("connected to Slack")
            await at.add_card(old, many=many)
            at.anchor.fault = Slow(15.0)
            await asyncio.gather(*(at.command(session) for session in sessions))  # until each knows that it goes on
            assert len(at.anchor.orders) == ORDERS
            at.anchor.fault = None
            before.process.send_signal(number)
            await before.exit_code()
        async with at.process(None, "run") as after:
            await after.says("connected to Slack")
            await until(lambda: all(map(at.told, sessions)), within=60)
            (card,) = [one for one in at.messages() if "High spend" in one.text]
            await at.click(card)
            assert "Paused" in (await at.wait_for_update(card)).text
            await until(lambda: len(at.anchor.posts(SESSION)) == 1)
            rows = [json.loads(line) for line in await at.operate("journal", "--format", "json")]
            assert {row["session"] for row in rows} == {SESSION, *sessions}
            assert {row["state"] for row in rows} == {"told"}
            assert {row["outcome"] for row in rows} <= {"Paused", "Unconfirmed"}
            assert await after.stop() == 0
        assert {entry["level"] for entry in after.log} <= {"INFO", "WARNING"}
        assert after.sentences == []
