"""How people open the app's tabs in simulated Slack, what the app gets, and to whom it can write."""

import pytest

from bot.sim.slack import (
    Enterprise,
    Installation,
    NotPossibleError,
    SimSlack,
    Workspace,
)
from sim.api_client import Api
from sim.screens import (
    Part,
    Screens,
    actions,
    as_written,
    home,
    ids_of,
    menu,
    sample,
    section,
)
from sim.ways import Ways

pytestmark = pytest.mark.anyio

FIRST = sample("event.app_home_opened.first_time_no_view")
AGAIN = sample("event.app_home_opened")


def known(payload: Part) -> Part:
    """The part of an event's envelope that is the same for each."""
    different = ("event", "event_id", "event_time")
    return {name: value for name, value in payload.items() if name not in different}


async def test_the_first_visit_has_no_view(slack: SimSlack, ways: Ways) -> None:
    assert slack.home_of(slack.alice) is None

    delivery = await slack.open_home(slack.alice)

    assert known(ways.last) == known(FIRST)
    assert ways.last["event"] == FIRST["event"] | {"event_ts": "1785000000.000100"}
    assert list(ways.last["event"]) == list(FIRST["event"])
    assert (delivery.answer.status, slack.home_of(slack.alice)) == (200, None)


async def test_later_visits_say_what_the_tab_shows(slack: SimSlack, screens: Screens, ways: Ways) -> None:
    view = await screens.publish(as_written(AGAIN["event"]["view"]))

    await slack.open_home(slack.alice)

    shown = AGAIN["event"]["view"] | ids_of(view)
    assert ways.last["event"] == AGAIN["event"] | {"view": shown, "event_ts": "1785000000.000100"}
    assert list(ways.last["event"]) == list(AGAIN["event"])
    assert list(ways.last["event"]["view"]) == list(AGAIN["event"]["view"])


async def test_the_state_of_a_tab_is_not_told_with_a_visit(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home(actions(menu("users_select", initial_user="U0BOB000001"))))

    await slack.open_home(slack.alice)

    assert heard.last["event"]["view"]["state"] == {"values": {}}


async def test_the_messages_tab_has_no_view(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home())

    await slack.open_home(slack.alice, tab="messages")

    assert heard.last["event"]["tab"] == "messages"
    assert "view" not in heard.last["event"]


async def test_everyone_has_a_tab_of_their_own(slack: SimSlack, screens: Screens, heard: Ways) -> None:
    await screens.publish(home(section("for Alice")))

    await slack.open_home(slack.bob)

    assert heard.last["event"]["channel"] == slack.home.dm_with_bot(slack.bob).id
    assert "view" not in heard.last["event"]
    assert slack.home_of(slack.bob) is None


async def test_people_open_the_tab_of_their_own_workspace(slack: SimSlack, heard: Ways) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    partner.add_user(slack.outsider.id, "mallory")
    partner.add_user(slack.alice.id, "alice", team_id="T0HOME00001")
    slack.add_workspace(partner)

    await slack.open_home(slack.outsider)
    assert heard.last["team_id"] == "T0PARTNER01"
    await slack.open_home(slack.alice)
    assert heard.last["team_id"] == "T0HOME00001"
    for person, workspace in ((slack.outsider, slack.home), (slack.alice, partner)):
        with pytest.raises(NotPossibleError, match="other workspaces"):
            await slack.open_home(person, workspace)
    with pytest.raises(KeyError):
        await slack.open_home("U0NOBODY001")


async def test_outsiders_have_no_tab(slack: SimSlack, heard: Ways) -> None:
    with pytest.raises(NotPossibleError, match="other workspaces"):
        await slack.open_home(slack.outsider)
    assert heard.got == []


async def test_colleagues_from_the_same_organisation_have_one(slack: SimSlack, heard: Ways) -> None:
    slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    slack.add_workspace(Workspace("T0SISTER001", "acme-eu", Installation("xoxb-sister"), slack.home.enterprise))
    colleague = slack.home.add_user("U0COLLEAG01", "col", team_id="T0SISTER001")

    await slack.open_home(colleague)

    assert (heard.last["team_id"], heard.last["event"]["user"]) == ("T0HOME00001", "U0COLLEAG01")


async def test_a_tab_that_is_off_can_not_be_opened(slack: SimSlack, heard: Ways) -> None:
    app = slack.home.installation
    app.home_tab, app.messages_tab = False, True
    with pytest.raises(NotPossibleError, match="no such tab: home"):
        await slack.open_home(slack.alice)
    app.home_tab, app.messages_tab = True, False
    with pytest.raises(NotPossibleError, match="no such tab: messages"):
        await slack.open_home(slack.alice, tab="messages")
    with pytest.raises(NotPossibleError, match="no such tab: about"):
        await slack.open_home(slack.alice, tab="about")
    slack.home.change_user(slack.alice, deleted=True)
    with pytest.raises(NotPossibleError, match="deactivated"):
        await slack.open_home(slack.alice)
    assert heard.got == []


async def test_a_visit_can_be_told_again(slack: SimSlack, heard: Ways) -> None:
    delivery = await slack.open_home(slack.alice)

    await slack.events.again(delivery.request)

    assert heard.got[0] == heard.got[1]


async def test_with_the_messages_tab_off_the_app_can_not_write_to_people(slack: SimSlack, api: Api) -> None:
    slack.home.installation.messages_tab = False

    assert (await api.post(slack.alice.id))["error"] == "messages_tab_disabled"
    assert (await api.post(slack.alice_and_bot.id))["error"] == "messages_tab_disabled"


async def test_slack_takes_what_is_written_to_a_deactivated_person(slack: SimSlack, api: Api) -> None:
    """Nobody reads it. https://github.com/slackapi/python-slack-sdk/issues/1156"""
    slack.home.change_user(slack.bob, deleted=True)

    assert (await api.post(slack.bob.id))["ok"] is True
