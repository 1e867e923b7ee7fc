"""`anchor-bot doctor` for many workspaces: each of them, or the chosen one."""

import pytest

from bot.sim.slack import api_error, server_error
from harness import ManyHarness, Tenant
from harness.databases import OTHER_KEY
from harness.doctor import examined
from harness.product import checks

pytestmark = pytest.mark.anyio

N = checks.CheckName
Good, Wrong, Skipped, Open = checks.Good, checks.Wrong, checks.Skipped, checks.Unanswered
OF_A_WORKSPACE = (N.BOT_TOKEN, N.SCOPES, N.ANCHOR_KEY, N.ALERT_CHANNEL)


async def set_up(at: ManyHarness, *numbers: int) -> list[Tenant]:
    tenants = [await at.set_up(at.add(number)) for number in numbers]
    for tenant in tenants:
        await at.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)
    return tenants


async def test_every_workspace_is_checked_or_the_chosen_one(at: ManyHarness) -> None:
    none = await examined(at.environ)
    assert (none.code, none.has(N.WORKSPACES, Skipped.NO_WORKSPACES)) == (0, True)
    tenants = await set_up(at, *range(1, 13))
    found = await examined(at.environ)
    assert (found.code, found.failures()) == (0, {})
    for tenant in tenants:
        kinds = [found.kind(name, tenant.team_id) for name in OF_A_WORKSPACE]
        assert kinds == [Good.TOKEN_ACCEPTED, Good.SCOPES_GRANTED, Good.KEY_ACCEPTED, Good.CHANNEL_OPEN]
    assert (found.kind(N.ENCRYPTION), found.kind(N.CLIENT_SECRET)) == (Good.KEYS_FIT, Good.CLIENT_NOT_REFUSED)
    assert at.slack.platform.scheduled == {}
    one = await examined(at.environ, "--workspace", tenants[1].team_id)
    assert (one.code, {team_id for _, team_id in one.records}) == (0, {"", tenants[1].team_id})
    unknown = await examined(at.environ, "--workspace", "T0NOBODY001")
    assert (unknown.code, unknown.has(N.WORKSPACES, Wrong.NOT_INSTALLED, "T0NOBODY001")) == (2, True)
    assert tenants[0].team_id not in "\n".join(unknown.lines)


async def test_a_client_that_slack_refuses_is_wrong_and_one_that_it_does_not_judge_is_not_called_right(
    at: ManyHarness,
) -> None:
    for changed, code in (("SLACK_CLIENT_ID", "invalid_client_id"), ("SLACK_CLIENT_SECRET", "bad_client_secret")):
        found = await examined(at.environ | {changed: "something-else"})
        assert (found.code, found.failures()) == (2, {N.CLIENT_SECRET: Wrong.CLIENT_REFUSED})
        assert found.has(N.CLIENT_SECRET, Wrong.CLIENT_REFUSED, code=code)
    for fault, why in ((api_error("invalid_scope"), "invalid_scope"), (server_error(), "oauth.v2.access")):
        at.slack.faults["oauth.v2.access"] = fault
        assert (await examined(at.environ)).has(N.CLIENT_SECRET, Open.NO_ANSWER, who="Slack", why=why)


async def test_what_is_wrong_in_one_says_nothing_about_the_other(at: ManyHarness) -> None:
    good, bad, damaged = await set_up(at, 1, 2, 3)
    without = at.add(4)
    await at.install(without)
    bad.workspace.installation.refusal = "token_revoked"
    at.anchor.revoke(bad.key)
    await at.execute("UPDATE workspaces SET policy = 'damaged' WHERE team_id = 'T0TENANT003'")
    found = await examined(at.environ)
    assert found.code == 2
    assert found.has(N.BOT_TOKEN, Wrong.TOKEN_REFUSED, bad.team_id, code="token_revoked")
    assert found.has(N.ANCHOR_KEY, Wrong.KEY_REFUSED, bad.team_id, status="401")
    assert found.has(N.SCOPES, Skipped.NOT_CHECKED, bad.team_id, why=f"see {N.BOT_TOKEN}")
    assert found.has(N.ANCHOR_KEY, Wrong.KEY_UNSET, without.team_id)
    assert found.has(N.ALERT_CHANNEL, Good.NO_ALERTS, without.team_id)
    assert found.kind(N.ENCRYPTION, damaged.team_id) == Wrong.ROW_UNREADABLE
    assert found.kind(N.ANCHOR_KEY, good.team_id) == Good.KEY_ACCEPTED


async def test_a_database_that_can_not_be_read_is_named(at: ManyHarness) -> None:
    found = await examined(at.environ | {"ENCRYPTION_KEYS": OTHER_KEY.reveal()})
    assert (found.code, found.failures()) == (2, {N.ENCRYPTION: Wrong.KEYS_UNFIT})
    found = await examined(at.environ | {"DATABASE_URL": "postgresql://bot@127.0.0.1:1/bot"})
    assert (found.code, found.failures()) == (1, {N.DATABASE: Open.DATABASE_DOWN})
    assert found.has(N.WORKSPACES, Skipped.NOT_CHECKED, why=f"see {N.DATABASE}")
