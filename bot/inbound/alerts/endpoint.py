"""The route for alerts: the token, the body, and the answer."""

import json
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from aiohttp import web
from cachetools import LRUCache

from bot.core.cards import Alert
from bot.core.fairness import Tally, TimeWindow
from bot.core.workspace import AlertToken, Workspace
from bot.health import Metrics, Readiness
from bot.inbound.alerts.fields import BadAlertError, read_alert
from bot.inbound.rejections import Bodies, Rejected, RejectionLog, error_response
from bot.messages import cards
from bot.outbound.slack.client import Doubtful, Posted, Refused, TryAgain
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks, ended
from bot.usecases.cards import AlertCards, AlertResult, Counted, Folded, Ignored
from bot.usecases.incidents import log_incident
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import SHARE

_log = logging.getLogger(__name__)

MOST_AT_ONCE = 1_000
"""The most requests that are handled at once: more would use the capacity for people's orders."""

MOST_WRONG_TOKENS = 100, 60.0
"""So many wrong tokens for a workspace within so many seconds are reported."""

_MOST_COUNTED = 1_000  # workspaces
_RETRY_SOON, _RETRY_AFTER_RESTART, _RETRY_LATER = 5, 30, 60  # seconds, for Retry-After


@dataclass(eq=False)
class Alerts:
    """Endpoint for alerts; a sender needs one of the workspace's alert tokens."""

    alert_cards: AlertCards
    workspaces: Workspaces
    tasks: Tasks
    readiness: Readiness
    metrics: Metrics
    monitor: WorkspaceMonitor
    most_at_once: int

    def __post_init__(self) -> None:
        self._running: Tally[str] = Tally()
        self._bodies = Bodies()
        self._rejections = RejectionLog()
        self._wrong_tokens: LRUCache[str, TimeWindow] = LRUCache(_MOST_COUNTED)

    async def receive(self, request: web.Request) -> web.Response:
        """Answer a request; a `{ref}` in its path names the workspace. Check the token before the body is read."""
        try:
            workspace = await self.workspaces.owner_of_alerts(request.match_info.get("ref", ""))
        except StoreError as error:
            _log.error("workspace lookup failed; alert refused", extra={"why": str(error)})
            return self._reject(Rejected(503, cards.STORE_FAILED), retry_after=_RETRY_SOON)
        token = None if workspace is None else workspace.find_token(_bearer(request))
        if workspace is None or token is None:
            self._count_wrong_token(workspace)
            return self._reject(Rejected(401, cards.WRONG_TOKEN))
        if "stopping" in self.readiness.reasons:
            return self._reject(Rejected(503, cards.STOPPING), retry_after=_RETRY_AFTER_RESTART)
        most_of_one = self.most_at_once // SHARE if "ref" in request.match_info else self.most_at_once
        if self._running.total >= self.most_at_once or self._running[workspace.team_id] >= most_of_one:
            return self._reject(Rejected(503, cards.BUSY), retry_after=_RETRY_SOON)
        self._running.add(workspace.team_id)
        try:
            return await self._handle(request, workspace, token)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the program
            return _problem(500, cards.broken(log_incident(error)))
        finally:
            self._running.remove(workspace.team_id)

    def _count_wrong_token(self, workspace: Workspace | None) -> None:
        if workspace is not None:
            window = self._wrong_tokens.setdefault(workspace.team_id, TimeWindow(*MOST_WRONG_TOKENS))
            window.add(time.monotonic())
            if window.retry_after(time.monotonic()):
                self.monitor.report_wrong_tokens(workspace)

    def _reject(self, rejected: Rejected, *, retry_after: int | None = None) -> web.Response:
        self._rejections.record(rejected)
        self.metrics.alerted("Rejected")
        response = error_response(rejected)
        if rejected.status == 401:  # noqa: PLR2004 - a well-known status
            response.headers["WWW-Authenticate"] = "Bearer"
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    async def _handle(self, request: web.Request, workspace: Workspace, token: AlertToken) -> web.Response:
        body = await self._bodies.read(request)
        if isinstance(body, Rejected):
            return self._reject(body)
        try:
            alert = _read(body)
            channel = _channel_of(alert, workspace, token)
        except BadAlertError as bad:
            self.metrics.alerted("Invalid", token.name)
            return _problem(400, str(bad), field=bad.field)
        if alert.channel not in {None, channel}:
            moved = cards.moved(alert.channel, channel, by_admins=workspace.is_managed)
            alert = replace(alert, warnings=(moved, *alert.warnings))
        return await self._post(replace(alert, sender=token.name), channel, workspace)

    async def _post(self, alert: Alert, channel: str, workspace: Workspace) -> web.Response:
        """Post the alert in a task, which shutdown waits for and finally cancels."""
        began = time.monotonic()
        task = self.tasks.start(self.alert_cards.post(workspace, channel, alert))
        await ended(task)
        result = Doubtful("the bot was stopped") if task.cancelled() else task.result()
        outcome, team_id = type(result).__name__, workspace.team_id
        self.metrics.alerted(outcome, alert.sender)
        fields = {"outcome": outcome, "sender": alert.sender, "session": alert.session_id}
        fields |= {"team": team_id, "channel": channel}
        why = {"why": result.why} if isinstance(result, TryAgain | Doubtful | Refused) else {}
        _log.info("alert", extra=fields | why | {"ms": round((time.monotonic() - began) * 1000)})
        return _problem(504, cards.CUT_SHORT) if task.cancelled() else _answer(result, channel, alert.warnings)


def _bearer(request: web.Request) -> str:
    """Return the token of the request. https://www.rfc-editor.org/rfc/rfc6750#section-2.1."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _read(body: bytes) -> Alert:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise BadAlertError(None, cards.NO_JSON) from None
    return read_alert(fields)


def _channel_of(alert: Alert, workspace: Workspace, token: AlertToken) -> str:
    """Return the channel that an alert goes to: its own if the token reaches it. Raises BadAlertError."""
    if alert.channel is not None and alert.channel in token.channels:
        return alert.channel
    if workspace.alerts_channel is None:
        raise BadAlertError("channel", cards.NO_CHANNEL)
    return workspace.alerts_channel


def _answer(result: AlertResult, channel: str, warnings: Sequence[str]) -> web.Response:
    details: dict[str, object]
    match result:
        case Posted(channel=channel, ts=ts):
            details = {"ts": ts}
        case Folded(ts=None, count=count):
            details = {"queued": True, "count": count}
        case Folded(ts=ts, count=count):
            details = {"ts": ts, "count": count}
        case Ignored():
            details = {"ignored": True}
        case Counted(ts=ts, total=total):
            details = {"counted": total} | ({} if ts is None else {"ts": ts})
            warnings = (*warnings, cards.COUNTED)
        case _:
            return _failure(result, channel)
    body = {"ok": True, "channel": channel} | details | ({"warnings": warnings} if warnings else {})
    return web.json_response(body, status=202 if "queued" in details else 200)


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
