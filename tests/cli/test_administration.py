"""The commands for administration, called as functions: what they do with keys and workspaces, and what they say."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import Mock

import pytest
from anyio.from_thread import start_blocking_portal

from bot.sim.anchor import SimAnchor, server_error
from harness.databases import KEY, OTHER_KEY
from harness.product import Secret, Store, errors, main, open_store, workspace
from harness.stored import ACME, GLOBEX

_T = TypeVar("_T")
Check = Callable[[str, str], None]
Says = Callable[..., str]

pytestmark = pytest.mark.usefixtures("url")


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database with Acme and Globex in it, named by the environment, in an empty directory."""
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("ENCRYPTION_KEYS", KEY.reveal())
    monkeypatch.setenv("BASE_URL", "https://bot.example")

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
    """Run a command with this on stdin, and return what it says: on stdout, or on stderr if it fails.

    At a terminal, questions are on stdout, too.
    """
    monkeypatch.setattr("getpass.getpass", input)

    def run(*arguments: str, typed: str | bytes = "", code: int = 0, at_terminal: bool = False) -> str:
        raw = typed.encode() if isinstance(typed, str) else typed
        stdin = io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8")
        monkeypatch.setattr(stdin, "isatty", lambda: at_terminal)
        monkeypatch.setattr("sys.stdin", stdin)
        capsys.readouterr()
        assert main(arguments) == code
        out, err = capsys.readouterr()
        err = "".join(line for line in err.splitlines(keepends=True) if "DEBUG" not in line)
        assert at_terminal or (err if code == 0 else out) == ""
        return (out + err).replace(str(tmp_path), "DIRECTORY").removesuffix("\n")

    return run


def look(url: str, action: Callable[[Store], Awaitable[_T]]) -> _T:
    """Do something with the database."""

    async def do() -> _T:
        async with open_store(Secret(url), [KEY]) as store:
            return await action(store)

    return asyncio.run(do())


def found(url: str) -> Any:
    """Return Acme as the database has it, or None."""
    return look(url, lambda store: store.rows.find(ACME.team_id))


def execute(url: str, sql: str) -> str:
    """Damage the database, and return why Acme can not be read."""

    async def do(store: Store) -> None:
        await store.database.execute(sql)

    look(url, do)
    with pytest.raises(errors.UnreadableError) as why:
        found(url)
    return str(why.value)


def test_the_list_is_one_of_those_that_are_there(says: Says, url: str, wording: Check) -> None:
    """Without what could steer a terminal."""
    wording("two workspaces", says("workspaces", "list"))
    wording("not deleted", says("workspaces", "delete", ACME.team_id, typed="y\n", code=2))  # it is no terminal
    assert found(url)
    wording("deleted", says("workspaces", "delete", ACME.team_id, "--yes"))
    assert found(url) is None
    assert [line.split()[0] for line in says("workspaces", "list").splitlines()] == [GLOBEX.team_id]
    says("workspaces", "delete", GLOBEX.team_id, "--yes")
    wording("no workspace", says("workspaces", "list"))


@pytest.mark.parametrize("typed", ["", "\n", "two words\n", "clé\n", b"\xff\n"])
def test_what_is_no_key_is_not_set(says: Says, url: str, typed: str | bytes, wording: Check) -> None:
    wording("no key", says("workspaces", "set-key", ACME.team_id, typed=typed, code=1))
    assert says("workspaces", "set-key", ACME.team_id, code=1, at_terminal=True)  # Ctrl-D
    assert found(url).anchor_key is None


