"""Which people can pause and resume, and where: by command and by button, in one workspace and in many."""

import json

import pytest

from bot.sim.slack import Channel, Enterprise, Installation, Slow, User, Workspace
from harness import BOTH_TRANSPORTS, BY_BOTH, Conversation, ManyHarness, SingleHarness, Tenant, single_workspace
from harness.product import outcomes, permissions
from harness.stored import until_read_again
from harness.texts import SESSION, outcome_text, paused, resumed, waiting_text

Outcome = outcomes.Outcome
VERBS = ["pause", "resume"]
GRID, OTHER_GRID = Enterprise("E0GRID00001", "Acme Grid"), Enterprise("E0OTHER0001", "Other")
NOT_MEMBER = outcomes.Refusal(outcomes.Why.NOT_MEMBER)


async def refused(
    at: Conversation, by: str, user: User, refusal: Outcome, verb: str = "pause", *, channel: Channel | None = None
) -> None:
    """Order something, and check that the person alone reads this refusal, and that nothing reaches Anchor."""
    before = len(at.orders)
    message = await at.answer(by, user, verb, channel=channel)
    text = outcome_text(refusal, verb=verb, session=at.session, user=user.id)
    assert (message.text, message.ephemeral_to) == (text, user.id)
    assert len(at.orders) == before


async def done(at: Conversation, by: str, user: User, verb: str = "pause", *, channel: Channel | None = None) -> None:
    """Order something, and check that Anchor does it."""
    before = len(at.orders)
    message = await at.answer(by, user, verb, channel=channel)
    text = (paused if verb == "pause" else resumed)(session=at.session, user=user.id)
    assert set(text.splitlines()) <= set(message.text.splitlines())  # and who paused it before
    assert [order.verb for order in at.orders[before:]] == [verb]


def colleague(at: SingleHarness, enterprise: Enterprise | None) -> User:
    """Somebody whose own workspace is another one, of that organisation."""
    at.slack.add_workspace(Workspace("T0SISTER001", "sister", Installation("xoxb-sister"), enterprise))
    user = at.slack.home.add_user("U0COLLEAG01", "carla", team_id="T0SISTER001")
    at.channel.members.add(user.id)
    return user


@BOTH_TRANSPORTS
async def test_full_members_can_pause_and_resume_and_guests_and_outsiders_can_not() -> None:
    async with single_workspace() as at:
        for by in BY_BOTH:
            for verb in VERBS:
                await done(at, by, at.slack.bob, verb)
                await refused(at, by, at.slack.guest, NOT_MEMBER, verb)
        for verb in VERBS:
            await refused(at, "a click", at.slack.outsider, NOT_MEMBER, verb)
        before = len(at.orders)
        fields = {"command": "/anchor-pause", "text": SESSION, "team_id": "T0HOME00001", "channel_id": "C0ALERTS001"}
        whose = {"user_id": at.slack.outsider.id, "trigger_id": "1"}
        answer = await at.deliver("slash_commands", fields | whose, takes_answer=True)  # which Slack does not send
        assert json.loads(answer.body)["text"] == outcome_text(NOT_MEMBER, user=at.slack.outsider.id)
        assert len(at.orders) == before


@pytest.mark.parametrize(
    ("installed", "own", "is_guest", "refusal"),
    [
        (GRID, GRID, False, None),
        (GRID, GRID, True, NOT_MEMBER),
        (GRID, OTHER_GRID, False, NOT_MEMBER),
        (GRID, None, False, NOT_MEMBER),
        (None, OTHER_GRID, False, NOT_MEMBER),
    ],
    ids=["colleague", "guest", "another organisation", "no organisation", "the only organisation"],
)
async def test_colleagues_of_the_grid_can_click_and_strangers_can_not(
    installed: Enterprise | None, own: Enterprise | None, *, is_guest: bool, refusal: Outcome | None
) -> None:
    """A click names the organisation of its person, which says nothing about the workspace of the app."""
    async with single_workspace(enterprise=installed) as at:
        user = at.slack.home.change_user(colleague(at, own), is_restricted=is_guest)
        for verb in VERBS:
            await (refused(at, "a click", user, refusal, verb) if refusal else done(at, "a click", user, verb))


@BOTH_TRANSPORTS
@pytest.mark.parametrize("by", BY_BOTH)
async def test_the_ack_does_not_wait_for_a_slow_slack(by: str) -> None:
    async with single_workspace(ack_wait=0.0) as at:
        at.slack.faults["users.info"] = Slow(1.0)
        delivery = await at.order(by)
        assert (delivery.error, at.orders) == (None, [])
        await at.slack.until(at.answers)
    assert [message.text for message in at.answers()] == [paused()]
    assert [message.text for message in at.ephemerals()] == ([waiting_text()] if by == "a command" else [])


async def test_a_resume_obeys_the_rules_that_another_process_has_just_changed(at: ManyHarness) -> None:
    tenant, others = await at.set_up(at.add(1)), permissions.Rule(frozenset({"U0OTHER0001"}))
    for verb in VERBS:
        await done(tenant, "a command", tenant.person, verb)
        await until_read_again()  # after the first order the bot has stored that Anchor accepts the key
    await done(tenant, "a command", tenant.person, "resume")
    narrowed = permissions.Policy(resume=others)
    assert await at.store.rows.set_policy(tenant.team_id, narrowed, if_version=(await tenant.stored()).policy_version)
    refusal = outcomes.Refusal(outcomes.Why.NOT_NAMED, ids=others.users)
    await refused(tenant, "a command", tenant.person, refusal, "resume")


async def test_without_the_scope_to_know_people_everybody_is_refused(at: ManyHarness) -> None:
    team = await Tenant.open(at, with_key=True)
    team.workspace.installation.scopes = {"commands", "chat:write"}
    await refused(team, "a command", team.member, outcomes.Refusal(outcomes.Why.ROLE_UNKNOWN))
    assert team.calls("users.info") == 1
    assert "doctor" in str((await team.open_home(team.member)).blocks)
