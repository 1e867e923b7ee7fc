"""The commands `pause` and `resume`, called as functions: without Slack, without a database, and for one of many."""

import asyncio
import os
import pwd
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.cli import session_orders
from bot.cli.main import main
from bot.cli.operators import NotDoneError
from bot.cli.parser import parser
from bot.cli.session_orders import BadWorkspaceError, give_order
from bot.cli.terminal_text import terminal_text
from bot.config.settings import Settings
from bot.core.history import HistoryFilter, PastOrder
from bot.core.outcomes import (
    Doubt,
    NoKey,
    NotFound,
    Outcome,
    Paused,
    Resumed,
    StoreUnavailable,
    Unconfirmed,
)
from bot.core.recovery import State
from bot.core.requests import operator_id
from bot.core.secret import Secret
from bot.core.workspace import AnchorKey
from bot.demo.sandbox import environment, environment_of_many
from bot.outbound.store.derived_keys import derive_encryption_key
from bot.outbound.store.errors import StoreUnreachableError
from bot.outbound.store.order_history import OrderHistory
from bot.outbound.store.order_rows import OrderRows
from bot.outbound.store.store import open_store
from bot.sim.anchor import Hang, SimAnchor
from bot.sim.slack import SimSlack
from harness import SESSION, outcome_text
from harness.databases import KEY, postgresql_out_of_reach
from harness.order_rows import order_row
from harness.stored import ACME, GLOBEX

pytestmark = pytest.mark.anyio

Check = Callable[[str, str], None]
OPERATOR = operator_id(pwd.getpwuid(os.getuid()).pw_name)


@dataclass(frozen=True, slots=True)
class Site:
    """A bot that does not run, and what it needs."""

    slack: SimSlack
    anchor: SimAnchor
    environ: dict[str, str]

    async def give(self, *arguments: str, **changes: str) -> int:
        return await give_order(parser().parse_args(arguments), Settings.from_env({**self.environ, **changes}))

    @property
    def sent(self) -> list[str]:
        return [str(request.verb) for request in self.anchor.posts(SESSION)]

    async def journal(self) -> list[PastOrder]:
        async with open_store(Secret(self.environ["DATABASE_URL"]), [KEY], keys_must_fit=False) as store:
            return await OrderHistory(store.database).next_page(HistoryFilter(), None, most=100)


@asynccontextmanager
async def site_at(url: str) -> AsyncIterator[Site]:
    async with SimSlack() as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        yield Site(slack, anchor, environment(slack, anchor, DATABASE_URL=url))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with open_store(Secret(url), [KEY], keys_must_fit=False):
        pass
    async with site_at(url) as opened:
        yield opened


def says(outcome: Outcome, verb: str = "pause") -> str:
    return terminal_text(outcome_text(outcome, verb=verb, user=OPERATOR)) + "\n"


