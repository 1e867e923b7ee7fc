"""Bots of many workspaces as processes: how they start, what they write down, and what an operator does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.demo.stage import environment_of_many
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, SimSlack, Workspace
from harness import SESSION
from harness.databases import KEY, OTHER_KEY
from harness.install_browser import Browser
from harness.process import BotProcess, bot_process, run_to_exit

pytestmark = pytest.mark.anyio

ANCHOR_KEY = "sk-of-globex-only"
LOUD = {"LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default"}
MIXED_UP = (
    "SLACK_BOT_TOKEN can't be set beside SLACK_CLIENT_ID and SLACK_CLIENT_SECRET: those are for a bot of one "
    "workspace, these for one of many, installed by OAuth. Take the ones or the others out."
)
NO_DATABASE = (
    "DATABASE_URL is no database that the bot can use: write it like sqlite:///anchor-bot.db or "
    "postgresql://user:password@host:5432/name."
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Simulators, the workspace Globex without the app, and what a bot needs."""

    slack: SimSlack
    anchor: SimAnchor
    globex: Workspace
    environ: Mapping[str, str]


@asynccontextmanager
async def deployment(database_url: str, *, socket_mode: bool = False, **settings: str) -> AsyncIterator[Deployment]:
    async with SimSlack(socket_mode=socket_mode) as slack, SimAnchor(keys=[ANCHOR_KEY]) as anchor:
        anchor.add_session(key=ANCHOR_KEY, session_id=SESSION)
        globex = Workspace("T0GLOBEX001", "globex", Installation("xoxb-never", refusal="account_inactive"))
        person = globex.add_user("U0GLOBEX001", "gina")
        globex.add_channel("C0GLOBEX001", "alerts", person, globex.installation.bot_user_id)
        slack.add_workspace(globex)
        own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()} | settings
        yield Deployment(slack, anchor, globex, environment_of_many(slack, anchor, port=free_port(), **own))


async def operate(environ: Mapping[str, str], *arguments: str, stdin: str = "") -> tuple[int, str]:
    """Run a command of an operator's, and return its exit code and what it printed."""
    async with bot_process(environ, arguments=arguments, stdin=stdin) as process:
        code = await process.exit_code()
    return code, "\n".join([*process.printed, *process.sentences])


async def test_three_that_start_at_once_on_an_empty_database_all_run_and_one_makes_the_tables(
    database_url: str,
) -> None:
    async with deployment(database_url) as at, AsyncExitStack() as stack:
        ports = [{"PORT": str(free_port())} for _ in range(3)]
        bots = [await stack.enter_async_context(bot_process({**at.environ, **port})) for port in ports]
        await asyncio.gather(*(bot.says("ready") for bot in bots))
        answers = await asyncio.gather(*(bot.get("/readyz") for bot in bots))
        assert answers == [(200, {"ready": True, "reasons": {}})] * 3
        for bot in bots:
            assert await bot.stop() == 0
    said = [entry["message"] for bot in bots for entry in bot.log]
    assert said.count("database migrated") == 1


async def go_through_everything(at: Deployment, bot: BotProcess) -> list[str]:
    """Install, set a key, pause, alert, fail to install; return all that must not be written down."""
    secrets: list[str] = []
    async with Browser() as browser:
        for choices in ({}, {"decision": "cancel"}, {"declined": "chat:write"}):
            begun = await browser.get(f"{bot.url}/slack/install")
            back = await browser.consent(begun.location, at.globex.team_id, **choices)
            await browser.get(back)
            await browser.get(back)
            asked = parse_qs(urlsplit(back).query)
            cookie = begun.headers["Set-Cookie"].partition(";")[0].partition("=")[2]
            secrets += [*asked["state"], *asked.get("code", []), cookie]
    assert await operate(at.environ, "workspaces", "set-key", at.globex.team_id, stdin=f"{ANCHOR_KEY}\n") == (
        0,
        "T0GLOBEX001 has this key from now on.",
    )
    code, said = await operate(at.environ, "workspaces", "alert-token", at.globex.team_id, "--channel", "C0GLOBEX001")
    assert code == 0
    url, token = said.split("\n")
    secrets.append(token.rpartition(" ")[2])
    async with bot_process(
        {"ANCHOR_BOT_URL": bot.url, "ALERTS_TOKEN": secrets[-1], "ALERTS_WORKSPACE": at.globex.team_id},
        arguments=("alert", "--session", SESSION, "--text", "spent"),
    ) as sender:
        assert await sender.exit_code() == 0
    assert url == f"Alerts go to {at.environ['BASE_URL']}/alerts/T0GLOBEX001"
    await at.slack.command("U0GLOBEX001", "C0GLOBEX001", SESSION)
    assert [request.key for request in at.anchor.requests] == [ANCHOR_KEY]
    app = at.globex.installation
    return [*secrets, app.bot_token, ANCHOR_KEY, at.slack.registration.client_secret, KEY.reveal()]


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def holds(kept: Mapping[str, bytes], text: str) -> bool:
    return any(text.encode() in content for content in kept.values())


