"""A process that is killed amid a chaining of the audit trail, while another one writes and chains, too."""

import asyncio
import sys
from pathlib import Path

import pytest

from harness.databases import KEY
from harness.order_rows import order_row, rows_of, told
from harness.product import Secret, Store, open_store
from harness.product import outcomes as out
from harness.stored import fetch
from harness.trail import Lease, Verdict

pytestmark = pytest.mark.anyio

TESTS = Path(__file__).parents[1]
ORDERS, INTERVAL = 25, 0.02  # of each process: 50 in a second
KILLED = f"""
import asyncio, sys, time
sys.path[:0] = {[str(TESTS), str(TESTS.parent)]}
from harness.order_rows import Connection
from harness.product import Secret, open_store
from process.test_audit_crash import write

execute_many = Connection.execute_many

def freeze(connection, sql, rows):
    execute_many(connection, sql, rows)
    if "UPDATE audit" in sql:
        print("chaining", flush=True)
        time.sleep(60)

async def main(url, key):
    async with open_store(Secret(url), [Secret(key)]) as store:
        print("writing", flush=True)
        await write(store, "killed", Secret(key))
        Connection.execute_many = freeze
        await write(store, "killed", Secret(key))

asyncio.run(main(*sys.argv[1:]))
"""


async def write(store: Store, owner: str, key: Secret = KEY) -> None:
    """Let orders end, and chain their rows."""
    for _ in range(ORDERS):
        await rows_of(store, owner, key).write(told(order_row(), out.Paused()))
        await store.audit.chain(Lease(owner, is_alone=True))
        await asyncio.sleep(INTERVAL)


async def test_each_row_is_chained_once_if_a_process_is_killed_amid_a_chaining(database_url: str) -> None:
    async with open_store(Secret(database_url), [KEY]) as store:
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", KILLED, database_url, KEY.reveal()), stdout=asyncio.subprocess.PIPE
        )
        try:
            assert killed.stdout is not None
            assert await killed.stdout.readline() == b"writing\n"
            writing = asyncio.create_task(write(store, "other"))
            assert await killed.stdout.readline() == b"chaining\n"
        finally:
            killed.kill()  # at once: it may hold the file's lock, for which the other one waits
            await killed.communicate()
        await writing
        await write(store, "other")
        places = [place for (place,) in await fetch(store, "SELECT place FROM audit ORDER BY place")]
        assert places == list(range(1, len(places) + 1))
        assert len(places) > 3 * ORDERS
        assert await fetch(store, "SELECT count(*) FROM orders") == [(len(places),)]
        assert (await store.audit.verify(90)).verdict is Verdict.WHOLE
