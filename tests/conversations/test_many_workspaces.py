"""Many workspaces: each has its own key, sessions and alerts, and nothing reaches another."""

import asyncio
import contextlib
import logging
import random
import re
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bot.sim.anchor import Slow
from bot.sim.slack import Enterprise, Rule, User, expired_url, tokens_revoked
from bot.sim.slack.platform import SLACKBOT
from conversations.test_alert_cards import TOKEN
from harness import BOTH_TRANSPORTS, BY_BOTH, HTTP_ONLY, SESSION, outcome_text
from harness.blocks import actions, button
from harness.bots import PATIENT, ManyHarness, Tenant, many_workspaces
from harness.conversation import until
from harness.product import Secret, errors, outcomes, workspace
from harness.stored import add_token, until_read_again

GRID = Enterprise("E0GRID00001", "Grid")
NOT_MEMBER = outcomes.Refusal(outcomes.Why.NOT_MEMBER)
ALERT = {"session_id": SESSION, "text": "It spent $40 in a minute."}


def not_served(tenant: Tenant) -> str:
    return outcome_text(outcomes.Refusal(outcomes.Why.WRONG_WORKSPACE), session=tenant.session)


def store_failed(tenant: Tenant) -> str:
    return outcome_text(outcomes.Refusal(outcomes.Why.STORE_UNAVAILABLE), session=tenant.session)


def add_colleague(tenant: Tenant) -> User:
    """Somebody of another workspace of the tenant's Grid, in its channel."""
    tenant.workspace.enterprise = GRID
    colleague = tenant.workspace.add_user("U0SISTER001", "carol", team_id="T0SISTER001")
    tenant.channel.members.add(colleague.id)
    return colleague


async def test_somebody_of_another_workspace_is_refused_although_that_is_installed_too(at: ManyHarness) -> None:
    """In a Slack Connect channel of the first; their own workspace has a key, which must not be used either."""
    host, guest = await at.set_up_two()
    visitor = host.workspace.add_user(guest.person.id, "visitor", team_id=guest.team_id)
    host.channel.members.add(visitor.id)
    await host.click(user=visitor)
    assert (await host.wait_for_ephemeral(visitor)).text == outcome_text(NOT_MEMBER, session=host.session)
    assert at.anchor.requests == []


@pytest.mark.parametrize("revoked_first", [False, True])
async def test_a_workspace_that_removes_the_app_leaves_nothing(at: ManyHarness, *, revoked_first: bool) -> None:
    leaving, staying = await at.set_up_two()
    deliveries = await at.slack.uninstall(leaving.workspace, revoked_first=revoked_first)
    assert [event.answer.status for event in deliveries] == [200, 200]
    assert await at.teams() == [staying.team_id]
    assert (await leaving.answer("a command")).text == not_served(leaving)
    assert leaving.orders == []
    assert (await at.install(leaving)).status == 200
    found = await at.store.rows.find(leaving.team_id)
    assert found
    assert found.anchor_key is None, "the key came back with the app"


async def test_only_the_death_of_its_own_token_ends_an_installation(at: ManyHarness) -> None:
    tenant = await at.set_up(at.add(1))
    for event in (
        tokens_revoked(oauth=["U0PERSON001"]),
        tokens_revoked(oauth=["U0PERSON001"], bot=["U0OTHERBOT1"]),
        {"type": "tokens_revoked"},
        {"type": "app_rate_limited"},
    ):
        assert (await at.slack.events.send(tenant.workspace, event)).answer.status == 200
        assert await at.teams() == [tenant.team_id], event
    timeless = {"type": "event_callback", "team_id": tenant.team_id, "event": {"type": "app_uninstalled"}}
    await tenant.deliver("events_api", timeless)
    assert await at.teams() == [tenant.team_id]
    await at.slack.events.send(tenant.workspace, tokens_revoked(bot=["U0BOT000001"]))
    assert await at.teams() == []


