"""People ask for a pause or a resume, by a command or by a button, and are answered; whatever workspace it is in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.sim.anchor import Received, SimAnchor
from bot.sim.slack import (
    Answer,
    Channel,
    Delivery,
    Fault,
    Message,
    ResetAfterReading,
    ResetBeforeReading,
    SimSlack,
    Source,
    User,
    api_error,
    rate_limited,
    server_error,
)
from harness import SESSION, Workplace
from tenants import Tenancy, Tenant

BY_BOTH = ("a command", "a click")
"""The ways to ask."""

AWAY: Sequence[Fault] = (
    ResetBeforeReading(),
    ResetAfterReading(),
    server_error(),
    rate_limited(60),
    api_error("internal_error"),
    api_error("invalid_auth"),
)
"""Ways of Slack's not to say who somebody is."""

_SPOKEN = {Source.ACK, Source.RESPONSE_URL, Source.POST_MESSAGE}


@dataclass(frozen=True, slots=True)
class Asking:
    """How people ask, of which session's agent, and in which channel unless a test says so."""

    slack: SimSlack
    anchor: SimAnchor
    channel: Channel
    session: str
    by: str

    async def ask(self, user: User, verb: str = "pause", *, channel: Channel | None = None) -> Delivery:
        """Ask, and see the request acknowledged."""
        where = channel or self.channel
        if self.by == "a command":
            return await self.slack.command(user, where, self.session, command=f"/anchor-{verb}")
        text = {"type": "plain_text", "text": "Go"}
        button = {"type": "button", "action_id": f"anchor_{verb}", "text": text, "value": self.session}
        alert = self.slack.post(where, "High spend", blocks=[{"type": "actions", "elements": [button]}])
        return await self.slack.click(user, alert, f"anchor_{verb}")

    def told(self, user: User, channel: Channel | None = None) -> list[Message]:
        """What the bot has said that this person sees, but for what it will still follow up."""
        seen = self.slack.seen_by(user, channel or self.channel)
        return [message for message in seen if message.source in _SPOKEN and "will be posted" not in message.text]

    async def answer(
        self, user: User, verb: str = "pause", *, channel: Channel | None = None, within: float = 5.0
    ) -> Message:
        """Ask, and wait for the outcome."""
        before = len(self.told(user, channel))
        await self.ask(user, verb, channel=channel)
        await self.slack.until(lambda: len(self.told(user, channel)) > before, within=within)
        return self.told(user, channel)[-1]

    @property
    def orders(self) -> list[Received]:
        """What reached Anchor."""
        return self.anchor.posts(self.session)

    @property
    def questions(self) -> int:
        """How often Slack was asked who somebody is."""
        return calls(self.slack, "users.info")


def in_workplace(at: Workplace, by: str) -> Asking:
    """In #alerts of the one workspace."""
    return Asking(at.slack, at.anchor, at.slack.alerts, SESSION, by)


def in_tenancy(at: Tenancy, tenant: Tenant, by: str) -> Asking:
    """In #alerts of one of many."""
    return Asking(at.slack, at.anchor, tenant.alerts, tenant.session, by)


def calls(slack: SimSlack, method: str) -> int:
    """How often the bot has called a method of Slack's."""
    return [call.method for call in slack.api_calls].count(method)


def direct_messages(slack: SimSlack, users: Sequence[User]) -> dict[str, list[str]]:
    """What the bot has written to these people directly, by their names."""
    return {
        user.name: [
            message.text
            for workspace in slack.platform.workspaces.values()
            if workspace.users.get(user.id) is user
            for message in slack.channel_messages(workspace.dm_with_bot(user))
        ]
        for user in users
    }


def user_info(**user: object) -> Answer:
    """What users.info says of everybody."""
    return Answer(200, json.dumps({"ok": True, "user": user}).encode())


async def rename_table(at: Tenancy, before: str, after: str) -> None:
    """Take a table away, or bring it back: what asks for it meanwhile fails."""
    async with at.store.database.changing() as connection:
        await connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")
