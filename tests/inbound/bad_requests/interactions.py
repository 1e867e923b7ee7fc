"""Clicks, shortcuts and modals with a field that Slack would not send."""

from typing import Any

from bot.messages.request_errors import unknown_action_message
from bot.messages.session_buttons import PAUSE_FROM_MESSAGE
from bot.messages.session_modal import not_opened_message
from inbound.bad_requests.case import Case, cases
from inbound.bad_requests.valid_requests import MARK, action, click, interaction

_NOT_OPENED = not_opened_message().text
_HOLDERS = ("user", "team", "channel", "enterprise")

_ACTIONS: dict[str, Any] = {
    "an empty list": [],
    "a number": 5,
    "a text": "no_such_action",
    "an object": action(),
    "a list of texts": ["no_such_action"],
    "a list of null": [None],
    "a list whose action_id is a number": [action(action_id=5)],
    "a list whose action_id is null": [action(action_id=None)],
    "a list whose second action is a text": [action(), "no_such_action"],
    "a list whose name is a number": [{"name": 5, "type": "button"}],
}

_INVALID = {
    **{f"without {field}": click(**{field: None}) for field in ("type", "user")},
    **{
        f"whose {field} is {name}": click(**{field: value})
        for field in ("type", "response_url", "trigger_id")
        for name, value in (("a number", 5), ("too long", "a" * 40_001))
    },
    **{
        f"whose {field} is {name}": click(**{field: value})
        for field in _HOLDERS
        for name, value in (("a text", "U0ALICE0001"), ("of a number", {"id": 5}))
    },
    **{f"with markup as {field}": click(**{field: {"id": "<!here>"}}) for field in _HOLDERS},
    **{
        f"whose {field} is {name}": click(**{field: value})
        for field in ("container", "message", "view")
        for name, value in (("a text", MARK), ("a list", [MARK]))
    },
    **{f"whose actions are {name}": click(actions=value) for name, value in _ACTIONS.items()},
    "whose callback_id is a list": click(callback_id=[MARK]),
}

_UNUSED = {
    "block_id is an object": click(actions=[action(block_id={})]),
    "value is an object": click(actions=[action(value={"id": MARK})]),
    "value has a million characters": click(actions=[action(value="a" * 1_000_000)]),
    "action_id has 100,000 characters": click(actions=[action(action_id="a" * 100_000)]),
    "list has 1,000 actions": click(actions=[action(action_id=f"no_such_action_{number}") for number in range(1000)]),
    "user's team_id is a list": click(user={"id": "U0ALICE0001", "team_id": ["T0HOME00001"]}),
    "team has an enterprise_id that is a list": click(team={"id": "T0HOME00001", "enterprise_id": [5]}),
    "message has a text that is a number": click(message={"text": 5, "thread_ts": 5, "blocks": [MARK, 5, None]}),
    "state is a text": click(state=MARK),
    "authorizations is a list of numbers": click(authorizations=[5]),
    "event is an object": click(event={"type": "no_such_event", "user": 5}),
    "function_data is an object of numbers": click(function_data={"execution_id": 5, "inputs": 5}),
}

_MODAL = "view_submission.set_key"
_SHORTCUT = "message_action.two_ids"
_KINDS = ("interactive_message.alertmanager", _SHORTCUT, _MODAL, "view_closed")

_INVALID_KINDS = {
    **{
        f"{kind} whose {field} is {name}": interaction(kind, **{field: value})
        for kind in _KINDS
        for field, name, value in (("type", "a list", ["x"]), ("user", "null", None))
    },
    **{
        f"modal whose workspace is {value!r}": interaction(_MODAL, view={"app_installed_team_id": value})
        for value in (7, "t 1")
    },
    "modal whose view is a list": interaction(_MODAL, view=[MARK]),
    **{
        f"shortcut whose {field} is a list": interaction(_SHORTCUT, **{field: [MARK]})
        for field in ("message", "message_ts", "action_ts", "callback_id")
    },
}

_PAUSE_FROM_MESSAGE: dict[str, Any] = {"callback_id": PAUSE_FROM_MESSAGE, "team": {"id": "T0HOME00001", "domain": 5}}
_WITHOUT_ID: dict[str, dict[str, Any]] = {
    "a message that is missing": {"message": None},
    "a message that is empty": {"message": {}},
    "a message with odd fields": {"message": {"text": 5, "blocks": MARK, "attachments": [5, None], "thread_ts": []}},
    "a message of a million characters": {"message": {"text": "a " * 200_000}},
    "many blocks": {"message": {"blocks": [[]] * 50_000}},
    "an odd time": {"message": {"text": "a"}, "message_ts": MARK, "action_ts": MARK},
}

_ODD_MODALS = {
    "whose name is a number": interaction(_MODAL, view={"type": "modal", "callback_id": 5}),
    "without a type": interaction(_MODAL, view={"callback_id": "no_such_modal"}),
    "without a type or a name": interaction(_MODAL, view={}),
}

CASES = (
    *cases(400, "a click", _INVALID),
    *cases(200, "a click: its", _UNUSED, dm_text=unknown_action_message().text),
    *cases(400, "a", _INVALID_KINDS),
    *cases(200, "a modal", _ODD_MODALS),
    *(
        Case(
            name=f"a shortcut on {name}",
            body=interaction(_SHORTCUT, **_PAUSE_FROM_MESSAGE | fields),
            dm_text=_NOT_OPENED,
        )
        for name, fields in _WITHOUT_ID.items()
    ),
)
