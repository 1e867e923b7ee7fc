"""Issues response URLs and serves them, as hooks.slack.com does."""

import itertools
import secrets
from collections.abc import Callable

from aiohttp import web

from bot.sim.fault_injection import inject_fault
from bot.sim.slack.click import Click
from bot.sim.slack.content import Part, json_object, read_content, refusal
from bot.sim.slack.delivery import Invocation
from bot.sim.slack.history import Message, Source
from bot.sim.slack.message_response import MessageResponse, respond
from bot.sim.slack.platform import Platform
from bot.sim.slack.response_url import LIFETIME, Ticket, mistakes_of_response
from bot.sim.slack.slash_command import Typed

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
        deletes = bool(raw.get("delete_original"))
        if error := refusal(raw):
            return _refused(error)
        if content.is_empty and not deletes:
            return _refused("no_text")
        original = ticket.original if deletes or raw.get("replace_original") else None
        response = MessageResponse(content, ticket.place(raw), Source.RESPONSE_URL, original, deletes)
        if not respond(self._platform.history, ticket.workspace.installation, response):
            return web.json_response({"ok": False, "error": "message_not_found"}, status=404)  # not documented
        ticket.uses_left -= 1
        return web.Response(text="ok", content_type="text/html")


def read_object(content_type: str, body: bytes) -> Part | None:
    """Return the JSON object in a body, or None if it has another content type or is none."""
    return json_object(body) if content_type == "application/json" else None


def _refused(error: str) -> web.Response:
    return web.Response(status=400, text=error)
