"""No secret is written to a log or a file, whatever happens."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from bot.demo.sandbox import environment_of_many
from bot.demo.set_up import configure
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, SimSlack, Workspace
from harness import SESSION
from harness.conversation import post_json
from harness.databases import KEY
from harness.install_browser import Browser
from harness.process import BotProcess, bot_process
from harness.product import Secret, open_store

ANCHOR_KEY = "sk-of-globex-only"
OF_GLOBEX = ("U0GLOBEX001", "C0GLOBEX001", SESSION)
"""What the database stores of it. Its id can stay: in the row that says how many rows of its trail were deleted."""
LOUD = {"LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """Simulators, the workspace Globex without the app, and what a bot needs."""

    slack: SimSlack
    anchor: SimAnchor
    globex: Workspace
    environ: Mapping[str, str]


@asynccontextmanager
async def deployment(database_url: str, **settings: str) -> AsyncIterator[Deployment]:
    async with SimSlack() as slack, SimAnchor(keys=[ANCHOR_KEY]) as anchor:
        anchor.add_session(key=ANCHOR_KEY, session_id=SESSION)
        globex = Workspace("T0GLOBEX001", "globex", Installation("xoxb-never", refusal="account_inactive"))
        person = globex.add_user("U0GLOBEX001", "gina")
        globex.add_channel("C0GLOBEX001", "alerts", person, globex.installation.bot_user_id)
        slack.add_workspace(globex)
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()} | settings
        yield Deployment(slack, anchor, globex, environment_of_many(slack, anchor, port=free_port(), **own))


async def go_through_everything(at: Deployment, bot: BotProcess) -> list[str]:
    """Install, set a key, pause, alert, fail to install; return all that must not be written down."""
    secrets: list[str] = []
    async with Browser() as browser:
        for choices in ({}, {"decision": "cancel"}):
            begun = await browser.get(f"{bot.url}/slack/install")
            back = await browser.consent(begun.location, at.globex.team_id, **choices)
            await browser.get(back)
            await browser.get(back)
            asked = parse_qs(urlsplit(back).query)
            cookie = begun.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
            secrets += [*asked["state"], *asked.get("code", []), cookie]
    set_key = ("workspaces", "set-key", at.globex.team_id)
    async with bot_process(at.environ, arguments=set_key, stdin=ANCHOR_KEY, covered=False) as command:
        assert await command.exit_code() == 0
    async with open_store(Secret(at.environ["DATABASE_URL"]), [KEY]) as store:
        token = await configure(store, at.globex.team_id, ANCHOR_KEY, "C0GLOBEX001", sender="monitor")
    headers, alert = {"Authorization": f"Bearer {token}"}, {"session_id": SESSION, "text": "spent"}
    status, _, _ = await post_json(f"{bot.url}/alerts/{at.globex.team_id}", alert, headers=headers)
    assert status == 200
    await at.slack.command("U0GLOBEX001", "C0GLOBEX001", SESSION)
    assert [request.key for request in at.anchor.orders] == [ANCHOR_KEY]
    own = [at.globex.installation.bot_token, at.slack.registration.client_secret, at.slack.signing_secret]
    return [*secrets, *own, token, ANCHOR_KEY, KEY.reveal()]


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def holds(stored: Mapping[str, bytes], text: str) -> bool:
    return any(text.encode() in content for content in stored.values())


async def test_no_secret_is_written_to_the_log_or_to_any_file(tmp_path: Path) -> None:
    """With a client id and secret in the environment, Bolt prepares files for tokens in plain text."""
    home, directory, database = tmp_path / "home", tmp_path / "directory", tmp_path / "database"
    for one in (home, directory, database):
        one.mkdir()
    async with (
        deployment(f"sqlite:///{database / 'bot.db'}", HOME=str(home)) as at,
        bot_process({**at.environ, **LOUD}, directory=directory) as bot,
    ):
        await bot.says("ready")
        at.slack.request_url = f"{bot.url}/slack/events"
        secrets = await go_through_everything(at, bot)
        stored = files(database)
        assert set(stored) == {"bot.db", "bot.db-lock", "bot.db-shm", "bot.db-wal"}
        assert [text for text in OF_GLOBEX if not holds(stored, text)] == []
        assert [secret for secret in secrets if holds(stored, secret)] == []
        await at.slack.uninstall(at.globex)
        assert await bot.stop() == 0
    written = "\n".join(bot.lines)
    assert [secret for secret in secrets if secret in written] == []
    assert "oauth_redirect" not in written
    outcomes = [entry["outcome"] for entry in bot.log if entry["message"] == "installation"]
    assert outcomes == ["Installed", "Declined"]
    rejected = [entry["why"] for entry in bot.log if entry["message"] == "requests rejected"]
    assert "installation: BeginAgain" in rejected
    assert [text for text in OF_GLOBEX if holds(files(database), text)] == [], "it left, and is still there"
    assert [*home.iterdir(), *directory.iterdir()] == []
