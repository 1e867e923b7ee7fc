"""`anchor-bot init`: from a person or a program to a .env with which the bot starts."""

import asyncio
import io
import re
import stat
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import web

from bot.cli.init import Sources
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.local_server import LocalServer, free_port
from bot.sim.slack import SimSlack, api_error
from harness.databases import KEY, OTHER_KEY
from harness.product import Settings, checks, main
from harness.secret_scan import leaks
from harness.texts import finding_text

pytestmark = pytest.mark.anyio

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
        tokens = {"SLACK_BOT_TOKEN": self.slack.bot_token, "SLACK_APP_TOKEN": self.slack.app_token}
        return tokens | {"ANCHOR_API_KEY": DEFAULT_KEY}

    @property
    def app(self) -> dict[str, str]:
        """The app that many workspaces install, and their database."""
        app = self.slack.registration
        secrets = {"SLACK_CLIENT_SECRET": app.client_secret, "SLACK_SIGNING_SECRET": "5" * 32}
        return {"SLACK_CLIENT_ID": app.client_id} | secrets

    @property
    def database(self) -> dict[str, str]:
        return {"DATABASE_URL": f"sqlite:///{self.directory}/bot.db"}

    def written(self, name: str = ".env") -> dict[str, str] | None:
        file = self.directory / name
        if not file.exists():
            return None
        lines = [line.partition("=") for line in file.read_text().splitlines() if line and line[0] != "#"]
        return {variable: value.strip("'\"") for variable, _, value in lines}

    async def init(
        self, *arguments: str, environ: dict[str, str] | None = None, stdin: io.StringIO | None = None, code: int = 0
    ) -> str:
        """Run the command with these variables, by default all secrets, and return what it says."""
        given = self.services | self.secrets if environ is None else environ
        with self.patch.context() as patch:
            for name in self.services | self.secrets | self.app | {"BASE_URL": ""}:
                patch.delenv(name, raising=False)
            for name, value in given.items():
                patch.setenv(name, value)
            patch.setattr("sys.stdin", stdin or io.StringIO())
            assert await asyncio.to_thread(main, ["init", *arguments]) == code
        out, err = self.capsys.readouterr()
        assert leaks(out + err) == []
        return (out + err.replace("anchor-bot: ", "")).replace(str(self.directory), "DIRECTORY").strip()

    async def asked(self, *arguments: str, typed: list[str], environ: dict[str, str] | None = None, code: int) -> str:
        """Let a person type these answers, and then Ctrl-D."""
        left = list(typed)

        def answer(_: str = "") -> str:
            if not left:
                raise EOFError
            return left.pop(0)

        def answer_that_is_shown(prompt: str = "") -> str:
            assert not [name for name in self.secrets if name in prompt]
            return answer()

        self.patch.setattr("builtins.input", answer_that_is_shown)
        self.patch.setattr("getpass.getpass", answer)
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
            self.patch.delenv(name, raising=False)
        variables = self.services if environ is None else environ
        said = await self.init(*arguments, environ=variables, stdin=Terminal(), code=code)
        assert left == []
        return said


@pytest.fixture
async def site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Site]:
    monkeypatch.chdir(tmp_path)
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        yield Site(slack, anchor, tmp_path, monkeypatch, capsys)
        assert (slack.violations, anchor.violations) == ([], [])


# --- a program ---


@pytest.mark.parametrize("name", [".env", "other.env"])
async def test_a_program_gives_the_secrets_in_the_environment(site: Site, name: str) -> None:
    said = await site.init("--file", name)
    assert site.written(name) == site.secrets
    assert stat.S_IMODE((site.directory / name).stat().st_mode) == 0o600
    assert [path.name for path in site.directory.iterdir()] == [name]
    assert "https://api.slack.com/apps?new_app=1" in said
    assert said.count(finding_text(checks.Good.SOCKET_OPENED)) == 2  # at once, and by the doctor
    assert (name in said.splitlines()[-1]) is (name == "other.env")  # which `run` does not read
    Settings.from_env(site.services | site.secrets)