async def test_no_secret_is_written_to_the_log_or_to_the_files_of_the_database(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with deployment(url) as at, bot_process({**at.environ, **LOUD}) as bot:
        await bot.says("ready")
        at.slack.request_url = f"{bot.url}/slack/events"
        secrets = await go_through_everything(at, bot)
        kept = files(tmp_path)
        assert set(kept) == {"bot.db", "bot.db-shm", "bot.db-wal"}
        assert holds(kept, "T0GLOBEX001")
        assert [secret for secret in secrets if holds(kept, secret)] == []
        await at.slack.uninstall(at.globex)
        assert await bot.stop() == 0
    written = "\n".join(bot.lines)
    assert [secret for secret in secrets if secret in written] == []
    assert "oauth_redirect" not in written
    outcomes = [entry["outcome"] for entry in bot.log if entry["message"] == "installation"]
    assert outcomes == ["Installed", "Replayed", "Denied", "Replayed", "Installed", "Replayed"]
    assert not holds(files(tmp_path), "T0GLOBEX001"), "it left, and is still there"


async def test_it_serves_over_a_socket_too(tmp_path: Path) -> None:
    async with (
        deployment(f"sqlite:///{tmp_path / 'bot.db'}", socket_mode=True) as at,
        bot_process(at.environ) as bot,
    ):
        await bot.says("connected to Slack")
        secrets = await go_through_everything(at, bot)
        assert await bot.stop() == 0
    assert [secret for secret in secrets if secret in "\n".join(bot.lines)] == []


async def test_the_variables_that_bolt_knows_too_make_no_store_of_its_own(tmp_path: Path) -> None:
    """With a client id and secret in the environment, Bolt prepares files for tokens in plain text."""
    home, directory = tmp_path / "home", tmp_path / "directory"
    home.mkdir()
    directory.mkdir()
    async with (
        deployment(f"sqlite:///{tmp_path / 'bot.db'}", HOME=str(home)) as at,
        bot_process(at.environ, directory=directory) as bot,
    ):
        await bot.says("ready")
        at.slack.request_url = f"{bot.url}/slack/events"
        await go_through_everything(at, bot)
        assert await bot.stop() == 0
    assert [*home.iterdir(), *directory.iterdir()] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS is not set: put a key there that `anchor-bot keys new` prints."),
        (
            {"ENCRYPTION_KEYS": "s3cret"},
            "ENCRYPTION_KEYS has what is no key: put there what `anchor-bot keys new` prints, and nothing else.",
        ),
        ({"DATABASE_URL": "mysql://me:s3cret@host/db"}, NO_DATABASE),
        ({"SLACK_BOT_TOKEN": "xoxb-s3cret"}, MIXED_UP),
    ],
    ids=["missing", "malformed", "no database", "mixed up"],
)
async def test_settings_that_can_not_be_used_end_it_with_one_sentence(
    tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    async with deployment(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        ended = await run_to_exit({**at.environ, **changes})
    assert (ended.code, ended.sentences) == (
        2,
        [f"anchor-bot: {sentence}", "anchor-bot: See .env.example for every setting."],
    )


async def test_keys_that_do_not_fit_end_it_with_one_sentence(tmp_path: Path) -> None:
    async with deployment(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        async with bot_process(at.environ) as bot:
            await bot.says("ready")
            assert await bot.stop() == 0
        ended = await run_to_exit({**at.environ, "ENCRYPTION_KEYS": OTHER_KEY.reveal()})
    assert ended.code == 2
    (sentence,) = ended.sentences
    assert sentence.startswith("anchor-bot: ENCRYPTION_KEYS does not fit the database: none of its keys decrypts")


async def test_a_rotation_beside_a_bot_that_runs_with_both_keys(tmp_path: Path) -> None:
    async with deployment(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        both = {**at.environ, "ENCRYPTION_KEYS": f"{OTHER_KEY.reveal()},{KEY.reveal()}"}
        async with bot_process(at.environ) as bot:
            await bot.says("ready")
            async with Browser() as browser:
                await browser.install(bot.url, at.globex.team_id)
            await operate(at.environ, "workspaces", "set-key", at.globex.team_id, stdin=ANCHOR_KEY)
            assert await bot.stop() == 0
        async with bot_process(both) as bot:
            await bot.says("ready")
            at.slack.request_url = f"{bot.url}/slack/events"
            assert await operate(both, "keys", "rotate") == (
                0,
                "Encrypted anew: 2. The other keys may be taken out now.",
            )
            await at.slack.command("U0GLOBEX001", "C0GLOBEX001", SESSION)
        async with bot_process({**at.environ, "ENCRYPTION_KEYS": OTHER_KEY.reveal()}) as bot:
            await bot.says("ready")
            await at.slack.command("U0GLOBEX001", "C0GLOBEX001", SESSION)
    assert [request.key for request in at.anchor.requests] == [ANCHOR_KEY] * 2
