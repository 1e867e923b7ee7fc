"""`anchor-bot init`: from a person to a .env with which the bot starts."""

import asyncio
import io
import re
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest

from bot.cli.manifest import creation_link, manifest
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.slack import SimSlack
from harness.product import Settings, checks, main
from harness.secret_scan import leaks

Check = Callable[[str, str], None]
URL = "https://bot.example.com"


class Terminal(io.StringIO):
    """The terminal of a person."""

    def isatty(self) -> bool:
        return True

    def reconfigure(self, **_: str) -> None:
        """Write any character."""


@dataclass(frozen=True, slots=True)
class Site:
    """An empty directory, and the services that a bot will use."""

    slack: SimSlack
    anchor: SimAnchor
    directory: Path
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    @property
    def services(self) -> dict[str, str]:
        """What is in the environment anyway."""
        return {"SLACK_API_URL": self.slack.url, "ANCHOR_API_URL": self.anchor.url, "PORT": "0"} | {
            "DATABASE_URL": "sqlite://"
        }

    @property
    def secrets(self) -> dict[str, str]:
        """The answers to its questions, in their order."""
        tokens = {"SLACK_BOT_TOKEN": self.slack.bot_token, "ANCHOR_API_KEY": DEFAULT_KEY}
        return tokens | {"SLACK_APP_TOKEN": self.slack.app_token}

    @property
    def app(self) -> dict[str, str]:
        """The same for the app that many workspaces install."""
        app = self.slack.registration
        return {"SLACK_CLIENT_ID": app.client_id, "SLACK_CLIENT_SECRET": app.client_secret} | {
            "SLACK_SIGNING_SECRET": "5" * 32
        }

    def written(self) -> dict[str, str] | None:
        file = self.directory / ".env"
        if not file.exists():
            return None
        lines = [line.partition("=") for line in file.read_text().splitlines() if line and line[0] != "#"]
        return {variable: value.strip("'\"") for variable, _, value in lines}

    async def init(
        self, *arguments: str, typed: list[str], environ: dict[str, str] | None = None, code: int = 0
    ) -> str:
        """Let a person type these answers, and then Ctrl-D, and return what the command says."""
        left = list(typed)

        def answer(_: str = "") -> str:
            if not left:
                raise EOFError
            return left.pop(0)

        def answer_that_is_shown(prompt: str = "") -> str:
            assert not [name for name in self.secrets if name in prompt]
            return answer()

        with self.patch.context() as patch:
            patch.setattr("builtins.input", answer_that_is_shown)
            patch.setattr("getpass.getpass", answer)
            patch.setattr("sys.stdin", Terminal())
            for name in (*self.secrets, *self.app, "BASE_URL"):
                patch.delenv(name, raising=False)
            for name, value in (self.services | (environ or {})).items():
                patch.setenv(name, value)
            assert await asyncio.to_thread(main, ["init", *arguments]) == code
        assert left == []
        out, err = self.capsys.readouterr()
        assert leaks(out + err) == []
        return (out + err.replace("anchor-bot: ", "")).replace(str(self.directory), "DIRECTORY").strip()


@pytest.fixture
async def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Site]:
    monkeypatch.chdir(tmp_path)
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        yield Site(slack, anchor, tmp_path, monkeypatch, capsys)
        assert (slack.violations, anchor.violations) == ([], [])


async def test_the_answers_are_checked_and_written_for_their_owner_alone(site: Site) -> None:
    await site.init(typed=["", *site.secrets.values()])
    assert site.written() == site.secrets
    assert stat.S_IMODE((site.directory / ".env").stat().st_mode) == 0o600
    assert sorted(path.name for path in site.directory.iterdir()) == [".env", "manifest.yml"]
    Settings.from_env(site.services | site.secrets)


async def test_a_wrong_answer_is_asked_for_again_and_nothing_is_written_if_the_person_leaves(site: Site) -> None:
    token, _, app_token = site.secrets.values()
    assert (await site.init(typed=[""], code=1)).endswith("\nNothing was written.")
    (site.directory / "manifest.yml").unlink()
    (site.directory / "manifest.yml").mkdir()
    assert "manifest.yml can't be written" in await site.init(typed=[""], code=1)
    (site.directory / "manifest.yml").rmdir()
    assert site.written() is None
    said = await site.init(typed=["", "", "two words", token, "sk-wrong", app_token], code=2)
    assert checks.Finding(checks.Wrong.KEY_REFUSED, {"status": "401"}).text in said
    assert site.written() == site.secrets | {"ANCHOR_API_KEY": "sk-wrong"}


async def test_a_url_is_for_slacks_requests(site: Site) -> None:
    token, key, _ = site.secrets.values()
    urls = ["bot.example.com", "http://bot.example.com", f"{URL}/slack/events", f"{URL}/"]
    await site.init(typed=[*urls, token, "", key, "5" * 32])
    own = {"SLACK_BOT_TOKEN": token, "ANCHOR_API_KEY": key, "SLACK_SIGNING_SECRET": "5" * 32}
    assert site.written() == own


async def test_a_file_that_exists_is_not_replaced(site: Site, wording: Check) -> None:
    file = site.directory / ".env"
    file.write_text("SLACK_BOT_TOKEN=xoxb-old\n")
    wording("exists", await site.init(typed=[], code=1))
    assert file.read_text() == "SLACK_BOT_TOKEN=xoxb-old\n"


async def test_many_workspaces_get_a_key_for_the_database(site: Site) -> None:
    assert "--http URL" in await site.init("--many", typed=[""], code=1)
    database = {"DATABASE_URL": f"sqlite:///{site.directory}/bot.db"}
    await site.init("--many", "--http", URL, typed=[*site.app.values()], environ=database)
    assert (written := site.written()) is not None
    assert written == site.app | {"BASE_URL": URL, "ENCRYPTION_KEYS": written["ENCRYPTION_KEYS"]}


async def test_a_person_gets_a_short_link_and_the_manifest_as_a_file(site: Site, wording: Check) -> None:
    link = creation_link(manifest())
    site.patch.setattr("sys.argv", [".venv/bin/anchor-bot", "init"])
    on_a_dumb_one = await site.init(typed=[""], environ={"TERM": "dumb"}, code=1)
    assert ("\033" in on_a_dumb_one, link in on_a_dumb_one) == (False, True)
    said = await site.init(typed=["", *site.secrets.values()], environ={"TERM": "xterm"})
    assert f"\033]8;;{link}\033\\" in said
    assert (site.directory / "manifest.yml").read_text().startswith("# Manifest of the Slack app")
    wording("to a person", re.sub(r"\033]8;;.*?\033\\", "", said).partition("\n✓")[0])


async def test_without_a_person_it_asks_nothing_and_ctrl_c_is_one_line(
    site: Site, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert await asyncio.to_thread(main, ["init"]) == 1
    wording("without a terminal", site.capsys.readouterr().err)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", Mock(side_effect=KeyboardInterrupt))
    assert await asyncio.to_thread(main, ["init"]) == 130
    assert len(site.capsys.readouterr().err.strip().splitlines()) == 1
    assert site.written() is None