async def test_the_file_is_written_if_slack_calls_socket_mode_off_and_a_connection_opens(site: Site) -> None:
    site.slack.sockets.claims_off = True
    said = await site.init()
    assert site.written() == site.secrets
    assert said.count(finding_text(checks.Questionable.SOCKET_DOUBTED)) == 2
    assert said.splitlines()[-1].endswith("`anchor-bot run`")


async def test_settings_only_in_the_environment_are_named(site: Site, wording: Check) -> None:
    file = ("--file", str(site.directory / ".env"))
    environ = site.services | site.secrets
    said = await site.init(*file, environ=environ | {"NO_PROXY": "localhost", "LOG_LEVEL": " ", "HOME": "/"})
    (sentence,) = [line for line in said.splitlines() if "NO_PROXY" in line]
    wording("only in the environment", sentence)
    assert site.written() == site.secrets
    site.slack.api_calls.clear()
    said = await site.init(*file, "--force", "--offline", environ=site.secrets)
    assert site.slack.api_calls == []
    assert sentence.partition(":")[0] not in said


async def test_many_workspaces_get_a_key_for_the_database_and_keep_it(site: Site) -> None:
    environ = site.services | site.app | site.database
    await site.init("--many", "--http", URL, environ=environ)
    first = site.written()
    assert first is not None
    assert first == site.app | {"BASE_URL": URL, "ENCRYPTION_KEYS": first["ENCRYPTION_KEYS"]}
    await site.init("--many", "--http", URL, "--force", environ=environ)
    assert site.written() == first
    (site.directory / ".env").unlink()
    environ["ENCRYPTION_KEYS"] = f"{KEY.reveal()},{OTHER_KEY.reveal()}"
    await site.init("--many", "--http", URL, environ=environ)
    assert site.written() == site.app | {"BASE_URL": URL}
    assert "--http URL" in await site.init("--many", "--force", environ=environ, code=1)


async def test_a_file_with_a_secret_is_named_and_not_copied(site: Site) -> None:
    file = site.directory / "token"
    file.write_text(site.slack.bot_token)
    names = {"SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(file)}
    await site.init(environ=site.services | site.secrets | names)
    copied = {name: value for name, value in site.secrets.items() if name != "SLACK_BOT_TOKEN"}
    assert site.written() == copied | {"SLACK_BOT_TOKEN_FILE": str(file)}


@pytest.mark.parametrize(
    ("changes", "kind", "details"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, checks.Wrong.TOKEN_REFUSED, {"code": "invalid_auth"}),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, checks.Wrong.APP_TOKEN_REFUSED, {"code": "invalid_auth"}),
        ({"ANCHOR_API_KEY": "sk-wrong"}, checks.Wrong.KEY_REFUSED, {"status": "401"}),
    ],
)
async def test_nothing_is_written_if_a_secret_is_refused(
    site: Site, changes: dict[str, str], kind: checks.Wrong, details: dict[str, str]
) -> None:
    said = await site.init(environ=site.services | site.secrets | changes, code=1)
    assert finding_text(kind, **details) in said
    environ = site.services | site.app | site.database | {"SLACK_CLIENT_SECRET": "x"}
    await site.init("--many", "--http", URL, environ=environ, code=1)
    assert site.written() is None


async def test_nothing_is_written_if_a_secret_is_missing_or_can_not_be_used_or_checked(
    site: Site, wording: Check
) -> None:
    environ = site.services | site.secrets
    wording("missing", (await site.init(environ=environ | {"ANCHOR_API_KEY": " "}, code=1)).splitlines()[-1])
    said = await site.init(environ=environ | {"SLACK_BOT_TOKEN": "xoxp-of-a-person"}, code=2)
    assert said.splitlines()[-1].split()[0] == "SLACK_BOT_TOKEN"  # and no advice to run this command
    await site.init(environ=environ | {"HOST": "", "JOURNAL_DAYS": "none"}, code=2)
    await site.init("--file", str(site.directory / "nowhere" / ".env"), code=1)
    site.slack.faults["auth.test"] = api_error("fatal_error")
    wording("not checked", (await site.init(code=1)).splitlines()[-1])
    assert site.written() is None


