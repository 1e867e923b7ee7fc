"""The route for alerts: the token, the body, and the answer."""

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import TypeVar, assert_never

from aiohttp import BasicAuth, web

from bot.core.alert_tokens import AlertToken
from bot.core.alerts import Alert, Lost
from bot.core.fairness import Tally
from bot.core.outcomes import Refusal, Why
from bot.core.workspace import Workspace
from bot.inbound.alert_formats import BadAlertError, Webhook, read_alert, read_webhook
from bot.inbound.http import Bodies, Rejected, RejectionLog, error_response
from bot.messages import alert_tokens, cards
from bot.messages.markup import some
from bot.metrics import Metrics
from bot.outbound.slack.client import Doubtful, Posted, Refused, TryAgain
from bot.outbound.store.alerts import Folded, Ignored
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Readiness, Tasks, ended, log_incident
from bot.usecases.alert_cards import AlertResult
from bot.usecases.auto_pauses import AutoPauses
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import SHARE, FairQueue

_log = logging.getLogger(__name__)
MOST_AT_ONCE = 6_000  # the most alerts that are handled at once: more would use the capacity for people's orders
LARGEST_ALERTS = 4 * 1024 * 1024
MOST_WAITING_EACH = 8 * 1024 * 1024  # bytes of a sender
LARGEST_AT_ONCE = 64 * 1024  # bytes that are parsed in the event loop
LONGEST_WAIT = 5.0  # seconds of a larger body for its turn
MOST_BRACKETS, MOST_COMMAS = 20_000, 200_000  # of `[` and `{` together: nothing else runs while a body is parsed
_MOST_WARNINGS = 20  # about the alerts of a webhook
_MOST_LOGGED = 5  # names, or warnings
_LONG = 20  # digits of a number
_RETRY_AFTER = 15  # seconds

