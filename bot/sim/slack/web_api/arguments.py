"""Reads the arguments and the token of a call from where Slack looks for them.

https://docs.slack.dev/apis/web-api
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from aiohttp import web

from bot.sim.slack.rules import Rule, Violation
from bot.sim.slack.web_api.call import ApiError

_FORMS = frozenset({"application/x-www-form-urlencoded", "text/plain"})
_JSON_IN_FORMS = frozenset({"blocks", "attachments"})
_FLAGS_IN_FORMS = frozenset({"unfurl_links", "unfurl_media", "mrkdwn", "reply_broadcast", "link_names"})
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, without the token.

    `bearer` is the token if it came in the header, `basic` a name and a password that came there instead.
    """

    values: Mapping[str, object]
    token: str | None
    bearer: str | None
    basic: tuple[str, str] | None = None
    is_json: bool = False
    violations: tuple[Violation, ...] = ()


def read_arguments(request: web.Request, body: bytes) -> Arguments:
    """Read a GET or POST; ApiError if its body can't be read."""
    is_json = bool(body) and request.content_type == "application/json"
    values: dict[str, object] = dict(parse_qsl(request.query_string, keep_blank_values=True))
    token_in_url = "token" in values
    if body:
        values |= _json(body) if is_json else _form(request, body)
    in_body = values.pop("token", None)
    header = request.headers.get("Authorization", "")
    token = bearer = header.removeprefix("Bearer ") if header.startswith("Bearer ") else None
    if token is None and isinstance(in_body, str) and not is_json and not token_in_url:
        token = in_body  # Slack takes it from a form, and from nowhere else
    wrong = () if in_body is None else (Violation(Rule.TOKEN_OUTSIDE_HEADER, request.path),)
    return Arguments(values, token, bearer, _basic(header), is_json, wrong)


def _basic(header: str) -> tuple[str, str] | None:
    """https://www.rfc-editor.org/rfc/rfc7617#section-2."""
    scheme, _, given = header.partition(" ")
    try:
        name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if scheme == "Basic" and colon else None


def _json(body: bytes) -> dict[str, object]:
    try:
        value = json.loads(body)
    except ValueError:
        raise ApiError("invalid_json") from None
    if not isinstance(value, dict):
        raise ApiError("json_not_object")
    return value


def _form(request: web.Request, body: bytes) -> dict[str, object]:
    if "Content-Type" not in request.headers:
        raise ApiError("missing_post_type")
    if request.content_type not in _FORMS:
        raise ApiError("invalid_post_type")
    pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    return {name: _from_form(name, value) for name, value in pairs}


def _from_form(name: str, value: str) -> object:
    if name in _FLAGS_IN_FORMS:
        return _FLAGS.get(value, value)
    if name not in _JSON_IN_FORMS:
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ApiError(f"invalid_{name}_format") from None
