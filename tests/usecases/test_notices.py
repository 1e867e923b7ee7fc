"""The wait before people are notified again."""

import asyncio

import pytest

from bot.sim.slack import api_error
from harness import many_workspaces


@pytest.mark.anyio
@pytest.mark.parametrize("event", ["refused key", "missing scope"])
async def test_if_nobody_could_be_told_it_is_tried_again_after_ten_minutes_until_somebody_was(
    event: str, sqlite_url: str
) -> None:
    async with many_workspaces(sqlite_url) as at:
        tenant = await at.set_up(at.add(1))
        await at.store.people.record_admin(tenant.team_id, tenant.person.id, 1_785_000_000)
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
