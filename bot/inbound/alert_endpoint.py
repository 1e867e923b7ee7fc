"""The route for alerts: the token, the body, and the answer."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import TypeVar, assert_never

from aiohttp import BasicAuth, web

from bot.core.cards import Alert, Lost
from bot.core.fairness import Tally
from bot.core.outcomes import Refusal, Why
from bot.core.requests import Person
from bot.core.workspace import AlertToken, Workspace
from bot.health import Metrics, Readiness
from bot.inbound.alert_fields import BadAlertError, Webhook, read_alert, read_webhook
from bot.inbound.http import Bodies, Rejected, RejectionLog, error_response
from bot.messages import cards, senders
from bot.messages.markup import some
from bot.outbound.slack.client import Doubtful, Posted, Refused, TryAgain
from bot.outbound.store.alerts import Counted, Folded, Ignored
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks, ended, log_incident
from bot.usecases.auto_pause import AlertResult, AutoPauses
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import SHARE, FairQueue

_log = logging.getLogger(__name__)
MOST_AT_ONCE = 1_000  # the most requests that are handled at once: more would use the capacity for people's orders
MOST_IN_WEBHOOKS = 5_000  # the most alerts of webhooks that are recorded at once
LARGEST_WEBHOOK = 4 * 1024 * 1024
MOST_WAITING_EACH = 8 * 1024 * 1024  # bytes of a sender
LARGEST_AT_ONCE = 64 * 1024  # bytes that are parsed in the event loop
LONGEST_WAIT = 5.0  # seconds of a larger body for its turn
MOST_BRACKETS, MOST_COMMAS = 20_000, 200_000  # of `[` and `{` together: nothing else runs while a body is parsed
MOST_MOVED = 20  # alerts of a webhook that are named because they go to another channel
_MOST_LOGGED = 5  # names
_LONG = 20  # digits of a number
_RETRY_AFTER = 15  # seconds

_T = TypeVar("_T")
_Read = Callable[[bytes], _T | Rejected]
_Take = Callable[[_T, Workspace, AlertToken, str], Awaitable[web.Response]]
_WEBHOOKS: Mapping[str, Callable[[object], Webhook]] = {"alertmanager": read_webhook}
"""By the last part of their paths: how a parsed body becomes alerts. It raises BadAlertError."""


@dataclass(eq=False)
class Alerts:
    """Endpoint for alerts, also by webhooks of others; a sender needs one of the workspace's alert tokens."""

    auto_pauses: AutoPauses
    workspaces: Workspaces
    tasks: Tasks
    readiness: Readiness
    metrics: Metrics
    monitor: WorkspaceMonitor
    most_at_once: int

    def __post_init__(self) -> None:
        self._running: Tally[str] = Tally()
        self._in_webhooks: Tally[str] = Tally()
        self._bodies = Bodies(most_each=MOST_WAITING_EACH)
        self._webhook_bodies = Bodies(largest=LARGEST_WEBHOOK, most_each=MOST_WAITING_EACH)
        self._turns = FairQueue(most=1, most_each=1, longest_wait=LONGEST_WAIT)
        self._rejections = RejectionLog()

    def routes(self, path: str) -> list[web.RouteDef]:
        """Return the routes below a path. A `{ref}` in it names the workspace."""
        read_one = partial(_read_json, read_alert, cards.NO_JSON)
        routes = [web.post(path, partial(self._receive, self._bodies, read_one, self._take_alert))]
        for name, read in _WEBHOOKS.items():
            of_webhook = self._webhook_bodies, partial(_read_json, read, senders.NO_WEBHOOK), self._take_webhook
            routes.append(web.post(f"{path}/{name}", partial(self._receive, *of_webhook)))
        return routes

    async def _receive(self, bodies: Bodies, read: _Read[_T], take: _Take[_T], request: web.Request) -> web.Response:
        try:
            workspace = await self.workspaces.owner_of_alerts(request.match_info.get("ref", ""))
        except StoreError as error:
            _log.error("workspace lookup failed; alert refused", extra={"why": str(error)})
            return self._reject(Rejected(503, cards.STORE_FAILED))
        token = None if workspace is None else workspace.find_token(_token(request))
        if workspace is None or token is None:
            return self._reject(Rejected(401, cards.WRONG_TOKEN))
        if not workspace.team_id or "stopping" in self.readiness.reasons:
            why = cards.STOPPING if workspace.team_id else cards.UNNAMED
            return self._reject(Rejected(503, why))
        if self._running.total >= self.most_at_once or self._running[workspace.team_id] >= self.most_at_once // SHARE:
            return self._reject(Rejected(503, cards.BUSY))
        self._running.add(workspace.team_id)
        try:
            got = await self._read(bodies, read, request, (workspace.team_id, token.name))
            named = request.query.get("channel", "").strip()
            if not isinstance(got, Rejected):
                return await take(got, workspace, token, named)
            response = self._deny(got, workspace, token)
        except Exception as error:  # noqa: BLE001 - every exception is reported to the program
            response = self._report(error)
        finally:
            self._running.remove(workspace.team_id)
        return response

    def _report(self, error: Exception) -> web.Response:
        if isinstance(error, BadAlertError):
            self.metrics.alerted("Invalid")
            return _problem(400, str(error), field=error.field)
        return _problem(503, cards.broken(log_incident(error)), retry_after=_RETRY_AFTER)

    def _reject(self, rejected: Rejected) -> web.Response:
        self._rejections.record(rejected)
        self.metrics.alerted("Rejected")
        response = error_response(rejected)
        if rejected.status == 401:  # noqa: PLR2004 - a well-known status
            response.headers["WWW-Authenticate"] = "Bearer"
        if rejected.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(_RETRY_AFTER)
        return response

    async def _read(self, bodies: Bodies, read: _Read[_T], request: web.Request, sender: Person) -> _T | Rejected:
        body = await bodies.read(request, sender)
        if isinstance(body, Rejected) or len(body) <= LARGEST_AT_ONCE:
            return body if isinstance(body, Rejected) else read(body)
        turn = self._turns.turn(sender)
        with bodies.hold(sender, partial(turn.cancel, Refusal(Why.OVERLOADED)), len(body)):
            async with turn as why_not:
                if why_not is not None:
                    return Rejected(503, cards.BUSY)
                began = time.monotonic()
                try:
                    return await asyncio.to_thread(read, body)
                finally:
                    await asyncio.sleep(min(time.monotonic() - began, LONGEST_WAIT))  # the event loop has it alone

    def _deny(self, body: Rejected, workspace: Workspace, token: AlertToken) -> web.Response:
        if body.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            body = replace(body, why=f"{body.why} {senders.SEND_LESS}")
            _log.error("alerts refused", extra={"sender": token.name, "why": body.why})
            self.monitor.report_lost_alerts(workspace, Lost.TOO_LARGE, [token.name])
        return self._reject(replace(body, status=503 if body.status == HTTPStatus.REQUEST_TIMEOUT else 400))

    async def _take_alert(self, alert: Alert, workspace: Workspace, token: AlertToken, _: str) -> web.Response:
        channel, moved = _channel_of(alert.channel, workspace, token)
        alert = replace(alert, channel=channel, warnings=(*moved, *alert.warnings))
        return await self._post(_sent_by(token, alert), workspace)

    async def _take_webhook(
        self, webhook: Webhook, workspace: Workspace, token: AlertToken, channel: str
    ) -> web.Response:
        """Record the alerts of a webhook, for the `channel` that its URL names, or "".

        Alertmanager repeats it soon only after a 5xx.
        """
        team_id, number = workspace.team_id, len(webhook.alerts)
        of_all, of_one = self._in_webhooks.total + number, self._in_webhooks[team_id] + number
        if workspace.alerts_channel is None:
            return self._reject(Rejected(503, senders.NO_CHANNEL))
        if of_all > MOST_IN_WEBHOOKS or of_one > MOST_IN_WEBHOOKS // SHARE:
            return self._reject(Rejected(503, cards.BUSY))
        alerts, moved = list[Alert](), dict[str, None]()
        for alert in webhook.alerts:
            to, why = _channel_of(alert.channel or channel, workspace, token)
            alerts.append(_sent_by(token, replace(alert, channel=to)))
            moved |= {senders.about_alert(alert.title, one): None for one in why}
        self._in_webhooks.add(team_id, number)
        try:
            results = await self._record(alerts, workspace, token)
        finally:
            self._in_webhooks.remove(team_id, number)
        if None in results:
            return self._reject(Rejected(503, senders.NOT_RECORDED))
        self._report_lost(webhook, workspace, token)
        if moved:
            where = {"sender": token.name, "team": team_id, "why": some(moved, most=_MOST_LOGGED)}
            _log.warning("alerts not in the channel that they name", extra=where)
        asks_in_vain = not token.may_pause and any(one.asks for one in webhook.alerts)
        warnings = [*webhook.warnings, *islice(moved, MOST_MOVED), *([senders.MAY_NOT_PAUSE] if asks_in_vain else [])]
        warnings += [cards.ENDED] if Ignored(has_ended=True) in results else []
        answer = {"ok": True, "channels": [*dict.fromkeys(one.channel for one in alerts)], "taken": number}
        return web.json_response(answer | ({"warnings": warnings} if warnings else {}))

    async def _record(self, alerts: list[Alert], workspace: Workspace, token: AlertToken) -> list[AlertResult | None]:
        task = self.tasks.start(self.auto_pauses.record(workspace, alerts))
        await ended(task)
        results: list[AlertResult | None] = [None] if task.cancelled() else task.result()
        for one in filter(None, results):
            self.metrics.alerted(type(one).__name__)
        fields = {"sender": token.name, "team": workspace.team_id, "alerts": len(alerts)}
        fields["channel"] = " ".join(dict.fromkeys(one.channel for one in alerts))
        _log.info("alerts", extra=fields | {"recorded": None not in results})
        return results

    def _report_lost(self, webhook: Webhook, workspace: Workspace, token: AlertToken) -> None:
        fields = {"sender": token.name, "team": workspace.team_id}
        if names := webhook.without_session:
            named = some(dict.fromkeys(names), most=_MOST_LOGGED)
            _log.warning("alerts without a session", extra=fields | {"alertnames": named, "count": len(names)})
            self.monitor.report_lost_alerts(workspace, Lost.NO_SESSION, names)
        if webhook.left_out:
            _log.warning("alerts left out of a request", extra=fields | {"count": webhook.left_out})
            self.monitor.report_lost_alerts(workspace, Lost.LEFT_OUT)

    async def _post(self, alert: Alert, workspace: Workspace) -> web.Response:
        """Post the alert in a task, which shutdown waits for and finally cancels."""
        began = time.monotonic()
        task = self.tasks.start(self.auto_pauses.post(workspace, alert))
        await ended(task)
        if not task.cancelled() and isinstance(task.exception(), StoreError):
            return self._reject(Rejected(503, cards.STORE_FAILED))
        result, word = (Doubtful("the bot was stopped"), None) if task.cancelled() else task.result()
        outcome, team_id = type(result).__name__, workspace.team_id
        self.metrics.alerted(outcome)
        fields = {"outcome": outcome, "sender": alert.sender, "session": alert.session_id}
        fields |= {"team": team_id, "channel": alert.channel}
        why = {"why": result.why} if isinstance(result, TryAgain | Doubtful | Refused) else {}
        pause = {} if word is None else {"pause": word}
        _log.info("alert", extra=fields | why | pause | {"ms": round((time.monotonic() - began) * 1000)})
        return _answer(result, alert.channel, alert.warnings, word)


