"""State and settings that all parts of the simulated Slack share."""

import asyncio
import hashlib
import hmac
import itertools
import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.sim.change_event import ChangeEvent
from bot.sim.faults import Faults
from bot.sim.slack.content import Part, block_problems, read_content
from bot.sim.slack.history import Author, Clock, History, Message, Place, Source
from bot.sim.slack.markup import plain
from bot.sim.slack.rules import Violation
from bot.sim.slack.views import Views
from bot.sim.slack.workspace import Enterprise, Registration, User, Workspace

# A rate limit: calls per second, after a burst.
# https://docs.slack.dev/apis/web-api/rate-limits


class RateLimiter:
    """Allows `burst` calls at once for each key, such as a channel, and refills `per_second`."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._left: dict[str, tuple[float, float]] = {}

    def wait(self, key: str, now: float) -> int | None:
        """Count a call at `now`; if it comes too early, return for how many seconds to wait instead."""
        left, since = self._left.get(key, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        if left < 1:
            return math.ceil((1 - left) / self._per_second)
        self._left[key] = (left - 1, now)
        return None


# Trigger ids: what somebody did just now, which the app may answer with one modal.
# https://docs.slack.dev/interactivity/handling-user-interaction#modal_responses


class TriggerError(Exception):
    """The id is good for nothing; its text is Slack's error."""


@dataclass(slots=True)
class Trigger:
    """The person who acted, and whether in a modal."""

    workspace: Workspace
    user_id: str
    expires_at: float
    is_in_modal: bool
    is_used: bool = False


class Triggers:
    """All that were issued."""

    def __init__(self, clock: Clock, timing: "Timing") -> None:
        self._clock, self._timing = clock, timing
        self._issued: dict[str, Trigger] = {}
        self._numbers = itertools.count(1_234_567_890_123)

    def issue(self, workspace: Workspace, user_id: str, *, is_in_modal: bool = False) -> str:
        """Make an id for what this person did now."""
        expires_at = self._clock.now() + self._timing.trigger_lifetime
        trigger_id = f"{next(self._numbers)}.987654321.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(workspace, user_id, expires_at, is_in_modal)
        return trigger_id

    def exchange(self, trigger_id: str, workspace: Workspace) -> Trigger:
        """Use an id up; TriggerError if it is unknown in this workspace, used, or too old."""
        trigger = self._issued.get(trigger_id)
        if trigger is None or trigger.workspace is not workspace:
            raise TriggerError("invalid_trigger_id")
        if trigger.is_used:
            raise TriggerError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires_at:
            raise TriggerError("expired_trigger_id")
        trigger.is_used = True
        return trigger


@dataclass(slots=True)
class Timing:
    """Seconds, which tests can change at any moment.

    `ack_deadline` begins when a person acts. Slack then stops waiting, and over HTTP closes the connection.
    `trigger_lifetime` is how long a trigger id can open a modal.
    `delay_to_app` is that of requests and frames of Slack's, and of the end of a connection that Slack closes.
    `delay_from_app` is that of acks.
    `redelivery_after` begins when an envelope is sent whose connection then ends without an ack: it is sent again at
    that time or at the reconnect, whichever is later. None is the ack deadline: an earlier redelivery was never seen.
    """

    ack_deadline: float
    trigger_lifetime: float = 3.0
    delay_to_app: float = 0.0
    delay_from_app: float = 0.0
    redelivery_after: float | None = None

    def until_redelivery(self, sent_at: float) -> float:
        """Return the seconds until an envelope of that time (monotonic) can be sent again."""
        after = self.ack_deadline if self.redelivery_after is None else self.redelivery_after
        return max(0.0, sent_at + after - time.monotonic())

    async def travel_to_app(self) -> None:
        """Wait until what Slack sends now reaches the app."""
        await _pass(self.delay_to_app)

    async def travel_from_app(self) -> None:
        """Wait until an ack that the app sends now reaches Slack."""
        await _pass(self.delay_from_app)


async def _pass(seconds: float) -> None:
    if seconds:
        await asyncio.sleep(seconds)


