"""A PostgreSQL that hangs: calls end in time, and hold up neither each other nor another database nor the end."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from harness.conversation import until
from harness.databases import KEY
from harness.order_rows import Connection
from harness.outages import network
from harness.product import Secret, Store, errors, open_store
from harness.stored import ACME, GLOBEX

pytestmark = [pytest.mark.anyio, pytest.mark.realtime]


def threads() -> int:
    return sum(thread.name.startswith("postgresql") for thread in threading.enumerate())


def write_much(connection: Connection) -> int:
    """Send more than the buffers of the network take."""
    return connection.execute("UPDATE workspaces SET team_name = :name", name="x" * 20_000_000)


async def is_unreachable(store: Store) -> bool:
    calls = [store.database.change(write_much, within=0.5) for _ in range(20)]
    calls += [store.database.change(lambda connection: connection.execute("SELECT 1"), within=0.5) for _ in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    return all(isinstance(result, errors.StoreUnreachableError) for result in results)


async def test_a_server_that_hangs_holds_up_nothing_and_is_used_again(postgresql_urls: Iterator[str]) -> None:
    before = threads()
    async with network(next(postgresql_urls)) as way, open_store(Secret("sqlite://"), [KEY]) as other:
        async with open_store(Secret(way.url), [KEY]) as store:
            await store.rows.save(ACME)
            async with way.cut():
                began = time.monotonic()
                hanging = asyncio.create_task(is_unreachable(store))
                for _ in range(5):
                    await other.rows.save(GLOBEX)
                assert time.monotonic() - began < 0.5
                assert await hanging
                assert time.monotonic() - began < 3
            assert await store.rows.find(ACME.team_id)
            way.goes_on.clear()
            hanging = asyncio.create_task(is_unreachable(store))
            await asyncio.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < 3
        assert await hanging
        await until(lambda: threads() <= before)
        way.goes_on.set()
        await asyncio.sleep(0.5)  # until the way has seen the end of each connection
