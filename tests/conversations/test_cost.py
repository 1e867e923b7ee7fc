"""The cost of an order: calls, statements, tasks and objects. Counted, not timed."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp
import pytest
from aiohttp.connector import Connection
from aiohttp.web_protocol import RequestHandler
from sqlalchemy import Engine, event, text

from bot.sim.slack import Message, Source
from harness import BOTH_TRANSPORTS, BY_BOTH, Conversation, SingleHarness, single_workspace
from harness.conversation import until
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.product import OrderRows, Secret, workspace

pytestmark = pytest.mark.anyio

MANY = 1_000


@contextmanager
def statements(table: str = "workspaces") -> Iterator[list[str]]:
    """Collect the statements about a table of any engine of the process."""
    sent: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if table in statement:
            sent.append(statement.split(maxsplit=1)[0])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def fill(at: ManyHarness, count: int) -> None:
    """As many workspaces as that, copies of the first one in the database. Nobody decrypts their tokens."""
    names = "team_name, app_id, bot_user_id, bot_token, scopes, installed_by, installed_at"
    sql = f"INSERT INTO workspaces (team_id, {names}) SELECT :team, {names} FROM workspaces LIMIT 1"  # noqa: S608
    await at.store.database.execute(text(sql), [{"team": f"T0CROWD{number:06}"} for number in range(count)])  # type: ignore[arg-type]


async def pause(at: Conversation, by: str) -> list[Message]:
    """Pause the session, and return what that has put into the channel, the clicked message first."""
    before = len(at.messages())
    await at.answer(by)
    if by == "a click":
        await at.wait_for_update(at.messages()[before])
    return at.messages()[before:]


JOURNALED = [["INSERT", "SELECT", *["UPDATE"] * count] for count in range(3)]
"""The statements of an order, with the search for other orders of the session: its outcome can be known, and delivered,
before it is written.
"""


@pytest.mark.parametrize("by", BY_BOTH)
async def test_an_order_of_a_known_person_costs_one_call_of_anchor_and_none_of_slacks_api(by: str) -> None:
    async with single_workspace() as at:
        await pause(at, by)
        await asyncio.sleep(0.5)  # until everything is written in the background
        calls, orders, tasks = len(at.methods), len(at.orders), running_tasks()
        with statements() as about_workspaces, statements("orders") as about_orders:
            messages = await pause(at, by)
            await until(lambda: running_tasks() <= tasks)
            await until(lambda: about_orders in JOURNALED)
        assert (len(at.methods) - calls, len(at.orders) - orders, about_workspaces) == (0, 1, [])
        assert about_orders in JOURNALED
        posts = [message for message in messages if message.source is Source.RESPONSE_URL]
        updates = sum(message.revision for message in messages)
    assert (len(posts), updates) == ((0, 0) if by == "a command" else (1, 1))


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_a_pause_is_sent_to_anchor_before_its_transaction_begins(
    by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    write, send = OrderRows.write, aiohttp.ClientRequest.send

    def note_write(*values: Any) -> Awaitable[Any]:
        begun.append("transaction")
        return write(*values)

    def note_request(request: aiohttp.ClientRequest, connection: Connection) -> Awaitable[aiohttp.ClientResponse]:
        begun.append(request.url.name)
        return send(request, connection)

    async with single_workspace() as at:
        await pause(at, by)  # which opens the connections
        await asyncio.sleep(0.1)
        monkeypatch.setattr(aiohttp.ClientRequest, "send", note_request)
        monkeypatch.setattr(OrderRows, "write", note_write)
        await pause(at, by)
        await until(lambda: "transaction" in begun)
    assert "pause" in begun[: begun.index("transaction")]


async def test_an_order_of_a_session_without_cards_costs_one_read_of_them() -> None:
    async with single_workspace() as at:
        await at.command()
        await asyncio.sleep(0.3)
        with statements("cards") as about_cards:
            await at.command()
            await asyncio.sleep(0.3)  # beside it, and behind the path to Anchor
    assert about_cards in (["SELECT"], ["SELECT", "SELECT"])  # one of them every 2 seconds


async def test_a_burst_of_pauses_costs_one_call_each_and_two_reads_per_second() -> None:
    async with single_workspace(ack_wait=5.0) as at:
        sessions = [at.anchor.add_session(tags=["nightly"], seconds=0.8) for _ in range(AT_ONCE)]
        began = time.monotonic()
        await asyncio.gather(*map(at.command, sessions))
        messages = await at.wait_for_messages(AT_ONCE)
        seconds = time.monotonic() - began
        posts = [order.session_id for order in at.anchor.orders]
        reads = [request.verb for request in at.anchor.requests if request.method == "GET"]
    assert sorted(map(str, posts)) == sorted(sessions)
    assert sorted(map(str, reads[:2])) == ["get", "list"]
    assert len(reads) <= 2 * (1 + seconds // 1.0)
    assert [message.text for message in messages if "`nightly`" not in message.text] == []


KEPT = ("Paused", "Actor", "Order", "ReplyAddress", "JournalEntry", "RunningOrder", "_Request")
"""The objects of an order that are kept for requests that come twice, and for the limits."""

READ = {"Session", "_Known"}
"""The objects of the sessions that were read: a bounded number."""

AT_ONCE = 20


def objects() -> Counter[str]:
    """Count the objects of the bot's own classes."""
    types = map(type, gc.get_objects())
    return Counter(
        kind.__name__
        for kind in types
        if str(kind.__module__).startswith("bot.") and not str(kind.__module__).startswith("bot.sim.")
        if kind.__name__ not in READ
    )


