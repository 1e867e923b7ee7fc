"""POST /alerts: post a program's alert about a session in Slack, with a button to pause the session."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Sequence
from typing import assert_never

from aiohttp import web

from bot.concurrency import Tasks
from bot.core.cards import Alert
from bot.core.fairness import Tally
from bot.core.fields import is_token
from bot.core.workspace import Workspace
from bot.health import Readiness
from bot.inbound.alerts.generic import BadAlert, read_alert
from bot.inbound.bodies import Bodies
from bot.inbound.rejections import Rejected, RejectionLog, error_response
from bot.messages import cards
from bot.metrics import OFF, Metrics
from bot.outbound.slack.client import Doubtful, Posted, Refused, TryAgain
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.usecases.cards import AlertCards, AlertResult, Folded, Ignored
from bot.usecases.incidents import log_incident
from bot.usecases.queue import SHARE

_log = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000
"""The most requests that are handled at once: more would use the capacity for people's orders."""

_RETRY_SOON, _RETRY_AFTER_RESTART, _RETRY_LATER = 5, 30, 60  # seconds, for Retry-After


class Alerts:
    """Endpoint for alerts; a sender needs the workspace's alerts token."""

    def __init__(  # noqa: PLR0913 - collaborators and a setting
        self,
        alert_cards: AlertCards,
        workspaces: Workspaces,
        tasks: Tasks,
        readiness: Readiness,
        metrics: Metrics = OFF,
        *,
        most_at_once: int = MOST_AT_ONCE,
    ) -> None:
        self._most_at_once = most_at_once
        self._alert_cards = alert_cards
        self._workspaces = workspaces
        self._tasks = tasks
        self._readiness = readiness
        self._metrics = metrics
        self._running: Tally[str] = Tally()
        self._bodies = Bodies()
        self._rejections = RejectionLog(time.monotonic)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer a request; a `{ref}` in its path names the workspace. Check the token before the body is read."""
        try:
            workspace = await self._workspaces.owner_of_alerts(request.match_info.get("ref", ""))
        except StoreError as error:
            _log.error("workspace lookup failed; alert refused", extra={"why": str(error)})
            return self._reject(Rejected(503, cards.STORE_FAILED), retry_after=_RETRY_SOON)
        if workspace is None or not is_token(_bearer(request), workspace.alerts_token_digest):
            return self._reject(Rejected(401, cards.WRONG_TOKEN))
        if "stopping" in self._readiness.reasons:
            return self._reject(Rejected(503, cards.STOPPING), retry_after=_RETRY_AFTER_RESTART)
        most_of_one = self._most_at_once // SHARE if "ref" in request.match_info else self._most_at_once
        if self._running.total >= self._most_at_once or self._running[workspace.team_id] >= most_of_one:
            return self._reject(Rejected(503, cards.BUSY), retry_after=_RETRY_SOON)
        self._running.add(workspace.team_id)
        try:
            return await self._handle(request, workspace)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the program
            return _problem(500, cards.broken(log_incident(error)))
        finally:
            self._running.remove(workspace.team_id)

    def _reject(self, rejected: Rejected, *, retry_after: int | None = None) -> web.Response:
        self._rejections.record(rejected)
        self._metrics.alerted("Rejected")
        response = error_response(rejected)
        if rejected.status == 401:  # noqa: PLR2004 - a well-known status
            response.headers["WWW-Authenticate"] = "Bearer"
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    async def _handle(self, request: web.Request, workspace: Workspace) -> web.Response:
        body = await self._bodies.read(request)
        if isinstance(body, Rejected):
            return self._reject(body)
        alert = _read(body)
        if isinstance(alert, BadAlert):
            return self._refuse(alert)
        channel = alert.channel or workspace.alerts_channel
        if channel is None:
            return self._refuse(BadAlert("channel", cards.NO_CHANNEL))
        return await self._post(alert, channel, workspace)

    def _refuse(self, alert: BadAlert) -> web.Response:
        self._metrics.alerted("Invalid")
        return _problem(400, alert.why, field=alert.field)

    async def _post(self, alert: Alert, channel: str, workspace: Workspace) -> web.Response:
        """Post the alert in a task, which shutdown waits for and finally cancels."""
        began = time.monotonic()
        task = self._tasks.start(self._alert_cards.post(workspace, channel, alert))
        await asyncio.wait({task})
        result = Doubtful("the bot was stopped") if task.cancelled() else task.result()
        outcome, team_id = type(result).__name__, workspace.team_id
        self._metrics.alerted(outcome)
        fields = {"outcome": outcome, "session": alert.session_id, "team": team_id, "channel": channel}
        why = {"why": result.why} if isinstance(result, TryAgain | Doubtful | Refused) else {}
        _log.info("alert", extra=fields | why | {"ms": round((time.monotonic() - began) * 1000)})
        return _problem(504, cards.CUT_SHORT) if task.cancelled() else _answer(result, channel, alert.warnings)


def _bearer(request: web.Request) -> str:
    """Return the token of the request. https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _read(body: bytes) -> Alert | BadAlert:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return BadAlert(None, cards.NO_JSON)
    return read_alert(fields)


def _answer(result: AlertResult, channel: str, warnings: Sequence[str]) -> web.Response:
    if isinstance(result, Refused | TryAgain | Doubtful):
        return _failure(result, channel)
    known: dict[str, object] = {"ok": True, "channel": result.channel} | _details(result)
    status = 202 if "queued" in known else 200
    return web.json_response(known | ({"warnings": warnings} if warnings else {}), status=status)


def _details(result: Posted | Folded | Ignored) -> dict[str, object]:
    match result:
        case Posted(ts=ts):
            return {"ts": ts}
        case Folded(ts=None, count=count):
            return {"queued": True, "count": count}
        case Folded(ts=ts, count=count):
            return {"ts": ts, "count": count}
        case Ignored():
            return {"ignored": True}
        case _:
            assert_never(result)


def _failure(result: Refused | TryAgain | Doubtful, channel: str) -> web.Response:
    match result:
        case Refused(why=code):
            return _problem(502, cards.refused_by_slack(code, channel), slack_error=code)
        case TryAgain(limited=True):
            return _problem(503, cards.LIMITED, retry_after=math.ceil(result.after or _RETRY_LATER))
        case TryAgain(why=why):
            return _problem(502, cards.not_taken_by_slack(why))
        case Doubtful():
            return _problem(504, cards.DOUBTFUL)
        case _:
            assert_never(result)


def _problem(status: int, why: str, *, retry_after: int | None = None, **details: str | None) -> web.Response:
    known = {name: value for name, value in details.items() if value is not None}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"error": why} | known, status=status, headers=headers)
