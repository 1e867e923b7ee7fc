"""A database that is damaged while the bot runs: it fails, so pauses go on, and /readyz and the log name what fails."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.outbound.store.schema import TABLES
from conversations.test_health import becomes, degraded
from harness import ManyHarness, Tenant, many_workspaces, paused
from harness.conversation import until
from harness.outages import execute

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


NEEDED, READ = {"orders", "audit", "workspaces"}, {"messages", "parts"}
"""The tables without which no order is recorded, and those that it only reads if they have no card of its session."""


async def pause_20(tenant: Tenant, *, is_recorded: bool = True) -> None:
    sessions = [tenant.anchor.add_session(key=tenant.key) for _ in range(20)]
    given = await asyncio.gather(*map(tenant.command, sessions))
    told = [one.ack and one.ack.text for one in given]
    user = tenant.person.id
    assert told == [paused(session=session, user=user, is_recorded=is_recorded) for session in sessions], is_recorded


async def until_named(at: ManyHarness, name: str) -> None:
    async def is_named() -> bool:
        return name in " ".join((await degraded(at)).values())

    await until(is_named)


FAULTS = {
    "missing": ("ALTER TABLE {0} RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO {0}"),
    "forbidden": ("REVOKE ALL ON {0} FROM {1}", "GRANT ALL ON {0} TO {1}"),
    "only read": ("REVOKE INSERT, UPDATE, DELETE ON {0} FROM {1}", "GRANT ALL ON {0} TO {1}"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_pauses_go_on_without_any_one_table(
    fault: str, postgresql_urls: Iterator[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.outbound.store.store.CHECK_INTERVAL", 0.2)
    url, (damage, repair) = next(postgresql_urls), FAULTS[fault]
    role = urlsplit(url).path.removeprefix("/")
    await execute(url, f"CREATE ROLE {role} LOGIN", f"GRANT ALL ON SCHEMA public TO {role}")
    async with many_workspaces(url.replace("//postgres:", f"//{role}:")) as at:
        tenant = await at.set_up(at.add(1))
        await tenant.command()  # which brings the workspace into memory
        for table in TABLES:
            await execute(url, damage.format(table, role))
            needed = NEEDED if fault == "only read" else NEEDED | READ
            await pause_20(tenant, is_recorded=table not in needed)
            if fault != "only read":
                await until_named(at, table)
            await execute(url, repair.format(table, role))
            await becomes(at, set())
    logged = [record.exc_info for record in caplog.records if record.message == "database fails"]
    kinds = [str(info[1]) for info in logged if info]  # on a busy machine a timeout can be another one
    assert kinds.count("UndefinedTable" if fault == "missing" else "InsufficientPrivilege") == 1


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2 + 100)
