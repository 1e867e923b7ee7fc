"""`anchor-bot init`: from a person or a program to a .env with which the bot starts."""

import asyncio
import io
import os
import pty
import stat
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from bot.cli.init import Init
from bot.cli.manifest import creation_link, manifest
from bot.cli.operators import NotDoneError
from bot.cli.parser import parser
from bot.cli.questions import Answers, AtTerminal, Given
from bot.config.env_file import read_environment
from bot.config.env_reader import SettingsError
from bot.config.settings import Settings
from bot.core.checks import Finding, Good, Skipped, Wrong
from bot.messages.checks import found
from bot.outbound.store.fields import new_key
from bot.sim.anchor import DEFAULT_KEY, SimAnchor
from bot.sim.local_server import LocalServer, free_port
from bot.sim.slack import SimSlack, api_error
from harness.process import MODULE, bot_process
from harness.secret_scan import leaks

pytestmark = pytest.mark.anyio

URL = "https://bot.example.com"


@dataclass(frozen=True, slots=True)
class Site:
    """A directory without a bot, and the services that it will use."""

    slack: SimSlack
    anchor: SimAnchor
    directory: Path

    @property
    def file(self) -> Path:
        return self.directory / ".env"

    @property
    def services(self) -> dict[str, str]:
        """What is in the environment anyway."""
        return {
            "SLACK_API_URL": self.slack.url,
            "ANCHOR_API_URL": self.anchor.url,
            "PORT": "0",
            "DATABASE_URL": "sqlite://",
        }

    @property
    def app(self) -> dict[str, str]:
        """The app that many workspaces install."""
        app = self.slack.registration
        return {
            "SLACK_CLIENT_ID": app.client_id,
            "SLACK_CLIENT_SECRET": app.client_secret,
            "SLACK_SIGNING_SECRET": "5" * 32,
        }

    @property
    def database(self) -> dict[str, str]:
        return {"DATABASE_URL": f"sqlite:///{self.directory}/bot.db"}

    @property
    def secrets(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_APP_TOKEN": self.slack.app_token,
            "ANCHOR_API_KEY": DEFAULT_KEY,
        }

    def written(self) -> dict[str, str]:
        return read_environment({}, self.file)

    async def init(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        answers: Answers | None = None,
        exit_code: int = 0,
    ) -> str:
        """Run the command without a terminal, and return what it prints. Its loop is another one than Slack's."""
        given = self.services | dict(self.secrets if environ is None else environ)
        options, out = parser().parse_args(["init", "--file", str(self.file), *arguments]), io.StringIO()

        def run() -> None:
            with asyncio.Runner() as runner:
                assert Init(options, given, answers or Given(given, None), runner.run, out).execute() == exit_code

        await asyncio.to_thread(run)
        assert leaks(out.getvalue()) == []
        return out.getvalue()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with SimSlack(socket_mode=True) as slack, SimAnchor() as anchor:
        yield Site(slack, anchor, tmp_path)
        assert slack.violations == []
        assert anchor.violations == []


async def test_a_program_gives_the_secrets_in_the_environment(site: Site) -> None:
    async with bot_process(site.services | site.secrets, arguments=("init",), directory=site.directory) as process:
        assert await process.exit_code() == 0
    printed = "\n".join(process.printed)
    assert site.written() == site.secrets
    assert stat.S_IMODE(site.file.stat().st_mode) == 0o600
    assert [path.name for path in site.directory.iterdir()] == [".env"]
    assert "https://api.slack.com/apps?new_app=1" in printed
    assert printed.count(found(Finding(Good.SOCKET_OPENED))) == 2  # at once, and by the doctor
    assert leaks(printed) == []
    Settings.from_env(site.services | site.written())


async def test_secrets_can_come_by_stdin(site: Site) -> None:
    lines = {
        "SLACK_BOT_TOKEN": site.slack.bot_token,
        "SLACK_SIGNING_SECRET": "'" + "5" * 32 + "'",
        "ANCHOR_API_KEY": DEFAULT_KEY,
    }
    stdin = "".join(f"{name}={value}\n" for name, value in lines.items())
    arguments = ("init", "--stdin", "--http", URL, "--file", "other.env", "--offline")
    async with bot_process(site.services, arguments=arguments, directory=site.directory, stdin=stdin) as process:
        assert await process.exit_code() == 0
    written = read_environment({}, site.directory / "other.env")
    assert written == lines | {"BASE_URL": URL, "SLACK_SIGNING_SECRET": "5" * 32}
    assert site.slack.api_calls == []


