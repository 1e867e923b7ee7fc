"""The journal as an audit trail: every order is in it, with who, where, why, how it ended and how that was told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.demo.sandbox import environment
from bot.sim.anchor import unauthorized
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SESSION, single_workspace
from harness.conversation import Conversation, until
from harness.databases import KEY
from harness.outages import execute
from harness.product import Secret, main, open_store
from harness.restarts import remains

pytestmark = pytest.mark.anyio


async def read(url: str, count: int) -> list[Any]:
    """Read the journal as another process does, until so many orders are told."""
    found: list[Any] = []

    async def is_read() -> object:
        found[:] = await store.database.fetch_all("SELECT * FROM orders ORDER BY given_at")
        return len(found) == count and all(one.told_at for one in found)

    async with open_store(Secret(url), [KEY], keys_must_fit=False) as store:
        await until(is_read)
    return found


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", [*BY_BOTH, "a shortcut"])
async def test_each_order_is_recorded_with_who_where_and_how_it_ended(sqlite_url: str, by: str) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url) as at:
        await at.answer(by)
        at.anchor.fault = unauthorized()
        await at.answer(by, at.slack.bob, channel=at.slack.private)
        await at.answer(by, at.slack.guest)
        if by == "a click":
            await at.answer(by, at.slack.outsider)
        found = await read(sqlite_url, 4 if by == "a click" else 3)
    people = [(one.user_id, one.channel_id, one.home_team_id, one.outcome) for one in found]
    own = at.workspace.team_id
    assert people[:3] == [
        (at.person.id, at.channel.id, own, "Paused"),
        (at.slack.bob.id, at.slack.private.id, own, "KeyRejected"),
        (at.slack.guest.id, at.channel.id, own, "Guest"),
    ]
    assert people[3:] in ([], [(at.slack.outsider.id, at.channel.id, at.slack.outsider.team_id, "Outsider")])
    source, routes = {
        "a command": ("command", ["ack"] * 3),
        "a click": ("button", ["response_url"] * 4),
        "a shortcut": ("shortcut", ["channel", "response_url", "response_url"]),
    }[by]
    assert [one.delivered_by for one in found] == routes
    for one in found:
        assert (one.team_id, one.session_id, one.verb, one.source) == (own, SESSION, "pause", source)
        times = sorted([one.given_at, one.settled_at, one.told_at])  # each transaction asks the clock by itself
        assert (one.state, one.told) == ("settled", 1)
        assert times == pytest.approx([one.given_at, one.settled_at, one.told_at], abs=0.05)


async def test_a_pause_of_a_killed_command_is_sent_and_nobody_in_slack_is_told(database_url: str) -> None:
    async with remains(database_url) as left:
        await left.leave_from_command_line()
        async with left.restart():
            (one,) = await read(database_url, 1)
        assert [order.verb for order in left.orders] == ["pause"]
        assert (left.messages(), left.calls("chat.postMessage")) == ([], 0)
    assert (one.user_id, one.outcome, one.delivered_by) == ("os:root", "Paused", "nobody")


Journal = Callable[..., Awaitable[str]]


@pytest.fixture
def verifies(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Journal:
    """Run `anchor-bot journal` beside a bot, and return what it says."""

    async def run(at: Conversation, url: str, *options: str, code: int) -> str:
        for name, value in environment(at.slack, at.anchor, DATABASE_URL=url, ENCRYPTION_KEYS=KEY.reveal()).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["journal", *options]) == code
        return capsys.readouterr().out

    return run


async def test_what_was_changed_in_the_database_is_found_beside_the_bot(sqlite_url: str, verifies: Journal) -> None:
    async with single_workspace(DATABASE_URL=sqlite_url, ENCRYPTION_KEYS=KEY.reveal()) as at:
        for verb in ("pause", "resume", "pause"):
            await at.command(verb=verb)
        await asyncio.sleep(20.0)
        assert "whole: 3 rows" in await verifies(at, sqlite_url, "--verify", code=0)
        await execute(sqlite_url, "UPDATE orders SET user_id = 'U0MALLORY01' WHERE verb = 'resume'")
        assert "Row 2 of T0HOME00001" in await verifies(at, sqlite_url, "--verify", code=1)
        await execute(sqlite_url, "UPDATE audit SET team_id = 'T' || char(10) || 'The audit trail is whole'")
        assert "\nThe audit trail is whole" not in await verifies(at, sqlite_url, "--verify", code=1)
        await verifies(at, sqlite_url, "--from", "0" * 64, code=1)
        await execute(sqlite_url, "DROP TABLE audit")
        for url in (sqlite_url, "sqlite://", "sqlite:///nowhere.db", "postgresql://x@127.0.0.1:1/none"):
            await verifies(at, url, "--verify", code=2)  # 1 says that it was changed


@HTTP_ONLY
async def test_a_gap_is_an_error_at_a_start_and_a_line_in_home_until_an_operator_acknowledges_it(
    database_url: str, verifies: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    async def shows_a_gap(at: Conversation) -> bool:
        before = at.calls("views.publish")
        await at.slack.open_home(at.slack.alice)
        await at.slack.until(lambda: at.calls("views.publish") > before)
        return "`anchor-bot journal --verify`" in str(at.slack.home_of(at.slack.alice))

    def errors() -> list[str]:
        return [record.message for record in caplog.records if record.levelname == "ERROR"]

    async with remains(database_url) as left:
        async with left.restart() as at:
            for verb in ("pause", "resume"):
                await at.command(verb=verb)
            await asyncio.sleep(20.0)
            assert not await shows_a_gap(at)
        await execute(database_url, "DELETE FROM orders WHERE verb = 'resume'", "DELETE FROM audit WHERE place = 2")
        assert errors() == []
        async with left.restart() as at:
            await at.command()
            await asyncio.sleep(20.0)
            assert await shows_a_gap(at)
            assert len(errors()) == 1
            assert "its last row was 2" in await verifies(at, database_url, "--verify", code=1)
            assert "whole: 2 rows" in await verifies(at, database_url, "--acknowledge", code=0)
            await asyncio.sleep(20.0)
            assert "acknowledged a gap: its last row was 2" in await verifies(at, database_url, "--verify", code=0)
            assert not await shows_a_gap(at)
        async with left.restart() as at:
            await asyncio.sleep(1.0)
            assert not await shows_a_gap(at)
