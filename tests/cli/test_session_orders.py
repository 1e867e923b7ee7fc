"""The commands `pause` and `resume`, called as functions: without Slack, without a database, and for one of many."""

import asyncio
import os
import pwd
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.config.environment import OF_ORDERS
from bot.demo.sandbox import environment, environment_of_many
from bot.sim.anchor import Answer, SimAnchor, html, unauthorized
from bot.sim.slack import SimSlack
from harness import SESSION, outcome_text
from harness.databases import KEY, OTHER_KEY
from harness.doctor import give_order
from harness.order_rows import OrderHistory
from harness.outages import OTHER_VERSION, execute
from harness.product import Secret, Settings, errors, journal, open_store, outcomes
from harness.product import workspace as product
from harness.stored import ACME, GLOBEX
from harness.texts import terminal_text

Check = Callable[[str, str], None]
OPERATOR = f"os:{pwd.getpwuid(os.getuid()).pw_name}"
PAUSED, RESUMED = outcomes.Paused("paused"), outcomes.Resumed("running")


@dataclass(frozen=True, slots=True)
class Site:
    """A bot that does not run, and what it needs."""

    slack: SimSlack
    anchor: SimAnchor
    environ: dict[str, str]

    async def give(self, *arguments: str, **changes: str) -> int:
        return await give(self.environ | changes, *arguments)

    async def refused(self, *arguments: str, **changes: str) -> str:
        """Give an order that is not sent, and return why."""
        with pytest.raises(Exception, match=r".") as why:
            await self.give(*arguments, **changes)
        assert why.typename == "NotDoneError"
        return str(why.value)

    @property
    def sent(self) -> list[str]:
        return [str(request.verb) for request in self.anchor.posts(SESSION)]

    async def journal(self) -> list[journal.PastOrder]:
        async with open_store(Secret(self.environ["DATABASE_URL"]), [KEY], keys_must_fit=False) as store:
            past = await OrderHistory(store.database).next_page(None, most=100)
        return [one for one in past if one.session_id]


async def give(environ: Mapping[str, str], *arguments: str) -> int:
    return await give_order(Settings.from_env(environ, OF_ORDERS), *arguments)


@asynccontextmanager
async def site_at(url: str) -> AsyncIterator[Site]:
    async with SimSlack() as slack, SimAnchor() as anchor:
        anchor.add_session(session_id=SESSION)
        yield Site(slack, anchor, environment(slack, anchor, DATABASE_URL=url))


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with site_at(sqlite_url) as opened, open_store(Secret(sqlite_url), [KEY], keys_must_fit=False):
        yield opened


def says(outcome: outcomes.Outcome, verb: str = "pause") -> str:
    return terminal_text(outcome_text(outcome, verb=verb, user=OPERATOR)) + "\n"