def test_only_a_key_that_anchor_accepts_replaces_another(
    says: Says, url: str, anchor: SimAnchor, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    set_key = ("workspaces", "set-key", ACME.team_id)
    says(*set_key, typed="sk-1\n")
    good = found(url).anchor_key
    wording("refused key", says(*set_key, typed="sk-wrong\n", code=1))
    anchor.fault = server_error()
    wording("unclear answer about a key", says(*set_key, typed="sk-typed\n", code=1))
    monkeypatch.setenv("ANCHOR_API_URL", "http://127.0.0.1:1")
    wording("no answer about a key", says(*set_key, typed="sk-typed\n", code=1))
    with monkeypatch.context() as patch:
        patch.setattr("bot.cli.workspace.open_session", Mock(side_effect=FileNotFoundError(2, "No such file")))
        wording("no certificates", says(*set_key, typed="sk-typed\n", code=1))
    assert (found(url).anchor_key, good.check) == (good, workspace.KeyCheck.VERIFIED)


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("\n", 1), ("", 1)])
def test_at_a_terminal_a_deletion_is_confirmed(says: Says, url: str, typed: str, code: int, wording: Check) -> None:
    shown = says("workspaces", "delete", ACME.team_id, typed=typed, code=code, at_terminal=True)
    if typed == "\n":
        wording("a deletion at a terminal", shown)
    assert (found(url) is None) is (code == 0)


@pytest.mark.usefixtures("anchor")
def test_a_workspace_that_is_not_there_is_named(says: Says, wording: Check) -> None:
    for action, options in {"delete": ["--yes"], "set-key": []}.items():
        said = says("workspaces", action, "T0NOBODY001", *options, typed="sk-1\n", code=1)
        wording("no such workspace", said)


def test_a_person_is_forgotten_after_a_question_if_the_database_answers(
    says: Says, url: str, monkeypatch: pytest.MonkeyPatch, wording: Check
) -> None:
    forget = ("people", "forget", "U0ALICE0001")
    wording("the question", says(*forget, typed="\n", code=1, at_terminal=True))
    of_another_bot = "INSERT INTO marks (scope, name) VALUES ('audit key', 'other')"
    look(url, lambda store: store.database.execute(of_another_bot))
    with monkeypatch.context() as patch:  # it signs a row
        assert "another encryption key" in says(*forget, "--yes", code=1)
        patch.delenv("ENCRYPTION_KEYS")
        assert "SLACK_BOT_TOKEN" in says(*forget, "--yes", code=2)
        patch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
        patch.setenv("PAUSE_USERS", "U0ALICE0001")
        assert "pause in .env" in says(*forget, "--yes", code=2)
    look(url, lambda store: store.database.execute("DELETE FROM marks WHERE name = 'other'"))
    assert "Forgot U0ALICE0001" in says(*forget, typed="y\n", at_terminal=True)

    async def damage(store: Store) -> None:
        await store.database.execute("DROP TABLE messages")

    look(url, damage)
    wording("not forgotten", says(*forget, "--yes", code=1))
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    assert "DATABASE_URL" in says(*forget, code=2)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    wording("nobody to forget", says(*forget, code=1))


@pytest.mark.parametrize("command", [("keys", "rotate"), ("workspaces", "list")])
def test_no_database_is_made_if_there_is_none_and_one_that_gives_no_answer_is_named(
    says: Says, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, str], wording: Check
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///elsewhere.db")
    wording("no database", says(*command, code=1))
    assert not (tmp_path / "elsewhere.db").exists()
    monkeypatch.setenv("DATABASE_URL", "postgresql://x@127.0.0.1:1/none")
    assert "DATABASE_URL" in says(*command, code=1)


def test_a_rotation_says_how_many_secrets_it_encrypted(
    says: Says, monkeypatch: pytest.MonkeyPatch, url: str, wording: Check
) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{OTHER_KEY.reveal()}, {KEY.reveal()}")
    wording("rotated", says("keys", "rotate"))
    monkeypatch.setenv("ENCRYPTION_KEYS", KEY.reveal())
    with pytest.raises(errors.StoreNotUsableError) as caught:
        found(url)
    assert says("keys", "rotate", code=2) == f"anchor-bot: {caught.value}"


def test_a_database_that_does_not_do_it_is_said_to(says: Says, url: str, wording: Check) -> None:
    why = execute(url, "UPDATE workspaces SET bot_token = 'damaged' WHERE team_id = 'T0HOME00001'")
    wording("not rotated", says("keys", "rotate", code=1).replace(why, "WHY"))