async def test_other_settings_by_stdin_are_used_and_written(site: Site) -> None:
    given = site.services | site.secrets | {"JOURNAL_DAYS": "7"}
    stdin = "".join(f"{name}={value}\n" for name, value in (given | {"LOG_LEVEL": ""}).items())
    async with bot_process({}, arguments=("init", "--stdin"), directory=site.directory, stdin=stdin) as process:
        assert await process.exit_code() == 0
    assert site.written() == given
    assert "auth.test" in [call.method for call in site.slack.api_calls]


async def test_names_that_are_no_settings_are_refused_on_stdin(site: Site, wording: Callable[[str, str], None]) -> None:
    stdin = "SLACK_API_UR=x\nCOLOUR=x\nHTTP_PROXY=x\n"
    async with bot_process({}, arguments=("init", "--stdin"), directory=site.directory, stdin=stdin) as process:
        assert await process.exit_code() == 2
    wording("unknown names", "\n".join(process.sentences))
    assert not site.file.exists()


async def test_settings_only_in_the_environment_are_named(site: Site, wording: Callable[[str, str], None]) -> None:
    printed = await site.init(environ=site.secrets | {"NO_PROXY": "localhost", "LOG_LEVEL": " ", "HOME": "/"})
    (sentence,) = [line for line in printed.splitlines() if "NO_PROXY" in line]
    wording("only in the environment", sentence.replace(str(site.directory), "DIRECTORY"))
    assert site.written() == site.secrets
    nothing_else = site.secrets | dict.fromkeys(site.services, "")
    assert sentence.partition(":")[0] not in await site.init("--force", "--offline", environ=nothing_else)


async def test_the_checks_use_what_is_kept_of_the_old_file(site: Site) -> None:
    site.file.write_text("".join(f"{name}={value}\n" for name, value in site.services.items()))
    async with bot_process(site.secrets, arguments=("init", "--force"), directory=site.directory) as process:
        assert await process.exit_code() == 0
    assert site.written() == site.secrets | site.services
    assert "auth.test" in [call.method for call in site.slack.api_calls]


async def test_many_workspaces_get_a_key_for_the_database(site: Site) -> None:
    await site.init("--many", "--http", URL, environ=site.app | site.database)
    written = site.written()
    assert written == site.app | {"BASE_URL": URL, "ENCRYPTION_KEYS": written["ENCRYPTION_KEYS"]}
    with pytest.raises(NotDoneError, match="--http URL"):
        await site.init("--many", "--force", environ=site.app)


@pytest.mark.parametrize("is_in_file", [True, False])
async def test_the_keys_that_decrypt_the_database_are_not_replaced(site: Site, *, is_in_file: bool) -> None:
    keys = {"ENCRYPTION_KEYS": f"{new_key().reveal()},{new_key().reveal()}"}
    if is_in_file:
        site.file.write_text(f"ENCRYPTION_KEYS={keys['ENCRYPTION_KEYS']}\n")
    await site.init("--many", "--force", "--http", URL, environ=site.app | site.database | ({} if is_in_file else keys))
    assert site.written().get("ENCRYPTION_KEYS") == (keys["ENCRYPTION_KEYS"] if is_in_file else None)


async def test_a_client_secret_that_slack_refuses_is_not_written(site: Site) -> None:
    with pytest.raises(NotDoneError):
        await site.init("--many", "--http", URL, environ=site.app | site.database | {"SLACK_CLIENT_SECRET": "s3cret"})
    assert not site.file.exists()


async def test_a_file_with_a_secret_is_named_and_not_copied(site: Site) -> None:
    token = site.directory / "token"
    token.write_text(site.slack.bot_token)
    environ = {**site.secrets, "SLACK_BOT_TOKEN": "", "SLACK_BOT_TOKEN_FILE": str(token)}
    await site.init(environ=environ)
    copied = {name: value for name, value in site.secrets.items() if name != "SLACK_BOT_TOKEN"}
    assert site.written() == copied | {"SLACK_BOT_TOKEN_FILE": str(token)}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, Wrong.TOKEN_REFUSED),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, Wrong.APP_TOKEN_REFUSED),
        ({"ANCHOR_API_KEY": "sk-wrong"}, Wrong.KEY_REFUSED),
    ],
)
async def test_nothing_is_written_if_a_secret_is_refused(site: Site, changes: dict[str, str], kind: Wrong) -> None:
    async with bot_process(
        site.services | site.secrets | changes, arguments=("init",), directory=site.directory
    ) as process:
        assert await process.exit_code() == 1
    code = {Wrong.KEY_REFUSED: {"status": "401"}}.get(kind, {"code": "invalid_auth"})
    assert found(Finding(kind, code)) in process.printed[-1]
    assert not site.file.exists()


