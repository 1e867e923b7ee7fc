"""Buttons, shortcuts and dialogs with a field that Slack would not send."""

from typing import Any

from inbound.bad_requests.case import Case
from inbound.bad_requests.ingredients import MARK, NO_IDS, WRONG_TYPES, action, click, in_form, sample, without

_EITHER = frozenset({200, 400})
_TEXT_FIELDS = ("type", "response_url", "trigger_id")
_HOLDERS = ("user", "team", "channel")

_ACTIONS: dict[str, Any] = {
    "an empty list": [],
    "a number": 5,
    "true": True,
    "a text": "no_such_action",
    "an object": action(),
    "a list of texts": ["no_such_action"],
    "a list of null": [None],
    "a list of numbers": [1, 2],
    "a list of lists": [[action()]],
    "a list with an empty object": [{}],
    "a list with an object without an id": [{"type": "button", "value": MARK}],
    "a list whose action_id is a number": [action(action_id=5)],
    "a list whose action_id is null": [action(action_id=None)],
    "a list whose action_id is a list": [action(action_id=["no_such_action"])],
    "a list whose action_id is an object": [action(action_id={"id": "no_such_action"})],
    "a list whose action_id is true": [action(action_id=True)],
    "a list whose second action is a text": [action(), "no_such_action"],
    "a list whose name is a number": [{"name": 5, "type": "button"}],
}

_PARTS: dict[str, Any] = {
    "type is missing": [without(action(), "type")],
    "type is a number": [action(type=5)],
    "type is a list": [action(type=["button"])],
    "type is null": [action(type=None)],
    "block_id is a number": [action(block_id=5)],
    "block_id is an object": [action(block_id={})],
    "block_id is missing": [without(action(), "block_id")],
    "value is a number": [action(value=5)],
    "value is an object": [action(value={"id": MARK})],
    "value is a list": [action(value=[MARK])],
    "value is null": [action(value=None)],
    "value is missing": [without(action(), "value")],
    "value calls everybody": [action(value="<!channel>")],
    "value has a million characters": [action(value="a" * 1_000_000)],
    "action_id is empty": [action(action_id="")],
    "action_id has 100,000 characters": [action(action_id="a" * 100_000)],
    "action_ts is a number": [action(action_ts=5)],
    "list has 1,000 actions": [action(action_id=f"no_such_action_{number}") for number in range(1000)],
}

_INSIDE: dict[str, dict[str, Any]] = {
    "user's team_id is a number": {"user": {"id": "U0ALICE0001", "team_id": 5}},
    "user's team_id is a list": {"user": {"id": "U0ALICE0001", "team_id": ["T0HOME00001"]}},
    "user's team_id calls everybody": {"user": {"id": "U0ALICE0001", "team_id": "<!channel>"}},
    "user is of another workspace": {"user": {"id": "U0MALLORY01", "team_id": "T0PARTNER01"}},
    "team has an enterprise_id that is a list": {"team": {"id": "T0HOME00001", "enterprise_id": [5]}},
    "enterprise is a number": {"enterprise": 5},
    "enterprise is a list": {"enterprise": ["id"]},
    "container is a text": {"container": MARK},
    "container is a list": {"container": [MARK]},
    "message is a number": {"message": 5},
    "message is a list": {"message": [MARK]},
    "message has a text that is a number": {"message": {"text": 5, "thread_ts": 5}},
    "message has blocks that are texts": {"message": {"text": MARK, "blocks": [MARK, 5, None]}},
    "state is a text": {"state": MARK},
    "view is a number": {"view": 5},
    "view is a text": {"view": MARK},
    "is_enterprise_install is an object": {"is_enterprise_install": {}},
    "authorizations is a number": {"authorizations": 5},
    "authorizations is a list of numbers": {"authorizations": [5]},
    "event is an object too": {"event": {"type": "no_such_event", "user": 5}},
    "response_urls is a number": {"response_urls": 5},
    "function_data is an object of numbers": {"function_data": {"execution_id": 5, "inputs": 5}},
    "bot_access_token is a number": {"bot_access_token": 5},
    "callback_id is a number": {"callback_id": 5},
    "callback_id is a list": {"callback_id": [MARK]},
    "message_ts is an object": {"message_ts": {}},
    "token is a list": {"token": [MARK]},
}

_KINDS = ("interactive_message", "message_action", "view_submission", "view_closed")


def _of(kind: str, **changes: object) -> bytes:
    return in_form(sample(kind) | {"callback_id": "no_such_callback"} | changes)


CASES = (
    *(
        Case(name=f"a click whose {field} is {what}", status=400, body=click(**{field: value}))
        for field in (*_TEXT_FIELDS, *_HOLDERS)
        for what, value in WRONG_TYPES.items()
    ),
    *(
        Case(name=f"a click whose {field} is a text", status=400, body=click(**{field: "U0ALICE0001"}))
        for field in _HOLDERS
    ),
    *(
        Case(name=f"a click whose {field} has an id {what}", status=400, body=click(**{field: {"id": value}}))
        for field in _HOLDERS
        for what, value in NO_IDS.items()
    ),
    *(
        Case(name=f"a click whose {field} is {what}", status=400, body=click(**{field: value}))
        for field in ("type", "user")
        for what, value in (("null", None), ("empty", ""))
    ),
    *(
        Case(name=f"a click without {field}", status=400, body=in_form(without(sample("block_actions"), field)))
        for field in ("type", "user")
    ),
    *(
        Case(name=f"a click whose {field} has 40,001 characters", status=400, body=click(**{field: "a" * 40_001}))
        for field in _TEXT_FIELDS
    ),
    *(
        Case(name=f"a click whose actions are {what}", status=400, body=click(actions=it))
        for what, it in _ACTIONS.items()
    ),
    *(Case(name=f"a click: its {what}", status=_EITHER, body=click(actions=it)) for what, it in _PARTS.items()),
    *(Case(name=f"a click: its {what}", status=_EITHER, body=click(**it)) for what, it in _INSIDE.items()),
    *(
        Case(name=f"a {kind} whose {field} is {what}", status=400, body=_of(kind, **{field: value}))
        for kind in _KINDS
        for field in ("type", "user")
        for what, value in (("a number", 5), ("null", None), ("a list", ["U0ALICE0001"]), ("an empty object", {}))
    ),
    *(
        Case(name=f"a {kind} whose {field} is {what}", status=_EITHER, body=_of(kind, **{field: value}))
        for kind in ("view_submission", "view_closed")
        for field in ("view", "callback_id", "response_urls")
        for what, value in (("a number", 5), ("a text", MARK), ("a list of texts", [MARK]), ("null", None))
    ),
    *(
        Case(
            name=f"a message_action whose message is {what}", status=_EITHER, body=_of("message_action", message=value)
        )
        for what, value in (("a number", 5), ("a text", MARK), ("a list", [MARK]), ("null", None), ("empty", {}))
    ),
)