@BOTH_TRANSPORTS
async def test_an_event_that_can_not_be_handled_now_comes_again(database_url: str) -> None:
    async with many_workspaces(database_url) as at:
        tenant = await at.set_up(at.add(1))
        await at.rename_table("workspaces", "elsewhere")
        if at.slack.socket_mode:
            at.slack.timing.ack_deadline = 3.0  # there is no ack
        event = await at.slack.events.send(tenant.workspace, {"type": "app_uninstalled"})
        seen = event.answer.error if at.slack.socket_mode else event.answer.status
        assert seen == ("operation_timeout" if at.slack.socket_mode else 503)
        at.slack.timing.ack_deadline = PATIENT
        await at.rename_table("elsewhere", "workspaces")
        assert (await at.slack.events.again(event.request)).answer.status == 200
        assert await at.teams() == []


async def test_everybody_is_told_that_the_database_is_away(at: ManyHarness, caplog: pytest.LogCaptureFixture) -> None:
    tenant = await at.set_up(at.add(1))
    colleague = add_colleague(tenant)
    await at.rename_table("workspaces", "elsewhere")
    with caplog.at_level(logging.ERROR):
        answers = [await tenant.answer(by) for by in BY_BOTH]
        answers.append(await tenant.answer("a click", colleague))  # who is not taken for an outsider
        status, _ = await at.post_alert(tenant.team_id, "any", **ALERT)
        page = await at.install(at.add(2))
    assert [message.text for message in answers] == [store_failed(tenant)] * 3
    assert (status, page.status, at.anchor.requests) == (503, 503, [])
    assert "Traceback" not in caplog.text


UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def made(change: Callable[[], Awaitable[bool]]) -> bool:  # once more if the database is too busy
    while True:
        with contextlib.suppress(errors.StoreUnreachableError):
            return await change()


@dataclass(slots=True)
class Actor:
    """Somebody in a workspace who does things at random, and remembers what was its own at any time."""

    at: ManyHarness
    tenant: Tenant
    others: list[Tenant]
    chance: random.Random
    keys: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    alerts_left: int = 4

    async def act(self, steps: int) -> None:
        await self.reinstall()
        await self.report()
        await until_read_again()
        self.sessions.add(self.tenant.session)
        await self.tenant.command()
        await self.at.anchor.until(lambda: self.tenant.orders)
        seldom = [self.report, self.list_sessions, self.change_key, self.change_key, self.leave, self.reinstall]
        for _ in range(steps):
            await self.chance.choice([*[self.command] * 5, *[self.click] * 4, *seldom])()
            await asyncio.sleep(self.chance.random() * 0.02)

    def new_session(self) -> str:
        """A session of this workspace, of another one, or of nobody; but only this one ever names it."""
        owner = self.chance.choice([self.tenant, self.chance.choice(self.others), None])
        session = str(uuid.UUID(int=self.chance.getrandbits(128)))
        if owner is not None:
            self.at.anchor.add_session(key=owner.key, session_id=session)
        self.sessions.add(session)
        return session

    async def command(self) -> None:
        await self.tenant.command(self.new_session(), verb=self.chance.choice(["pause", "resume"]))

    async def click(self) -> None:
        await self.tenant.click(self.tenant.post_alert(actions(button(value=self.new_session()))))

    async def report(self) -> None:
        """An alert, where one is left: more would be too many for Slack."""
        self.alerts_left -= 1
        if self.alerts_left < 0:
            return
        token = f"token-of-alerts-{self.chance.getrandbits(64)}"
        rows, team_id = self.at.store.rows, self.tenant.team_id
        await made(lambda: add_token(rows, team_id, token))
        await made(lambda: rows.set_alerts_channel(team_id, self.tenant.channel.id))
        await self.at.post_alert(team_id, token, session_id=self.new_session(), text="spent")
        other = self.chance.choice(self.others).team_id
        status, _ = await self.at.post_alert(other, token, session_id=self.new_session(), text="spent")
        assert status in {401, 503}  # refused, or the database is too slow to say whose it is

    async def list_sessions(self) -> None:
        await self.tenant.command("", command=self.chance.choice(["/anchor-pause", "/anchor-resume"]))

    async def change_key(self) -> None:
        key = f"sk-{self.tenant.team_id}-{len(self.keys)}"
        self.at.anchor.add_key(key)
        self.keys.add(key)
        self.sessions.add(self.at.anchor.add_session(key=key))
        await made(lambda: self.at.store.rows.set_key(self.tenant.team_id, workspace.AnchorKey(Secret(key))))

    async def leave(self) -> None:
        """Remove the app, ask something of it nevertheless, and mostly install it again."""
        await self.at.slack.uninstall(self.tenant.workspace, revoked_first=self.chance.random() < 0.5)
        await self.command()
        if self.chance.random() < 0.8:
            await self.reinstall()

    async def reinstall(self) -> None:
        self.at.slack.clock.advance(1.1)  # what was left before is left before
        while (status := (await self.at.install(self.tenant)).status) == 503:  # the database is too busy: once more
            pass
        assert status == 200
        self.tokens.add(self.tenant.workspace.installation.bot_token)
        await self.change_key()


