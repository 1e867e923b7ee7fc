"""Bots in the process of the test, of one workspace or of many, between a simulated Slack and a simulated Anchor."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from bot.app import Bot, Limits, running
from bot.config.environment import Settings
from bot.core import workspace as product
from bot.core.fields import Secret
from bot.core.orders import Attempt, ReplyAddress, Source, State, Verb, operator_id, program_id
from bot.core.outcomes import Outcome
from bot.demo.sandbox import environment, environment_of_many
from bot.inbound.slack.request import read_address, read_button_click, read_message_shortcut
from bot.messages.settings import ONE_MOMENT
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SimAnchor
from bot.sim.local_server import free_port
from bot.sim.slack import Answered, Channel, Delivery, Enterprise, Installation, SimSlack, User, View, Workspace
from harness.conversation import Conversation, post_json
from harness.databases import KEY
from harness.install_browser import Browser, Visit
from harness.order_rows import order_row, rows_of, settled, told
from harness.stored import add_token
from harness.texts import SESSION
from harness.transport import current_transport

PATIENT = 30.0
"""Seconds that Slack waits for an ack, unless a test is about that: a slow machine can need more than the real 3."""

PATIENT_ACK = 15.0
"""Seconds that an ack of the bot waits for an outcome, unless a test is about that. The bot's own are 2."""

PATIENCE: dict[str, Any] = {"ack_wait": PATIENT_ACK, "redelivery_window": 0.0, "tick": 60.0, "read_timeout": 10.0}
"""Limits of a bot, unless a test is about them. A busy machine stops the event loop and the database for a while."""


async def forget_key_check(anchor: SimAnchor) -> None:
    """Wait until the bot has tried its key after startup, so that a test finds only its own requests."""
    await anchor.until(lambda: anchor.requests and anchor.requests[0].status)
    del anchor.requests[0]


@asynccontextmanager
async def simulated(*, ack_deadline: float = PATIENT) -> AsyncIterator[tuple[SimSlack, SimAnchor]]:
    """Run a Slack, and an Anchor with SESSION. At the end nobody may have violated a rule; a failing test notes it."""
    async with (
        SimSlack(socket_mode=current_transport.is_socket, ack_deadline=ack_deadline) as slack,
        SimAnchor() as anchor,
    ):
        anchor.add_session(session_id=SESSION)
        try:
            yield slack, anchor
        except Exception as error:
            for violation in (*slack.violations, *anchor.violations):
                error.add_note(f"violated: {violation}")
            raise
        assert (slack.violations, anchor.violations) == ([], [])


@asynccontextmanager
async def serving(
    slack: SimSlack, environ: Mapping[str, str], *, waits: bool = True, **limits: Any
) -> AsyncIterator[Bot]:
    """Run a bot that gets Slack's requests, and wait until it has started."""
    async with running(Settings.from_env(environ), Limits(**PATIENCE | limits)) as bot:
        slack.request_url = None if slack.socket_mode else f"{bot.url}/slack/events"
        if waits:
            await bot.startup
        yield bot