async def test_a_file_is_replaced_only_if_that_is_wanted(site: Site, wording: Check) -> None:
    file = site.directory / ".env"
    file.write_text("SLACK_BOT_TOKEN=xoxb-old\nSLACK_SIGNING_SECRET=old\nPAUSE_USERS='U0ALICE0001, U0BOB000001'\n")
    before = file.read_text()
    wording("exists", await site.init("--file", str(file), code=1))
    assert file.read_text() == before
    await site.init("--force")
    assert site.written() == site.secrets | {"PAUSE_USERS": "U0ALICE0001, U0BOB000001"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".env", "other.env"])
async def test_what_its_doctor_finds_is_to_be_repaired_first(site: Site, name: str) -> None:
    site.slack.home.installation.scopes = {"commands"}
    *_, repair, last = (await site.init("--file", name, code=2)).splitlines()
    assert "✗" in (last if name == ".env" else repair)
    assert name in last
    assert site.written(name) == site.secrets


@pytest.mark.parametrize("is_running", [True, False])
async def test_the_public_url_is_checked_if_a_bot_runs(site: Site, *, is_running: bool) -> None:
    async def readyz(_: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    environ = site.services | site.secrets | {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "5" * 32}
    async with LocalServer([web.get("/readyz", readyz)]) as bot:
        environ["PORT"] = str(bot.port if is_running else free_port())
        said = await site.init("--http", "https://no-such-host.invalid", environ=environ, code=int(is_running))
    assert (finding_text(checks.Skipped.BOT_NOT_STARTED) in said) is not is_running


# --- a person ---


async def test_a_person_is_asked_again_until_it_is_right(site: Site) -> None:
    token, app_token, key = site.secrets.values()
    assert (await site.asked(typed=[""], code=1)).endswith("\nNothing was written.")  # the person leaves
    nowhere = await site.asked("--file", str(site.directory / "nowhere" / ".env"), typed=[""], code=1)
    assert "nowhere/manifest.yml can't be written" in nowhere
    assert site.written() is None
    said = await site.asked(typed=["", "two words", "xoxb-wrong", token, key, app_token], code=0)
    assert finding_text(checks.Wrong.TOKEN_REFUSED, code="invalid_auth") in said
    assert site.written() == site.secrets
    await site.asked(typed=["n"], code=1)  # to keep the file, as if the person leaves
    await site.asked(typed=[], code=1)
    assert site.written() == site.secrets


async def test_a_person_is_asked_again_for_a_url_and_can_use_what_can_not_be_checked(site: Site) -> None:
    site.slack.faults["auth.test"] = api_error("fatal_error", times=2)
    token, environ = site.slack.bot_token, site.services | {"ANCHOR_API_KEY": DEFAULT_KEY}  # is used first
    urls = ["bot.example.com", "http://bot.example.com", f"{URL}/slack/events", f"{URL}/"]
    await site.asked(typed=[*urls, token, "", token, "y", "5" * 32], environ=environ, code=0)
    own = {"SLACK_BOT_TOKEN": token, "ANCHOR_API_KEY": DEFAULT_KEY, "SLACK_SIGNING_SECRET": "5" * 32}
    assert site.written() == own | {"BASE_URL": URL}


async def test_a_wrong_url_ends_it_because_no_other_token_helps(site: Site) -> None:
    environ = site.services | {"SLACK_API_URL": site.slack.url.removesuffix("/api/")}
    await site.asked(typed=["", site.slack.bot_token], environ=environ, code=1)
    assert site.written() is None


async def test_a_client_id_that_slack_does_not_know_and_an_odd_secret_are_asked_again(site: Site) -> None:
    client_id, client_secret, signing_secret = site.app.values()
    first = ["an-app", "", "1.2", client_secret]  # it looks like none, and nobody wants to use it; then Slack says so
    typed = [*first, client_id, client_secret, signing_secret[1:], "", signing_secret]
    said = await site.asked("--many", "--http", URL, typed=typed, environ=site.services | site.database, code=0)
    assert finding_text(checks.Wrong.CLIENT_REFUSED, code="invalid_client_id") in said
    written = site.written()
    assert written is not None
    assert written.items() >= site.app.items()


async def test_a_person_gets_a_short_link_the_manifest_as_a_file_and_the_offer_of_a_browser(
    site: Site, wording: Check
) -> None:
    opened: list[str] = []
    site.patch.setattr("webbrowser.open", opened.append)
    site.patch.setattr("bot.cli.init.has_browser", lambda: True)
    site.patch.setattr("sys.argv", [".venv/bin/anchor-bot", "init"])
    terminal = Terminal()
    with site.patch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        token, app_token, key = site.secrets.values()
        await site.asked("--offline", typed=["", "y", token, key, app_token], code=0)
    said = terminal.getvalue()
    (link,) = opened
    assert f"\033]8;;{link}\033\\" in said
    assert (site.directory / "manifest.yml").read_text().startswith("# Manifest of the Slack app")
    wording("to a person", re.sub(r"\033]8;;.*?\033\\", "", said).replace(str(site.directory), "DIRECTORY").strip())


async def test_ctrl_c_at_a_question_is_one_line(site: Site) -> None:
    site.patch.setattr("builtins.input", Mock(side_effect=KeyboardInterrupt))
    said = await site.init(environ=site.services, stdin=Terminal(), code=130)
    assert len(said.splitlines()) == 1
    assert site.written() is None


# --- the variables with which it checks, and which it writes ---


API_URL = "SLACK_API_URL"


@pytest.mark.parametrize(
    ("old", "environ", "checked"),
    [("old", None, "old"), ("old", "environ", "environ"), ("old", "", ""), (None, None, None)],
)
def test_the_checks_use_the_environment_then_the_old_file(
    old: str | None, environ: str | None, checked: str | None
) -> None:
    old_file, variables = ({} if value is None else {API_URL: value} for value in (old, environ))
    assert Sources(old_file, variables).checked({"ANCHOR_API_KEY": "k"}).get(API_URL) == checked


def test_answers_are_not_mixed_with_older_ones() -> None:
    others = {"SLACK_APP_TOKEN": "xapp-1", "SLACK_BOT_TOKEN_FILE": "token", "BASE_URL": "https://old.example.com"}
    for sources in (Sources(others, {}), Sources({}, others)):
        assert sources.checked({"SLACK_BOT_TOKEN": "xoxb-1"}) == {"SLACK_BOT_TOKEN": "xoxb-1"}


@pytest.mark.parametrize(
    ("sources", "keys"),
    [
        (Sources({}, {}), None),
        (Sources({"ENCRYPTION_KEYS": ""}, {}), None),
        (Sources({"ENCRYPTION_KEYS_FILE": "old"}, {}), {"ENCRYPTION_KEYS_FILE": "old"}),
        (Sources({"ENCRYPTION_KEYS": "old"}, {"ENCRYPTION_KEYS": "x"}), {"ENCRYPTION_KEYS": "old"}),
        (Sources({}, {"ENCRYPTION_KEYS": "x"}), {}),
    ],
)
def test_keys_that_decrypt_the_database_are_not_replaced(sources: Sources, keys: dict[str, str] | None) -> None:
    assert sources.encryption_keys() == keys


def test_what_was_asked_is_written_and_the_rest_is_kept() -> None:
    old = {"PORT": "1", "SLACK_BOT_TOKEN": "xoxb-old", "SLACK_SIGNING_SECRET": "s", "OTHER": "x"}
    written = Sources(old, {"HOST": "::"}).kept() | {"SLACK_BOT_TOKEN": "xoxb-1"}
    assert written == {"SLACK_BOT_TOKEN": "xoxb-1", "PORT": "1", "OTHER": "x"}