def running_tasks() -> int:
    """The tasks besides those of connections: how many are open depends on how many calls came together."""
    return sum(task.get_coro().__qualname__ != RequestHandler.start.__qualname__ for task in asyncio.all_tasks())  # type: ignore[union-attr]


async def pause_many(at: SingleHarness, count: int) -> None:
    for _ in range(count // AT_ONCE):
        sessions = [at.anchor.add_session() for _ in range(AT_ONCE)]
        await asyncio.gather(*map(at.command, sessions))


@pytest.mark.slow
async def test_a_thousand_commands_leave_no_task_and_nothing_for_the_garbage_collector() -> None:
    async with single_workspace() as at:
        await pause_many(at, AT_ONCE)  # which opens the connections
        await asyncio.sleep(0.1)
        gc.collect()
        gc.disable()
        try:
            tasks, before = running_tasks(), objects()
            await pause_many(at, MANY)
            await until(lambda: running_tasks() <= tasks)
            kept = dict.fromkeys(KEPT, MANY)
            with suppress(TimeoutError):  # the journal is written in the background
                await until(lambda: objects() - before == kept)
            assert objects() - before == kept
            assert gc.collect() < MANY / 10  # what other tests have left is not counted before
        finally:
            gc.enable()


async def cost(at: ManyHarness, tenant: Tenant) -> tuple[list[str], list[str], int]:
    """The statements of a first command and of a second one, and the calls to Slack of both."""
    calls, orders = len(at.slack.api_calls), len(tenant.orders)
    with statements() as first:
        await tenant.command()
    with statements() as second:
        await tenant.command()
    assert len(tenant.orders) == orders + 2
    return first, second, len(at.slack.api_calls) - calls


@pytest.mark.slow
async def test_a_command_costs_the_same_in_a_deployment_of_a_thousand(database_url: str) -> None:
    async with many_workspaces(database_url) as at:
        tenant = await at.set_up(at.add(1))
        key = workspace.AnchorKey(Secret(tenant.key), workspace.KeyCheck.VERIFIED)
        await at.store.rows.set_key(tenant.team_id, key)
        await tenant.command()  # so that Slack has said who it is that types
        alone = await cost(at, tenant)
        await fill(at, MANY - 1)
        among_many = await cost(at, tenant)
        assert len(await at.store.rows.summaries()) == MANY
    assert alone == among_many == (["SELECT"], ["SELECT"], 0)