_T = TypeVar("_T")
_Read = Callable[[object], _T]  # a parsed body becomes alerts. Raises BadAlertError
_Take = Callable[[_T, "_Sender"], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class _Sender:
    """The program that sends a request, by its token, and the channel that the URL names, or ""."""

    workspace: Workspace
    token: AlertToken
    channel: str

    @property
    def log_fields(self) -> dict[str, object]:
        return {"sender": self.token.name, "team": self.workspace.team_id}

    def admit(self, alert: Alert) -> Alert:
        """Return an alert for a channel that its token reaches, which asks for a pause only if the token may."""
        named, to = alert.channel or self.channel, self.workspace.alerts_channel or ""
        asks, warnings = alert.asks, alert.warnings
        if named in self.token.channels and not named.startswith("D"):  # a direct message is no channel
            to = named
        elif named not in {"", to}:
            warnings = (cards.moved(named, to), *warnings)
        if asks and not self.token.may_pause:
            asks, warnings = False, (alert_tokens.MAY_NOT_PAUSE, *warnings)
        return replace(alert, channel=to, sender=self.token.name, asks=asks, warnings=warnings)


@dataclass(eq=False, repr=False)
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
        self._turns = FairQueue(most=1, most_each=1, longest_wait=LONGEST_WAIT)
        self._rejections = RejectionLog()

    def routes(self, path: str) -> list[web.RouteDef]:
        """Return the routes below a path. A `{ref}` in it names the workspace."""
        bodies = partial(Bodies, largest=LARGEST_ALERTS, most_each=MOST_WAITING_EACH)
        return [
            web.post(path, partial(self._receive, bodies(), read_alert, self._take_alert)),
            web.post(f"{path}/alertmanager", partial(self._receive, bodies(), read_webhook, self._take_webhook)),
        ]

    async def _receive(self, bodies: Bodies, read: _Read[_T], take: _Take[_T], request: web.Request) -> web.Response:
        try:
            sender = await self._find_sender(request)
            if isinstance(sender, Rejected):
                return self._reject(sender)
            with self._counted(sender, 1):
                got = await self._read(bodies, read, request, sender)
                return self._deny(got, sender) if isinstance(got, Rejected) else await take(got, sender)
        except BadAlertError as error:
            self.metrics.count("alerts", "Invalid")
            return _problem(400, str(error))
        except StoreError as error:
            _log.error("database error; alert refused", extra={"why": str(error)})
            return self._reject(Rejected(503, cards.STORE_FAILED))
        except Exception as error:  # noqa: BLE001 - every exception is reported to the program
            return _problem(503, cards.broken(log_incident(error)), retry_after=_RETRY_AFTER)

    async def _find_sender(self, request: web.Request) -> _Sender | Rejected:
        """Return the sender, or why the request is not read. Raises StoreError."""
        workspace = await self.workspaces.owner_of_alerts(request.match_info.get("ref", ""))
        token = None if workspace is None else workspace.find_token(_token(request))
        if workspace is None or token is None:
            return Rejected(401, cards.WRONG_TOKEN)
        if not workspace.team_id or "stopping" in self.readiness.reasons:
            return Rejected(503, cards.STOPPING)
        sender = _Sender(workspace, token, request.query.get("channel", "").strip())
        return sender if self._has_room(sender, 1) else Rejected(503, cards.BUSY)

    def _has_room(self, sender: _Sender, number: int) -> bool:
        of_all, of_one = self._running.total + number, self._running[sender.workspace.team_id] + number
        return of_all <= self.most_at_once and of_one <= self.most_at_once // SHARE

    @contextmanager
    def _counted(self, sender: _Sender, number: int) -> Iterator[None]:
        self._running.add(sender.workspace.team_id, number)
        try:
            yield
        finally:
            self._running.remove(sender.workspace.team_id, number)

    def _reject(self, rejected: Rejected) -> web.Response:
        self._rejections.record(rejected)
        self.metrics.count("alerts", "Rejected")
        response = error_response(rejected)
        if rejected.status == 401:  # noqa: PLR2004 - a well-known status
            response.headers["WWW-Authenticate"] = "Bearer"
        if rejected.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(_RETRY_AFTER)
        return response

    async def _read(self, bodies: Bodies, read: _Read[_T], request: web.Request, sender: _Sender) -> _T | Rejected:
        person = sender.workspace.team_id, sender.token.name
        body = await bodies.read(request, person)
        if isinstance(body, Rejected) or len(body) <= LARGEST_AT_ONCE:
            return body if isinstance(body, Rejected) else _read_json(read, body)
        turn = self._turns.turn(person)
        with bodies.hold(person, partial(turn.cancel, Refusal(Why.OVERLOADED)), len(body)):
            async with turn as why_not:
                if why_not is not None:
                    return Rejected(408, cards.BUSY)
                began = time.monotonic()
                try:
                    return await asyncio.to_thread(_read_json, read, body)
                finally:
                    await asyncio.sleep(min(time.monotonic() - began, LONGEST_WAIT))  # the event loop has it alone

    def _deny(self, body: Rejected, sender: _Sender) -> web.Response:
        if body.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            body = replace(body, why=f"{body.why} {alert_tokens.SEND_LESS}")
            self._report_too_large(sender, body.why)
        return self._reject(replace(body, status=503 if body.status == HTTPStatus.REQUEST_TIMEOUT else 400))

    def _report_too_large(self, sender: _Sender, why: str) -> None:
        _log.error("alerts refused", extra=sender.log_fields | {"why": why})
        self.monitor.report_lost_alerts(sender.workspace, Lost.TOO_LARGE, [sender.token.name])

    async def _take_webhook(self, webhook: Webhook, sender: _Sender) -> web.Response:
        """Record the alerts of a webhook. Alertmanager repeats it soon only after a 5xx."""
        workspace, number = sender.workspace, len(webhook.alerts)
        if workspace.alerts_channel is None:
            return self._reject(Rejected(503, alert_tokens.NO_CHANNEL))
        if not self._has_room(sender, number):
            return self._reject(Rejected(503, cards.BUSY))
        alerts = [sender.admit(alert) for alert in webhook.alerts]
        with self._counted(sender, number):
            results = await self._record(alerts, sender)
        if None in results:
            return self._reject(Rejected(503, cards.STORE_FAILED))
        if names := [name for name, _ in webhook.without_session]:
            named = some(dict.fromkeys(names), most=_MOST_LOGGED)
            extra = sender.log_fields | {"alertnames": named, "count": len(names)}
            _log.warning("alerts without a session", extra=extra)
            self.monitor.report_lost_alerts(workspace, Lost.NO_SESSION, names)
        if webhook.is_cut:
            self._report_too_large(sender, alert_tokens.SEND_LESS)
        problems = [*webhook.without_session, *((one.title, why) for one in alerts for why in one.warnings)]
        warnings = [alert_tokens.SEND_LESS] if webhook.is_cut else []
        warnings += [cards.ENDED] if Ignored(has_ended=True) in results else []
        warnings += [
            alert_tokens.about_alert(name, why) for name, why in islice(dict.fromkeys(problems), _MOST_WARNINGS)
        ]
        answer = {"ok": True, "channels": [*dict.fromkeys(one.channel for one in alerts)], "taken": number}
        return web.json_response(answer | ({"warnings": warnings} if warnings else {}))

    async def _record(self, alerts: list[Alert], sender: _Sender) -> list[AlertResult | None]:
        task = self.tasks.start(self.auto_pauses.record(sender.workspace, alerts))
        await ended(task)
        results: list[AlertResult | None] = [None] if task.cancelled() else task.result()
        for one in filter(None, results):
            self.metrics.count("alerts", type(one).__name__)
        warnings = dict.fromkeys(why for one in alerts for why in one.warnings)
        fields = {"alerts": len(alerts), "channel": " ".join(dict.fromkeys(one.channel for one in alerts))}
        fields |= {"warnings": some(warnings, most=_MOST_LOGGED)} if warnings else {}
        _log.info("alerts", extra=sender.log_fields | fields | {"recorded": None not in results})
        return results

    async def _take_alert(self, alert: Alert, sender: _Sender) -> web.Response:
        """Post the alert in a task, which shutdown waits for and finally cancels. Raises StoreError."""
        began, alert = time.monotonic(), sender.admit(alert)
        if not alert.channel:
            return self._reject(Rejected(503, alert_tokens.NO_CHANNEL))
        task = self.tasks.start(self.auto_pauses.post(sender.workspace, alert))
        await ended(task)
        result, word = (Doubtful("the bot was stopped"), None) if task.cancelled() else task.result()
        outcome = type(result).__name__
        self.metrics.count("alerts", outcome)
        fields = {"outcome": outcome, "session": alert.session_id, "channel": alert.channel}
        why = {"why": result.why} if isinstance(result, TryAgain | Doubtful | Refused) else {}
        pause = {} if word is None else {"pause": word}
        ms = round((time.monotonic() - began) * 1000)
        _log.info("alert", extra=sender.log_fields | fields | why | pause | {"ms": ms})
        return _answer(result, alert.channel, alert.warnings, word)


def _token(request: web.Request) -> str:
    """Return a Bearer token (RFC 6750, section 2.1), or the password of Basic authentication (RFC 7617, section 2)."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    with suppress(ValueError):
        return token.strip() if scheme.lower() == "bearer" else BasicAuth.decode(header, "utf-8").password
    return ""


def _read_json(read: _Read[_T], body: bytes) -> _T | Rejected:
    """Parse and read a body, unless it would take the parser long. Raises BadAlertError."""
    if body.count(b"[") + body.count(b"{") > MOST_BRACKETS or body.count(b",") > MOST_COMMAS:
        return Rejected(413, f"The body has over {MOST_BRACKETS:,} [ and {{, or over {MOST_COMMAS:,} commas.")
    try:  # numbers stay texts if they take long to read
        parsed = json.loads(body, parse_float=str, parse_int=lambda one: one if len(one) > _LONG else int(one))
    except (ValueError, RecursionError):
        raise BadAlertError(cards.NO_JSON) from None
    return read(parsed)


def _answer(result: AlertResult, channel: str, warnings: Sequence[str], word: str | None) -> web.Response:
    """Answer 200, 202, 400 (something has to be changed), or 503 (send it again: at worst it shows twice)."""
    details: dict[str, object]
    match result:
        case Posted(channel=channel, ts=ts):
            details = {"ts": ts}
        case Folded(ts=ts, count=count):
            details = ({"queued": True} if ts is None else {"ts": ts}) | ({"count": count} if count else {})
        case Ignored(has_ended=has_ended):
            details, warnings = {"ignored": True}, (*warnings, *([cards.ENDED] if has_ended else []))
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
