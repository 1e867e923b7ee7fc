"""Who may pause and resume, and where: by command and by button, in a bot of one workspace and in one of many."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.app import running
from bot.core.policy import Policy, Rule
from bot.settings import Settings
from bot.sim.local_server import free_port
from bot.sim.slack import (
    Delivery,
    Enterprise,
    Fault,
    Hang,
    Installation,
    NotPossibleError,
    Slow,
    User,
    Workspace,
    api_error,
    server_error,
)
from harness import BY_BOTH, SESSION, SingleHarness, single_workspace
from harness.conversation import Conversation, direct_messages
from harness.many_workspaces import ManyHarness, many_workspaces
from harness.slack_faults import NO_ANSWER, user_info

pytestmark = pytest.mark.anyio

IN_ANCHOR = "If it can't wait, do it in Anchor's dashboard."
GUESTS = (
    "*Not {past}:* guests may not do that here, so the bot left session `{session}` alone.\n"
    "Ask a full member of this workspace."
)
BOTS = "*Not {past}:* bots may not do that, so the bot left session `{session}` alone.\nAsk a member of this workspace."
DEACTIVATED = (
    "*Not {past}:* your account in this workspace is deactivated, so the bot left session `{session}` alone.\n"
    "Ask a member of this workspace."
)
OUTSIDERS = (
    "*Not {past}:* only members of the workspace that installed this app may do that, so the bot left session "
    "`{session}` alone.\n"
    "Ask somebody of that workspace; they can press the same button."
)
NOBODY_KNOWS = (
    "*Not {past}:* Slack does not say just now whether you are a member of this workspace, nor has it since this "
    "bot was started, so the bot left session `{session}` alone.\n"
    f"Try again in a moment, or ask somebody who has used this bot of late. {IN_ANCHOR}"
)
PAST = {"pause": "paused", "resume": "resumed"}
VERBS = pytest.mark.parametrize("verb", PAST)


@pytest.fixture(params=BY_BOTH)
def by(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def many(tmp_path: Path) -> AsyncIterator[ManyHarness]:
    async with many_workspaces(f"sqlite:///{tmp_path / 'bot.db'}") as at:
        yield at


def said(template: str, verb: str = "pause", session: str = SESSION) -> str:
    return template.format(past=PAST[verb], session=session)


async def refused(at: Conversation, by: str, user: User, text: str, verb: str = "pause") -> None:
    """Somebody asks and is refused with these words, alone; nothing reaches Anchor."""
    before = len(at.orders)
    message = await at.answer(by, user, verb)
    assert (message.text, message.ephemeral_to) == (text, user.id)
    assert len(at.orders) == before


async def done(at: Conversation, by: str, user: User, verb: str = "pause") -> None:
    """Somebody asks, and Anchor does it."""
    before = len(at.orders)
    message = await at.answer(by, user, verb)
    assert f"*{PAST[verb].capitalize()}*" in message.text
    assert [order.verb for order in at.orders[before:]] == [verb]


def colleague(at: SingleHarness, enterprise: Enterprise | None) -> User:
    """Somebody whose own workspace is another one, of that organisation; the bot's is of the Grid."""
    at.slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
    at.slack.add_workspace(Workspace("T0SISTER001", "sister", Installation("xoxb-sister"), enterprise))
    user = at.slack.home.add_user("U0COLLEAG01", "carla", team_id="T0SISTER001")
    at.slack.alerts.members.add(user.id)
    return user


# --- by default ---


@VERBS
async def test_every_full_member_may(by: str, verb: str) -> None:
    async with single_workspace() as at:
        for user in (at.slack.alice, at.slack.bob):
            await done(at, by, user, verb)


