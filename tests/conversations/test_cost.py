"""The cost of an order: calls, statements and tasks. Counted, not timed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp.http import StreamWriter
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from bot.sim.anchor import Slow
from bot.sim.slack import Message, Source
from harness import BOTH_TRANSPORTS, BY_BOTH, Conversation, single_workspace
from harness.conversation import until
from harness.order_rows import Connection as StoreConnection
from harness.product import OrderRows

pytestmark = pytest.mark.anyio


@contextmanager
def statements(table: str = "workspaces") -> Iterator[list[str]]:
    """Collect the statements about a table of any database of the process; those for many rows count as one."""
    sent: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fetch_all", "execute", "execute_many"):
            patch.setattr(StoreConnection, name, noted(getattr(StoreConnection, name), table, sent))
        yield sent


def noted(execute: Callable[..., Any], table: str, sent: list[str]) -> Callable[..., Any]:
    def note(connection: StoreConnection, sql: str, *values: Any, **named: Any) -> Any:
        if table in sql and (not values or len(values[0]) > 1):  # one row is executed alone
            sent.append(sql.split(maxsplit=1)[0])
        return execute(connection, sql, *values, **named)

    return note


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


JOURNALED = [["INSERT", "SELECT", *["UPDATE"] * count] for count in range(3)]
"""The statements of an order, with the search for others of its session: it can end before it is written."""

CLICKED = [[*before, "SELECT", *["UPDATE"] * count] for before in JOURNALED[:2] for count in range(3)]
"""The same for a click, with the search for the first one of a double click."""


@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_of_a_known_person_costs_one_call_of_anchor_and_none_of_slacks_api(by: str) -> None:
    async with single_workspace() as at:
        await pause(at, by)
        await asyncio.sleep(0.5)  # until everything is written in the background
        calls, orders, tasks = len(at.methods), len(at.orders), running_tasks()
        with statements() as about_workspaces, statements("orders") as about_orders:
            messages = await pause(at, by)
            await until(lambda: running_tasks() <= tasks)
            expected = CLICKED if by == "a click" else JOURNALED
            await until(lambda: about_orders in expected)
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


@BOTH_TRANSPORTS
@pytest.mark.parametrize(("by", "transactions"), [("a command", 2), ("a click", 3)])
async def test_an_order_is_written_in_two_transactions_and_a_click_in_one_more_when_it_is_told(
    by: str, transactions: int
) -> None:
    """The record; the outcome with the marks of cards and, if the ack carried it, that it was told."""
    async with single_workspace() as at:
        at.anchor.fault = Slow(0.05)
        await pause(at, by)
        await asyncio.sleep(2.0)
        with counted(OrderRows, "write") as written:
            await pause(at, by)
            await asyncio.sleep(1.0)
        assert len(written) == transactions