async def test_nothing_is_written_if_a_secret_is_missing_or_can_not_be_checked(
    site: Site, wording: Callable[[str, str], None]
) -> None:
    for name, changes in {"missing": {"ANCHOR_API_KEY": " "}, "not checked": {}}.items():
        if name == "not checked":
            site.slack.faults["auth.test"] = api_error("fatal_error")
        with pytest.raises(NotDoneError) as caught:
            await site.init(environ=site.secrets | changes)
        wording(name, str(caught.value))
    with pytest.raises(SettingsError):
        await site.init(environ=site.secrets | {"SLACK_BOT_TOKEN": "xoxp-of-a-person"})
    with pytest.raises(SettingsError):
        await site.init(environ=site.secrets | {"HOST": "", "JOURNAL_DAYS": "none"})
    assert not site.file.exists()


async def test_a_file_is_replaced_only_if_that_is_wanted(site: Site, wording: Callable[[str, str], None]) -> None:
    site.file.write_text("SLACK_BOT_TOKEN=xoxb-old\nSLACK_SIGNING_SECRET=old\nPAUSE_USERS='U0ALICE0001, U0BOB000001'\n")
    before = site.file.read_text()
    with pytest.raises(NotDoneError) as caught:
        await site.init()
    wording("exists", str(caught.value).replace(str(site.directory), "DIRECTORY"))
    assert site.file.read_text() == before
    await site.init("--force")
    assert site.written() == site.secrets | {"PAUSE_USERS": "U0ALICE0001, U0BOB000001"}
    assert stat.S_IMODE(site.file.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", [".env", "other.env"])
async def test_what_its_doctor_finds_is_to_be_repaired_first(site: Site, name: str) -> None:
    site.slack.home.installation.scopes = {"commands"}
    arguments = ("init", "--file", name)
    async with bot_process(site.services | site.secrets, arguments=arguments, directory=site.directory) as process:
        assert await process.exit_code() == 2
    *_, repair, last = ("", *process.printed)
    assert "✗" in (last if name == ".env" else repair)
    assert name in last
    assert read_environment({}, site.directory / name) == site.secrets


@pytest.mark.parametrize("is_running", [True, False])
async def test_the_public_url_is_checked_if_a_bot_runs(site: Site, *, is_running: bool) -> None:
    async def readyz(_: web.Request) -> web.Response:
        return web.json_response({"ready": True})

    environ = site.secrets | {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "5" * 32}
    async with LocalServer([web.get("/readyz", readyz)]) as bot:
        port = bot.port if is_running else free_port()
        arguments = ("--http", "https://no-such-host.invalid")
        printed = await site.init(*arguments, environ=environ | {"PORT": str(port)}, exit_code=1 if is_running else 0)
    assert (found(Finding(Skipped.BOT_NOT_STARTED)) in printed) is not is_running


async def test_only_the_file_that_the_bot_reads_ends_with_how_to_start_it(site: Site) -> None:
    for name in (".env", "other.env"):
        arguments = ("init", "--offline", "--file", name)
        async with bot_process(site.secrets, arguments=arguments, directory=site.directory) as process:
            assert await process.exit_code() == 0
        assert (name in process.printed[-1]) is (name == "other.env")


async def test_the_advice_about_settings_is_not_this_command(site: Site) -> None:
    environ = site.services | {"SLACK_BOT_TOKEN": "xoxp-of-a-person"}
    async with bot_process(environ, arguments=("init",), directory=site.directory) as process:
        assert await process.exit_code() == 2
    assert [line.split()[1] for line in process.sentences] == ["SLACK_BOT_TOKEN"]


async def test_a_directory_that_can_not_be_written_is_named(site: Site) -> None:
    with pytest.raises(NotDoneError):
        await site.init("--file", str(site.directory / "nowhere" / ".env"))


# --- a person ---


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Somebody who types these answers; returns the list of those that are left."""
    left: list[str] = []

    def answer(_: str = "") -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    def types(*answers: str) -> list[str]:
        left.extend(answers)
        return left

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("getpass.getpass", answer)
    yield types
    assert left == []


async def test_a_person_is_asked_again_until_it_is_right(site: Site, person: Callable[..., list[str]]) -> None:
    one = site.secrets
    person("", "two words", "xoxb-wrong", one["SLACK_BOT_TOKEN"], one["ANCHOR_API_KEY"], one["SLACK_APP_TOKEN"])
    printed = await site.init(environ={}, answers=AtTerminal(site.services))
    assert found(Finding(Wrong.TOKEN_REFUSED, {"code": "invalid_auth"})) in printed
    assert site.written() == one


async def test_a_person_is_asked_again_for_a_url_that_slack_can_not_use(
    site: Site, person: Callable[..., list[str]]
) -> None:
    person(
        "bot.example.com",
        "http://bot.example.com",
        f"{URL}/slack/events",
        URL,
        *list(site.secrets.values())[::2],
        "5" * 32,
    )
    printed = await site.init(environ={}, answers=AtTerminal(site.services))
    assert site.written()["BASE_URL"] == URL
    assert creation_link(manifest(URL, many=False)) in printed


@pytest.mark.parametrize("arguments", [(), ("--many",)])
async def test_a_person_can_leave(site: Site, person: Callable[..., list[str]], arguments: tuple[str, ...]) -> None:
    """With Ctrl-D: at a question for a secret, and for a value that is shown."""
    environ = {"DATABASE_URL": f"sqlite:///{site.directory}/bot.db"}
    person(URL)
    with pytest.raises(NotDoneError):
        await site.init(*arguments, environ=environ, answers=AtTerminal(site.services))
    assert not site.file.exists()


async def test_a_person_can_use_what_can_not_be_checked(site: Site, person: Callable[..., list[str]]) -> None:
    site.slack.faults["auth.test"] = api_error("fatal_error", times=2)
    token, key = site.slack.bot_token, DEFAULT_KEY
    person(f"{URL}/", token, "", token, "y", key, "5" * 32)
    await site.init(environ={}, answers=AtTerminal(site.services))
    assert site.written()["BASE_URL"] == URL


async def test_a_wrong_url_ends_it_because_no_other_token_helps(site: Site, person: Callable[..., list[str]]) -> None:
    elsewhere = {"SLACK_API_URL": site.slack.url.removesuffix("/api/")}
    person("", site.slack.bot_token)
    with pytest.raises(NotDoneError):
        await site.init(environ=elsewhere, answers=AtTerminal({}))
    assert not site.file.exists()


async def test_a_person_can_keep_the_file(site: Site, person: Callable[..., list[str]]) -> None:
    site.file.write_text("")
    person("n")
    with pytest.raises(NotDoneError):
        await site.init(environ={}, answers=AtTerminal(site.services))
    assert site.file.read_text() == ""
    with pytest.raises(NotDoneError):  # the person has gone
        await site.init(environ={}, answers=AtTerminal(site.services))


async def test_at_a_terminal_secrets_are_not_shown(site: Site) -> None:
    """A secret of the environment is used first."""

    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    environ = {"PATH": os.environ["PATH"], **coverage, **site.services, "ANCHOR_API_KEY": DEFAULT_KEY}
    answers = {"Socket Mode": "", "SLACK_BOT_TOKEN": site.slack.bot_token, "SLACK_APP_TOKEN": site.slack.app_token}

    def talk() -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(  # noqa: S603 - ours
            [*MODULE, "init"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            cwd=site.directory,
            env=environ,
        ) as process:
            os.close(theirs)
            shown = ""
            for name, typed in answers.items():
                prompt = ""
                while name not in prompt or not prompt.endswith("): "):
                    prompt += read(ours)
                shown += prompt
                os.write(ours, f"{typed}\n".encode())
            while more := read(ours):
                shown += more
            assert process.wait(20) == 0
        os.close(ours)
        return shown

    shown = await asyncio.to_thread(talk)
    assert site.written() == site.secrets
    assert leaks(shown) == []


def read(terminal: int) -> str:
    """What is shown next; "" if nobody has the other end any more."""
    try:
        return os.read(terminal, 10_000).decode(errors="replace")
    except OSError:
        return ""
