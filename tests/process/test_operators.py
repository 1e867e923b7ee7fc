"""What operators do with keys and workspaces: every command, called as a function, and what it says."""

import asyncio
import io
import os
import pty
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from bot.cli import main
from bot.core.digest import digest
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.store.store import Store, open_store
from databases import KEY, OTHER_KEY
from process.bot_process import MODULE
from store.test_installations import ACME, GLOBEX

_T = TypeVar("_T")


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database with Acme and Globex in it, named by the environment, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    for name, value in {
        "DATABASE_URL": url,
        "ENCRYPTION_KEYS": KEY.reveal(),
        "BASE_URL": "https://bot.example",
    }.items():
        monkeypatch.setenv(name, value)

    async def fill(store: Store) -> None:
        await store.installations.save(ACME)
        await store.installations.save(replace(GLOBEX, team_name="Globex \x1b[2J"))

    look(url, fill)
    return url


def look(url: str, action: Callable[[Store], Awaitable[_T]]) -> _T:
    """Do something with the database."""

    async def do() -> _T:
        async with open_store(Secret(url), [KEY]) as store:
            return await action(store)

    return asyncio.run(do())


def workspace(url: str, team_id: str) -> Workspace | None:
    return look(url, lambda store: store.installations.find(team_id))


def says(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run a command; where it fails, what it says stands on stderr."""
    assert main(arguments) == code
    written = capsys.readouterr()
    assert (written.err if code == 0 else written.out) == ""
    return written.out if code == 0 else written.err


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_new_key_needs_no_settings_and_is_another_each_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = {says(capsys, "keys", "new") for _ in range(3)}
    assert {len(key) for key in keys} == {45}
    assert len(keys) == 3


@pytest.mark.usefixtures("url")
def test_the_workspaces_are_listed_without_what_could_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert says(capsys, "workspaces", "list") == (
        "T0GLOBEX001  no key   2026-07-25 17:20 UTC  Globex  [2J\nT0HOME00001  no key   2026-07-25 17:20 UTC  Acme\n"
    )


def test_where_there_is_none_the_list_says_so(capsys: pytest.CaptureFixture[str], url: str) -> None:
    for team_id in (ACME.team_id, GLOBEX.team_id):
        assert says(capsys, "workspaces", "delete", team_id) == (
            f"Nothing is kept of {team_id} any more. In Slack the app is still there: remove it there as well.\n"
        )
    assert says(capsys, "workspaces", "list") == "No workspace is installed.\n"
    assert workspace(url, ACME.team_id) is None


def test_a_workspace_is_shown_without_its_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert says(capsys, "workspaces", "show", ACME.team_id).splitlines() == [
        "workspace      T0HOME00001 Acme",
        "enterprise     -",
        "installed      2026-07-25 17:20 UTC, by U0ALICE0001",
        "scopes         commands,chat:write",
        "Anchor key     not set",
        "alerts         no token",
        "alerts channel -",
    ]
    type_in(monkeypatch, "sk-1\n")
    says(capsys, "workspaces", "set-key", ACME.team_id)
    token = says(capsys, "workspaces", "alert-token", ACME.team_id, "--channel", "C0123456789").split()[-1]
    shown = says(capsys, "workspaces", "show", ACME.team_id)
    assert shown.splitlines()[4:] == [
        "Anchor key     set",
        "alerts         https://bot.example/alerts/T0HOME00001",
        "alerts channel C0123456789",
    ]
    kept = workspace(url, ACME.team_id)
    assert kept
    assert (kept.anchor_api_key, kept.alerts_token_digest) == (Secret("sk-1"), digest(token))
    assert [secret for secret in ("sk-1", token, digest(token), "xoxb") if secret in shown] == []


@pytest.mark.parametrize("typed", ["", "\n", "two words\n", "clé\n"])
def test_what_is_no_key_is_not_set(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str, typed: str
) -> None:
    type_in(monkeypatch, typed)
    assert says(capsys, "workspaces", "set-key", ACME.team_id, code=1) == (
        "anchor-bot: That is no key: it is empty, or has spaces or characters that no key has.\n"
    )
    kept = workspace(url, ACME.team_id)
    assert kept
    assert kept.anchor_api_key is None


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("action", ["show", "delete", "set-key", "alert-token"])
def test_a_workspace_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    type_in(monkeypatch, "sk-1\n")
    assert says(capsys, "workspaces", action, "T0\x1b[2J", code=1) == "anchor-bot: No workspace T0 [2J is installed.\n"


def test_a_channel_that_is_none_makes_no_token(capsys: pytest.CaptureFixture[str], url: str) -> None:
    assert says(capsys, "workspaces", "alert-token", ACME.team_id, "--channel", "#alerts", code=1) == (
        "anchor-bot: --channel is not a channel's id: write it like C0123456789.\n"
    )
    kept = workspace(url, ACME.team_id)
    assert kept
    assert kept.alerts_token_digest is None


def test_no_database_is_made_where_there_is_none(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    elsewhere = Path(url.removeprefix("sqlite:///")).with_name("elsewhere.db")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{elsewhere.name}")
    for command in (("keys", "rotate"), ("workspaces", "list")):
        assert says(capsys, *command, code=1) == (
            f"anchor-bot: There is no database {elsewhere}: "
            "run this where the bot runs, or put into DATABASE_URL what it has there.\n"
        )
    assert not elsewhere.exists()


@pytest.mark.usefixtures("url")
def test_a_key_is_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["workspaces", "set-key", ACME.team_id, "sk-1"])
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_rotation_says_how_many_secrets_it_encrypted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{OTHER_KEY.reveal()}, {KEY.reveal()}")
    assert says(capsys, "keys", "rotate") == "Encrypted anew: 2. The other keys may be taken out now.\n"
    monkeypatch.setenv("ENCRYPTION_KEYS", KEY.reveal())
    assert says(capsys, "keys", "rotate", code=2).startswith("anchor-bot: ENCRYPTION_KEYS does not fit the database")
    assert url


def test_a_database_that_does_not_do_it_is_said_to(capsys: pytest.CaptureFixture[str], url: str) -> None:
    async def damage(store: Store) -> None:
        async with store.database.changing() as connection:
            damaged = "UPDATE workspaces SET bot_token = 'damaged' WHERE team_id = 'T0HOME00001'"
            await connection.exec_driver_sql(damaged)

    look(url, damage)
    assert says(capsys, "keys", "rotate", code=1) == (
        "anchor-bot: The database did not do it: none of the keys decrypts bot_token of T0HOME00001.\n"
    )


@pytest.mark.usefixtures("url")
def test_settings_that_are_missing_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENCRYPTION_KEYS")
    assert says(capsys, "workspaces", "list", code=2).splitlines() == [
        "anchor-bot: ENCRYPTION_KEYS is not set: put a key there that `anchor-bot keys new` prints.",
        "anchor-bot: See .env.example for every setting.",
    ]


def test_at_a_terminal_a_key_is_asked_for_and_not_shown(url: str) -> None:
    ours, theirs = pty.openpty()
    arguments = [*MODULE, "workspaces", "set-key", ACME.team_id]
    with subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:  # noqa: S603 - ours
        os.close(theirs)
        shown = b""
        while b": " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"sk-typed\n")
        while not shown.endswith(b"from now on.\r\n"):
            shown += os.read(ours, 1000)
        assert process.wait(10) == 0
    os.close(ours)
    assert " ".join(shown.decode().split()) == ("Anchor API key of T0HOME00001: T0HOME00001 has this key from now on.")
    kept = workspace(url, ACME.team_id)
    assert kept
    assert kept.anchor_api_key == Secret("sk-typed")
