"""While alerts can pause, one process tries the Anchor key every minute, and a refusal is told as always."""

import asyncio
from typing import Any

import pytest

from bot.sim.anchor import DEFAULT_KEY
from bot.sim.slack import User
from harness import HTTP_ONLY, Conversation, ManyHarness, Tenant, single_workspace
from harness.admin_texts import settings_texts
from harness.product import Secret
from harness.product import workspace as product

pytestmark = [pytest.mark.anyio, HTTP_ONLY]

AutoPause = product.AutoPause
MINUTES = 8
ON: dict[str, Any] = {
    "ALERTS_TOKEN": "token-of-alerts-0123456789abcdef",
    "AUTO_PAUSE": "observe",
    "AUTO_PAUSE_TOKENS": "default",
}


async def tries(at: Conversation | ManyHarness, key: str, seconds: float = MINUTES * 60.0) -> int:
    """How often the key is tried meanwhile."""
    at.anchor.requests.clear()
    await asyncio.sleep(seconds)
    return sum((request.verb, request.key) == ("statuses", key) for request in at.anchor.requests)


async def set_mode(at: ManyHarness, tenant: Tenant, mode: product.AutoPause, before: product.AutoPause) -> None:
    assert await at.store.rows.set_auto_pause(tenant.team_id, mode, before=before, by=tenant.person.id)


async def test_a_key_is_tried_each_minute_while_alerts_can_pause(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    assert await tries(at, tenant.key) == 0
    await set_mode(at, tenant, AutoPause.OBSERVE, AutoPause.OFF)
    assert MINUTES <= await tries(at, tenant.key) <= 1.3 * MINUTES + 1
    await set_mode(at, tenant, AutoPause.OFF, AutoPause.OBSERVE)
    assert await tries(at, tenant.key) == 0
    await set_mode(at, tenant, AutoPause.ON, AutoPause.OFF)
    await at.execute("UPDATE workspaces SET anchor_api_key = NULL")
    assert await tries(at, tenant.key, seconds=130.0) == 0


async def test_a_key_that_anchor_refuses_is_told_within_a_minute_without_an_order(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    setter: User = tenant.workspace.add_user("U0SETTER001", "setter", is_admin=True)
    key = product.AnchorKey(Secret(tenant.key), product.KeyCheck.VERIFIED, setter.id, 1_785_000_000)
    assert await at.store.rows.set_key(tenant.team_id, key)
    await set_mode(at, tenant, AutoPause.ON, AutoPause.OFF)
    await asyncio.sleep(60.0)
    at.anchor.revoke(tenant.key)
    await asyncio.sleep(60.0)
    told = settings_texts.key_refused_message(product.AnchorKey(Secret(tenant.key)), by_admins=True).text
    assert await tenant.wait_for_direct_messages(user=setter) == [told]
    await asyncio.sleep(300.0)
    assert await tenant.wait_for_direct_messages(user=setter) == [told]
    found = await at.store.rows.find(tenant.team_id)
    assert found
    assert found.anchor_key
    assert found.anchor_key.check is product.KeyCheck.REFUSED


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_refused_key_is_told_in_the_channel_for_alerts_if_no_admin_has_opened_home(is_open: bool) -> None:
    own: dict[str, Any] = ON | {"ALERTS_CHANNEL": "C0ALERTS001"}
    async with single_workspace(**own) as at:
        if is_open:
            await at.open_home(at.slack.alice)
        at.anchor.revoke(DEFAULT_KEY)
        key = product.AnchorKey(Secret(DEFAULT_KEY))
        notice = settings_texts.key_refused_message(key, by_admins=False).text
        await asyncio.sleep(130)
        in_channel = [one.text for one in at.messages() if one.text == notice]
        assert (in_channel, len(at.direct_messages(at.slack.alice))) == ([] if is_open else [notice], int(is_open))
