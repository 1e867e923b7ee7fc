"""Installations that lack scopes of the manifest: they go on working, and Home says what a reinstall adds."""

import pytest

from harness import BOTH_TRANSPORTS, AdminHarness, ManyHarness, single_workspace
from harness.texts import reinstall_advice, reinstall_notice

pytestmark = pytest.mark.anyio


@BOTH_TRANSPORTS
async def test_an_older_installation_works_and_its_admins_see_what_a_reinstall_adds(at: ManyHarness) -> None:
    team, url = await AdminHarness.open(at, with_key=True), f"{at.environ['BASE_URL']}/slack/install"
    await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    team.workspace.installation.scopes.discard("chat:write")
    await team.command()
    await team.command(verb="resume")
    assert [order.verb for order in team.orders] == ["pause", "resume"]
    home = await team.open_home()
    assert reinstall_advice("chat:write", url) in home.text
    assert ("`users:read`" in home.text, "missing_scope" in home.text) == (False, False)
    assert url not in (await team.open_home(team.member)).text
    await at.install(team)
    assert url not in (await team.open_home()).text


async def test_without_roles_everybody_sees_it_because_nobody_is_known_as_an_admin(at: ManyHarness) -> None:
    team, url = await AdminHarness.open(at, with_key=True), f"{at.environ['BASE_URL']}/slack/install"
    team.workspace.installation.scopes = {"commands", "chat:write"}
    await team.command(user=team.member)
    await team.command(user=team.member, verb="resume")
    assert [order.verb for order in team.orders] == ["pause", "resume"]
    for user in (team.admin, team.member):
        home = await team.open_home(user)
        assert reinstall_advice("users:read", url) in home.text
        assert home.find("anchor_change_policy") is None
    assert await team.wait_for_direct_messages(user=team.admin) == [reinstall_notice(url)]
    await at.install(team)
    for user in (team.admin, team.member):
        assert url not in (await team.open_home(user)).text


async def test_without_oauth_the_way_leads_to_the_settings_of_the_app() -> None:
    async with single_workspace() as at:
        at.workspace.change_user(at.person, is_admin=True)
        at.workspace.installation.scopes.discard("chat:write")
        assert "https://api.slack.com/apps" in (await at.open_home()).text
