"""What people and programs do in one workspace, and what they see there. Every harness has these verbs."""

import asyncio
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from bot.sim.anchor import Received, SimAnchor
from bot.sim.change_event import not_true
from bot.sim.slack import Answered, Channel, Delivery, Message, SimSlack, Source, User, View, Workspace
from harness.blocks import actions, button, section
from harness.snapshot import SNAPSHOT, sentences
from harness.texts import waiting_text

BY_BOTH = ("a command", "a click")
"""The surfaces that a pause or a resume can be ordered on."""

ACTIONS = {"pause": "anchor_pause", "resume": "anchor_resume_confirmed", "end": "anchor_end"}
"""The `action_id` of the bot's own button for each verb."""

BY_BOT = {Source.ACK, Source.RESPONSE_URL, Source.POST_MESSAGE}


@dataclass(frozen=True, slots=True)
class Conversation:
    """One workspace: who acts, where, and on which session, unless a test says so."""

    slack: SimSlack
    anchor: SimAnchor
    workspace: Workspace
    person: User
    channel: Channel
    session: str

    # --- what people do ---

    async def command(
        self,
        text: str | None = None,
        *,
        verb: str = "pause",
        user: User | None = None,
        channel: Channel | None = None,
        **fields: Any,
    ) -> Delivery:
        """Type a slash command, and return when it is acknowledged. A field that is None is left out."""
        name = fields.pop("command", f"/anchor-{verb}")
        typed = self.session if text is None else text
        return await self.slack.command(user or self.person, channel or self.channel, typed, command=name, **fields)

    def post_alert(
        self, *blocks: Mapping[str, object], channel: Channel | None = None, verb: str = "pause", **fields: Any
    ) -> Message:
        """Post a message of the app with a button for the session, or with these blocks."""
        ours = (section("High spend"), actions(button(ACTIONS[verb], self.session)))
        return self.slack.post(channel or self.channel, "High spend", blocks=blocks or ours, **fields)

    async def click(
        self, message: Message | None = None, *, verb: str = "pause", user: User | None = None, **fields: Any
    ) -> Delivery:
        """Press the button of a message, of a new alert unless one is given, and return when it is acknowledged."""
        at = message or self.post_alert(verb=verb)
        return await self.slack.click(user or self.person, at, ACTIONS[verb], **fields)

    async def order(
        self, by: str, user: User | None = None, verb: str = "pause", *, channel: Channel | None = None
    ) -> Delivery:
        """Order a pause or a resume by "a command" or by "a click", or a pause by "a shortcut"."""
        if by == "a command":
            return await self.command(verb=verb, user=user, channel=channel)
        if by == "a shortcut":
            message = self.slack.post(channel or self.channel, f"look at {self.session}", user=self.person)
            return await self.slack.use_shortcut(user or self.person, message)
        return await self.click(self.post_alert(channel=channel, verb=verb), verb=verb, user=user)

    async def answer(
        self,
        by: str,
        user: User | None = None,
        verb: str = "pause",
        *,
        channel: Channel | None = None,
        within: float = 20.0,
    ) -> Message:
        """Order a pause or a resume, and wait for its outcome."""
        before = len(self.answers(user, channel))
        await self.order(by, user, verb, channel=channel)
        await self.slack.until(lambda: len(self.answers(user, channel)) > before, within=within)
        return self.answers(user, channel)[-1]

    async def deliver(self, kind: str, payload: Mapping[str, object], *, takes_answer: bool = False) -> Answered:
        """Send any payload as Slack would; `kind` is the type of a Socket Mode envelope."""
        if self.slack.socket_mode:
            return await self.slack.sockets.send(kind, payload, accepts_response_payload=takes_answer)
        if kind == "events_api":
            body = json.dumps(payload).encode()
            return await self.slack.send(body, self.slack.sign(body) | {"Content-Type": "application/json"})
        body = urlencode({"payload": json.dumps(payload)} if kind == "interactive" else payload).encode()
        return await self.slack.send(body, self.slack.sign(body))

    # --- what people see ---

    def messages(self, channel: Channel | None = None) -> list[Message]:
        """What everybody in the channel sees, but for what people typed."""
        everything = self.slack.channel_messages(channel or self.channel)
        return [message for message in everything if message.source is not Source.TYPED]

    async def wait_for_messages(self, count: int = 1, *, updates: int = 0, within: float = 20.0) -> list[Message]:
        """Wait for that many `messages` in the channel, and updates of them, and return them."""
        await self.slack.until(
            lambda: len(self.messages()) >= count and sum(one.revision for one in self.messages()) >= updates,
            within=within,
        )
        return self.messages()

    async def wait_for_update(self, message: Message, revision: int = 1) -> Message:
        """Wait until a message has been replaced that often, and return it."""
        await self.slack.until(lambda: self.current(message).revision >= revision)
        return self.current(message)

    def ephemerals(self, user: User | None = None, channel: Channel | None = None) -> list[Message]:
        """What this person alone sees in the channel."""
        seen = self.slack.seen_by(user or self.person, channel or self.channel)
        return [message for message in seen if message.ephemeral_to]

    async def wait_for_ephemeral(self, user: User | None = None) -> Message:
        """Wait for what this person alone sees, and return the first of it."""
        await self.slack.until(lambda: self.ephemerals(user))
        return self.ephemerals(user)[0]

    def seen(self, user: User | None = None, channel: Channel | None = None) -> list[Message]:
        """What this person sees in the channel, but for what people typed."""
        everything = self.slack.seen_by(user or self.person, channel or self.channel)
        return [message for message in everything if message.source is not Source.TYPED]

    def answers(self, user: User | None = None, channel: Channel | None = None) -> list[Message]:
        """What the bot has answered this person in the channel, without announcements that an outcome will come."""
        waiting = {waiting_text(verb, session=self.session) for verb in ("pause", "resume")}
        seen = self.seen(user, channel)
        return [message for message in seen if message.source in BY_BOT and message.text not in waiting]

    def current(self, message: Message) -> Message:
        """The message as it stands now."""
        found = self.slack.current(message)
        assert found is not None
        return found

    def modal(self, user: User | None = None) -> View:
        """The modal that this person sees."""
        view = self.slack.modal_of(user or self.person)
        assert view is not None
        return view

    async def open_home(self, user: User | None = None) -> View:
        """Open Home, and wait until it is shown."""
        who = user or self.person
        await asyncio.sleep(0.2)  # what the bot publishes by itself after a change comes before
        before = self.slack.home_of(who, self.workspace)
        opened = await self.slack.open_home(who, self.workspace)
        assert opened.answer.status == 200
        seen = before.hash if before else None
        await self.slack.until(lambda: (now := self.slack.home_of(who, self.workspace)) and now.hash != seen)
        shown = self.slack.home_of(who, self.workspace)
        assert shown is not None
        return shown

    def direct_messages(self, user: User | None = None) -> list[Message]:
        """The direct messages from the bot to this person."""
        return self.messages(self.workspace.dm_with_bot(user or self.person))

    async def wait_for_direct_messages(self, count: int = 1, *, user: User | None = None) -> list[str]:
        """Wait for that many direct messages to this person, and return their texts."""
        await self.slack.until(lambda: len(self.direct_messages(user)) >= count)
        return [message.text for message in self.direct_messages(user)]

    # --- what reaches Anchor and Slack ---

    @property
    def orders(self) -> list[Received]:
        """The requests that reached Anchor about the session."""
        return self.anchor.posts(self.session)

    @property
    def methods(self) -> list[str]:
        """The methods of Slack's Web API that the bot has called, except for opening connections."""
        return [call.method for call in self.slack.api_calls if call.method != "apps.connections.open"]

    def calls(self, method: str) -> int:
        """How often the bot has called a method of Slack's Web API."""
        return self.methods.count(method)


async def post_json(
    url: str, body: object = None, *, headers: Mapping[str, str] | None = None, data: bytes | None = None
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Post JSON, or raw `data`, and return the status, the JSON of the answer if it is any, and its headers."""
    given = {"data": data} if data is not None else {"json": body}
    async with aiohttp.ClientSession() as session, session.post(url, headers=headers, **given) as answer:
        read = await answer.json() if answer.content_type == "application/json" else {}
        SNAPSHOT.saw(*sentences(read))
        return answer.status, read, answer.headers


async def until(condition: Callable[[], object], *, within: float = 20.0) -> None:
    """Wait for what only the clock tells of, looking less and less often. The condition can be a coroutine function."""
    pause = 0.01
    try:
        async with asyncio.timeout(within):
            while not (await found if inspect.isawaitable(found := condition()) else found):
                await asyncio.sleep(pause)
                pause = min(pause * 1.02, 0.5)
    except TimeoutError:
        raise TimeoutError(not_true(condition, within)) from None
