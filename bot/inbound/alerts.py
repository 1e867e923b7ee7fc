"""`POST /alerts`: the token, the fields, and the answer."""

import json
import logging
import math
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import assert_never
from urllib.parse import urlsplit

from aiohttp import web
from cachetools import LRUCache

from bot.core.cards import LONGEST_LINK, Alert, Severity
from bot.core.fairness import Tally, TimeWindow
from bot.core.fields import CHANNEL_ID
from bot.core.session_ids import Ambiguous, Broken, Found, Missing, SessionId, find_session_id
from bot.core.workspace import AlertToken, Workspace
from bot.health import Metrics, Readiness
from bot.inbound.rejections import Bodies, Rejected, RejectionLog, error_response
from bot.messages import cards
from bot.messages.markup import plain, width
from bot.outbound.slack.client import Doubtful, Posted, Refused, TryAgain
from bot.outbound.store.errors import StoreError
from bot.outbound.workspaces import Workspaces
from bot.runtime import Tasks, ended
from bot.usecases.cards import AlertCards, AlertResult, Counted, Folded, Ignored
from bot.usecases.incidents import log_incident
from bot.usecases.notices import WorkspaceMonitor
from bot.usecases.queue import SHARE

_log = logging.getLogger(__name__)

_FIELDS = frozenset({"session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields"})
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.ASCII)
MOST_FIELDS = 10  # https://docs.slack.dev/reference/block-kit/blocks/section-block
_MOST_WARNINGS, _LONGEST_NAME = 10, 50
MAX_LENGTH = 20_000  # characters that are looked at,
_MOST_KEPT = {"text": 4_000, "title": 500, "fingerprint": 200}  # and stored, with white space that no card shows
_MOST_KEPT_OF_FIELD = (200, 500)  # of a name and a value

MOST_AT_ONCE = 1_000
"""The most requests that are handled at once: more would use the capacity for people's orders."""

MOST_WRONG_TOKENS = 100, 60.0
"""So many wrong tokens for a workspace within so many seconds are reported."""

_MOST_COUNTED = 1_000  # workspaces
_RETRY_SOON, _RETRY_AFTER_RESTART, _RETRY_LATER = 5, 30, 60  # seconds, for Retry-After


class BadAlertError(Exception):
    """An alert that cannot be posted, with the field if a single one is wrong. The text says why."""

    def __init__(self, field: str | None, why: str) -> None:
        super().__init__(why)
        self.field = field


def read_alert(fields: object) -> Alert:
    """Read a parsed JSON value. Unknown fields are ignored with a warning. Raises BadAlertError."""
    if not isinstance(fields, dict):
        raise BadAlertError(None, "The body must be a JSON object with session_id and text.")
    return Alert(
        session_id=_session_id(fields),
        text=_required_text(fields),
        title=_string(fields, "title"),
        severity=Severity(_choice(fields, "severity", list(Severity), Severity.WARNING)),
        url=_url(fields),
        channel=_channel(fields),
        fingerprint=_string(fields, "fingerprint"),
        is_resolved=_choice(fields, "status", ("firing", "resolved"), "firing") == "resolved",
        fields=_pairs(fields),
        warnings=tuple(map(_about_unknown, sorted(fields.keys() - _FIELDS)[:_MOST_WARNINGS])),
    )


def _bad(name: str, why: str) -> BadAlertError:
    return BadAlertError(name, f"{name} {why}.")


def _about_unknown(name: str) -> str:
    similar = get_close_matches(name[:_LONGEST_NAME], _FIELDS, n=1)
    return f"The field {name[:_LONGEST_NAME]} is unknown." + (f" Did you mean {similar[0]}?" if similar else "")


def _string(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _bad(name, "must be a string")
    return value[:MAX_LENGTH].strip()[: _MOST_KEPT.get(name)]


def _session_id(fields: Mapping[str, object]) -> SessionId:
    given = fields.get("session_id")
    if isinstance(given, str) and len(given) > MAX_LENGTH:  # never cut: what is cut off could name another session
        raise _bad("session_id", f"is too long: the limit is {MAX_LENGTH:,} characters")
    match find_session_id(_string(fields, "session_id")):
        case Found(session_id=session_id):
            return session_id
        case Missing():
            raise _bad("session_id", "is missing: put the id of the Anchor session there")
        case Broken():
            raise _bad("session_id", "is no session id: send 32 hexadecimal digits grouped 8-4-4-4-12")
        case Ambiguous(session_ids=session_ids):
            raise _bad("session_id", f"names {len(session_ids)} sessions: send one alert for each")
        case never:
            assert_never(never)


def _required_text(fields: Mapping[str, object]) -> str:
    text = _string(fields, "text")
    if not plain(text):
        raise _bad("text", "is missing: say what happened")
    return text


def _choice(fields: Mapping[str, object], name: str, choices: Sequence[str], default: str) -> str:
    word = _string(fields, name).lower() or default
    if word not in choices:
        raise _bad(name, f"must be one of {', '.join(choices)}")
    return word


def _pairs(fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    given = fields.get("fields")
    if given is None or (isinstance(given, str) and not given.strip()):
        return ()
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise _bad("fields", "must be an object of texts and numbers")
    if len(given) > MOST_FIELDS:
        raise _bad("fields", f"has {len(given)} entries: the limit is {MOST_FIELDS}")
    longest_name, longest_value = _MOST_KEPT_OF_FIELD
    pairs = ((name.strip()[:longest_name], str(value).strip()[:longest_value]) for name, value in given.items())
    return tuple((name, value) for name, value in pairs if plain(name) and plain(value))


def _url(fields: Mapping[str, object]) -> str | None:
    url = _string(fields, "url")
    if not url:
        return None
    if not _is_web_url(url):
        raise _bad("url", "must be an http or https URL of an ASCII host, without a user name or password")
    if width(cards.open_link(url)) > LONGEST_LINK:
        raise _bad("url", f"is too long: the limit is {LONGEST_LINK} characters, and & counts as five")
    return url


def _is_web_url(url: str) -> bool:
    """Return whether people see in its link where it leads: browsers and Python read odd hosts differently."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower().removesuffix(f":{parts.port}")
    except ValueError:
        return False
    is_clean = url.isprintable() and " " not in url
    return is_clean and parts.scheme in {"http", "https"} and _HOST.fullmatch(host) is not None


def _channel(fields: Mapping[str, object]) -> str | None:
    channel = _string(fields, "channel")
    if channel and not CHANNEL_ID.fullmatch(channel):
        raise _bad("channel", "must be a channel id like C0123456789, not a name: see its details in Slack")
    return channel or None


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
        case Posted(ts=ts):
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
    body = {"ok": True, "channel": result.channel} | details | ({"warnings": warnings} if warnings else {})
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
