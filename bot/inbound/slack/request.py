"""Requests of Slack: the fields that the bot reads, and what those say."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote_to_bytes

from multidict import MultiMapping

from bot.core.fields import SLACK_ID, Secret, object_field, object_list_field, text_field
from bot.core.orders import Actor, ClickedMessage, MessageContent, ReplyAddress, Submission, Verb
from bot.core.session_ids import Mentions, find_mentions
from bot.inbound.http import Rejected
from bot.inbound.slack.signature import find_problem
from bot.messages.buttons import ACTIONS, CONFIRMED_RESUME, ROW, VERBS

_MAX_TEXT_LENGTH = 40_000
_MAX_TIME = 1 << 40  # Unix seconds; a database cannot store more

_Check = Callable[[object], bool]

_MESSAGES = {"message": ("text", "blocks", "attachments", "thread_ts"), "original_message": ("thread_ts",)}
"""The fields of a message of anybody. Their types are not checked: those who read them do."""

_MAX_FIELDS = 100


class BadPayloadError(ValueError):
    """A payload that differs from Slack's documentation; the text names the field."""


def pick(kind: str, payload: object) -> dict[str, object]:
    """Return the fields that the bot reads of a "command", an "interaction" or an "event". Raises BadPayloadError.

    JSON must be encodable again: lone surrogates are not.
    """
    try:
        json.dumps(payload, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None
    return _pick_known(kind, payload)


def _pick_known(kind: str, payload: object) -> dict[str, object]:
    if kind not in _KINDS or not isinstance(payload, dict):
        raise BadPayloadError("its JSON is not an object" if kind in _KINDS else "its type is unknown")
    picked = _pick(payload, *_KINDS[kind])
    if kind == "interaction":
        _check_interaction(picked)
    if kind == "event":
        picked["event"] = _pick_inner(picked["type"], payload["event"])
    return picked


def _check_interaction(picked: dict[str, Any]) -> None:
    kind, view = picked["type"], picked.get("view")
    if kind == "block_actions" and not all("action_id" in action for action in picked.get("actions", ())):
        raise BadPayloadError("its action has no action_id")
    if kind == "view_submission" and not (view is not None and isinstance(view.get("id"), str)):
        raise BadPayloadError("its view has no id")
    if kind == "interactive_message":
        picked.setdefault("actions", [{}])  # Bolt fails without
    for holder, names in _MESSAGES.items():
        if holder in picked:
            picked[holder] = {name: picked[holder][name] for name in names if name in picked[holder]}
    if view is not None:
        picked["view"] = {"type": "modal", **view}  # Bolt fails on a submitted view without a type


def _pick_inner(kind: object, event: Mapping[str, object]) -> dict[str, object]:
    if kind != "event_callback":
        raise BadPayloadError("it has an event, and is none")
    name = event.get("type")
    checks = _INNER_EVENTS.get(name, {}) if isinstance(name, str) else {}
    return _pick(event, {"type": _is_text} | checks, ("type",))


def _pick(payload: Mapping[str, object], checks: Mapping[str, _Check], required: tuple[str, ...]) -> dict[str, object]:
    picked = {}
    for name, check in checks.items():
        value = payload.get(name)
        if value is None or value == "":
            if name in required:
                raise BadPayloadError(f"{name} is missing")
        elif check(value):
            picked[name] = value
        else:
            raise BadPayloadError(f"{name} is not what Slack sends there")
    return picked


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH


def _is_id(value: object) -> bool:
    return isinstance(value, str) and SLACK_ID.fullmatch(value) is not None


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and _is_id(value.get("id"))


def _names_team(name: str) -> _Check:
    return lambda value: isinstance(value, dict) and (value.get(name) is None or _is_id(value[name]))


def _is_list_of(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _are_tokens(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_list_of(_is_id), value.values()))


def _is_time(value: object) -> bool:
    return isinstance(value, int) and 0 < value < _MAX_TIME


def _are_actions(value: object) -> bool:
    return bool(value) and _is_list_of(_is_action)(value)


def _is_action(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("action_id", value.get("name")), str)


_is_view = _names_team("app_installed_team_id")
_COMMAND: dict[str, _Check] = {
    **dict.fromkeys(("command", "text", "response_url", "trigger_id"), _is_text),
    **dict.fromkeys(("team_id", "enterprise_id", "channel_id", "user_id"), _is_id),
}
_INTERACTION: dict[str, _Check] = {
    **dict.fromkeys(("type", "callback_id", "response_url", "trigger_id", "action_ts", "message_ts"), _is_text),
    **dict.fromkeys(("user", "team", "channel", "enterprise"), _has_id),
    **dict.fromkeys(("container", *_MESSAGES), _is_object),
    "view": _is_view,
    "actions": _are_actions,
}
_EVENT: dict[str, _Check] = {
    **dict.fromkeys(("type", "event_id"), _is_text),
    "team_id": _is_id,
    "event_time": _is_time,
    "authorizations": _is_list_of(_names_team("team_id")),
    "event": _is_object,
}
_KINDS = {
    # https://docs.slack.dev/interactivity/implementing-slash-commands
    "command": (_COMMAND, ("command", "team_id", "channel_id", "user_id")),
    # https://docs.slack.dev/interactivity/handling-user-interaction#payloads
    "interaction": (_INTERACTION, ("type", "user")),
    # https://docs.slack.dev/apis/events-api
    "event": (_EVENT, ("type", "event")),
}
"""By kind the checks of the fields that the bot reads, and those that it needs."""

_INNER_EVENTS: dict[str, dict[str, _Check]] = {
    "tokens_revoked": {"tokens": _are_tokens},
    "app_home_opened": {"user": _is_id, "tab": _is_text},
}


@dataclass(frozen=True, slots=True)
class Check:
    """Slack verifies the app's URL, or the certificate of a command's URL: the answer is this JSON, or empty."""

    answer: dict[str, str] | None = None


ParsedRequest = dict[str, object] | Check | Rejected  # a dict is a payload in the shape that Bolt takes


def verify_and_parse(
    body: bytes, headers: MultiMapping[str], *, secrets: Sequence[Secret], now: float
) -> ParsedRequest:
    """Return the payload of a signed request, or a rejection. Never raises.

    Nothing of a body is parsed before its signature was compared.
    """
    if (problem := find_problem(body, headers, secrets=secrets, now=now)) is not None:
        # Slack can send an unsigned check at any time
        # https://docs.slack.dev/interactivity/implementing-slash-commands
        return Check() if b"ssl_check=1" in body.split(b"&") else Rejected(401, problem)
    try:
        return _parse(body, headers.get("Content-Type", "").partition(";")[0].strip().lower())
    except BadPayloadError as error:
        return Rejected(400, f"This is not a valid Slack request: {error}.")


def _parse(body: bytes, content_type: str) -> ParsedRequest:
    if content_type == "application/json":
        event = _parse_json(body)
        if not isinstance(event, dict) or event.get("type") != "url_verification":
            return pick("event", event)
        if not isinstance(challenge := event.get("challenge"), str):
            raise BadPayloadError("challenge is missing")
        return Check({"challenge": challenge})
    if content_type != "application/x-www-form-urlencoded":
        raise BadPayloadError("its content type is neither a form nor JSON")
    form = _parse_form(body)
    if form.get("ssl_check") == "1":
        return Check()
    if "payload" in form:
        return pick("interaction", _parse_json(form["payload"].encode()))
    return _pick_known("command", form)


def _parse_form(body: bytes) -> dict[str, str]:
    try:
        fields = [one.partition("=") for one in body.decode("ascii").split("&", _MAX_FIELDS) if one]
        if len(fields) <= _MAX_FIELDS:
            return {_unquoted(name): _unquoted(value) for name, _, value in fields}
    except ValueError:
        pass
    raise BadPayloadError("its form can't be read, or has too many fields")


def _unquoted(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode() if "%" in text or "+" in text else text


def _parse_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayloadError("its JSON can't be read") from None


# --- what payloads say ---

_ACTION_TS = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)


def _installed_team(payload: Mapping[str, Any]) -> str:
    """Return the id of the installing team, "" of a whole organisation. A command and a click have only that team."""
    view = payload.get("view")
    if view is not None:
        return view.get("app_installed_team_id") or _only_team(payload, view)
    for authorization in payload.get("authorizations", ()):
        return authorization.get("team_id") or ""
    team = payload.get("team")
    return payload.get("team_id") or (team["id"] if team else "")


def _only_team(payload: Mapping[str, Any], view: Mapping[str, Any]) -> str:
    """Return the team of a view that names no installation, or "" if the person or the view is of another one."""
    team_id = text_field(payload.get("team"), "id")
    teams = {team_id, text_field(payload.get("user"), "team_id"), text_field(view, "team_id")}
    return team_id if len(teams) == 1 else ""


def read_address(payload: Mapping[str, Any]) -> ReplyAddress:
    """Read the address. Only members can send commands (https://docs.slack.dev/apis/slack-connect)."""
    actor = Actor(
        team_id=_installed_team(payload),
        channel_id=payload.get("channel_id") or text_field(payload.get("channel"), "id"),
        user_id=payload.get("user_id") or text_field(payload.get("user"), "id"),
        home_team_id=payload.get("team_id") or text_field(payload.get("user"), "team_id"),
    )
    url = payload.get("response_url")
    return ReplyAddress(actor, Secret(url) if url else None)


def read_time(payload: Mapping[str, Any], timestamp: float | None) -> tuple[float | None, float]:
    """Return when Slack sent a payload (Unix seconds or None), and to what resolution; `timestamp` is the request's."""
    for holder in (payload, *payload.get("actions", ())):
        if _ACTION_TS.fullmatch(text_field(holder, "action_ts")):
            return float(holder["action_ts"]), 0.0
    event_time = payload.get("event_time")
    return (timestamp if event_time is None else float(event_time)), 1.0


@dataclass(frozen=True, slots=True)
class ButtonClick:
    """A click; `is_confirmed` says whether the person has been asked, `is_in_list` that only they see the message."""

    verb: Verb
    value: str
    is_confirmed: bool
    address: ReplyAddress
    is_in_home: bool = False
    is_in_list: bool = False


def read_button_click(payload: Mapping[str, Any], address: ReplyAddress) -> ButtonClick:
    """Read a `block_actions` payload of our buttons."""
    action = payload["actions"][0]
    container = payload.get("container", {})
    message = object_field(payload, "message")
    message_ts, is_ephemeral = text_field(container, "message_ts"), container.get("is_ephemeral") is True
    content = None
    if message and not is_ephemeral and not message.get("attachments"):  # such a message stays as it is
        content = MessageContent(text_field(message, "text"), object_list_field(message, "blocks"))
    clicked = ClickedMessage(
        ts=message_ts,
        thread_ts=text_field(container, "thread_ts") or ("" if is_ephemeral else message_ts),
        content=content,
    )
    action_id = action["action_id"]
    return ButtonClick(
        verb=VERBS[action_id],
        value=text_field(action, "value"),
        is_confirmed=action_id in {CONFIRMED_RESUME, ACTIONS[Verb.END]},
        address=replace(address, clicked=clicked),
        is_in_home=payload.get("view") is not None,
        is_in_list=is_ephemeral and text_field(action, "block_id").startswith(ROW),
    )


def read_legacy_click(payload: Mapping[str, Any], address: ReplyAddress) -> ButtonClick:
    """Read an `interactive_message` payload of our button. Slack omits an ephemeral message, and an empty value."""
    original, ts = payload.get("original_message"), text_field(payload, "message_ts")
    thread_ts = "" if original is None else text_field(original, "thread_ts") or ts
    clicked = ClickedMessage(ts, thread_ts, content=None)
    return ButtonClick(
        verb=Verb.PAUSE,
        value=text_field(payload["actions"][0], "value"),
        is_confirmed=True,
        address=replace(address, clicked=clicked),
    )


def read_submission(payload: Mapping[str, Any], age: float) -> Submission:
    """Read a `view_submission` payload. `age` is that of the request, in seconds."""
    view = payload["view"]
    blocks = object_field(object_field(view, "state"), "values")
    values = {name: found for name in blocks if (found := object_field(object_field(blocks, name), name))}
    seen, trigger_id = text_field(view, "private_metadata"), text_field(payload, "trigger_id")
    return Submission(text_field(view, "callback_id"), values, view["id"], seen, trigger_id, age)


def read_control(payload: Mapping[str, Any]) -> Submission:
    """Read a `block_actions` payload of a control in Home, which has what an input of the same kind has."""
    action = payload["actions"][0]
    return Submission(action["action_id"], {action["action_id"]: action})


def read_message_shortcut(payload: Mapping[str, Any], address: ReplyAddress) -> tuple[Mentions, ReplyAddress]:
    """Read a `message_action` payload: the session ids in the message, and the address of its thread."""
    message = object_field(payload, "message")
    thread_ts = text_field(message, "thread_ts") or text_field(payload, "message_ts")
    return find_mentions(message), replace(address, thread_ts=thread_ts or None)