async def test_a_session_is_paused_and_resumed_and_that_is_recorded(
    site: Site, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    assert await site.give("pause", f"https://anchor.example/sessions/{SESSION}", "--reason", "it *loops* <&>") == 0
    assert await site.give("resume", SESSION) == 0
    assert site.sent == ["pause", "resume"]
    wording("paused and resumed", capsys.readouterr().out.replace(OPERATOR.removeprefix("os:"), "NAME"))
    first, second = await site.journal()
    assert (first.verb, first.reason, first.outcome, first.delivered_by) == (
        "pause",
        "it *loops* <&>",
        "Paused",
        "terminal",
    )
    assert (second.verb, second.outcome, second.state) == ("resume", "Resumed", "told")
    for one in (first, second):
        assert (one.user_id, one.source, one.channel_id) == (OPERATOR, "command line", "")
        assert one.team_id == site.slack.home.team_id


async def test_the_workspace_is_that_of_the_last_order_in_slack_also_if_slack_is_down(site: Site) -> None:
    async with open_store(Secret(site.environ["DATABASE_URL"]), [KEY], keys_must_fit=False) as store:
        row = replace(order_row(outcome=Paused(), team="T0EARLIER01", age=1_000), state=State.TOLD)
        await OrderRows(store.database, store.cipher, "a bot").write([row], [])
    assert await site.give("pause", SESSION, SLACK_API_URL="http://127.0.0.1:1/") == 0
    assert [one.team_id for one in await site.journal()] == ["T0EARLIER01"] * 2
    assert site.slack.api_calls == []


async def test_without_slack_and_without_earlier_orders_a_session_is_paused(site: Site) -> None:
    assert await site.give("pause", SESSION, SLACK_API_URL="http://127.0.0.1:1/") == 0
    assert [(one.team_id, one.outcome) for one in await site.journal()] == [("", "Paused")]


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_what_is_not_done_ends_with_1(site: Site, capsys: pytest.CaptureFixture[str], verb: str) -> None:
    other = "9c0d7e11-2222-4333-8444-555566667777"
    assert await site.give(verb, other) == 1
    told = capsys.readouterr().out
    assert told.startswith(terminal_text(outcome_text(NotFound(), verb=verb, session=other, user=OPERATOR))[:20])
    assert [one.outcome for one in await site.journal()] == ["NotFound"]


async def test_an_interrupted_pause_is_called_unconfirmed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.anchor.fault = Hang()
    giving = asyncio.create_task(site.give("pause", SESSION))
    await site.anchor.until(lambda: site.sent)
    signal.raise_signal(signal.SIGTERM)
    assert await giving == 1
    assert capsys.readouterr().out == says(Unconfirmed(Doubt.STOPPED))
    assert [one.outcome for one in await site.journal()] == ["Unconfirmed"]


# --- without a database ---


@pytest.fixture(params=["no file", "no database", "no server", "silent"])
def unusable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session_orders, "_OPEN_TIMEOUT", 0.5)
    if request.param == "no database":
        Path("bot.db").write_text("This is no database, and no database of a bot in particular. " * 50)
    if request.param == "no server":
        return postgresql_out_of_reach(next(request.getfixturevalue("postgresql_urls")), tmp_path)[0]
    if request.param == "silent":
        Path("bot.db").touch()
        monkeypatch.setattr(session_orders, "_prepare", lambda _: asyncio.sleep(1, None))
    return "sqlite:///bot.db"