async def test_a_pause_says_what_a_read_after_it_shows(
    site: Site, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    site.anchor.session(SESSION).is_task = False
    assert await site.give("pause", SESSION) == 0
    wording("paused, read after it", capsys.readouterr().out.replace(OPERATOR.removeprefix("os:"), "NAME"))
    site.anchor.read_fault = unauthorized()
    assert await site.give("pause", SESSION) == 0
    assert capsys.readouterr().out == says(PAUSED)


async def test_nothing_is_paused_if_anchor_lists_no_sessions(site: Site, wording: Check) -> None:
    for name, fault in (("no list of all", unauthorized()), ("no answer", html(503))):
        site.anchor.read_fault = fault
        wording(name, await site.refused("pause", "--all"))
    assert site.sent == []


@pytest.mark.parametrize(("typed", "code"), [(None, 2), ("2", 1), ("3", 0)], ids=["no terminal", "another", "right"])
async def test_all_are_paused_after_a_question_or_none(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str | None, code: int
) -> None:
    """The question is for the number, which the list has shown."""
    site.anchor.add_session(tags=["shop"]), site.anchor.add_session(is_task=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: typed is not None)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    if code:
        with pytest.raises(Exception, match=r".") as why:
            await site.give("pause", "--all")
        assert (getattr(why.value, "code", None), site.anchor.orders, await site.journal()) == (code, [], [])
        return
    assert await site.give("pause", "--all", "--reason", "it loops") == 0
    assert "may go on in 1 " in capsys.readouterr().out
    assert len({order.session_id for order in site.anchor.orders}) == 3
    stored = await site.journal()
    assert {(one.outcome, one.reason, one.delivered_by, one.source) for one in stored} == {
        ("Paused", "it loops", "terminal", "command line")
    }
    assert len({one.batch_id for one in stored}) == 1


async def test_all_are_paused_though_nobody_reads_the_list(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Mock(flush=Mock(side_effect=BrokenPipeError)))
    assert await site.give("pause", "--all", "--yes") == 0
    assert site.sent == ["pause"]


async def test_the_output_lists_what_may_still_run(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    failing = [site.anchor.add_session(tags=["shop"]) for _ in range(25)]

    def fail_from_now_on(_: str) -> str:
        site.anchor.fault = unauthorized()
        return str(len(failing))

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", fail_from_now_on)
    assert await site.give("pause", "--all", "--match", "SHOP") == 1
    ends = capsys.readouterr().out
    assert all(session in ends for session in failing)
    assert SESSION not in ends
    site.anchor.fault = None
    assert await site.give("pause", "--all", "--match", "WORDS", "--yes") == 0
    wording("none chosen", capsys.readouterr().out)
    site.anchor.read_fault = Answer(404, b"{}", times=1)
    assert await site.give("pause", "--all", "--match", "WORDS", "--yes") == 1
    wording("not all are listed", capsys.readouterr().err.strip())
    assert site.sent == []
    assert await site.refused("pause", "--all", SESSION) == await site.refused("pause")


@pytest.mark.parametrize("arguments", [[SESSION], ["--all", "--yes"]], ids=["one", "all"])
async def test_ctrl_c_leaves_a_pause_unconfirmed_and_names_the_session_of_several(
    site: Site, capsys: pytest.CaptureFixture[str], wording: Check, arguments: list[str]
) -> None:
    site.anchor.session(SESSION).seconds = 20.0
    giving = asyncio.create_task(site.give("pause", *arguments))
    await site.anchor.until(lambda: site.sent)
    capsys.readouterr()
    os.kill(os.getpid(), signal.SIGINT)
    assert await giving == 130
    printed = capsys.readouterr()
    if arguments == [SESSION]:
        assert printed.out == says(outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER))
        wording("a pause that was interrupted", printed.err.strip())
    else:
        assert SESSION in printed.out.splitlines()[-1]
    (row,) = await site.journal()
    assert (row.outcome, row.state, row.delivered_by) == ("Unconfirmed", "settled", "terminal")
    assert outcomes.Doubt.NO_ANSWER in str(row.outcome_fields)


# --- without a database ---


@pytest.mark.parametrize("database", ["none", "silent", "of another version"])
async def test_a_pause_is_sent_without_a_database_and_a_resume_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: str
) -> None:
    file = tmp_path / "bot.db"
    if database == "of another version":
        await execute(f"sqlite:///{file}", "PRAGMA journal_mode = WAL", *OTHER_VERSION)
    else:
        file.write_text("This is no database, and no database of a bot in particular. " * 50)
    if database == "silent":
        monkeypatch.setattr("bot.outbound.store.store.Store.prepare", lambda *_, **__: asyncio.sleep(10))
    before = file.read_bytes()
    async with site_at(f"sqlite:///{file}") as site:
        assert await site.give("pause", SESSION) == 0
        written = capsys.readouterr()
        assert (written.out, len(written.err.splitlines())) == (says(PAUSED), 2)
        for verb in ("resume", "end"):
            assert await site.refused(verb, SESSION)
        assert site.sent == ["pause"]
        assert await site.give("sessions") == 0
        assert SESSION in capsys.readouterr().out
    assert file.read_bytes() == before


