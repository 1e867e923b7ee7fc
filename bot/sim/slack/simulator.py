"""The simulated Slack: people who type commands, what they see, and the API that apps call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from aiohttp import web

from bot.sim.local_server import LocalServer
from bot.sim.slack.acme import acme
from bot.sim.slack.commands import Commands, Delivery
from bot.sim.slack.courier import Answered, Courier
from bot.sim.slack.hooks import Hooks
from bot.sim.slack.platform import Platform
from bot.sim.slack.signing import signed_headers
from bot.sim.slack.slash_command import Typed
from bot.sim.slack.web_api import WebApi

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sim.faults import Faults
    from bot.sim.slack.clock import Clock
    from bot.sim.slack.history import Message
    from bot.sim.slack.rules import Violation
    from bot.sim.slack.web_api import ApiCall
    from bot.sim.slack.workspace import Channel, User, Workspace

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105 - the example of Slack's own guide
ACK_DEADLINE = 3.0  # seconds


class SimSlack:
    """Slack on 127.0.0.1, with the workspace `home`; commands go to `request_url` once it is set.

    `home`, `alice`, `alerts` and the others are described in acme.py; more workspaces come with `add_workspace`.
    """

    def __init__(
        self,
        *,
        signing_secret: str = SIGNING_SECRET,
        now: Callable[[], float] = time.time,
        ack_deadline: float = ACK_DEADLINE,
    ) -> None:
        self.signing_secret = signing_secret
        self.request_url: str | None = None
        self.platform = Platform(now)
        self._courier = Courier(ack_deadline)
        self._hooks = Hooks(self.platform, lambda: self._server.origin)
        self._commands = Commands(self.platform, self._hooks, self._courier, self.sign)
        self._api = WebApi(self.platform)
        self._server = LocalServer(
            [
                web.route("*", "/api/{method}", self._api.serve),
                web.post("/commands/{path:.*}", self._hooks.serve),
            ]
        )
        self._settle()

    def _settle(self) -> None:
        people = acme()
        self.home: Workspace = people.workspace
        self.alice, self.bob, self.guest, self.outsider = people.alice, people.bob, people.guest, people.outsider
        self.alerts, self.incidents = people.alerts, people.incidents
        self.private, self.archived = people.private, people.archived
        self.alice_and_bob, self.alice_and_bot = people.alice_and_bob, people.alice_and_bot
        self.add_workspace(self.home)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve the Web API and the response URLs, and be ready to send."""
        await self._server.start()
        await self._courier.start()

    async def stop(self) -> None:
        """Drop everything at once."""
        await self._courier.stop()
        await self._server.stop()

    @property
    def url(self) -> str:
        """Base URL of the Web API, with the trailing slash that slack_sdk wants."""
        return f"{self._server.origin}/api/"

    @property
    def bot_token(self) -> str:
        """The token of the app in `home`."""
        return self.home.installation.bot_token

    @property
    def clock(self) -> Clock:
        """Slack's time."""
        return self.platform.clock

    @property
    def faults(self) -> Faults:
        """What goes wrong, by place: "response_url" or a method such as "chat.postMessage"."""
        return self.platform.faults

    @property
    def violations(self) -> list[Violation]:
        """What the app did wrong, in order."""
        return self.platform.violations

    @property
    def api_calls(self) -> list[ApiCall]:
        """Every call of the Web API, in order of arrival."""
        return self._api.calls

    def add_workspace(self, workspace: Workspace) -> None:
        """Add another workspace in which the app is installed."""
        self.platform.add(workspace)

    async def command(
        self,
        user: User | str,
        channel: Channel | str,
        text: str = "",
        *,
        command: str = "/anchor-pause",
        **field_overrides: str | None,
    ) -> Delivery:
        """Type a command and see it acknowledged.

        `text` is sent as it stands: escape it as Slack would. An override of None leaves a field out.
        Raises NotPossibleError if the client would not let this person do that; then nothing is sent.
        """
        typed = self._typed(user, channel, command, text)
        return await self._commands.send(typed, self.request_url, field_overrides)

    def command_in_thread(
        self, user: User | str, channel: Channel | str, text: str = "", *, command: str = "/anchor-pause"
    ) -> None:
        """Type a command in a thread: the client refuses by itself, and nothing is sent."""
        self._commands.refuse_in_thread(self._typed(user, channel, command, text))

    async def resend(self, delivery: Delivery) -> Delivery:
        """Send the very same signed bytes once more; nobody is shown the answer."""
        return await self._commands.send_again(delivery, self.request_url)

    async def send(self, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post these bytes to the app, with these headers only."""
        return await self._courier.post(self.request_url, body, headers)

    def sign(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers of a form with this body, signed now or at `timestamp` (Unix seconds)."""
        return signed_headers(self.signing_secret, int(self.clock.now()) if timestamp is None else timestamp, body)

    def channel_messages(self, channel: Channel | str) -> list[Message]:
        """Return what everyone in the channel sees, oldest first."""
        return self.platform.history.public(_id(channel))

    def seen_by(self, user: User | str, channel: Channel | str) -> list[Message]:
        """Return the same with what only this person sees."""
        return self.platform.history.seen_by(_id(user), _id(channel))

    def render(self, message: Message) -> str:
        """Return a message's text as a person reads it: names for mentions, no escapes."""
        return self.platform.render(message)

    async def until(self, condition: Callable[[], object], *, within: float = 5.0) -> None:
        """Wait until `condition` is true, looked at after every message and API call; else TimeoutError."""
        await self.platform.bell.until(condition, within)

    def _typed(self, user: User | str, channel: Channel | str, command: str, text: str) -> Typed:
        workspace = self.platform.workspace_of_channel(_id(channel))
        return Typed(workspace, workspace.users[_id(user)], workspace.channels[_id(channel)], command, text)


def _id(of: User | Channel | str) -> str:
    return of if isinstance(of, str) else of.id
