"""What one workspace has to be told delays no other one, however much it is."""

import time

import pytest

from harness.cards import COPIES
from harness.conversation import until
from harness.many_workspaces import ManyHarness, Tenant, many_workspaces
from harness.texts import SESSION

pytestmark = [pytest.mark.anyio, pytest.mark.realtime]

TOKEN = "alerts-token-of-tenant"
DUE = 20_000


async def fill(at: ManyHarness, tenant: Tenant, channels: int) -> None:
    """Let very much be due for a workspace."""
    await at.take_alerts(tenant, TOKEN)
    status, _ = await at.post_alert(tenant.team_id, TOKEN, session_id=SESSION, text="It spends.")
    assert status == 200
    for number in range(channels):
        name, bot = f"{tenant.channel.id}{number}", tenant.workspace.installation.bot_user_id
        tenant.workspace.add_channel(name, f"alerts-{number}", tenant.person, bot)
    await at.store.database.execute(COPIES, count=DUE, channels=channels, team_id=tenant.team_id)


@pytest.mark.parametrize("channels", [1, 200])
async def test_twenty_thousand_due_cards_of_another_workspace_delay_neither_an_alert_nor_an_update(
    database_url: str, channels: int
) -> None:
    async with many_workspaces(database_url) as at:
        busy, ours = await at.set_up_two()
        await fill(at, busy, channels)
        await at.take_alerts(ours, TOKEN)
        began = time.monotonic()
        status, answer = await at.post_alert(ours.team_id, TOKEN, session_id=ours.session, text="It spends.")
        assert (status, time.monotonic() - began < 2.0) == (200, True)
        (card,) = [message for message in ours.messages() if message.ts == answer["ts"]]
        began = time.monotonic()
        await ours.command()
        await until(lambda: "Paused" in ours.current(card).text)
        assert time.monotonic() - began < 3.0
