"""The commands for operators, called as functions: what they do with keys and workspaces, and what they say."""

import asyncio
import io
import os
import pty
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import text

from bot.cli.main import main
from bot.core.policy import Policy, Rule
from bot.core.secret import Secret, digest
from bot.core.workspace import AnchorKey, KeyCheck, Workspace
from bot.outbound.store.errors import StoreNotUsableError, UnreadableError
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SimAnchor, server_error
from harness.databases import KEY, OTHER_KEY
from harness.process import MODULE
from harness.stored import ACME, GLOBEX

_T = TypeVar("_T")
Check = Callable[[str, str], None]
Says = Callable[..., str]
TypeIn = Callable[[str | bytes], None]

pytestmark = pytest.mark.usefixtures("url")


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
        await store.rows.save(ACME)
        await store.rows.save(replace(GLOBEX, team_name="Globex \x1b[2J"))

    look(url, fill)
    return url


@pytest.fixture
def anchor(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimAnchor]:
    """An Anchor that accepts the keys sk-1 and sk-typed, in another thread."""
    sim = SimAnchor(keys=["sk-1", "sk-typed"])
    with start_blocking_portal("asyncio") as portal, portal.wrap_async_context_manager(sim):
        monkeypatch.setenv("ANCHOR_API_URL", sim.url)
        yield sim
    assert sim.violations == []


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Says:
    """Run a command, and return what it says: on stdout, or on stderr if it fails. It leaves the log as it is."""
    monkeypatch.setattr("bot.cli.main.logs.configure", lambda *_: None)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(arguments) == code
        written = capsys.readouterr()
        assert (written.err if code == 0 else written.out) == ""
        return (written.out if code == 0 else written.err).replace(str(tmp_path), "DIRECTORY").removesuffix("\n")

    return run


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> TypeIn:
    """Put something on stdin."""

    def put(typed: str | bytes) -> None:
        raw = typed.encode() if isinstance(typed, str) else typed
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))

    return put


def look(url: str, action: Callable[[Store], Awaitable[_T]]) -> _T:
    """Do something with the database."""

    async def do() -> _T:
        async with open_store(Secret(url), [KEY]) as store:
            return await action(store)

    return asyncio.run(do())


def acme(url: str) -> Workspace:
    found = look(url, lambda store: store.rows.find(ACME.team_id))
    assert found
    return found


def at_terminal(*arguments: str, waits_for: bytes, typed: bytes, code: int = 0) -> str:
    """Run a command at a terminal, type an answer to its question, and return what is shown."""
    ours, theirs = pty.openpty()

    command = [*MODULE, "workspaces", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:  # noqa: S603 - ours
        os.close(theirs)
        shown = b""
        while waits_for not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, typed)
        assert process.wait(10) == code
        shown += os.read(ours, 1000)
    os.close(ours)
    return " ".join(shown.decode().split())


def execute(url: str, sql: str) -> None:
    async def do(store: Store) -> None:
        await store.database.execute(text(sql))

    look(url, do)