def _channel_of(named: str, workspace: Workspace, token: AlertToken) -> tuple[str, tuple[str, ...]]:
    """Return the channel of an alert, and a warning if it is not the one that is `named`. Raises BadAlertError."""
    is_reached = named in token.channels and not named.startswith("D")  # a direct message is no channel
    channel = named if is_reached else workspace.alerts_channel
    if channel is None:
        raise BadAlertError("channel", cards.NO_CHANNEL)
    return channel, () if named in {"", channel} else (cards.moved(named, channel),)


def _sent_by(token: AlertToken, alert: Alert) -> Alert:
    if token.may_pause or not alert.asks:
        return replace(alert, sender=token.name)
    warnings = (senders.MAY_NOT_PAUSE, *alert.warnings)
    return replace(alert, sender=token.name, asks=False, warnings=warnings)


def _token(request: web.Request) -> str:
    """Return a Bearer token (RFC 6750, section 2.1), or the password of Basic authentication (RFC 7617, section 2)."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    with suppress(ValueError):
        return token.strip() if scheme.lower() == "bearer" else BasicAuth.decode(header, "utf-8").password
    return ""


def _read_json(read: Callable[[object], _T], why_not: str, body: bytes) -> _T | Rejected:
    """Parse and read a body, unless it would take the parser long. Raises BadAlertError."""
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS or body.count(b",") > MOST_COMMAS:
        return Rejected(413, f"The body has over {MOST_BRACKETS:,} [ and {{, or over {MOST_COMMAS:,} commas.")
    try:  # numbers stay texts if they take long to read
        parsed = json.loads(body, parse_float=str, parse_int=lambda one: one if len(one) > _LONG else int(one))
    except (ValueError, RecursionError):
        raise BadAlertError(None, why_not) from None
    return read(parsed)


def _answer(result: AlertResult, channel: str, warnings: Sequence[str], word: str | None) -> web.Response:
    """Answer 200, 202, 400 (something has to be changed), or 503 (send it again: at worst it shows twice)."""
    details: dict[str, object]
    match result:
        case Posted(channel=channel, ts=ts):
            details = {"ts": ts}
        case Folded(ts=ts, count=count):
            details = {"queued": True, "count": count} if ts is None else {"ts": ts, "count": count}
        case Ignored(has_ended=has_ended):
            details, warnings = {"ignored": True}, (*warnings, *([cards.ENDED] if has_ended else []))
        case Counted(total=total):
            details, warnings = {"counted": total}, (*warnings, cards.COUNTED)
        case Refused(why=code):
            return _problem(400, cards.refused_by_slack(code, channel), slack_error=code, warnings=warnings, pause=word)
        case TryAgain(why=why) | Doubtful(why=why):
            after = result.after if isinstance(result, TryAgain) else None
            again = math.ceil(after or _RETRY_AFTER)
            return _problem(503, cards.not_taken_by_slack(why), retry_after=again, warnings=warnings, pause=word)
        case _:
            assert_never(result)
    details |= {} if word is None else {"pause": word}
    body = {"ok": True, "channel": channel} | details | ({"warnings": warnings} if warnings else {})
    return web.json_response(body, status=202 if "queued" in details else 200)


def _problem(status: int, why: str, *, retry_after: int | None = None, **details: object) -> web.Response:
    known = {name: value for name, value in details.items() if value}
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return web.json_response({"error": why} | known, status=status, headers=headers)
