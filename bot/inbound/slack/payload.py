"""Fields of Slack's payloads, by kind of request."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.core.fields import SLACK_ID, Secret, object_field, object_list_field, objects_in, text_field
from bot.core.requests import Actor, ClickedMessage, MessageContent, ReplyAddress, Verb, ViewRef
from bot.core.session_ids import Mentions, SessionId, find_mentions, words_with_ids
from bot.messages.buttons import ACTIONS, ASK_TO_END, CONFIRMED_RESUME, ROW, VERBS
from bot.messages.pausing import ALL, LEFT_OUT, MOST_SHOWN, NO_SESSION, NOTHING_CHOSEN, PASTED, REASON, SESSIONS
from bot.usecases.pause_windows import Submitted

_ACTION_TS = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)

_SELECTED = "selected_options"
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


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal; the version that was seen is -1 if unreadable. It is `about` one of several, or ""."""

    view_id: str
    expected_version: int
    about: str
    _values: Mapping[str, Mapping[str, Any]] = field(repr=False)  # can contain a key

    def has_inputs(self, names: Iterable[str]) -> bool:
        """Return whether all these inputs were sent: an earlier version of the bot can have opened the modal."""
        return all(name in self._values for name in names)

    def text(self, name: str) -> Secret:
        """Return the text of an input, by the name of its block and its element."""
        return Secret(text_field(self._values.get(name), "value"))

    def selected_ids(self, name: str) -> frozenset[str]:
        """Return the ids of the selected people or conversations."""
        element = self._values.get(name, {})
        return frozenset(_ids(element.get("selected_users")) + _ids(element.get("selected_conversations")))

    def selected_value(self, name: str) -> str:
        """Return the value of the selected radio button, "" without one."""
        return text_field(self._values.get(name, {}).get("selected_option"), "value")

    def is_checked(self, name: str) -> bool:
        """Return whether a checkbox is checked."""
        return bool(self._values.get(name, {}).get("selected_options"))


def read_submission(payload: Mapping[str, Any]) -> Submission:
    """Read a `view_submission` payload. Its view went through the client, so it can contain anything."""
    view = payload["view"]
    version, _, about = text_field(view, "private_metadata").partition(" ")
    return Submission(str(view.get("id", "")), read_version(version), about, _inputs_of(view))


def read_version(text: object) -> int:
    """Return a version from a view, or -1."""
    return int(text) if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10 else -1  # noqa: PLR2004


def _inputs_of(view: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    blocks = object_field(object_field(view, "state"), "values")
    return {name: found for name in blocks if (found := object_field(object_field(blocks, name), name))}


def _ids(values: object) -> list[str]:
    """Return the valid ids of a list: the bot writes them into messages."""
    ids = values if isinstance(values, list) else []
    return [value for value in ids if isinstance(value, str) and SLACK_ID.fullmatch(value)]


def read_message_shortcut(payload: Mapping[str, Any], address: ReplyAddress) -> tuple[Mentions, ReplyAddress]:
    """Read a `message_action` payload: the session ids in the message, and the address of its thread."""
    message = object_field(payload, "message")
    thread_ts = text_field(message, "thread_ts") or text_field(payload, "message_ts")
    in_thread = replace(address, thread_ts=thread_ts or None, message_url=_message_url(payload, message))
    return find_mentions(message), in_thread


def read_choice(payload: Mapping[str, Any]) -> tuple[tuple[SessionId, ...], dict[str, str]]:
    """Read a submitted modal, which went through the client: the sessions, and the error of an input without any."""
    view = object_field(payload, "view")
    inputs = _inputs_of(view)
    chosen = {name: object_list_field(holder, _SELECTED) for name, holder in inputs.items()}
    if chosen.get(ALL):
        elements = [object_field(block, "element") for block in object_list_field(view, "blocks")]
        boxes = [box for element in elements for box in object_list_field(element, "options")]
    else:
        boxes = [box for some in chosen.values() for box in some]
    texts = [*(text_field(box, "value") for box in boxes), text_field(inputs.get(PASTED), "value")]
    ids = dict.fromkeys(found for text in texts for _, some in words_with_ids(text) for found in some)
    return tuple(ids)[:MOST_SHOWN], {PASTED: NO_SESSION} if PASTED in inputs else {f"{SESSIONS}_0": NOTHING_CHOSEN}


def read_several(payload: Mapping[str, Any], age: float) -> Submitted:
    """Read a submitted window, which went through the client. `age` is that of the request, in seconds."""
    view = object_field(payload, "view")
    inputs, blocks = _inputs_of(view), object_field(object_field(view, "state"), "values")
    boxes = [box for menu in objects_in(object_field(blocks, LEFT_OUT)) for box in object_list_field(menu, _SELECTED)]
    return Submitted(
        view_id=text_field(view, "id"),
        trigger_id=text_field(payload, "trigger_id"),
        state=text_field(view, "private_metadata"),
        left_out=frozenset(text_field(box, "value") for box in boxes),
        reason=text_field(inputs.get(REASON), "value").strip(),
        age=age,
    )


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