def test_a_new_key_needs_no_settings_and_is_another_each_time(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENCRYPTION_KEYS")
    keys = {says("keys", "new") for _ in range(3)}
    assert {len(key) for key in keys} == {44}
    assert len(keys) == 3


def test_the_list_is_one_of_those_that_are_there(says: Says, url: str, wording: Check) -> None:
    """Without what could steer a terminal."""
    wording("two workspaces", says("workspaces", "list"))
    wording("deleted", says("workspaces", "delete", ACME.team_id, "--force"))
    assert look(url, lambda store: store.rows.find(ACME.team_id)) is None
    assert [line.split()[0] for line in says("workspaces", "list").splitlines()] == [GLOBEX.team_id]
    says("workspaces", "delete", GLOBEX.team_id, "--force")
    wording("no workspace", says("workspaces", "list"))


@pytest.mark.usefixtures("anchor")
def test_a_workspace_is_shown_without_its_secrets(says: Says, type_in: TypeIn, url: str, wording: Check) -> None:
    wording("new", says("workspaces", "show", ACME.team_id))
    type_in("sk-1\n")
    before = int(time.time())
    wording("key set", says("workspaces", "set-key", ACME.team_id))
    written = says("workspaces", "alert-token", ACME.team_id, "--channel", "C0123456789")
    token = written.split()[-1]
    wording("token", written.replace(token, "TOKEN"))
    shown = says("workspaces", "show", ACME.team_id)
    key = acme(url).anchor_key
    assert key
    assert key.set_at
    assert before <= key.set_at <= time.time()
    assert key == AnchorKey(Secret("sk-1"), KeyCheck.VERIFIED, set_at=key.set_at)
    assert acme(url).alerts_token_digest == digest(token)
    wording("set up", shown.replace(f"{datetime.fromtimestamp(key.set_at, UTC):%Y-%m-%d %H:%M} UTC", "MOMENT"))
    assert [secret for secret in ("sk-1", token, digest(token), "xoxb") if secret in shown] == []


def test_what_admins_have_changed_is_shown(says: Says, url: str, wording: Check) -> None:
    people = frozenset(f"U0PERSON{number:03}" for number in range(20))
    policy = Policy(
        pause=Rule(channels=frozenset({"C0B", "C0A"})), resume=Rule(people, frozenset({"C0INCIDENTS", "C0ALERTS"}))
    )

    async def change(store: Store) -> None:
        key = AnchorKey(Secret("sk-0123456789abcd"), KeyCheck.REFUSED, "U0ALICE0001", 1_785_000_060)
        await store.rows.set_key(ACME.team_id, key)
        found = await store.rows.find(ACME.team_id)
        assert found
        await store.rows.set_policy(ACME.team_id, policy, if_version=found.policy_version)
        for seen_at, user_id in enumerate(("U0ALICE0001", "U0BOB000001")):
            await store.admins.record(ACME.team_id, user_id, seen_at)

    look(url, change)
    wording("administered", says("workspaces", "show", ACME.team_id))


def test_a_key_of_an_older_version_has_no_moment(says: Says, url: str, wording: Check) -> None:
    look(url, lambda store: store.rows.set_key(ACME.team_id, AnchorKey(Secret("sk-0123456789 \x1bab"))))
    wording("an older version's key", says("workspaces", "show", ACME.team_id).splitlines()[4])


@pytest.mark.parametrize("column", ["anchor_api_key", "policy"])
def test_what_can_not_be_read_is_said_to_be_so_beside_the_rest(
    says: Says, url: str, column: str, wording: Check
) -> None:
    execute(url, f"UPDATE workspaces SET scopes = '', {column} = 'damaged'")  # noqa: S608 - ours
    with pytest.raises(UnreadableError) as why:
        acme(url)
    wording("damaged", says("workspaces", "show", ACME.team_id).replace(str(why.value), "WHY"))


@pytest.mark.parametrize("typed", ["", "\n", "two words\n", "clé\n", b"\xff\n"])
def test_what_is_no_key_is_not_set(says: Says, type_in: TypeIn, url: str, typed: str | bytes, wording: Check) -> None:
    type_in(typed)
    wording("no key", says("workspaces", "set-key", ACME.team_id, code=1))
    assert acme(url).anchor_key is None


def test_only_a_key_that_anchor_accepts_replaces_another(
    says: Says, type_in: TypeIn, url: str, anchor: SimAnchor, wording: Check
) -> None:
    type_in("sk-1\n")
    says("workspaces", "set-key", ACME.team_id)
    good = acme(url).anchor_key
    type_in("sk-wrong\n")
    wording("refused key", says("workspaces", "set-key", ACME.team_id, code=1))
    anchor.fault = server_error()
    type_in("sk-typed\n")
    wording("unclear answer about a key", says("workspaces", "set-key", ACME.team_id, code=1))
    assert acme(url).anchor_key == good


def test_a_key_is_saved_without_an_answer_only_if_no_check_is_wanted(
    says: Says, type_in: TypeIn, url: str, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    monkeypatch.setenv("ANCHOR_API_URL", "http://127.0.0.1:1")
    type_in("sk-1\n")
    wording("no answer about a key", says("workspaces", "set-key", ACME.team_id, code=1))
    assert acme(url).anchor_key is None
    type_in("sk-1\n")
    wording("unchecked key", says("workspaces", "set-key", ACME.team_id, "--offline"))
    key = acme(url).anchor_key
    assert key
    assert (key.value, key.check) == (Secret("sk-1"), KeyCheck.UNVERIFIED)


def test_without_certificates_a_key_can_not_be_checked(
    says: Says, type_in: TypeIn, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    def fail(**_: object) -> None:
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr("bot.cli.key_check.open_session", fail)
    type_in("sk-1\n")
    wording("no certificates", says("workspaces", "set-key", ACME.team_id, code=1))


def test_without_a_terminal_nothing_is_deleted_unless_it_is_forced(
    says: Says, type_in: TypeIn, url: str, wording: Check
) -> None:
    type_in("y\n")
    wording("not deleted", says("workspaces", "delete", ACME.team_id, code=1))
    assert acme(url).team_id == ACME.team_id


@pytest.mark.parametrize(("typed", "code"), [(b"y\n", 0), (b"\n", 1), (b"\x04", 1)])
def test_at_a_terminal_a_deletion_is_confirmed(url: str, typed: bytes, code: int, wording: Check) -> None:
    """The last answer is Ctrl-D."""
    shown = at_terminal("delete", ACME.team_id, waits_for=b"[y/N] ", typed=typed, code=code)
    if typed == b"\n":
        wording("a deletion at a terminal", shown)
    assert (look(url, lambda store: store.rows.find(ACME.team_id)) is None) is (code == 0)


@pytest.mark.parametrize("action", ["show", "delete", "set-key", "alert-token"])
def test_a_workspace_that_is_not_there_is_named(says: Says, type_in: TypeIn, action: str, wording: Check) -> None:
    type_in("sk-1\n")
    options = {"set-key": ["--offline"], "delete": ["--force"]}.get(action, [])
    wording("no such workspace", says("workspaces", action, "T0NOBODY001", *options, code=1))


def test_the_channel_of_alerts_stays_unless_another_one_is_given(says: Says, url: str) -> None:
    for arguments in (["--channel", "C0123456789"], []):
        says("workspaces", "alert-token", ACME.team_id, *arguments)
        assert acme(url).alerts_channel == "C0123456789"


def test_no_database_is_made_if_there_is_none(
    says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wording: Check
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.db")
    for command in (("keys", "rotate"), ("workspaces", "list")):
        wording("no database", says(*command, code=1))
    assert not (tmp_path / "elsewhere.db").exists()


@pytest.mark.parametrize("command", [("keys", "rotate"), ("workspaces", "list")])
def test_a_database_that_gives_no_answer_ends_with_1(
    says: Says, monkeypatch: pytest.MonkeyPatch, command: tuple[str, str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/none")
    assert "DATABASE_URL" in says(*command, code=1)


def test_a_rotation_says_how_many_secrets_it_encrypted(
    says: Says, monkeypatch: pytest.MonkeyPatch, url: str, wording: Check
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{OTHER_KEY.reveal()}, {KEY.reveal()}")
    wording("rotated", says("keys", "rotate"))
    monkeypatch.setenv("ENCRYPTION_KEYS", KEY.reveal())
    with pytest.raises(StoreNotUsableError) as caught:
        acme(url)
    assert says("keys", "rotate", code=2) == f"anchor-bot: {caught.value.sentence}"


def test_a_database_that_does_not_do_it_is_said_to(says: Says, url: str, wording: Check) -> None:
    execute(url, "UPDATE workspaces SET bot_token = 'damaged' WHERE team_id = 'T0HOME00001'")
    with pytest.raises(UnreadableError) as why:
        acme(url)
    wording("not rotated", says("keys", "rotate", code=1).replace(str(why.value), "WHY"))


@pytest.mark.usefixtures("anchor")
def test_at_a_terminal_a_key_is_asked_for_and_not_shown(url: str, wording: Check) -> None:
    wording("at a terminal", at_terminal("set-key", ACME.team_id, waits_for=b": ", typed=b"sk-typed\n"))
    key = acme(url).anchor_key
    assert key
    assert key.value == Secret("sk-typed")