@VERBS
@pytest.mark.parametrize("is_ultra_restricted", [False, True], ids=["multi-channel", "single-channel"])
async def test_guests_never_may(by: str, verb: str, *, is_ultra_restricted: bool) -> None:
    async with single_workspace() as at:
        guest = at.slack.home.change_user(at.slack.guest, is_ultra_restricted=is_ultra_restricted)
        await refused(at, by, guest, said(GUESTS, verb), verb)


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"is_restricted": True}, GUESTS),
        ({"is_ultra_restricted": True}, GUESTS),
        ({"is_bot": True}, BOTS),
        ({"deleted": True}, DEACTIVATED),
        ({"is_stranger": True}, OUTSIDERS),
        ({"team_id": "T0PARTNER01"}, OUTSIDERS),
        ({"team_id": "T0PARTNER01", "is_admin": True, "is_owner": True}, OUTSIDERS),
        ({"is_restricted": True, "is_admin": True}, GUESTS),
    ],
    ids=repr,
)
async def test_whom_slack_calls_no_full_member_may_not(by: str, user: dict[str, Any], text: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = user_info(**{"id": at.slack.bob.id, "team_id": "T0HOME00001"} | user)
        await refused(at, by, at.slack.bob, said(text))


@pytest.mark.parametrize("error", ["user_not_found", "user_not_visible"])
async def test_whom_slack_does_not_know_is_no_member(by: str, error: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = api_error(error)
        await refused(at, by, at.slack.bob, said(OUTSIDERS))


@VERBS
async def test_outsiders_of_a_shared_channel_never_may(verb: str) -> None:
    async with single_workspace() as at:
        await refused(at, "a click", at.slack.outsider, said(OUTSIDERS, verb), verb)
        with pytest.raises(NotPossibleError):
            await at.order("a command", at.slack.outsider)


async def test_an_outsider_whose_command_gets_through_all_the_same_is_refused() -> None:
    async with single_workspace() as at:
        fields = {"command": "/anchor-pause", "text": SESSION, "team_id": "T0HOME00001", "channel_id": "C0ALERTS001"}
        answer = await at.deliver(
            "slash_commands", fields | {"user_id": at.slack.outsider.id, "trigger_id": "1"}, takes_answer=True
        )
        assert "only members of the workspace that installed this app" in str(answer)
        assert at.anchor.requests == []


async def test_colleagues_of_the_grid_may_and_its_strangers_may_not() -> None:
    async with single_workspace() as at:
        await done(at, "a click", colleague(at, Enterprise("E0GRID00001", "Acme Grid")))
    async with single_workspace() as at:
        await refused(at, "a click", colleague(at, Enterprise("E0OTHER0001", "Other")), said(OUTSIDERS))
    async with single_workspace() as at:
        await refused(at, "a click", colleague(at, None), said(OUTSIDERS))


async def test_a_colleague_of_the_grid_is_one_by_a_command_as_well(by: str) -> None:
    """Slack gives a command the installed team, whatever workspaces it names as the person's own."""
    async with single_workspace() as at:
        at.slack.home.enterprise = Enterprise("E0GRID00001", "Acme Grid")
        grid = {"enterprise_id": "E0GRID00001", "teams": ["T0SISTER001"]}
        at.slack.faults["users.info"] = user_info(team_id="T0SISTER001", enterprise_user=grid)
        await done(at, by, at.slack.bob)
        at.slack.faults["users.info"] = user_info(team_id="T0SISTER001", enterprise_user=grid | {"enterprise_id": "E1"})
        await refused(at, by, at.slack.alice, said(OUTSIDERS))


async def test_a_guest_of_the_grid_is_a_guest() -> None:
    async with single_workspace() as at:
        guest = colleague(at, Enterprise("E0GRID00001", "Acme Grid"))
        at.slack.home.change_user(guest, is_restricted=True)
        await refused(at, "a click", guest, said(GUESTS))


async def test_in_each_of_many_workspaces_members_may_and_guests_may_not(many: ManyHarness, by: str) -> None:
    one, two = [await many.set_up(many.add(number)) for number in (1, 2)]
    both = two.workspace.add_user(one.person.id, "both", is_restricted=True)  # a member here, a guest there
    two.channel.members.add(both.id)
    await done(one, by, one.person)
    await refused(two, by, both, said(GUESTS, session=two.session))
    await done(one, by, one.person)


# --- a policy ---


async def test_pause_and_resume_have_people_of_their_own(by: str) -> None:
    async with single_workspace(PAUSE_USERS="U0BOB000001, U0GUEST0001", RESUME_USERS="U0ALICE0001") as at:
        await refused(
            at,
            by,
            at.slack.alice,
            f"*Not paused:* in this workspace only <@U0BOB000001>, <@U0GUEST0001> may pause, so the bot left session "
            f"`{SESSION}` alone.\nAsk one of them. {IN_ANCHOR}",
        )
        await refused(
            at,
            by,
            at.slack.bob,
            f"*Not resumed:* in this workspace only <@U0ALICE0001> may resume, so the bot left session `{SESSION}` "
            f"alone.\nAsk one of them. {IN_ANCHOR}",
            "resume",
        )
        await done(at, by, at.slack.bob)
        await done(at, by, at.slack.alice, "resume")
        await refused(at, by, at.slack.guest, said(GUESTS))  # named, and still a guest


@VERBS
async def test_a_channel_that_is_not_among_those_is_refused(by: str, verb: str) -> None:
    async with single_workspace(ALLOWED_CHANNELS="C0PRIVATE01,C0INCIDENT1") as at:
        await refused(
            at,
            by,
            at.slack.alice,
            f"*Not {PAST[verb]}:* this workspace lets people {verb} only in <#C0INCIDENT1>, <#C0PRIVATE01>, so the bot "
            f"left session `{SESSION}` alone.\nDo it there. {IN_ANCHOR}",
            verb,
        )
        at.slack.incidents.members.add(at.slack.home.installation.bot_user_id)
        told = await at.answer(by, at.slack.alice, verb, channel=at.slack.incidents)
        assert f"*{PAST[verb].capitalize()}*" in told.text
        assert len(at.orders) == 1


async def test_of_many_names_ten_are_said(by: str) -> None:
    users = [f"U0SOMEBOD{number:02}" for number in range(13)]
    async with single_workspace(PAUSE_USERS=",".join(users), ALLOWED_CHANNELS="C0ALERTS001") as at:
        told = await at.answer(by, at.slack.alice)
    named = ", ".join(f"<@{user}>" for user in users[:10])
    assert told.text.startswith(
        f"*Not paused:* in this workspace only {named} and 3 more (all are in the app's Home tab) may pause, so "
    )


async def test_of_eleven_names_one_more_is_left(by: str) -> None:
    channels = [f"C0CHANNEL{number:02}" for number in range(11)]
    async with single_workspace(ALLOWED_CHANNELS=",".join(channels)) as at:
        told = await at.answer(by, at.slack.alice)
    named = ", ".join(f"<#{channel}>" for channel in channels[:10])
    assert f" only in {named} and 1 more (all are in the app's Home tab), so " in told.text


async def test_however_many_are_named_the_home_tab_shows(by: str) -> None:
    users = ",".join(f"U0SOMEBODY{number:03}" for number in range(200))
    channels = users.replace("U0SOMEBODY", "C0SOMEWHERE")
    async with single_workspace(PAUSE_USERS=users, ALLOWED_CHANNELS=channels) as at:
        assert " and 190 more may " in ((await at.answer(by, at.slack.alice)).text)
        await at.slack.open_home(at.slack.alice)
        await at.slack.until(lambda: at.slack.home_of(at.slack.alice))
        shown = str(at.slack.home_of(at.slack.alice))
    assert "<@U0SOMEBODY039> and 160 more, only in <#C0SOMEWHERE000>" in shown


async def test_in_one_of_many_the_policy_is_the_workspaces_own(many: ManyHarness, by: str) -> None:
    one, two = [await many.set_up(many.add(number)) for number in (1, 2)]
    policy = Policy(pause=Rule(frozenset({"U0SOMEBODY1"})), resume=Rule(channels=frozenset({"C0ELSEWHERE"})))
    assert await many.store.installations.set_policy(
        one.team_id, policy, if_version=await many.policy_version(one.team_id)
    )
    await refused(
        one,
        by,
        one.person,
        f"*Not paused:* in this workspace only <@U0SOMEBODY1> may pause, so the bot left session `{one.session}` "
        f"alone.\nAsk one of them. {IN_ANCHOR}",
    )
    await refused(
        one,
        by,
        one.person,
        f"*Not resumed:* this workspace lets people resume only in <#C0ELSEWHERE>, so the bot left session "
        f"`{one.session}` alone.\nDo it there. {IN_ANCHOR}",
        "resume",
    )
    await done(two, by, two.person)
    assert await many.store.installations.set_policy(
        one.team_id, Policy(), if_version=await many.policy_version(one.team_id)
    )
    await done(one, by, one.person)


async def test_a_refusal_is_logged_with_who_and_where(by: str, caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace(RESUME_USERS="U0BOB000001", ALLOWED_CHANNELS="C0INCIDENT1") as at:
        with caplog.at_level(logging.INFO, "bot"):
            await at.answer(by, at.slack.guest)
            await at.answer(by, at.slack.alice, "resume")
            await at.answer(by, at.slack.alice)
    fields = ("message", "outcome", "session", "user", "team", "channel")
    logged = [[vars(one)[name] for name in fields] for one in caplog.records if one.message in PAST]
    where = [SESSION, "U0GUEST0001", "T0HOME00001", "C0ALERTS001"]
    by_alice = [SESSION, "U0ALICE0001", "T0HOME00001", "C0ALERTS001"]
    assert logged == [
        ["pause", "NotAMember", *where],
        ["resume", "NotNamed", *by_alice],
        ["pause", "NotHere", *by_alice],
    ]


# --- how often Slack is asked ---


async def test_slack_is_asked_once_for_many_requests_of_the_same_person(by: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = Slow(0.8)
        await asyncio.gather(*[at.order(by, at.slack.alice) for _ in range(10)])
        await at.slack.until(lambda: len(at.answers(at.slack.alice)) == 10)
        await done(at, by, at.slack.alice, "resume")
        assert at.calls("users.info") == 1
        await done(at, by, at.slack.bob)
        assert at.calls("users.info") == 2


async def test_whoever_is_in_two_workspaces_is_asked_about_in_each(many: ManyHarness, by: str) -> None:
    one, two = [await many.set_up(many.add(number)) for number in (1, 2)]
    two.workspace.add_user(one.person.id, "both")
    two.channel.members.add(one.person.id)
    await done(one, by, one.person)
    await done(two, by, two.workspace.users[one.person.id])
    asked = [call.token for call in many.slack.api_calls if call.method == "users.info"]
    assert asked == [tenant.workspace.installation.bot_token for tenant in (one, two)]


# --- a Slack that is slow, or away ---


async def test_a_slow_slack_makes_no_ack_late(by: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = Slow(4)
        delivery = await at.order(by, at.slack.alice)
        assert delivery.error is None
        assert delivery.elapsed < 3
        assert at.orders == []
        await at.slack.until(lambda: at.answers(at.slack.alice), within=10)
        (told,) = at.answers(at.slack.alice)
    assert "*Paused*" in told.text
    waiting = f"Pausing session `{SESSION}`… The result will be posted at."
    assert [whisper.text for whisper in at.ephemerals()] == ([waiting] if by == "a command" else [])


@pytest.mark.parametrize("fault", [*NO_ANSWER, api_error("account_inactive")], ids=repr)
async def test_a_slack_that_does_not_say_who_somebody_never_seen_is_keeps_them_out(by: str, fault: Fault) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = fault
        await refused(at, by, at.slack.alice, said(NOBODY_KNOWS))
        at.slack.faults["users.info"] = None
        await done(at, by, at.slack.alice)


async def test_a_slack_that_hangs_keeps_those_out_whom_it_never_named_and_they_are_told(by: str) -> None:
    async with single_workspace() as at:
        at.slack.faults["users.info"] = Hang()
        told = await at.answer(by, at.slack.alice, within=10)
        assert (told.text, told.ephemeral_to) == (said(NOBODY_KNOWS), at.slack.alice.id)
        assert at.orders == []


async def test_in_one_of_many_a_slack_that_is_away_keeps_those_out_whom_it_never_named(
    many: ManyHarness, by: str
) -> None:
    tenant = await many.set_up(many.add(1))
    many.slack.faults["users.info"] = server_error()
    await refused(tenant, by, tenant.person, said(NOBODY_KNOWS, session=tenant.session))


async def test_who_waits_for_slack_when_the_bot_is_stopped_is_served_while_there_is_time(by: str) -> None:
    async with single_workspace() as at:
        asking = await waiting_for_slack(at, by, 2.5)
    await asking
    assert [order.verb for order in at.orders] == ["pause"]
    assert "*Paused*" in at.answers(at.slack.alice)[-1].text


async def test_and_when_there_is_none_left_nothing_is_sent_and_they_are_told(by: str) -> None:
    async with single_workspace() as at:
        asking = await waiting_for_slack(at, by, 4.7)
    await asking
    assert at.orders == []
    (told,) = at.answers(at.slack.alice)
    assert told.text == (
        f"*Not paused:* the bot is being restarted and sent nothing for session `{SESSION}`.\n"
        f"Try again in a minute. {IN_ANCHOR}"
    )


async def waiting_for_slack(at: SingleHarness, by: str, seconds: float) -> asyncio.Task[Delivery]:
    """Somebody asks, and Slack takes that long to say who they are."""
    at.slack.faults["users.info"] = Slow(seconds)
    asking = asyncio.create_task(at.order(by, at.slack.alice))
    await at.slack.until(lambda: at.calls("users.info") == 1)
    return asking


# --- an app that may not ask ---


REINSTALL = (
    "⚠️ This app was installed without the scope `users:read`, so it can't tell guests from members, nor who is an "
    "admin: whoever is in the workspace may pause and resume, and nobody can change its settings in Slack.\n"
    "Please install it again: it then asks for that scope, and keeps everything else."
)
LACKS = "the app lacks the scope users:read: it can't tell guests from members; install it again"


async def test_without_the_scope_the_team_alone_counts(by: str, caplog: pytest.LogCaptureFixture) -> None:
    async with single_workspace() as at:
        at.slack.home.installation.scopes = {"commands", "chat:write"}
        await done(at, by, at.slack.bob)
        await done(at, by, at.slack.guest)
        await refused(at, "a click", at.slack.outsider, said(OUTSIDERS))
        warnings = [record for record in caplog.records if record.message == LACKS]
        assert [(record.levelname, vars(record)["team"]) for record in warnings] == [("WARNING", "T0HOME00001")] * 2
        assert at.calls("users.info") == 2


async def test_without_the_scope_a_policy_still_holds(by: str) -> None:
    async with single_workspace(PAUSE_USERS="U0BOB000001", ALLOWED_CHANNELS="C0ALERTS001,C0ARCHIVED1") as at:
        at.slack.home.installation.scopes = {"commands", "chat:write"}
        await done(at, by, at.slack.bob)
        assert "only <@U0BOB000001> may pause" in (await at.answer(by, at.slack.alice)).text
        elsewhere = await at.answer(by, at.slack.bob, channel=at.slack.incidents)
        assert "only in <#C0ALERTS001>, <#C0ARCHIVED1>" in elsewhere.text
        assert len(at.orders) == 1


async def test_without_the_scope_strangers_of_the_grid_are_refused() -> None:
    """Colleagues too: without asking Slack nobody knows them for what they are."""
    async with single_workspace() as at:
        sister = colleague(at, Enterprise("E0GRID00001", "Acme Grid"))
        at.slack.home.installation.scopes = {"commands", "chat:write"}
        await refused(at, "a click", sister, said(OUTSIDERS))


async def test_whoever_installed_the_app_is_asked_once_to_install_it_again(many: ManyHarness, by: str) -> None:
    one, two = [await many.set_up(many.add(number)) for number in (1, 2)]
    one.workspace.installation.scopes = {"commands", "chat:write"}
    other = one.workspace.add_user("U0OTHER0001", "other")
    one.channel.members.add(other.id)
    for user in (one.person, other, one.person):
        await done(one, by, user)
    await done(two, by, two.person)
    await many.slack.until(lambda: direct_messages(many.slack, [one.person])[one.person.name])
    await asyncio.sleep(0.3)
    assert direct_messages(many.slack, [one.person, other, two.person]) == {
        one.person.name: [REINSTALL],
        other.name: [],
        two.person.name: [],
    }


async def test_two_bots_on_one_database_ask_once_between_them(many: ManyHarness, by: str) -> None:
    tenant = await many.set_up(many.add(1))
    tenant.workspace.installation.scopes = {"commands", "chat:write"}
    async with running(Settings.from_env(many.environ | {"PORT": str(free_port())})) as second:
        await second.identification
        for url in (many.slack.request_url, f"{second.url}/slack/events"):
            many.slack.request_url = None if many.slack.socket_mode else url
            for _ in range(3):
                await done(tenant, by, tenant.person)
        await asyncio.sleep(0.3)
    assert direct_messages(many.slack, [tenant.person]) == {tenant.person.name: [REINSTALL]}


async def test_where_the_database_can_not_say_whether_they_were_asked_it_is_tried_again(
    many: ManyHarness, caplog: pytest.LogCaptureFixture
) -> None:
    tenant = await many.set_up(many.add(1))
    tenant.workspace.installation.scopes = {"commands", "chat:write"}
    await many.rename_table("notices", "elsewhere")
    await done(tenant, "a command", tenant.person)
    await asyncio.sleep(0.3)
    assert "nobody was told to reinstall" in caplog.text
    await many.rename_table("elsewhere", "notices")
    await done(tenant, "a command", tenant.person)
    await many.slack.until(lambda: direct_messages(many.slack, [tenant.person]) == {tenant.person.name: [REINSTALL]})
