"""What the client of simulated Slack does not let people do in a channel."""

import pytest

from bot.sim.slack import NotPossibleError, SimSlack
from sim.alerts import ALERT
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "place", "why"),
    [
        ("guest", "alerts", "deactivated"),
        ("outsider", "incidents", "not in the channel|only people of the installing workspace"),
        ("alice", "archived", "archived"),
    ],
)
async def test_only_people_in_a_channel_act_there(
    slack: SimSlack, app: RecordingApp, name: str, place: str, why: str
) -> None:
    slack.home.change_user(slack.guest, deleted=True)
    person, channel = getattr(slack, name), getattr(slack, place)
    message = slack.post(channel, "a", blocks=ALERT)

    for acting in (
        slack.click(person, message),
        slack.command(person, channel),
        slack.enter(person, channel, "I am on it"),
        slack.enter(person, channel, "/anchor-pause"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await acting
    assert (app.requests, slack.seen_by(person, channel)) == ([], [message])


async def test_some_things_are_not_possible_for_people_in_the_channel(slack: SimSlack, app: RecordingApp) -> None:
    ephemeral = slack.post(slack.alerts, "a", blocks=ALERT, ephemeral_to=slack.bob)
    with pytest.raises(NotPossibleError, match="does not see"):
        await slack.click(slack.alice, ephemeral)
    with pytest.raises(NotPossibleError, match="installing workspace"):
        await slack.command(slack.outsider, slack.alerts)
    for line in ("I am on it", "/anchor-pause"):
        with pytest.raises(NotPossibleError, match="takes no messages"):
            await slack.enter(slack.alice, slack.alice_and_bot, line)
    with pytest.raises(KeyError):
        await slack.command(slack.alice, "C0NOWHERE01")
    assert slack.archived not in slack.conversations_of(slack.alice)
    assert app.requests == []
