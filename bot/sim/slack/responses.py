"""Messages that the app sends to response URLs and incoming webhooks."""

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from aiohttp import web

from bot.sim.faults import inject_fault
from bot.sim.slack.content import CONTENT_KEYS, Part, json_object, mistakes, read_content, refusal
from bot.sim.slack.delivery import RESPONSE_TYPES, Invocation
from bot.sim.slack.history import Author, Message, MessageResponse, Place, Source, respond
from bot.sim.slack.interactions import Click, Typed
from bot.sim.slack.platform import Platform, RateLimiter
from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.workspace import Channel, Workspace

# The rules for what is posted to a response_url.
# https://docs.slack.dev/interactivity/handling-user-interaction#message_responses

LIFETIME = 30 * 60.0  # seconds
USES = 5
_KEYS = CONTENT_KEYS | {"response_type", "replace_original", "thread_ts"}


@dataclass(slots=True)
class Ticket:
    """The right to answer one command or click: the holder of its URL posts as the app, in that channel.

    `original` is the message that held the button; a command and a shortcut have none. Unless it `keeps_threads`, what
    is posted with a `thread_ts` goes to the channel.
    """

    workspace: Workspace
    channel: str
    user: str
    trigger_id: str
    expires_at: float
    original: Message | None
    uses_left: int = USES
    keeps_threads: bool = True

    def refusal(self, now: float) -> str | None:
        """Return Slack's error if the URL can't be used any more."""
        if now > self.expires_at:
            return "Expired url"
        return None if self.uses_left else "used_url"

    def place(self, raw: Part) -> Place:
        """Return where a new message goes, as far as its flags make sense."""
        in_channel = raw.get("response_type") == "in_channel"
        return Place(
            channel=self.channel,
            ephemeral_to=None if in_channel else self.user,
            thread_ts=str(raw["thread_ts"]) if raw.get("thread_ts") and in_channel and self.keeps_threads else None,
            trigger_id=self.trigger_id,
        )


def mistakes_of_response(raw: Part, original: Message | None) -> Iterator[Violation]:
    """Yield what is wrong with the JSON posted for a command, or for a click in the message `original`."""
    yield from mistakes(raw, _KEYS)
    response_type = raw.get("response_type")
    if response_type is not None and response_type not in RESPONSE_TYPES:
        yield Violation(Rule.UNKNOWN_RESPONSE_TYPE, repr(response_type))
    yield from _missing_flags(raw) if original is None else _mistakes_with_original(raw, original)
    if original is None and raw.get("replace_original"):
        yield Violation(Rule.REPLACES_SLASH_COMMAND, "through response_url")
    if raw.get("thread_ts") and (response_type != "in_channel" or raw.get("replace_original") is not False):
        yield Violation(Rule.MISPLACED_THREAD, f"thread_ts {raw['thread_ts']}")


def _missing_flags(raw: Part) -> Iterator[Violation]:
    if "response_type" not in raw:
        yield Violation(Rule.IMPLICIT_RESPONSE_TYPE, "say whether everyone shall see it")
    if "replace_original" not in raw:
        yield Violation(Rule.IMPLICIT_REPLACE_ORIGINAL, "say whether anything shall be replaced")


def _mistakes_with_original(raw: Part, original: Message) -> Iterator[Violation]:
    visible = "ephemeral" if original.ephemeral_to else "in_channel"
    if not raw.get("replace_original"):
        yield from _missing_flags(raw)
    elif raw.get("response_type", visible) != visible:
        yield Violation(Rule.CHANGES_VISIBILITY, f"the message stays {visible}")


RESPONSE_URL = "response_url"  # the endpoint, for its faults


