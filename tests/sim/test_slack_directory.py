"""Which conversations people of simulated Slack have."""

import pytest

from bot.sim.slack import ChannelKind, Installation, SimSlack, Workspace

pytestmark = pytest.mark.anyio


async def test_people_have_the_conversations_they_are_in(slack: SimSlack) -> None:
    shared = [slack.alerts, slack.incidents, slack.private, slack.alice_and_bob]
    assert slack.conversations_of(slack.alice) == [*shared, slack.alice_and_bot]
    assert slack.conversations_of("U0BOB000001") == shared
    assert slack.conversations_of(slack.outsider) == [slack.alerts]
    assert slack.conversations_of("U0NOBODY001") == []


async def test_conversations_come_and_go(slack: SimSlack) -> None:
    joined = slack.home.add_channel("C0AAAAAAAA1", "aaa", slack.outsider, kind=ChannelKind.PRIVATE)
    assert slack.conversations_of(slack.outsider) == [slack.alerts, joined]

    slack.alerts.is_archived = True
    assert slack.conversations_of(slack.outsider) == [joined]

    joined.members.discard(slack.outsider.id)
    assert slack.conversations_of(slack.outsider) == []


async def test_conversations_of_every_workspace_count(slack: SimSlack) -> None:
    partner = Workspace("T0PARTNER01", "partner", Installation("xoxb-partner"))
    theirs = partner.add_channel("C0PARTNER01", "partners", slack.outsider)
    slack.add_workspace(partner)

    assert slack.conversations_of(slack.outsider) == [slack.alerts, theirs]
    assert slack.conversations_of(slack.alice)[0] == slack.alerts
    assert theirs not in slack.conversations_of(slack.alice)
