"""What a killed process has left in the journal, and the bot of a single workspace that is started over it."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from bot.app import Limits, running
from bot.config.settings import Settings
from bot.core.fields import Secret
from bot.core.outcomes import Outcome
from bot.core.requests import Attempt, ReplyAddress, Source, State, Verb, operator_id, program_id
from bot.demo.sandbox import environment
from bot.inbound.slack.request import read_address, read_button_click, read_message_shortcut
from bot.outbound.store.store import Store, open_store
from bot.sim.anchor import SimAnchor
from bot.sim.slack import Delivery, SimSlack
from harness.conversation import Conversation
from harness.databases import KEY
from harness.order_rows import OrderRow, order_row, rows_of, settled, told
from harness.single_workspace import PATIENT, PATIENT_ACK, SingleHarness, obeying
from harness.texts import SESSION
from harness.transport import current_transport


@dataclass(frozen=True, slots=True)
class Remains(Conversation):
    """Alice in #alerts, the journal, and no bot yet: what people order fails."""

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
        row = order_row(Verb(verb), state, trigger=delivery.trigger_id, age=age)
        row = replace(row, order=replace(row.order, reason=""), address=_address(delivery))
        if outcome is not None:
            row = (told if is_told else settled)(row, outcome, settled_at=row.given_at)
        await self._write(row, key)
        return delivery

    async def leave_from_command_line(self) -> None:
        """Leave a pause of the command line in the journal, whose process was killed when it was sent."""
        row = order_row(user=operator_id("root"))
        order = replace(row.order, source=Source.COMMAND_LINE, actor=replace(row.order.actor, channel_id=""))
        await self._write(replace(row, order=order, address=ReplyAddress(order.actor)), KEY)

    async def leave_by_alert(self, state: State = State.WAITING, *, age: float = 1.0) -> None:
        """Leave a pause by an alert, which had been recorded."""
        attempt = Attempt("f1", time.time() - age)
        row = order_row(state=state, user=program_id("default"), trigger=attempt.trigger_id, age=age)
        order = replace(row.order, source=Source.ALERT)
        await self._write(replace(row, order=order, address=ReplyAddress(order.actor)), KEY)

    async def _write(self, row: OrderRow, key: Secret) -> None:
        await rows_of(self.store, "a killed process", key).write(row)

    async def rows(self) -> list[Any]:
        return list(await self.store.database.fetch_all("SELECT * FROM orders ORDER BY given_at"))

    @asynccontextmanager
    async def restart(
        self, *, redelivery_window: float = 0.0, ack_wait: float = PATIENT_ACK
    ) -> AsyncIterator[SingleHarness]:
        limits = Limits(ack_wait=ack_wait, redelivery_window=redelivery_window)
        async with running(Settings.from_env(self.environ), limits) as bot:
            self.slack.request_url = None if current_transport.is_socket else f"{bot.url}/slack/events"
            await bot.startup
            yield SingleHarness(self.slack, self.anchor, self.workspace, self.person, self.channel, self.session, bot)


@asynccontextmanager
async def remains(database_url: str, **settings: str) -> AsyncIterator[Remains]:
    """Open the journal of a bot. At the end nobody may have violated a rule of Slack's or Anchor's."""
    async with (
        SimSlack(socket_mode=current_transport.is_socket, ack_deadline=PATIENT) as slack,
        SimAnchor() as anchor,
        open_store(Secret(database_url), [KEY]) as store,
    ):
        anchor.add_session(session_id=SESSION)
        environ = environment(slack, anchor, DATABASE_URL=database_url, ENCRYPTION_KEYS=KEY.reveal(), **settings)
        with obeying(slack, anchor):
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
