"""What an answer of Anchor's means, and what it means that none came. Pure.

https://docs.anchorbrowser.io/api-reference
"""

import json
from collections.abc import Mapping

import aiohttp
import httpx

from bot.core.administration import KeyNotTaken, KeyNotTried
from bot.core.outcomes import (
    AnchorOutcome,
    Doubt,
    Failed,
    KeyRejected,
    NotFound,
    NotRunning,
    Paused,
    RateLimited,
    Resumed,
    Unavailable,
    Unconfirmed,
    Unreachable,
)
from bot.core.requests import Verb
from bot.outbound.http_client import never_sent
from bot.outbound.retry_after import read_retry_after

_Answer = dict[str, object] | None
_OK = 200
_REFUSALS = frozenset({*range(400, 500), 500})
_KEY_REFUSED = frozenset({401, 403})


def read_failure(error: Exception) -> Unavailable | Unconfirmed:
    """What an exception of the HTTP stack says about the request. What is no HTTP is a `ClientResponseError`."""
    if never_sent(error):
        return Unavailable(Unreachable.NO_CONNECTION)
    if isinstance(error, TimeoutError):
        return Unconfirmed(Doubt.TIMED_OUT)
    if isinstance(error, httpx.DecodingError | aiohttp.ClientResponseError):
        return Unconfirmed(Doubt.UNREADABLE)
    return Unconfirmed(Doubt.CONNECTION_LOST)


def read_response(verb: Verb, status_code: int, headers: Mapping[str, str], body: bytes) -> AnchorOutcome:
    """What Anchor's answer means.

    Some statuses count alone, since a gateway may send them in Anchor's place. Any other counts only with a body
    that is Anchor's JSON object, so that a proxy's 404 page is not taken for "no such session".
    """
    answer = _read_anchors_object(body, succeeded=status_code == _OK)
    return _read_status(status_code, headers, answer) or _read_answer(verb, status_code, answer)


def read_key_status(status_code: int, body: bytes) -> KeyNotTaken | KeyNotTried | None:
    """What Anchor's answer to a harmless question says about the key that asked it: None where it is good."""
    if status_code in _KEY_REFUSED:
        return KeyNotTaken(status_code)
    if status_code == _OK and _read_anchors_object(body, succeeded=True) is not None:
        return None
    return KeyNotTried(status_code)


def _read_status(status_code: int, headers: Mapping[str, str], answer: _Answer) -> AnchorOutcome | None:
    match status_code:
        case 401 | 403:
            return KeyRejected(status_code, _message_of(answer))
        case 429:
            return RateLimited(read_retry_after(headers), _message_of(answer))
        case 503:
            return Unavailable(Unreachable.OUT_OF_SERVICE, read_retry_after(headers))
        case 502 | 504:
            return Unconfirmed(Doubt.GATEWAY, status_code)
    return None


def _read_answer(verb: Verb, status_code: int, answer: _Answer) -> AnchorOutcome:
    if answer is not None:
        match status_code:
            case 200:
                done = Paused if verb is Verb.PAUSE else Resumed
                return done(_text_in(answer.get("data"), "status"))
            case 400:
                return NotRunning(_message_of(answer))
            case 404:
                return NotFound(_message_of(answer))
            case _ if status_code in _REFUSALS:
                return Failed(status_code, _message_of(answer))
    return Unconfirmed(Doubt.UNREADABLE, status_code)


def _read_anchors_object(body: bytes, *, succeeded: bool) -> _Answer:
    """The body as Anchor's JSON object, or None where it is something else.

    Every field of Anchor's is optional. What an answer cannot be is a success with an `error`, or a failure with
    only other fields than `error`: that is some gateway's own JSON.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    anchors = "error" not in answer if succeeded else (not answer or "error" in answer)
    return answer if anchors else None


def _message_of(answer: _Answer) -> str | None:
    return _text_in(answer.get("error"), "message") if answer else None


def _text_in(holder: object, field: str) -> str | None:
    text = holder.get(field) if isinstance(holder, dict) else None
    return text if isinstance(text, str) and text.strip() else None