def split(options: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Tell settings of a bot (METRICS_PORT="1") from its limits (capacity=1)."""
    settings = {name: value for name, value in options.items() if name.isupper()}
    return settings, {name: value for name, value in options.items() if name not in settings}


@dataclass(frozen=True, slots=True)
class SingleHarness(Conversation):
    """Alice in #alerts, and the agent of SESSION; `bot` is the running bot."""

    bot: Bot

    @classmethod
    def of(cls, slack: SimSlack, anchor: SimAnchor, bot: Bot) -> "SingleHarness":
        return cls(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, bot)


@asynccontextmanager
async def single_workspace(
    *, ack_deadline: float = PATIENT, enterprise: Enterprise | None = None, **options: Any
) -> AsyncIterator[SingleHarness]:
    """Run a bot for one workspace; the options are settings and limits.

    Without REMIND_BEFORE there are no reminders, whose reads of Anchor come beside those of a test.
    """
    settings, limits = split({"REMIND_BEFORE": "0"} | options)
    async with simulated(ack_deadline=ack_deadline) as (slack, anchor):
        slack.home.enterprise, slack.timing.trigger_lifetime = enterprise, PATIENT
        async with serving(slack, environment(slack, anchor, **settings), **limits) as bot:
            await forget_key_check(anchor)
            yield SingleHarness.of(slack, anchor, bot)


# --- after the end of a process ---


@dataclass(frozen=True, slots=True)
class Remains(Conversation):
    """Alice in #alerts, the journal of a killed process, and no bot yet: what people order fails."""

    store: Store
    environ: Mapping[str, str] = field(repr=False)

    async def leave(
        self,
        verb: str,
        state: State,
        outcome: Outcome | None = None,
        *,
        is_told: bool = False,
        by: str = "a command",
        age: float = 1.0,
        key: Secret = KEY,
    ) -> Delivery:
        """Give an order that Slack calls failed, and leave it in the journal as if a process had come so far."""
        delivery = await self.order(by, verb=verb)
        row = order_row(Verb(verb), state, trigger=delivery.trigger_id, age=age, reason="")
        row = replace(row, address=_address(delivery))
        if outcome is not None:
            row = (told if is_told else settled)(row, outcome, settled_at=row.given_at)
        await rows_of(self.store, "a killed process", key).write(row)
        return delivery

    async def leave_pause(self, by: str, state: State = State.SENT, *, age: float = 1.0) -> None:
        """Leave a pause by an "alert" or by the "command line", which had been recorded."""
        is_alert = by == Source.ALERT
        trigger = Attempt("f1", time.time() - age).trigger_id if is_alert else None
        user = program_id("default") if is_alert else operator_id("root")
        row = order_row(state=state, user=user, trigger=trigger, age=age, source=Source(by))
        actor = row.order.actor if is_alert else replace(row.order.actor, channel_id="")
        row = replace(row, order=replace(row.order, actor=actor), address=ReplyAddress(actor))
        await rows_of(self.store, "a killed process").write(row)

    async def rows(self) -> list[Any]:
        return list(await self.store.database.fetch_all("SELECT * FROM orders ORDER BY given_at"))

    @asynccontextmanager
    async def restart(self, **limits: Any) -> AsyncIterator[SingleHarness]:
        async with serving(self.slack, self.environ, **limits) as bot:
            yield SingleHarness.of(self.slack, self.anchor, bot)


@asynccontextmanager
async def remains(database_url: str, **settings: str) -> AsyncIterator[Remains]:
    """Open the journal of a bot."""
    async with simulated() as (slack, anchor), open_store(Secret(database_url), [KEY]) as store:
        environ = environment(slack, anchor, DATABASE_URL=database_url, ENCRYPTION_KEYS=KEY.reveal(), **settings)
        yield Remains(slack, anchor, slack.home, slack.alice, slack.alerts, SESSION, store, environ)


def _address(delivery: Delivery) -> ReplyAddress:
    envelope = delivery.sent.envelope
    form = {name: values[0] for name, values in parse_qs(delivery.request.decode()).items()}
    payload: dict[str, Any] = dict(envelope.payload) if envelope else form
    if "payload" in payload:
        payload = json.loads(payload["payload"])
    address = read_address(payload)
    if payload.get("type") == "message_action":
        return read_message_shortcut(payload, address)[1]
    return read_button_click(payload, address).address if "actions" in payload else address


# --- many workspaces ---


@dataclass(frozen=True, slots=True)
class ManyHarness:
    """A bot of many workspaces; `store` is its database, as another process sees it."""

    slack: SimSlack
    anchor: SimAnchor
    bot: Bot
    store: Store
    environ: dict[str, str]

    def add(self, number: int) -> "Tenant":
        token, shortcuts = f"xoxb-never-{number}", self.slack.home.installation.global_shortcuts
        app = Installation(
            token, refusal="account_inactive", bot_user_id=f"U0BOT{number:06}", global_shortcuts=shortcuts
        )
        workspace = Workspace(f"T0TENANT{number:03}", f"tenant-{number}", app)
        admin = workspace.add_user(f"U0PERSON{number:03}", f"person-{number}", is_admin=True)
        second = workspace.add_user(f"U0SECOND{number:03}", f"second-{number}", is_owner=True)
        member = workspace.add_user(f"U0MEMBER{number:03}", f"member-{number}")
        alerts = workspace.add_channel(f"C0TENANT{number:03}", "alerts", admin, second, member, app.bot_user_id)
        self.slack.add_workspace(workspace)
        key = f"sk-of-tenant-{number}"
        self.anchor.add_key(key)
        session = self.anchor.add_session(key=key)
        return Tenant(self.slack, self.anchor, workspace, admin, alerts, session, key, self, second, member)

    async def install(self, tenant: "Tenant", **choices: str) -> Visit:
        async with Browser() as browser:
            return await browser.install(self.bot.url, tenant.team_id, **choices)

    async def set_up(self, tenant: "Tenant") -> "Tenant":
        assert (await self.install(tenant)).status == 200
        assert await self.store.rows.set_key(tenant.team_id, product.AnchorKey(Secret(tenant.key)))
        return tenant

    async def set_up_two(self) -> tuple["Tenant", "Tenant"]:
        return await self.set_up(self.add(1)), await self.set_up(self.add(2))

    async def take_alerts(self, tenant: "Tenant", token: str) -> None:
        assert await add_token(self.store.rows, tenant.team_id, token)
        assert await self.store.rows.set_alerts_channel(tenant.team_id, tenant.channel.id)

    async def teams(self) -> list[str]:
        return [one.team_id for one in await self.store.rows.summaries()]

    async def post_alert(self, team_id: str, token: str, **fields: str) -> tuple[int, dict[str, str]]:
        headers = {"Authorization": f"Bearer {token}"}
        status, answer, _ = await post_json(f"{self.bot.url}/alerts/{team_id}", fields, headers=headers)
        return status, answer

    async def rename_table(self, before: str, after: str) -> None:
        await self.execute(f"ALTER TABLE {before} RENAME TO {after}")

    async def execute(self, sql: str) -> None:
        await self.store.database.execute(sql)


@asynccontextmanager
async def many_workspaces(database_url: str, **options: Any) -> AsyncIterator[ManyHarness]:
    """Run a bot for many workspaces; none has installed it yet. The options are settings and limits."""
    settings, limits = split(options)
    own = {"DATABASE_URL": database_url, "ENCRYPTION_KEYS": KEY.reveal()} | settings
    async with simulated() as (slack, anchor):
        environ = environment_of_many(slack, anchor, port=free_port(), **own)
        async with (
            serving(slack, environ, now=slack.clock.now, **limits) as bot,
            open_store(Secret(database_url), [KEY]) as store,
        ):
            yield ManyHarness(slack, anchor, bot, store, environ)


@asynccontextmanager
async def another_bot(at: ManyHarness) -> AsyncIterator[str]:
    """Run a second bot on the same database, and return its URL for Slack's requests."""
    async with running(Settings.from_env(at.environ | {"PORT": "0"}), Limits(**PATIENCE)) as bot:
        await bot.startup
        yield f"{bot.url}/slack/events"


def modal_text(ack: Answered) -> str:
    """The text of the modal that an ack shows instead of the one that was submitted."""
    (block,) = json.loads(ack.body)["view"]["blocks"]
    return str(block["text"]["text"])


@dataclass(frozen=True, slots=True)
class Tenant(Conversation):
    """One of the workspaces of `at`: an admin in its #alerts, its own `key` at Anchor and a session of that key.

    `second` is an admin who is its owner, `member` is no admin.
    """

    key: str
    at: ManyHarness
    second: User
    member: User

    @classmethod
    async def open(cls, at: ManyHarness, number: int = 1, *, with_key: bool = False) -> "Tenant":
        """Install the app; nobody has opened its Home yet."""
        tenant = at.add(number)
        await (at.set_up(tenant) if with_key else at.install(tenant))
        return tenant

    @property
    def team_id(self) -> str:
        return self.workspace.team_id

    @property
    def admin(self) -> User:
        return self.person

    async def home_with(self, text: str, *, user: User | None = None, within: float = 20.0) -> View:
        await self.slack.until(lambda: text in self.home_text(user), within=within)
        home = self.slack.home_of(user or self.admin)
        assert home is not None
        return home

    def home_text(self, user: User | None = None) -> str:
        home = self.slack.home_of(user or self.admin)
        return home.text if home else ""

    async def press(
        self, action_id: str, choice: str | None = None, *, user: User | None = None, **overrides: Any
    ) -> Delivery:
        """Press a button of Home, or choose in it."""
        who = user or self.admin
        view = self.slack.home_of(who)
        assert view is not None
        return await self.slack.act(who, view, action_id, choice, **overrides)

    async def open_modal(self, action_id: str, *, user: User | None = None) -> View:
        """Press a control of Home, and wait for the modal that can be filled in, or that has an answer."""
        await self.press(action_id, user=user)
        return await self.wait_for_modal("", user=user)

    async def wait_for_modal(self, text: str, *, user: User | None = None) -> View:
        """Wait until the visible modal contains `text`, and is not the one that is shown until Slack says who it is."""

        def is_shown() -> bool:
            modal = self.slack.modal_of(user or self.admin)
            return modal is not None and text in modal.text and ONE_MOMENT.text not in modal.text

        await self.slack.until(is_shown)
        return self.modal(user)

    async def submit(self, values: Mapping[str, str | Sequence[str]], *, user: User | None = None) -> Delivery:
        return await self.slack.submit(user or self.admin, None, values)

    async def set_key(self, key: str, *, user: User | None = None, **more: Sequence[str]) -> View:
        await self.open_modal("anchor_set_key", user=user)
        await self.submit({"key": key, **more}, user=user)
        return self.modal(user)

    async def stored(self) -> product.Workspace:
        found = await self.at.store.rows.find(self.team_id)
        assert found
        return found

    def add_channel(self, name: str, *, with_bot: bool) -> Channel:
        bot = [self.workspace.installation.bot_user_id] if with_bot else []
        people: list[User | str] = [self.admin, self.second, self.member, *bot]
        return self.workspace.add_channel(f"C0{name.upper():0<9}", name, *people)
