"""Global shortcuts: their payload, who has them, and that nothing is shown of their ack."""

import pytest

from bot.sim.slack import NotPossibleError, Rule, SimSlack
from sim.recording_app import RecordingApp

pytestmark = pytest.mark.anyio


async def test_the_payload_has_no_conversation_and_no_response_url(slack: SimSlack, app: RecordingApp) -> None:
    delivery = await slack.use_global_shortcut(slack.alice)
    assert delivery.status == 200
    assert app.last == {
        "type": "shortcut",
        "token": "deprecatedVerificationToken",
        "action_ts": "1785000000.000000",
        "team": {"id": "T0HOME00001", "domain": "acme"},
        "user": {"id": "U0ALICE0001", "username": "alice", "name": "alice", "team_id": "T0HOME00001"},
        "is_enterprise_install": False,
        "enterprise": None,
        "callback_id": "anchor_pause_an_agent",
        "trigger_id": delivery.trigger_id,
    }


async def test_only_the_people_of_the_workspace_have_the_shortcuts_of_the_app(
    slack: SimSlack, app: RecordingApp
) -> None:
    for person, shortcut, why in (
        (slack.alice, "no_such", "no shortcut no_such"),
        (slack.outsider, "anchor_pause_an_agent", "installing workspace"),
        (slack.home.change_user(slack.bob, deleted=True), "anchor_pause_an_agent", "installing workspace"),
    ):
        with pytest.raises(NotPossibleError, match=why):
            await slack.use_global_shortcut(person, shortcut)
    assert app.requests == []


async def test_an_ack_with_a_body_is_a_violation(slack: SimSlack, app: RecordingApp) -> None:
    app.body = b"hello"
    await slack.use_global_shortcut(slack.alice)
    assert [violation.rule for violation in slack.violations] == [Rule.ACK_BODY_IGNORED]
