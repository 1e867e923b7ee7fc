"""What operators see of a bot, and what it costs."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp.http import StreamWriter
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from bot.inbound.slack.socket_mode import TICK
from bot.outbound.store.database import Database
from bot.sim.anchor import DEFAULT_KEY, html, rate_limited
from bot.sim.local_server import free_port
from bot.sim.slack import Message, Source, api_error
from harness import BY_BOTH, Conversation, ManyHarness, SingleHarness, single_workspace
from harness.cards import COPIES
from harness.conversation import post_json, until
from harness.databases import KEY
from harness.order_rows import Connection
from harness.order_rows import Connection as StoreConnection
from harness.process import scrape
from harness.product import Secret, open_store
from harness.transport import BOTH_TRANSPORTS, HTTP_ONLY, current_transport
from harness.virtual_time import clock


async def degraded(at: SingleHarness | ManyHarness) -> dict[str, str]:
    """Ask the bot, which is ready."""
    async with aiohttp.ClientSession() as session, session.get(f"{at.bot.url}/readyz") as response:
        body = await response.json()
    assert (response.status, body["ready"], body["reasons"]) == (200, True, {})
    return dict(body["degraded"])


async def becomes(at: SingleHarness | ManyHarness, names: set[str]) -> dict[str, str]:
    """Wait until exactly these are degraded."""

    async def is_so() -> bool:
        return set(await degraded(at)) == names

    await until(is_so)
    return await degraded(at)


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, vars(record)["about"]) for record in caplog.records if record.name == "bot.runtime"]


async def test_a_key_that_anchor_refuses(caplog: pytest.LogCaptureFixture, wording: Callable[[str, str], None]) -> None:
    """It is checked every five minutes; no answer is no news."""
    caplog.set_level(logging.INFO)
    async with single_workspace() as at:
        at.anchor.revoke(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        wording("anchor_key", (await becomes(at, {"anchor_key"}))["anchor_key"])
        at.anchor.fault = html(503)
        await asyncio.sleep(305.0)
        assert len(at.anchor.requests) >= 2
        await becomes(at, {"anchor_key"})
        at.anchor.fault = None
        at.anchor.add_key(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        await becomes(at, set())
    assert logged(caplog) == [("ERROR", "anchor_key"), ("INFO", "anchor_key")]


async def test_why_a_bot_is_degraded_is_for_operators() -> None:
    """They ask from this machine, or with METRICS_TOKEN; all others see whether the bot is ready."""
    port, token = free_port(), "s3cret-of-the-metrics"
    own, wrong = {"Authorization": f"Bearer {token}"}, {"Authorization": "Bearer s3cret"}
    async with single_workspace(METRICS_PORT=str(port), METRICS_TOKEN=token) as at, aiohttp.ClientSession() as session:
        at.anchor.revoke(DEFAULT_KEY)
        await asyncio.sleep(305.0)
        await becomes(at, {"anchor_key"})

        async def ask(url: str, headers: dict[str, str]) -> tuple[int, bool]:
            async with session.get(url, headers=headers) as response:
                return response.status, "anchor_key" in await response.text()

        public, metrics = f"{at.bot.url}/readyz", f"http://127.0.0.1:{port}/metrics"
        assert await ask(public, {}) == (200, True)
        for header in ("X-Forwarded-For", "Forwarded", "X-Forwarded-Proto", "X-Real-IP", "Via"):
            assert await ask(public, {header: "for=203.0.113.1"}) == (200, False)
            assert await ask(public, {header: "", **wrong}) == (200, False)
            assert await ask(public, {header: "for=203.0.113.1", **own}) == (200, True)
        assert await ask(metrics, {}) == await ask(metrics, wrong) == (401, False)
        assert await ask(metrics, own) == (200, True)


@BOTH_TRANSPORTS
@HTTP_ONLY
async def test_requests_that_are_not_slacks_are_counted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        for pause in (0.0, 0.0, 11.0):
            await asyncio.sleep(pause)
            await post_json(f"{at.bot.url}/slack/events", {})
    lines = [vars(record) for record in caplog.records if record.message == "requests rejected"]
    assert [(one["status"], one["count"]) for one in lines] == [(401, 1), (401, 2)]


async def test_orders_are_counted_by_verb_source_and_outcome_and_timed() -> None:
    port = free_port()
    async with single_workspace(METRICS_PORT=str(port)) as at:
        before = await scrape(port)
        at.anchor.fault = rate_limited(0.1, times=1)
        for by in BY_BOTH:
            await at.answer(by)
        await at.command("00000000-0000-4000-8000-000000000000")
        await at.slack.until(lambda: len(at.answers()) == 3)
        after = await scrape(port)
    assert before("anchor_bot_orders_total") == 0
    for source, outcome in (("command", "Paused"), ("button", "Paused"), ("command", "NotFound")):
        assert after("anchor_bot_orders_total", verb="pause", source=source, outcome=outcome) == 1
    assert after("anchor_bot_orders_total", result="done") == 2
    assert after("anchor_bot_orders_total") == after("anchor_bot_order_outcome_seconds_count", verb="pause") == 3
    assert after("anchor_bot_order_delivery_seconds_count", route="ack") == 2
    assert after("anchor_bot_order_delivery_seconds_count", route="response_url") == 1
    assert after("anchor_bot_ack_seconds_count", status="200") == 3
    attempts = {"Paused": 2, "RateLimited": 1, "NotFound": 1}
    assert {
        outcome: after("anchor_bot_anchor_attempt_seconds_count", verb="pause", outcome=outcome) for outcome in attempts
    } == attempts
    for name in ("ack", "order_outcome", "order_delivery"):
        assert 0 < after(f"anchor_bot_{name}_seconds_sum") < 60


async def test_alerts_are_counted_by_outcome() -> None:
    port, bearer = free_port(), {"Authorization": "Bearer s3cret-of-the-alerts"}
    own: dict[str, Any] = {"ALERTS_TOKEN": "s3cret-of-the-alerts"}
    async with single_workspace(METRICS_PORT=str(port), ALERTS_CHANNEL="C0ALERTS001", **own) as at:
        alert = {"session_id": at.session, "text": "High spend"}
        for fields, headers in ((alert, bearer), (alert, {}), ({}, bearer)):
            await post_json(f"{at.bot.url}/alerts", fields, headers=headers)
        at.slack.faults["chat.postMessage"] = api_error("not_in_channel")
        await post_json(f"{at.bot.url}/alerts", alert | {"session_id": at.anchor.add_session()}, headers=bearer)
        metrics = await scrape(port)
    counts = {"Posted": 1, "Rejected": 1, "Invalid": 1, "Refused": 1, "Doubtful": 0, "TryAgain": 0}
    assert {one: metrics("anchor_bot_alerts_total", outcome=one) for one in counts} == counts


MOST_WAKEUPS, MOST_IN_SOCKET_MODE, MOST_CALLS = 2.5, 4.0, 0.9  # a second; one more look can fall into the time
MEASURED = 64.0  # seconds: a multiple of all intervals
TOKEN = "token-of-alerts-0123456789abcdef"


def add_quiet_cards(connection: Connection, count: int, team_id: str) -> None:
    for sql in COPIES:
        connection.execute(sql, count=count, channels=1, team_id=team_id)
    connection.execute("UPDATE messages SET due = NULL, ts = coalesce(ts, id)")


@BOTH_TRANSPORTS
@pytest.mark.parametrize("cards", [0, 1000])
async def test_an_idle_bot_wakes_up_rarely(cards: int, sqlite_url: str) -> None:
    own = {
        "DATABASE_URL": sqlite_url,
        "ENCRYPTION_KEYS": KEY.reveal(),
        "ALERTS_TOKEN": TOKEN,
        "ALERTS_CHANNEL": "C0ALERTS001",
    }
    own["REMIND_BEFORE"] = "5"
    async with single_workspace(tick=TICK, **own) as at, open_store(Secret(sqlite_url), [KEY]) as store:  # type: ignore[arg-type]
        body = {"session_id": at.session, "text": "costs"}
        await post_json(f"{at.bot.url}/alerts", body, headers={"Authorization": f"Bearer {TOKEN}"})
        await asyncio.sleep(130.0)  # until the start is over, and the session has been read
        await store.database.change(lambda connection: add_quiet_cards(connection, cards, at.workspace.team_id))
        for row in await store.database.fetch_all("SELECT session_id FROM parts"):
            if row.session_id != at.session:
                began = at.anchor.session(at.session).began_at
                at.anchor.add_session(session_id=row.session_id, created_at=began)
        with counted(type(store.database), "read") as reads, counted(type(store.database), "change") as changes:
            before = clock.wakeups
            await asyncio.sleep(MEASURED)
            per_second = (clock.wakeups - before) / MEASURED
        most = MOST_IN_SOCKET_MODE if current_transport.is_socket else MOST_WAKEUPS
        assert 0.0 < per_second <= most
        assert 0.0 < (len(reads) + len(changes)) / MEASURED <= MOST_CALLS


@contextmanager
def statements(table: str = "workspaces") -> Iterator[list[str]]:
    """Collect the statements about a table of any database of the process; those for many rows count as one."""
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        queue = StoreConnection.queue

        def note(connection: StoreConnection, sql: str, *rows: Any) -> Any:
            if table in sql and rows:
                sent.append(sql.split(maxsplit=1)[0])
            return queue(connection, sql, *rows)

        patch.setattr(StoreConnection, "queue", note)
        yield sent


async def pause(at: Conversation, by: str) -> list[Message]:
    """Pause the session, and return what that has put into the channel, the clicked message first."""
    before = len(at.messages())
    await at.answer(by)
    if by == "a click":
        await at.wait_for_update(at.messages()[before])
    return at.messages()[before:]


def running_tasks() -> int:
    """The tasks besides those of connections: how many are open depends on how many calls came together."""
    return sum(task.get_coro().__qualname__ != RequestHandler.start.__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]


@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_of_a_known_person_costs_one_call_of_anchor_and_none_of_slacks_api(by: str) -> None:
    async with single_workspace() as at:
        await pause(at, by)
        await asyncio.sleep(0.5)  # until everything is written in the background
        calls, orders, tasks = len(at.methods), len(at.orders), running_tasks()
        with statements() as about_workspaces, counted(Database, "change_orders") as transactions:
            messages = await pause(at, by)
            await until(lambda: running_tasks() <= tasks)
            # its record and its outcome, at once for a command; that it was told is recorded with later ones
            assert len(transactions) == (1 if by == "a command" else 2)
        assert (len(at.methods) - calls, len(at.orders) - orders, about_workspaces) == (0, 1, ["INSERT"])
        posts = [message for message in messages if message.source is Source.RESPONSE_URL]
        updates = sum(message.revision for message in messages)
    assert (len(posts), updates) == ((0, 0) if by == "a command" else (1, 1))


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_pause_is_sent_to_anchor_before_its_transaction_begins(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    change, send = Database.change_orders, StreamWriter.write_headers

    def note_change(*values: Any, **named: Any) -> Awaitable[Any]:
        begun.append("transaction")
        return change(*values, **named)

    def note_request(writer: StreamWriter, status_line: str, headers: CIMultiDict[str]) -> Awaitable[None]:
        begun.extend(status_line.split()[1].rsplit("/", 1))
        return send(writer, status_line, headers)

    async with single_workspace() as at:
        await pause(at, by)  # which opens the connections
        await asyncio.sleep(0.1)
        monkeypatch.setattr(StreamWriter, "write_headers", note_request)
        monkeypatch.setattr(Database, "change_orders", note_change)
        await pause(at, by)
        await until(lambda: "transaction" in begun)
    assert "pause" in begun[: begun.index("transaction")]


@contextmanager
def counted(owner: type, name: str) -> Iterator[list[str]]:
    """Collect the calls of a method."""
    calls: list[str] = []
    method = getattr(owner, name)

    def count(*values: Any, **named: Any) -> Any:
        calls.append(name)
        return method(*values, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, count)
        yield calls
