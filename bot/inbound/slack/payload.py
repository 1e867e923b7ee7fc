"""Fields of Slack's payloads, by kind of request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.core.fields import Secret, object_field, object_list_field, text_field
from bot.core.requests import Actor, ClickedMessage, MessageContent, ReplyAddress, Verb, ViewRef
from bot.core.session_ids import Mentions, find_mentions
from bot.messages.buttons import ACTIONS, ASK_TO_END, CONFIRMED_RESUME, ROW, VERBS
from bot.usecases.modals import Submission

_ACTION_TS = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)

_TS = re.compile(r"\d{1,12}\.\d{1,6}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9-]{1,80}", re.ASCII)
_GOV_SLACK = re.compile(r"https://[a-z0-9.-]+\.slack-gov\.com/", re.ASCII)


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
    is_legacy: bool = False
    view: ViewRef | None = None
    is_in_list: bool = False


def read_view(payload: Mapping[str, Any]) -> ViewRef | None:
    """Read in which view a button was pressed; None for one in a message."""
    view = payload.get("view")
    if view is None:
        return None
    modal_id = None if view.get("type") == "home" else text_field(view, "id")
    return ViewRef(modal_id, text_field(view, "private_metadata"))


def read_button_click(payload: Mapping[str, Any], address: ReplyAddress) -> ButtonClick:
    """Read a `block_actions` payload of our buttons."""
    action = payload["actions"][0]
    container = payload.get("container", {})
    message = object_field(payload, "message")
    message_ts, is_ephemeral = text_field(container, "message_ts"), container.get("is_ephemeral") is True
    content = None
    if message and not message.get("attachments"):  # those are of another program, and stay as they are
        content = MessageContent(text_field(message, "text"), object_list_field(message, "blocks"))
    clicked = ClickedMessage(
        ts=message_ts,
        thread_ts=text_field(container, "thread_ts") or ("" if is_ephemeral else message_ts),
        is_ephemeral=is_ephemeral,
        content=content,
    )
    action_id, value = action["action_id"], text_field(action, "value")
    if not value and (value := text_field(action.get("selected_option"), "value")).startswith(f"{ASK_TO_END} "):
        action_id, _, value = value.partition(" ")
    return ButtonClick(
        verb=VERBS[action_id],
        value=value,
        is_confirmed=action_id in {CONFIRMED_RESUME, ACTIONS[Verb.END]},
        address=replace(address, clicked=clicked),
        view=read_view(payload),
        is_in_list=is_ephemeral and text_field(action, "block_id").startswith(ROW),
    )


def read_legacy_click(payload: Mapping[str, Any], address: ReplyAddress) -> ButtonClick:
    """Read an `interactive_message` payload of our button. Slack omits an ephemeral message, and an empty value."""
    original, ts = payload.get("original_message"), text_field(payload, "message_ts")
    thread_ts = "" if original is None else text_field(original, "thread_ts") or ts
    clicked = ClickedMessage(ts, thread_ts, is_ephemeral=original is None, content=None)
    return ButtonClick(
        verb=Verb.PAUSE,
        value=text_field(payload["actions"][0], "value"),
        is_confirmed=True,
        address=replace(address, clicked=clicked),
        is_legacy=True,
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
    in_thread = replace(address, thread_ts=thread_ts or None, message_url=_message_url(payload, message))
    return find_mentions(message), in_thread


def _message_url(payload: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """Return the link to a message, as Slack's clients copy it; "" if Slack does not say where it is.

    chat.getPermalink would need membership. https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    domain, ts = text_field(payload.get("team"), "domain"), text_field(payload, "message_ts")
    channel_id, thread_ts = text_field(payload.get("channel"), "id"), text_field(message, "thread_ts")
    if not (_DOMAIN.fullmatch(domain) and _TS.fullmatch(ts) and channel_id):
        return ""
    host = "slack-gov.com" if _GOV_SLACK.match(text_field(payload, "response_url")) else "slack.com"
    thread = f"?thread_ts={thread_ts}&cid={channel_id}" if _TS.fullmatch(thread_ts) and thread_ts != ts else ""
    return f"https://{domain}.{host}/archives/{channel_id}/p{ts.replace('.', '')}{thread}"
