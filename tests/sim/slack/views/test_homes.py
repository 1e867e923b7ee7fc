"""How people open the app's tabs in simulated Slack, and what the app gets."""

import pytest

from bot.sim.slack import Installation, NotPossibleError, SimSlack, Workspace
from harness.blocks import actions, home, menu
from harness.samples import Json, sample
from sim.recording_app import RecordingApp
from sim.view_client import ViewClient, as_written, ids_of

pytestmark = pytest.mark.anyio

FIRST = sample("event.app_home_opened.first_time_no_view")
AGAIN = sample("event.app_home_opened")


def comparable(payload: Json) -> Json:
    """Without what differs each time."""
    event = {name: part for name, part in payload["event"].items() if name != "event_ts"}
    return {name: part for name, part in payload.items() if name not in {"event_id", "event_time"}} | {"event": event}


async def test_a_visit_says_what_the_tab_shows(slack: SimSlack, views: ViewClient, app: RecordingApp) -> None:
    await slack.open_home(slack.alice)
    assert comparable(app.last) == comparable(FIRST)

    view = await views.publish(as_written(AGAIN["event"]["view"]))
    await slack.open_home(slack.alice)
    expected = AGAIN | {"event": AGAIN["event"] | {"view": AGAIN["event"]["view"] | ids_of(view)}}
    assert comparable(app.last) == comparable(expected)
    assert list(app.last["event"]) == list(AGAIN["event"])
    await views.publish(home(actions(menu("users_select", initial_user="U0BOB000001"))))
    await slack.open_home(slack.alice)
    assert app.last["event"]["view"]["state"] == {"values": {}}
    await slack.open_home(slack.alice, tab="messages")
    assert "view" not in app.last["event"]


async def test_people_open_the_tab_of_their_own_workspace(slack: SimSlack, app: RecordingApp) -> None:
    slack.add_workspace(partner := Workspace("T0PARTNER01", "partner", Installation("xoxb-partner")))
    partner.add_user(slack.outsider.id, "mallory")
    await slack.open_home(slack.outsider)
    assert app.last["team_id"] == "T0PARTNER01"


async def test_a_tab_that_a_person_does_not_have_cannot_be_opened(slack: SimSlack, app: RecordingApp) -> None:
    slack.home.installation.home_tab = slack.home.installation.messages_tab = False
    slack.home.change_user(slack.guest, deleted=True)

    for person, tab, why in (
        (slack.alice, "home", "no such tab: home"),
        (slack.alice, "messages", "no such tab: messages"),
        (slack.alice, "about", "no such tab: about"),
        (slack.guest, "home", "deactivated"),
        (slack.outsider, "home", "other workspaces"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await slack.open_home(person, tab=tab)
    assert app.requests == []