@pytest.mark.parametrize(("seed", "count", "steps"), [(1, 5, 10), pytest.param(2, 12, 20, marks=pytest.mark.long)])
async def test_nothing_of_one_workspace_reaches_another(database_url: str, seed: int, count: int, steps: int) -> None:
    async with many_workspaces(database_url, ack_wait=0.05) as at:
        tenants = [at.add(number) for number in range(count)]
        actors = [
            Actor(at, one, [other for other in tenants if other is not one], random.Random(f"{seed} {one.team_id}"))  # noqa: S311
            for one in tenants
        ]
        at.anchor.fault = Slow(0.04)  # about as long as an ack waits: some answers come with it, some after it
        at.slack.faults["response_url"] = expired_url(times=60)  # then the bot posts with the workspace's token
        async with asyncio.TaskGroup() as together:
            for actor in actors:
                together.create_task(actor.act(steps))
        seen = -1
        while seen != (seen := len(at.anchor.requests) + len(at.slack.api_calls)):  # noqa: ASYNC110 - until nothing happens
            await asyncio.sleep(2.0)
        assert_isolated(at, actors)
        late = (Rule.ACK_NOT_200, Rule.ACK_LATE)  # a slow machine records orders late: then there is no ack
        at.slack.violations[:] = [one for one in at.slack.violations if one.rule not in late]


def assert_isolated(at: ManyHarness, actors: list[Actor]) -> None:
    owner = {session: actor for actor in actors for session in actor.sessions}
    reader = {key: actor for actor in actors for key in actor.keys}
    tokens = dict[str, set[str]]()
    for actor in actors:
        there = actor.tenant.workspace
        tokens |= dict.fromkeys((*there.users, *there.channels), actor.tokens)
    reported = Counter[str]()
    for request in at.anchor.requests:
        actor = owner[request.session_id] if request.session_id else reader[str(request.key)]
        assert request.key in actor.keys
        assert "Cookie" not in request.headers
        reported[actor.tenant.team_id] += 1
    for call in at.slack.api_calls:
        about = [call.arguments[name] for name in ("user", "user_id", "channel") if name in call.arguments]
        assert not about or call.token in tokens[str(about[0])]
    for actor in actors:
        channels = actor.tenant.workspace.channels
        for message in [one for channel in channels for one in at.slack.seen_by(actor.tenant.person, channel)]:
            assert set(UUID.findall(str((message.text, message.blocks)))) <= actor.sessions
            own = {actor.tenant.person.id, actor.tenant.workspace.installation.bot_user_id}
            assert message.user in own | {SLACKBOT}  # which speaks if an ack took too long
    assert len(reported) == len(actors)
    assert reported.total() > 3 * len(actors), "hardly anything happened"


@HTTP_ONLY
async def test_the_slow_reads_of_one_workspace_delay_no_check_of_another(at: ManyHarness) -> None:
    slow, other = await at.set_up_two()
    for tenant in (slow, other):
        await at.take_alerts(tenant, TOKEN)

    def reads(tenant: Tenant) -> int:
        return sum(request.key == tenant.key for request in at.anchor.requests)

    at.anchor.read_fault = Slow(9.0)
    for _ in range(3):  # each is read alone, since it is in no list
        await at.post_alert(slow.team_id, TOKEN, **ALERT | {"session_id": str(uuid.uuid4())})
    await until(lambda: reads(slow) > 0, within=60.0)
    await at.post_alert(other.team_id, TOKEN, **ALERT | {"session_id": other.session})
    await until(lambda: reads(other) > 0, within=45.0)
