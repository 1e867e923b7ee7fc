"""POST /alerts: a program reports about a session, and people get a card with a button to pause it."""

import asyncio
import json
import logging
import math
import time
from typing import assert_never

from aiohttp import web

from bot.core.alert import Alert, BadAlert, read_alert
from bot.core.digest import is_token
from bot.core.messages import alert_answers as say
from bot.core.messages.card import alert_message
from bot.core.workspace import Workspace
from bot.inbound.body import read_body, turn_away
from bot.inbound.door import Rejected
from bot.inbound.incidents import log_incident
from bot.inbound.rejections import Rejections
from bot.outbound.alert_poster import AlertPoster
from bot.outbound.delivery import Doubtful, Posted, Refused, TryAgain
from bot.outbound.workspaces import StoreError, Workspaces
from bot.readiness import Readiness
from bot.tasks import Tasks

_log = logging.getLogger(__name__)

_MOST_IN_HAND = 100  # more would take the room of people's pauses
_SOON, _AFTER_RESTART, _LATER = 5, 30, 60  # seconds, for Retry-After


class Alerts:
    """Takes alerts for a workspace from whoever has its alerts' token."""

    def __init__(self, poster: AlertPoster, workspaces: Workspaces, tasks: Tasks, readiness: Readiness) -> None:
        self._poster = poster
        self._workspaces = workspaces
        self._tasks = tasks
        self._readiness = readiness
        self._in_hand = 0
        self._rejections = Rejections(time.monotonic)

    def route(self, path: str) -> web.RouteDef:
        """The route, where `path` may have a `{ref}` that names the workspace."""
        return web.post(path, self.receive)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer one request. Whoever lacks the token is turned away before the body is read."""
        try:
            workspace = await self._workspaces.owner_of_alerts(request.match_info.get("ref", ""))
        except StoreError as error:
            _log.error("a workspace can't be looked up", extra={"why": str(error)})
            return self._turn_away(Rejected(503, say.STORE_FAILED), retry_after=_SOON)
        if workspace is None or not is_token(_bearer(request), workspace.alerts_token_digest):
            return self._turn_away(Rejected(401, say.WRONG_TOKEN))
        if "stopping" in self._readiness.reasons:
            return self._turn_away(Rejected(503, say.STOPPING), retry_after=_AFTER_RESTART)
        if self._in_hand >= _MOST_IN_HAND:
            return self._turn_away(Rejected(503, say.BUSY), retry_after=_SOON)
        self._in_hand += 1
        try:
            return await self._take(request, workspace)
        except Exception as error:  # noqa: BLE001 - whatever it is, the program gets an answer that it can read
            return _problem(500, say.broken(log_incident(error)))
        finally:
            self._in_hand -= 1

    def _turn_away(self, rejected: Rejected, *, retry_after: int | None = None) -> web.Response:
        self._rejections.note(rejected)
        response = turn_away(rejected)
        if rejected.status == 401:  # noqa: PLR2004 - the name would say no more
            response.headers["WWW-Authenticate"] = "Bearer"
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    async def _take(self, request: web.Request, workspace: Workspace) -> web.Response:
        body = await read_body(request)
        if isinstance(body, Rejected):
            return self._turn_away(body)
        alert = _read(body)
        if isinstance(alert, BadAlert):
            return _problem(400, alert.why, field=alert.field)
        channel = alert.channel or workspace.alerts_channel
        if channel is None:
            return _problem(400, say.NO_CHANNEL, field="channel")
        return await self._post(alert, channel, workspace)

    async def _post(self, alert: Alert, channel: str, workspace: Workspace) -> web.Response:
        """Post it as a task, which the end of the bot waits for and, at last, cuts short."""
        began = time.monotonic()
        task = self._tasks.start(self._poster.post(workspace.bot_token, channel, alert_message(alert)))
        await asyncio.wait({task})
        result = Doubtful("the bot was stopped") if task.cancelled() else task.result()
        fields = {
            "outcome": type(result).__name__,
            "session": alert.session_id,
            "team": workspace.team_id,
            "channel": channel,
        }
        why = {} if isinstance(result, Posted) else {"why": result.why}
        _log.info("alert", extra=fields | why | {"ms": round((time.monotonic() - began) * 1000)})
        return _problem(504, say.CUT_SHORT) if task.cancelled() else _answer(result, channel)


def _bearer(request: web.Request) -> str:
    """https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _read(body: bytes) -> Alert | BadAlert:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return BadAlert(None, say.NO_JSON)
    return read_alert(fields)


def _answer(result: Posted | TryAgain | Doubtful | Refused, channel: str) -> web.Response:
    match result:
        case Posted():
            return web.json_response({"ok": True, "channel": result.channel, "ts": result.ts})
        case Refused(why=code):
            return _problem(502, say.refused_by_slack(code, channel), slack_error=code)
        case TryAgain(limited=True):
            return _problem(503, say.LIMITED, retry_after=math.ceil(result.after or _LATER))
        case TryAgain(why=why):
            return _problem(502, say.not_taken_by_slack(why))
        case Doubtful():
            return _problem(504, say.DOUBTFUL)
        case _:
            assert_never(result)


def _problem(status: int, why: str, *, retry_after: int | None = None, **details: str | None) -> web.Response:
    known = {name: value for name, value in details.items() if value is not None}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"error": why} | known, status=status, headers=headers)
