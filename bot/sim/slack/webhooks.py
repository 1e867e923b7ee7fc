"""The app's incoming webhooks: a program that has the URL posts in its channel, as the app.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import secrets
from collections.abc import Callable

from aiohttp import web

from bot.sim.slack.content import Part, read_content, refusal
from bot.sim.slack.history import Author, Place, Source
from bot.sim.slack.platform import Platform
from bot.sim.slack.rate_limiter import RateLimiter
from bot.sim.slack.response_urls import read_object
from bot.sim.slack.workspace import Channel, Workspace

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
