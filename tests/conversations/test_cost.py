"""The cost of an order and of an alert: calls, statements and transactions. Counted, not timed."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp.http import StreamWriter
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from bot.outbound.store.database import Database
from bot.sim.slack import Message, Source
from harness import BOTH_TRANSPORTS, BY_BOTH, Conversation, single_workspace
from harness.conversation import post_json, until
from harness.order_rows import Connection as StoreConnection
from harness.product import OrderRows
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


JOURNALED = [["INSERT", "SELECT", *["UPDATE"] * count] for count in range(4)]
"""The statements of an order, with the search for others of its session: it can end before it is written."""


@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_of_a_known_person_costs_one_call_of_anchor_and_none_of_slacks_api(by: str) -> None:
    async with single_workspace() as at:
        await pause(at, by)
        await asyncio.sleep(0.5)  # until everything is written in the background
        calls, orders, tasks = len(at.methods), len(at.orders), running_tasks()
        with statements() as about_workspaces, statements("orders") as about_orders, statements("audit") as trail:
            messages = await pause(at, by)
            await until(lambda: running_tasks() <= tasks)
            await until(lambda: trail == ["INSERT"])
            newest_first = about_orders[::-1]
            newest_first.remove("INSERT")  # that of the audit trail, which reads the order
            assert newest_first[::-1] in JOURNALED
        assert (len(at.methods) - calls, len(at.orders) - orders, about_workspaces) == (0, 1, [])
        posts = [message for message in messages if message.source is Source.RESPONSE_URL]
        updates = sum(message.revision for message in messages)
    assert (len(posts), updates) == ((0, 0) if by == "a command" else (1, 1))


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_pause_is_sent_to_anchor_before_its_transaction_begins(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    write, send = OrderRows.write, StreamWriter.write_headers

    def note_write(*values: Any) -> Awaitable[Any]:
        begun.append("transaction")
        return write(*values)

    def note_request(writer: StreamWriter, status_line: str, headers: CIMultiDict[str]) -> Awaitable[None]:
        begun.extend(status_line.split()[1].rsplit("/", 1))
        return send(writer, status_line, headers)

    async with single_workspace() as at:
        await pause(at, by)  # which opens the connections
        await asyncio.sleep(0.1)
        monkeypatch.setattr(StreamWriter, "write_headers", note_request)
        monkeypatch.setattr(OrderRows, "write", note_write)
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
@pytest.mark.parametrize(("asks", "transactions", "orders"), [(False, 2, 0), (True, 8, 1)])
async def test_an_alert_costs_one_call_of_slack_and_two_transactions_and_its_pause_six_more(
    asks: bool,
    transactions: int,
    orders: int,
) -> None:
    """Its place, its post; since when it fires, the record, the decision, the outcome, that it is told, a read."""
    counts = set[tuple[int, int, int]]()
    settings = {"AUTO_PAUSE": "on", "AUTO_PAUSE_TOKENS": "default"}
    async with single_workspace(ALERTS_TOKEN=TOKEN, ALERTS_CHANNEL="C0ALERTS001", **settings) as at:  # type: ignore[arg-type]
        for number in range(4):
            await asyncio.sleep(1.5)
            session = at.anchor.add_session()
            alert = {"session_id": session, "text": "It spends.", "fingerprint": str(number)}
            calls = at.calls("chat.postMessage") + at.calls("chat.update")
            with counted(Database, "change") as changed:
                alert |= {"action": "pause"} if asks else {}
                await post_json(f"{at.bot.url}/alerts", alert, headers={"Authorization": f"Bearer {TOKEN}"})
                await asyncio.sleep(0.5)
            calls = at.calls("chat.postMessage") + at.calls("chat.update") - calls
            counts.add((calls, len(changed), len(at.anchor.posts(session))))
    assert min(counts) == (1, transactions, orders)
