"""The cost of an order and of an alert: calls, statements and transactions. Counted, not timed."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

import pytest
from aiohttp.http import StreamWriter
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from bot.outbound.store.database import Database
from bot.sim.slack import Message, Source
from harness import BOTH_TRANSPORTS, BY_BOTH, Conversation, single_workspace
from harness.conversation import post_json, until
from harness.databases import KEY
from harness.order_rows import Connection as StoreConnection
from harness.order_rows import Statement
from harness.transport import HTTP_ONLY

pytestmark = pytest.mark.anyio

TOKEN = "s3cret-of-the-alerts"


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
            assert len(transactions) == 2  # its record, its outcome; that it was told is recorded with later ones
        assert (len(at.methods) - calls, len(at.orders) - orders, about_workspaces) == (0, 1, ["INSERT"])
        posts = [message for message in messages if message.source is Source.RESPONSE_URL]
        updates = sum(message.revision for message in messages)
    assert (len(posts), updates) == ((0, 0) if by == "a command" else (1, 1))


@HTTP_ONLY
async def test_ten_commands_wake_no_job_of_the_leader() -> None:
    async with single_workspace() as at:
        await at.command()
        with counted(Database, "read") as reads, counted(Database, "change") as changes:
            for _ in range(10):
                await at.command()
        assert len(reads) + len(changes) <= 3  # jobs that are due by chance


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


@HTTP_ONLY
async def test_a_command_costs_two_transactions_of_two_round_trips_of_postgresql(
    postgresql_urls: Iterator[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trips, started, start, flush = list[int](), list[Any](), Statement.start, StoreConnection.flush

    def note_statement(statement: Statement) -> None:
        if current_thread().name.startswith("postgresql-orders"):
            started.append(statement.sql)
        start(statement)

    def note(connection: StoreConnection) -> None:
        flush(connection)
        if current_thread().name.startswith("postgresql-orders") and started:
            if started[0] == connection.driver.translate(connection.driver.begin):
                trips.append(0)
            trips[-1] += 1
            started.clear()

    counts = list[list[int]]()
    async with single_workspace(DATABASE_URL=next(postgresql_urls), ENCRYPTION_KEYS=KEY.reveal()) as at:
        for _ in range(3):  # a renewal of the lease can come between
            await at.command()
            await asyncio.sleep(0.2)
            with monkeypatch.context() as patch:
                patch.setattr(Statement, "start", note_statement)
                patch.setattr(StoreConnection, "flush", note)
                await at.command()
            counts.append(trips.copy())
            trips.clear()
    assert min(counts) == [2, 2]


@HTTP_ONLY
@pytest.mark.parametrize(("asks", "transactions", "orders"), [(False, (1, 2), 0), (True, (2, 5), 1)])
async def test_an_alert_costs_one_call_of_slack_and_three_transactions_and_its_pause_four_more(
    asks: bool,
    transactions: tuple[int, int],
    orders: int,
) -> None:
    """The leader takes it; its place, its post. Since when it fires; the record, the decision, the outcome."""
    counts = set[tuple[int, int, int, int]]()
    settings = {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001", **settings) as at:  # type: ignore[arg-type]
        for number in range(4):
            await asyncio.sleep(1.5)
            session = at.anchor.add_session()
            alert = {"session_id": session, "text": "It spends.", "fingerprint": str(number)}
            calls = at.calls("chat.postMessage") + at.calls("chat.update")
            with counted(Database, "change") as changed, counted(Database, "change_orders") as of_orders:
                alert |= {"action": "pause"} if asks else {}
                await post_json(f"{at.bot.url}/alerts", alert, headers={"Authorization": f"Bearer {TOKEN}"})
                await asyncio.sleep(0.5)
            calls = at.calls("chat.postMessage") + at.calls("chat.update") - calls
            counts.add((calls, len(changed), len(of_orders), len(at.anchor.posts(session))))
    assert min(counts) == (1, *transactions, orders)
