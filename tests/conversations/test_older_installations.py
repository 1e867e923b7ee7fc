"""Installations that lack scopes of the manifest: they go on working, and Home says what a reinstall adds."""

import pytest

from bot.core.policy import Role
from bot.messages.admin_notices import reinstall_message
from bot.messages.home import Home, home_view
from bot.messages.home_status import APP_SETTINGS_URL, reinstall_advice
from harness import BOTH_TRANSPORTS, AdminHarness, ManyHarness, single_workspace

pytestmark = pytest.mark.anyio


def install_url(at: ManyHarness) -> str:
    return f"{at.environ['BASE_URL']}/slack/install"


@BOTH_TRANSPORTS
async def test_an_older_installation_works_and_its_admins_see_what_a_reinstall_adds(at: ManyHarness) -> None:
    team = await AdminHarness.open(at, with_key=True)
    await at.store.rows.set_alerts_channel(team.team_id, team.channel.id)
    team.workspace.installation.scopes.discard("chat:write")
    await team.command()
    await team.command(verb="resume")
    assert [order.verb for order in team.orders] == ["pause", "resume"]
    advice = reinstall_advice(["chat:write"], install_url=install_url(at))
    home = await team.open_home()
    assert advice in home.text
    assert ("`users:read`" in home.text, "missing_scope" in home.text) == (False, False)
    assert install_url(at) not in (await team.open_home(team.member)).text
    await at.install(team)
    assert install_url(at) not in (await team.open_home()).text


async def test_without_roles_everybody_sees_it_because_nobody_is_known_as_an_admin(at: ManyHarness) -> None:
    team = await AdminHarness.open(at, with_key=True)
    team.workspace.installation.scopes = {"commands", "chat:write"}
    await team.command(user=team.member)
    await team.command(user=team.member, verb="resume")
    assert [order.verb for order in team.orders] == ["pause", "resume"]
    footer = str(home_view(Home(await team.stored(), Role.SCOPE_MISSING, "")).blocks[-1]["elements"][0]["text"])
    advice = reinstall_advice(["users:read"], install_url=install_url(at))
    for user in (team.admin, team.member):
        home = await team.open_home(user)
        assert (advice in home.text, footer in home.text) == (True, True)
        assert home.find("anchor_change_policy") is None
    assert await team.wait_for_direct_messages(user=team.admin) == [reinstall_message(install_url(at)).text]
    await at.install(team)
    for user in (team.admin, team.member):
        assert install_url(at) not in (await team.open_home(user)).text


async def test_without_oauth_the_way_leads_to_the_settings_of_the_app() -> None:
    async with single_workspace() as at:
        at.workspace.change_user(at.person, is_admin=True)
        at.workspace.installation.scopes.discard("chat:write")
        await at.slack.open_home(at.person)
        await at.slack.until(lambda: at.slack.home_of(at.person))
        home = at.slack.home_of(at.person)
    assert home is not None
    assert APP_SETTINGS_URL in home.text
