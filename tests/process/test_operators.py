"""What operators do with keys and workspaces: every command, called as a function, and what it says."""

import asyncio
import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from bot.cli import main
from bot.core.anchor_key import AnchorKey, KeyCheck
from bot.core.digest import digest
from bot.core.policy import Policy, Rule
from bot.core.secret import Secret
from bot.core.workspace import Workspace
from bot.outbound.store.store import Store, open_store
from harness.databases import KEY, OTHER_KEY
from harness.process import MODULE
from outbound.store.test_installations import ACME, GLOBEX

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
        "pause          everybody",
        "resume         everybody",
        "admins seen    -",
        "alerts         no token",
        "alerts channel -",
    ]
    type_in(monkeypatch, "sk-1\n")
    before = int(time.time())
    says(capsys, "workspaces", "set-key", ACME.team_id)
    token = says(capsys, "workspaces", "alert-token", ACME.team_id, "--channel", "C0123456789").split()[-1]
    shown = says(capsys, "workspaces", "show", ACME.team_id)
    kept = workspace(url, ACME.team_id)
    assert kept
    assert kept.anchor_key
    set_at = kept.anchor_key.set_at
    assert set_at
    assert before <= set_at <= time.time()
    assert kept.anchor_key == AnchorKey(Secret("sk-1"), set_at=set_at)
    assert kept.alerts_token_digest == digest(token)
    assert shown.splitlines()[4:] == [
        f"Anchor key     set, unverified, by operator, at {datetime.fromtimestamp(set_at, UTC):%Y-%m-%d %H:%M} UTC",
        "pause          everybody",
        "resume         everybody",
        "admins seen    -",
        "alerts         https://bot.example/alerts/T0HOME00001",
        "alerts channel C0123456789",
    ]
    assert [secret for secret in ("sk-1", token, digest(token), "xoxb") if secret in shown] == []


def test_what_admins_have_changed_is_shown(capsys: pytest.CaptureFixture[str], url: str) -> None:
    people = frozenset(f"U0PERSON{number:03}" for number in range(20))
    policy = Policy(
        pause=Rule(channels=frozenset({"C0B", "C0A"})), resume=Rule(people, frozenset({"C0INCIDENTS", "C0ALERTS"}))
    )

    async def change(store: Store) -> None:
        key = AnchorKey(Secret("sk-0123456789abcd"), KeyCheck.REFUSED, "U0ALICE0001", 1_785_000_060)
        await store.installations.set_key(ACME.team_id, key)
        found = await store.installations.find(ACME.team_id)
        assert found
        await store.installations.set_policy(ACME.team_id, policy, if_version=found.policy_version)
        for seen_at, user_id in enumerate(("U0ALICE0001", "U0BOB000001")):
            await store.admins.note(ACME.team_id, user_id, seen_at)

    look(url, change)
    assert says(capsys, "workspaces", "show", ACME.team_id).splitlines()[4:] == [
        "Anchor key     set, refused, ending abcd, by U0ALICE0001, at 2026-07-25 17:21 UTC",
        "pause          everybody; only in C0A, C0B",
        f"resume         {', '.join(sorted(people)[:8])},",
        f"               {', '.join(sorted(people)[8:16])},",
        f"               {', '.join(sorted(people)[16:])}; only in C0ALERTS, C0INCIDENTS",
        "admins seen    U0BOB000001, U0ALICE0001",
        "alerts         no token",
        "alerts channel -",
    ]


def test_a_key_of_an_older_version_has_no_moment(capsys: pytest.CaptureFixture[str], url: str) -> None:
    look(url, lambda store: store.installations.set_key(ACME.team_id, AnchorKey(Secret("sk-0123456789 \x1bab"))))
    shown = says(capsys, "workspaces", "show", ACME.team_id).splitlines()
    assert shown[4] == "Anchor key     set, unverified, ending   ab, by operator"


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("anchor_api_key", "none of the keys decrypts anchor_api_key of T0HOME00001"),
        ("policy", "the policy is none that this version can read"),
    ],
)
def test_what_can_not_be_read_is_said_to_be_so_beside_the_rest(
    capsys: pytest.CaptureFixture[str], url: str, column: str, why: str
) -> None:
    async def damage(store: Store) -> None:
        async with store.database.changing() as connection:
            await connection.exec_driver_sql(f"UPDATE workspaces SET scopes = '', {column} = 'damaged'")  # noqa: S608 - ours

    look(url, damage)
    assert says(capsys, "workspaces", "show", ACME.team_id).splitlines() == [
        "workspace      T0HOME00001 Acme",
        "enterprise     -",
        "installed      2026-07-25 17:20 UTC, by U0ALICE0001",
        "scopes         -",
        f"Anchor key     can't be used: {why}",
        "admins seen    -",
        "alerts         no token",
        "alerts channel -",
    ]


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
    assert kept.anchor_key is None


def test_what_is_no_text_is_no_key(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    assert says(capsys, "workspaces", "set-key", ACME.team_id, code=1).startswith("anchor-bot: That is no key: ")
    assert url


@pytest.mark.usefixtures("url")
@pytest.mark.parametrize("action", ["show", "delete", "set-key", "alert-token"])
def test_a_workspace_that_is_not_there_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    type_in(monkeypatch, "sk-1\n")
    assert says(capsys, "workspaces", action, "T0NOBODY001", code=1) == (
        "anchor-bot: No workspace T0NOBODY001 is installed.\n"
    )


@pytest.mark.parametrize("action", ["show", "delete", "set-key", "alert-token"])
@pytest.mark.parametrize(
    ("written", "shown"), [("\udcff", r"\udcff"), ("T0\x1b[2J", r"T0\x1b[2J"), ("", ""), ("t0", "t0")]
)
def test_what_can_not_be_the_id_of_a_workspace_is_said_to_be_none(
    capsys: pytest.CaptureFixture[str], action: str, written: str, shown: str
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["workspaces", action, written])
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"anchor-bot workspaces {action}: error: argument ID: '{shown}' is no workspace's id: write it like T0123456789"
    )


@pytest.mark.usefixtures("url")
def test_another_token_leaves_the_channel_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--channel", "C0123456789"], []):
        says(capsys, "workspaces", "alert-token", ACME.team_id, *arguments)
        assert says(capsys, "workspaces", "show", ACME.team_id).endswith("alerts channel C0123456789\n")


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
    assert kept.anchor_key
    assert kept.anchor_key.value == Secret("sk-typed")