async def test_a_pause_is_sent_without_a_database_and_a_resume_is_not(
    unusable: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site_at(unusable) as site:
        assert await site.give("pause", SESSION) == 0
        written = capsys.readouterr()
        assert (written.out, len(written.err.splitlines())) == (says(Paused("paused")), 1)
        with pytest.raises(NotDoneError):
            await site.give("resume", SESSION)
        assert site.sent == ["pause"]


async def test_the_warnings(site: Site, capsys: pytest.CaptureFixture[str], wording: Check, tmp_path: Path) -> None:
    missing = {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"}
    await site.give("pause", SESSION, **missing)
    with pytest.raises(NotDoneError) as refused:
        await site.give("resume", SESSION, **missing)
    for name, said in (("pause", capsys.readouterr().err.strip()), ("resume", str(refused.value))):
        wording(f"{name} without a database", said.replace(str(tmp_path), "DIRECTORY"))


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_database_that_fails_meanwhile_stops_a_resume_and_no_pause(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check, verb: str
) -> None:
    async def fail(*_: object) -> None:
        raise StoreUnreachableError("gone")

    monkeypatch.setattr(OrderRows, "write", fail)
    monkeypatch.setattr(OrderHistory, "last_team", fail)
    monkeypatch.setattr(session_orders, "_WRITE_TIMEOUT", 0.5)
    outcome: Outcome = Paused("paused") if verb == "pause" else StoreUnavailable()
    assert await site.give(verb, SESSION) == (0 if verb == "pause" else 1)
    written = capsys.readouterr()
    assert (written.out, site.sent) == (says(outcome, verb), ["pause"] if verb == "pause" else [])
    wording("not recorded", written.err.strip())


# --- many workspaces ---


@asynccontextmanager
async def many(url: str) -> AsyncIterator[Site]:
    """Acme, which has no key, and Globex, which has one."""
    async with SimSlack() as slack, SimAnchor(keys=["sk-globex"]) as anchor, open_store(Secret(url), [KEY]) as store:
        anchor.add_session(key="sk-globex", session_id=SESSION)
        await store.rows.save(ACME)
        await store.rows.save(GLOBEX)
        await store.rows.set_key(GLOBEX.team_id, AnchorKey(Secret("sk-globex")))
        own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal()}
        yield Site(slack, anchor, environment_of_many(slack, anchor, port=0, **own))


async def test_the_workspace_is_named_if_there_are_several(
    database_url: str, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    async with many(database_url) as site:
        for name, arguments in {"no workspace": (), "another workspace": ("--workspace", "T0NOBODY001")}.items():
            with pytest.raises(BadWorkspaceError) as why:
                await site.give("pause", SESSION, *arguments)
            wording(name, str(why.value))
        assert await site.give("pause", SESSION, "--workspace", ACME.team_id) == 1
        assert await site.give("pause", SESSION, "--workspace", GLOBEX.team_id) == 0
        async with open_store(Secret(database_url), [KEY]) as store:
            await store.rows.delete(ACME.team_id)
        assert await site.give("resume", SESSION) == 0
        assert site.sent == ["pause", "resume"]
        assert capsys.readouterr().out == says(NoKey()) + says(Paused("paused")) + says(Resumed("running"), "resume")
        async with open_store(Secret(database_url), [KEY]) as store:
            await store.rows.delete(GLOBEX.team_id)
        with pytest.raises(BadWorkspaceError) as why:
            await site.give("resume", SESSION)
        wording("nobody", str(why.value))


async def test_a_workspace_that_can_not_be_read_is_not_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with many(url := f"sqlite:///{tmp_path / 'bot.db'}") as site, open_store(Secret(url), [KEY]) as store:
        await store.database.execute(text("UPDATE workspaces SET anchor_api_key = 'damaged'"))
        assert await site.give("pause", SESSION, "--workspace", GLOBEX.team_id) == 1
    assert capsys.readouterr().out == says(StoreUnavailable())


async def test_without_the_database_of_many_nothing_is_sent(tmp_path: Path, wording: Check) -> None:
    async with many(f"sqlite:///{tmp_path / 'bot.db'}") as site:
        for name, changes in {
            "no file of many": {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"},
            "other keys": {"ENCRYPTION_KEYS": derive_encryption_key(Secret("x")).reveal()},
        }.items():
            with pytest.raises(NotDoneError) as why:
                await site.give("pause", SESSION, "--workspace", GLOBEX.team_id, **changes)
            wording(name, str(why.value).replace(str(tmp_path), "DIRECTORY"))
        assert site.sent == []


async def test_a_bot_of_one_workspace_has_no_other(site: Site, wording: Check) -> None:
    with pytest.raises(BadWorkspaceError) as why:
        await site.give("pause", SESSION, "--workspace", "T0HOME00001")
    wording("a workspace for a bot of one", str(why.value))


# --- exit codes ---


@pytest.fixture
def stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the command not change the log of this process, and give it settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bot.cli.main.logs.configure", lambda *_: None)
    for name, value in {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "ANCHOR_API_KEY": "sk-1"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("stays")
@pytest.mark.parametrize(
    ("error", "code"), [(NotDoneError("why"), 1), (BadWorkspaceError("why"), 2), (KeyboardInterrupt(), 1)]
)
def test_an_order_that_was_not_sent_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    async def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(session_orders, "give_order", fail)
    assert main(["pause", SESSION]) == code
    written = capsys.readouterr()
    assert (written.out, len(written.err.splitlines())) == ("", 1)


@pytest.mark.usefixtures("stays")
def test_certificates_that_can_not_be_read_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise OSError("no such file")

    monkeypatch.setattr(session_orders, "open_session", fail)
    assert main(["resume", SESSION]) == 1
    assert "SSL_CERT_FILE" in capsys.readouterr().err


@pytest.mark.usefixtures("stays")
def test_bad_arguments_and_settings_end_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["pause", "3f2b"], ["resume", SESSION, "--workspace", "t0"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    monkeypatch.setenv("ANCHOR_API_KEY", "two words")
    assert main(["pause", SESSION]) == 2
    assert "ANCHOR_API_KEY" in capsys.readouterr().err


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert session_orders._user_name() == str(os.getuid())  # noqa: SLF001