class ResponseUrls:
    """All response URLs of this Slack."""

    def __init__(self, platform: Platform, origin: Callable[[], str]) -> None:
        self._platform = platform
        self._origin = origin
        self._tickets: dict[str, Ticket] = {}
        self._numbers = itertools.count(1_234_567_890_123)

    def issue(self, cause: Typed | Click) -> Invocation:
        """Make a response URL and a trigger id for a command or a click."""
        original = cause.message if isinstance(cause, Click) else None
        return self._issue("actions" if original else "commands", cause, original)

    def issue_for_shortcut(self, click: Click) -> Invocation:
        """Make a response URL and a trigger id for a message shortcut: it can replace no message."""
        return self._issue("app", click, None, keeps_threads=self._platform.shortcuts_keep_threads)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a POST to any response URL."""
        body = await request.read()
        fault = self._platform.faults.take(RESPONSE_URL)

        def handle() -> web.Response:
            return self._use(request, body)

        return await inject_fault(fault, request, handle) or web.Response()

    def _issue(
        self, kind: str, cause: Typed | Click, original: Message | None, *, keeps_threads: bool = True
    ) -> Invocation:
        workspace, user_id, expires_at = cause.workspace, cause.user.id, self._platform.clock.now() + LIFETIME
        trigger_id = self._platform.triggers.issue(workspace, user_id)
        path = f"/{kind}/{workspace.team_id}/{next(self._numbers)}/{secrets.token_urlsafe(18)}"
        self._tickets[path] = Ticket(
            workspace, cause.channel.id, user_id, trigger_id, expires_at, original, keeps_threads=keeps_threads
        )
        return Invocation(self._origin() + path, trigger_id)

    def _use(self, request: web.Request, body: bytes) -> web.Response:
        ticket = self._tickets.get(request.path)
        refusal = ticket.refusal(self._platform.clock.now()) if ticket is not None else "Expired url"
        if ticket is None or refusal:
            return web.json_response({"ok": False, "error": refusal}, status=404)
        raw = read_object(request.content_type, body)
        return _refused("invalid_payload") if raw is None else self._post(ticket, raw)

    def _post(self, ticket: Ticket, raw: Part) -> web.Response:
        self._platform.record(mistakes_of_response(raw, ticket.original))
        content = read_content(raw)
        if error := refusal(raw):
            return _refused(error)
        if content.is_empty:
            return _refused("no_text")
        original = ticket.original if raw.get("replace_original") else None
        response = MessageResponse(content, ticket.place(raw), Source.RESPONSE_URL, original)
        if not respond(self._platform.history, ticket.workspace.installation, response):
            return web.json_response({"ok": False, "error": "message_not_found"}, status=404)  # not documented
        ticket.uses_left -= 1
        return web.Response(text="ok", content_type="text/html")


def read_object(content_type: str, body: bytes) -> Part | None:
    """Return the JSON object in a body, or None if it has another content type or is none."""
    return json_object(body) if content_type == "application/json" else None


def _refused(error: str) -> web.Response:
    return web.Response(status=400, text=error)


# The app's incoming webhooks: a program that has the URL posts in its channel, as the app.
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks

SCOPE = "incoming-webhook"


class Webhooks:
    """All incoming webhooks of this Slack. What else is in a message, such as `channel` and `username`, is ignored."""

    def __init__(self, platform: Platform, origin: Callable[[], str]) -> None:
        self._platform = platform
        self._origin = origin
        self._channels: dict[str, tuple[Workspace, Channel]] = {}
        self._limiter = RateLimiter(burst=5, per_second=1.0)

    def add(self, channel: Channel) -> str:
        """Make a webhook for a channel, as a person does in the app's settings, and return its URL."""
        workspace = self._platform.workspaces[channel.team_id]
        workspace.installation.scopes.add(SCOPE)
        path = f"/services/{channel.team_id}/B{secrets.token_hex(5).upper()}/{secrets.token_urlsafe(18)}"
        self._channels[path] = (workspace, channel)
        return self._origin() + path

    async def serve(self, request: web.Request) -> web.Response:
        """Answer a POST to any webhook: "ok", or an error in plain text."""
        body = await request.read()
        status, text = self._post(request.path, request.content_type, body)
        headers = {"Retry-After": "1"} if status == web.HTTPTooManyRequests.status_code else {}
        return web.Response(status=status, text=text, headers=headers)

    def _post(self, path: str, content_type: str, body: bytes) -> tuple[int, str]:
        workspace, channel = self._channels.get(path, (None, None))
        if workspace is None or channel is None or workspace.installation.refusal:
            return 404, "no_service"
        if channel.is_archived:
            return 410, "channel_is_archived"
        if self._limiter.wait(path, self._platform.clock.now()) is not None:
            return 429, "rate_limited"
        raw = read_object(content_type, body)
        if error := _problem(raw):
            return 400, error
        app, content = workspace.installation, read_content(raw or {})
        self._platform.history.post(content, Author(app.bot_user_id, app.bot_id), Place(channel.id), Source.POSTED)
        return 200, "ok"


def _problem(raw: Part | None) -> str | None:
    if raw is None:
        return "invalid_payload"
    return refusal(raw) or ("no_text" if read_content(raw).is_empty else None)
