"""No secret is written to a log or a file, whatever happens."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import aiohttp
import pytest

from bot.demo.sandbox import environment_of_many
from bot.demo.set_up import configure
from bot.sim.anchor import DEFAULT_KEY, Answer, ResetAfterReading, SimAnchor, Slow, html, unauthorized
from bot.sim.local_server import free_port
from bot.sim.slack import Installation, SimSlack, Workspace, api_error, expired_url
from bot.sim.slack import server_error as slack_error
from harness import SESSION
from harness.conversation import post_json
from harness.databases import KEY
from harness.install_browser import Browser
from harness.process import BotProcess, ProcessHarness, bot_process, single_workspace_process
from harness.product import Secret, open_store

pytestmark = pytest.mark.anyio


RESPONSE_URL = "https://hooks.slack.com/commands/T0HOME00001/1/typed-by-hand"
ALERTS_TOKEN = "s3cret-of-the-alerts"
LOUD = {
    "ALERTS_TOKEN": ALERTS_TOKEN,
    "ALERTS_CHANNEL": "C0ALERTS001",
    "LOG_LEVEL": "DEBUG",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONWARNINGS": "default",
}


async def anchor_misbehaves(at: ProcessHarness) -> list[str]:
    """Commands that Anchor answers badly at once."""
    urls = []
    for fault in (unauthorized(), html(), Answer(500, DEFAULT_KEY.encode()), ResetAfterReading(), Answer(600, b"\0")):
        at.anchor.fault = fault
        urls.append((await at.command(at.anchor.add_session())).response_url)
    return urls


def has_called(at: ProcessHarness, calls: int) -> bool:
    return len(at.slack.api_calls) > calls


async def slack_misbehaves(at: ProcessHarness) -> list[str]:
    """Slow commands whose outcome can't be sent to the response_url, nor in another way."""
    urls, calls = [], 0
    for result, by_url, by_post in (
        ("Doubtful", ResetAfterReading(), slack_error()),
        ("Refused", expired_url(), api_error("token_revoked")),
    ):
        calls = len(at.slack.api_calls)
        at.anchor.fault = Slow(4.0)
        at.slack.faults["response_url"], at.slack.faults["chat.postMessage"] = by_url, by_post
        urls.append((await at.command(at.anchor.add_session())).response_url)
        await at.bot.logs(message="post to a response_url", result=result)
    await at.slack.until(partial(has_called, at, calls))
    return urls


async def strangers_knock(at: ProcessHarness) -> None:
    """Bodies with secrets in them that the door or Bolt refuse."""
    asked = {"command": "/unknown", "text": SESSION, "team_id": "T0HOME00001", "channel_id": "C1", "user_id": "U1"}
    form = urlencode(asked | {"response_url": RESPONSE_URL}).encode()
    click = {
        "type": "block_actions",
        "user": {"id": "U0ALICE0001"},
        "team": {"id": "T0HOME00001"},
        "actions": [{"action_id": "unknown"}],
        "response_url": RESPONSE_URL,
    }
    event = {"type": "event_callback", "team_id": "T0HOME00001", "event": {"type": "message", "text": RESPONSE_URL}}
    bodies = [form, b"payload=" + quote(json.dumps(click)).encode(), form.replace(b"user_id", b"nobody"), form[:-9]]
    for body in bodies:
        await at.slack.send(body, at.slack.sign(body))
        await at.slack.send(body, at.slack.sign(body, timestamp=1))
        await at.slack.send(body, {"Content-Type": "application/x-www-form-urlencoded"})
    body = json.dumps(event | {"token": at.slack.bot_token}).encode()
    await at.slack.send(body, at.slack.sign(body) | {"Content-Type": "application/json"})


async def programs_report(at: ProcessHarness) -> None:
    """Alerts with the token and with another, to a Slack that does not take them."""
    url = f"{at.bot.url}/alerts"
    alert = {"session_id": SESSION, "text": RESPONSE_URL}
    at.slack.faults["chat.postMessage"] = api_error("token_revoked")
    async with aiohttp.ClientSession() as session:
        for token in (ALERTS_TOKEN, f"{ALERTS_TOKEN}x"):
            async with session.post(url, json=alert, headers={"Authorization": f"Bearer {token}"}) as answer:
                assert answer.status in {202, 401, 502}


async def test_no_secret_is_ever_logged() -> None:
    async with single_workspace_process(LOUD) as at:
        urls = [(await at.command(text)).response_url for text in (SESSION, "help", "nonsense", RESPONSE_URL)]
        urls += await anchor_misbehaves(at)
        urls += await slack_misbehaves(at)
        await strangers_knock(at)
        await programs_report(at)
        assert await at.bot.stop() == 0
    written = "\n".join(at.bot.lines)
    paths = [urlsplit(url).path for url in urls]
    for secret in (at.slack.bot_token, at.slack.signing_secret, DEFAULT_KEY, ALERTS_TOKEN, RESPONSE_URL, *urls, *paths):
        assert secret not in written
    assert "hooks.slack.com" not in written
    assert "/commands/" not in written
    assert len([entry for entry in at.bot.log if entry["message"] == "pause"]) == 8


ANCHOR_KEY = "sk-of-globex-only"
OF_GLOBEX = ("U0GLOBEX001", "C0GLOBEX001", SESSION)
"""What the database stores of it. Its id can stay: in the row that says how many rows of its trail were deleted."""
LOUD_OF_MANY = {"LOG_LEVEL": "DEBUG", "PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "default"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """Simulators, the workspace Globex without the app, and what a bot needs."""

    slack: SimSlack
    anchor: SimAnchor
    globex: Workspace
    environ: Mapping[str, str]

    async def operate(self, *arguments: str, stdin: str = "", **changes: str) -> str:
        """Run a command of an operator's, and return what it prints."""
        environ = {**self.environ, **changes}
        async with bot_process(environ, arguments=arguments, stdin=stdin, covered=False) as command:
            assert await command.exit_code() == 0
        return "\n".join(command.printed)

    async def set_key(self) -> None:
        """Give Globex its key, beside whatever bot runs."""
        await self.operate("workspaces", "set-key", self.globex.team_id, stdin=ANCHOR_KEY)

    async def pause(self) -> None:
        await self.slack.command("U0GLOBEX001", "C0GLOBEX001", SESSION)


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
    await at.set_key()
    async with open_store(Secret(at.environ["DATABASE_URL"]), [KEY]) as store:
        token = await configure(store, at.globex.team_id, ANCHOR_KEY, "C0GLOBEX001", sender="monitor")
    headers, alert = {"Authorization": f"Bearer {token}"}, {"session_id": SESSION, "text": "spent"}
    status, _, _ = await post_json(f"{bot.url}/alerts/{at.globex.team_id}", alert, headers=headers)
    assert status == 200
    await at.pause()
    assert [request.key for request in at.anchor.orders] == [ANCHOR_KEY]
    app = at.globex.installation
    return [*secrets, token, app.bot_token, ANCHOR_KEY, at.slack.registration.client_secret, KEY.reveal()]


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
        bot_process({**at.environ, **LOUD_OF_MANY}, directory=directory) as bot,
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
    assert outcomes == ["Installed", "Declined", "Installed"]
    rejected = [entry["why"] for entry in bot.log if entry["message"] == "requests rejected"]
    assert "installation: BeginAgain" in rejected
    assert [text for text in OF_GLOBEX if holds(files(database), text)] == [], "it left, and is still there"
    assert [*home.iterdir(), *directory.iterdir()] == []
