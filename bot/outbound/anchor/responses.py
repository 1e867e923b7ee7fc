"""Translate Anchor's responses (https://docs.anchorbrowser.io/api-reference) and failures into outcomes."""

from collections.abc import Mapping

import aiohttp
import httpx

from bot.core import outcomes
from bot.core.admin_outcomes import NewKeyRejected, NewKeyUnverified
from bot.core.anchor_claims import contradiction
from bot.core.json_fields import parse_object, text_field
from bot.core.requests import Verb
from bot.outbound.http_client import is_foreign, never_sent, read_retry_after

_Body = dict[str, object] | None
_OK = 200
_REFUSALS = frozenset({*range(400, 500), 500})
_KEY_REFUSED = frozenset({401, 403})


def read_failure(error: Exception) -> outcomes.Unavailable | outcomes.Unconfirmed:
    """Translate an exception of the HTTP stack; `ClientResponseError` is a response that is not HTTP."""
    if never_sent(error):
        return outcomes.Unavailable(outcomes.Unreachable.NO_CONNECTION)
    if isinstance(error, TimeoutError):
        return outcomes.Unconfirmed(outcomes.Doubt.TIMED_OUT)
    if isinstance(error, httpx.DecodingError | aiohttp.ClientResponseError):
        return outcomes.Unconfirmed(outcomes.Doubt.UNREADABLE)
    return outcomes.Unconfirmed(outcomes.Doubt.CONNECTION_LOST)


def read_response(verb: Verb, status_code: int, headers: Mapping[str, str], body: bytes) -> outcomes.AnchorOutcome:
    """Translate Anchor's response to an order.

    A gateway may send some statuses in Anchor's place, so those count alone. Any other counts only with Anchor's JSON
    object: a proxy's 404 page does not mean "no such session", and its 503 can follow a backend that had the request.
    """
    parsed = parse_object(body)
    return _read_status(status_code, headers, parsed) or _read_object(verb, status_code, parsed)


def read_key_status(status_code: int, body: bytes) -> NewKeyRejected | NewKeyUnverified | None:
    """Translate Anchor's response to a harmless request into the problem of its key, or None."""
    if status_code in _KEY_REFUSED:
        return NewKeyRejected(status_code)
    parsed = parse_object(body)
    if status_code == _OK and parsed is not None and "error" not in parsed:
        return None
    return NewKeyUnverified(status_code, is_foreign(status_code, has_form=parsed is not None))


def _read_status(status_code: int, headers: Mapping[str, str], parsed: _Body) -> outcomes.AnchorOutcome | None:
    match status_code:
        case 401 | 403:
            return outcomes.KeyRejected(status_code, _message_of(parsed))
        case 429:
            return outcomes.RateLimited(read_retry_after(headers), _message_of(parsed))
        case 503 if parsed and isinstance(parsed.get("error"), dict):
            return outcomes.Unavailable(outcomes.Unreachable.OUT_OF_SERVICE, read_retry_after(headers))
        case 502 | 503 | 504:
            return outcomes.Unconfirmed(outcomes.Doubt.GATEWAY, status_code)
    return None


def _read_object(verb: Verb, status_code: int, parsed: _Body) -> outcomes.AnchorOutcome:
    if parsed is not None and status_code == _OK:
        return _read_confirmation(verb, parsed)
    if parsed == {} or (parsed and "error" in parsed):  # every field is optional; other JSON is a gateway's
        match status_code:
            case 400:
                return outcomes.NotRunning(_message_of(parsed))
            case 404:
                return outcomes.NotFound(_message_of(parsed))
            case _ if status_code in _REFUSALS:
                return outcomes.Failed(status_code, _message_of(parsed))
    return outcomes.Unconfirmed(outcomes.Doubt.UNREADABLE, status_code)


def _read_confirmation(verb: Verb, parsed: dict[str, object]) -> outcomes.Done | outcomes.Unconfirmed:
    if words := contradiction(verb, parsed):
        return outcomes.Unconfirmed(outcomes.Doubt.CONTRADICTED, anchor_message=words)
    done = outcomes.Paused if verb is Verb.PAUSE else outcomes.Resumed
    return done(_text_in(parsed.get("data"), "status"))


def _message_of(parsed: _Body) -> str | None:
    return _text_in(parsed.get("error"), "message") if parsed else None


def _text_in(holder: object, field: str) -> str | None:
    text = text_field(holder, field)
    return text if text.strip() else None