# The headers with which Slack sends a form, signed.
# https://docs.slack.dev/authentication/verifying-requests-from-slack


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of X-Slack-Signature."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def signed_headers(secret: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return all headers of a form that Slack sends."""
    return {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Accept-Encoding": "gzip,deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": signature(secret, str(timestamp), body),
    }


# Slack's state: the workspaces, what was said in them, and what apps did wrong.

SLACKBOT = "USLACKBOT"  # speaks for the client itself


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message for later; `post_at` is in Unix seconds."""

    channel: str
    text: str
    post_at: int


class Platform:
    """Shared by everything that delivers to apps or serves them."""

    def __init__(self, now: Callable[[], float], timing: Timing, app_token: str, registration: Registration) -> None:
        self.app_token = app_token
        self.registration = registration
        self.timing = timing
        self.clock = Clock(now)
        self.change_event = ChangeEvent()
        self.history = History(self.clock, self.change_event)
        self.triggers = Triggers(self.clock, timing)
        self.views = Views(self.clock, self.change_event)
        self.faults = Faults(self.clock.now)
        self.post_limiter = RateLimiter(burst=5, per_second=1.0)
        self.update_limiter = RateLimiter(burst=50, per_second=50 / 60)
        self.shortcuts_keep_threads = False  # whether the response URL of a message shortcut can post in a thread
        self.scheduled: dict[str, Scheduled] = {}
        self.violations: list[Violation] = []
        self.workspaces: dict[str, Workspace] = {}

    def add(self, workspace: Workspace) -> None:
        """Add a workspace; commands, tokens and names are looked up in all of them."""
        self.workspaces[workspace.team_id] = workspace

    def record(self, violations: Iterable[Violation]) -> None:
        """Keep what an app did wrong."""
        self.violations.extend(violations)
        self.change_event.notify()

    def workspace_of_token(self, token: str | None) -> Workspace | None:
        """Find the workspace whose bot has this token."""
        for workspace in self.workspaces.values():
            if workspace.installation.bot_token == token:
                return workspace
        return None

    def workspace_of_channel(self, channel_id: str) -> Workspace:
        """Find the workspace that has this channel; KeyError if none has."""
        for workspace in self.workspaces.values():
            if channel_id in workspace.channels:
                return workspace
        raise KeyError(channel_id)

    def is_colleague(self, workspace: Workspace, user: User) -> bool:
        """Whether this person is of the workspace, or of another one of the same Grid organisation."""
        if user.team_id == workspace.team_id:
            return True
        home = self.workspaces.get(user.team_id)
        return home is not None and home.enterprise is not None and home.enterprise == workspace.enterprise

    def enterprise_of(self, workspace: Workspace, user: User) -> Enterprise | None:
        """Return the Grid organisation of a person in a workspace: for somebody of another company, their own."""
        if user.team_id == workspace.team_id:
            return workspace.enterprise
        home = self.workspaces.get(user.team_id)
        return home.enterprise if home else None

    def render(self, message: Message) -> str:
        """Return a message's text as a person reads it, with names for ids."""
        return plain(message.text, self._user_name, self._channel_name)

    def _user_name(self, user_id: str) -> str:
        users = (workspace.users.get(user_id) for workspace in self.workspaces.values())
        return next((user.name for user in users if user is not None), user_id)

    def _channel_name(self, channel_id: str) -> str:
        channels = (workspace.channels.get(channel_id) for workspace in self.workspaces.values())
        return next((channel.name for channel in channels if channel is not None), channel_id)


def put(platform: Platform, raw: Part, place: Place, user_id: str | None) -> Message:
    """Add a message, the app's if there is no user; ValueError if Slack would not take its blocks."""
    if complaints := block_problems(raw):
        raise ValueError("\n".join(complaints))
    author = _author(platform.workspace_of_channel(place.channel), user_id)
    return platform.history.post(read_content(raw), author, place, Source.POSTED)


def _author(workspace: Workspace, user_id: str | None) -> Author:
    app = workspace.installation
    if user_id is None:
        return Author(app.bot_user_id, app.bot_id)
    user = workspace.users.get(user_id)
    return Author(user_id, f"B{user_id[1:]}" if user is not None and user.is_bot else None)
