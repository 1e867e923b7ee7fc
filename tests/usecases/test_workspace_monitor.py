"""The wait before people are notified again, and how the checks of many keys are saved."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest

from bot.sim.slack import api_error
from bot.usecases.workspace_monitor import WorkspaceMonitor
from harness import ManyHarness, many_workspaces
from harness.product import Secret, Tasks, outcomes, workspace

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("event", ["refused key", "missing scope"])
async def test_if_nobody_could_be_told_it_is_tried_again_after_ten_minutes_until_somebody_was(
    event: str, tmp_path: Path
) -> None:
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        await tell(at, event)


async def tell(at: ManyHarness, event: str) -> None:
    tenant = await at.set_up(at.add(1))
    await at.store.admins.record(tenant.team_id, tenant.person.id, 1_785_000_000)
    if event == "refused key":
        at.anchor.revoke(tenant.key)
    else:
        tenant.workspace.installation.scopes = {"commands", "chat:write"}
    at.slack.faults["chat.postMessage"] = api_error("messages_tab_disabled")
    for pause, count in ((0.0, 0), (590.0, 0), (20.0, 1), (200.0, 1)):
        await asyncio.sleep(pause)
        await tenant.answer("a command")
        await asyncio.sleep(5.0)
        at.slack.faults["chat.postMessage"] = None
        assert len(tenant.direct_messages()) == count


async def test_the_checks_of_many_new_keys_are_saved_one_after_another() -> None:
    """A database that saves one at a time would else let the last ones wait until their timeouts."""
    saving = [0]

    async def save(*_: object) -> None:
        saving.append(saving[-1] + 1)
        await asyncio.sleep(0.1)
        saving.append(saving[-1] - 1)

    store: Any = AsyncMock()
    store.record_key_check.side_effect = save
    tasks = Tasks()
    monitor = WorkspaceMonitor(store, Mock(), Mock(), tasks, Mock(), install_url="")
    new = workspace.Workspace("", Secret("xoxb-1"), workspace.AnchorKey(Secret("sk-new")))
    for number in range(20):
        monitor.record_result(replace(new, team_id=f"T0NEW{number:06}"), outcomes.Paused())
    assert await tasks.settle(within=20)
    assert max(saving) == 1
    assert store.record_key_check.await_count == 20