async def test_a_key_alone_pauses_and_resumes_with_the_database_alone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other settings can be wrong."""
    monkeypatch.chdir(tmp_path)
    wrong = {"SLACK_BOT_TOKEN": "xoxb two", "SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xoxb-", "PORT": "http"}
    wrong |= {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "unknown", "ENCRYPTION_KEYS": OTHER_KEY.reveal()}
    async with open_store(Secret(site.environ["DATABASE_URL"]), [KEY]) as store:
        await store.rows.save(GLOBEX)  # as a bot of many did, with its own key
    alone = {name: site.environ[name] for name in ("ANCHOR_API_KEY", "ANCHOR_API_URL", "SLACK_API_URL")}
    beside = {"DATABASE_URL": site.environ["DATABASE_URL"]}
    for environ in (alone, alone | wrong):
        assert await give(environ, "pause", SESSION) == 0
        with pytest.raises(Exception, match=r"anchor-bot\.db") as why:
            await give(environ, "resume", SESSION)
        assert why.typename == "NotDoneError"
        assert await give(environ | beside, "resume", SESSION) == 0
    assert site.sent == ["pause", "resume"] * 2


async def test_the_warnings(site: Site, capsys: pytest.CaptureFixture[str], wording: Check, tmp_path: Path) -> None:
    missing = {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"}
    await site.give("pause", SESSION, **missing)
    refused = await site.refused("resume", SESSION, **missing)
    for name, said in (("pause", capsys.readouterr().err.splitlines()[0]), ("resume", refused)):
        wording(f"{name} without a database", said.replace(str(tmp_path), "DIRECTORY"))
    wording("a workspace for a bot of one", await site.refused("pause", SESSION, "--workspace", "T0HOME00001"))


@pytest.mark.parametrize("verb", ["pause", "resume"])
async def test_a_database_that_fails_meanwhile_stops_a_resume_and_no_pause(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wording: Check, verb: str
) -> None:
    fail = AsyncMock(side_effect=errors.StoreUnreachableError("gone"))
    monkeypatch.setattr("bot.outbound.store.database.Database.change_orders", fail)
    monkeypatch.setattr("bot.outbound.store.workspaces.WorkspaceRows.find_ids", fail)
    is_sent = verb == "pause"
    assert await site.give(verb, SESSION) == (not is_sent)
    written = capsys.readouterr()
    assert written.out == says(PAUSED if is_sent else outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), verb)
    assert site.sent == [verb] * is_sent
    wording("not recorded", written.err.splitlines()[-1])
    if is_sent:
        assert await site.give("pause", "--all", "--yes") == 0
        assert capsys.readouterr().err == f"{written.err.splitlines()[-1]}\n"


# --- many workspaces ---


@asynccontextmanager
async def many(url: str) -> AsyncIterator[tuple[Site, Any]]:
    """Acme, which has no key, and Globex, which has one."""
    keys = ("sk-acme", "sk-globex")
    async with SimSlack() as slack, SimAnchor(keys=keys) as anchor, open_store(Secret(url), [KEY]) as store:
        anchor.add_session(key="sk-globex", session_id=SESSION)
        await store.rows.save(ACME)
        await store.rows.save(GLOBEX)
        await store.rows.set_key(GLOBEX.team_id, product.AnchorKey(Secret("sk-globex")))
        own = {"DATABASE_URL": url, "ENCRYPTION_KEYS": KEY.reveal()}
        yield Site(slack, anchor, environment_of_many(slack, anchor, port=0, **own)), store


async def test_the_workspace_is_named_if_there_are_several(
    database_url: str, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    async with many(database_url) as (site, store):
        for arguments in (["resume", SESSION], ["pause", SESSION], ["pause", "--all"]):
            wording("no workspace", await site.refused(*arguments))
        wording("another workspace", await site.refused("pause", SESSION, "--workspace", "T0NOBODY001"))
        assert await site.give("pause", SESSION, "--workspace", ACME.team_id) == 1
        wording("no key", await site.refused("pause", "--all", "--workspace", ACME.team_id))
        assert await site.give("pause", SESSION, "--workspace", GLOBEX.team_id) == 0
        await store.rows.delete(ACME.team_id)
        assert await site.give("resume", SESSION) == 0
        assert site.sent == ["pause", "resume"]
        assert capsys.readouterr().out == says(outcomes.Refusal(outcomes.Why.NO_KEY)) + says(PAUSED) + says(
            RESUMED, "resume"
        )
        site.anchor.session(SESSION).seconds = 0.5
        pausing = asyncio.create_task(site.give("pause", SESSION))
        await site.anchor.until(lambda: len(site.sent) == 3)
        await store.database.execute("UPDATE workspaces SET anchor_api_key = NULL")  # nothing reads what it shows now
        assert (await pausing, capsys.readouterr().out) == (0, says(PAUSED))
        await store.rows.delete(GLOBEX.team_id)
        wording("nobody", await site.refused("resume", SESSION))


async def test_without_a_database_of_many_that_can_be_read_nothing_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wording: Check
) -> None:
    async with many(f"sqlite:///{tmp_path / 'bot.db'}") as (site, store):
        for name, changes in {
            "no file of many": {"DATABASE_URL": f"sqlite:///{tmp_path / 'elsewhere.db'}"},
            "other keys": {"ENCRYPTION_KEYS": OTHER_KEY.reveal()},
        }.items():
            why = await site.refused("pause", SESSION, "--workspace", GLOBEX.team_id, **changes)
            wording(name, why.replace(str(tmp_path), "DIRECTORY"))
            assert await site.give("pause", SESSION, **changes, ANCHOR_API_KEY="sk-globex") == 0
        assert (site.sent, capsys.readouterr().out) == (["pause"] * 2, says(PAUSED) * 2)
        await store.database.execute("UPDATE workspaces SET anchor_api_key = 'damaged'")
        assert await site.give("pause", SESSION, "--workspace", GLOBEX.team_id) == 1
        assert site.sent == ["pause"] * 2
    assert capsys.readouterr().out == says(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE))
