"""A request of Slack is signed now, by one of two secrets, and readable; the bot gets the fields that it reads."""

import json
from collections.abc import Callable, Mapping
from itertools import repeat
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest
from multidict import CIMultiDict

from bot.inbound.slack.request import Check, verify_and_parse
from harness.product import Secret
from harness.texts import OTHER_SESSION
from inbound import slack_requests
from inbound.slack_requests import FORM, JSON, LONG, MARK, NOW, OLDER_SECRET, SECRET, click, command, event, sign

AT, COMMAND = str(NOW), command()
GOOD = sign(COMMAND)


def headers_of(content_type: str, timestamps: tuple[str, ...], signatures: tuple[str, ...]) -> CIMultiDict[str]:
    signed = (("X-Slack-Request-Timestamp", one) for one in timestamps)
    return CIMultiDict([("Content-Type", content_type), *signed, *(("X-Slack-Signature", one) for one in signatures)])


def parse(
    body: bytes,
    content_type: str = FORM,
    timestamps: tuple[str, ...] = (AT,),
    signatures: tuple[str, ...] | None = None,
) -> dict[str, Any] | str | int:
    """Return the payload of a request, "ssl check", the challenge, or the status of its rejection."""
    signs = (sign(body),) if signatures is None else signatures
    secrets = [Secret(SECRET), Secret(OLDER_SECRET)]
    match verify_and_parse(body, headers_of(content_type, timestamps, signs), secrets=secrets, now=NOW):
        case dict() as payload:
            return payload
        case Check(answer=answer):
            return "ssl check" if answer is None else answer["challenge"]
        case rejected:
            assert MARK not in rejected.why
            return rejected.status


# --- signatures ---


@pytest.mark.parametrize("at", [NOW - 300, NOW, NOW + 300])
def test_a_request_that_was_signed_within_five_minutes_by_either_secret_is_accepted(at: int) -> None:
    for secret in (SECRET, OLDER_SECRET):
        assert isinstance(parse(COMMAND, FORM, (str(at),), (sign(COMMAND, secret=secret, at=str(at)),)), dict)


@pytest.mark.parametrize(("at", "side"), [(NOW - 301, "behind"), (NOW + 301, "ahead of")])
def test_an_older_request_says_what_is_wrong_with_its_time(at: int, side: str) -> None:
    headers = headers_of(FORM, (str(at),), (sign(COMMAND, at=str(at)),))
    rejected: Any = verify_and_parse(COMMAND, headers, secrets=[Secret(SECRET)], now=NOW)
    assert f"301 s {side}" in rejected.why
    assert rejected.status == 401


SIGNATURES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "unsigned": ((), ()),
    "in capitals": ((AT,), (f"v0={GOOD[3:].upper()}",)),
    "of version 1": ((AT,), (f"v1={GOOD[3:]}",)),
    "missing": ((AT,), ()),
    "sent twice, the first one wrong": ((AT,), ("v0=00", GOOD)),
    "without a timestamp, signed as empty": ((), (sign(COMMAND, at=""),)),
    "with two timestamps, one of them stale": ((str(NOW - 900), AT), (GOOD,)),
    "of another time": ((str(NOW + 1),), (GOOD,)),
    "by an unknown secret": ((AT,), (sign(COMMAND, secret="not the secret"),)),
    "by both secrets at once": ((AT,), (sign(COMMAND, secret=f"{SECRET},{OLDER_SECRET}"),)),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_any_other_signature_is_refused(name: str) -> None:
    assert parse(COMMAND, FORM, *SIGNATURES[name]) == 401


@pytest.mark.parametrize(
    "body", [command(text=OTHER_SESSION), COMMAND[:-1], b"", b"text=ssl_check=1", b"no_ssl_check=1", b"[" * 100_000]
)
def test_a_signature_is_of_one_body(body: bytes) -> None:
    assert parse(body, FORM, (AT,), (GOOD,)) == 401


@pytest.mark.parametrize("signatures", [None, ()], ids=["signed", "unsigned"])
@pytest.mark.parametrize("body", [b"ssl_check=1", b"ssl_check=1&" + COMMAND, b"ssl_check=1&" + click()])
def test_a_check_of_the_certificate_does_nothing_signed_or_not(body: bytes, signatures: tuple[str, ...] | None) -> None:
    assert parse(body, FORM, (AT,), signatures) == "ssl check"


def test_a_challenge_is_answered_if_it_is_signed() -> None:
    def challenge(value: object) -> bytes:
        return json.dumps({"type": "url_verification", "token": MARK, "challenge": value}).encode()

    assert parse(challenge("3eZbrw1aBm"), JSON) == "3eZbrw1aBm"
    assert parse(challenge("3eZbrw1aBm"), JSON, (), ()) == 401
    assert parse(b"type=url_verification&challenge=x", FORM) == 400
    assert [parse(challenge(odd), JSON) for odd in (None, 5, [MARK])] == [400] * 3


# --- bodies ---


DEEP = json.loads("[" * 400 + "]" * 400)


def test_nothing_gets_past_the_schema_that_the_bot_does_not_read() -> None:
    message = {"text": "x", "blocks": [], "files": [{"title": "x"}], "metadata": {"event_type": "x"}}
    odd = {"state": MARK, "authorizations": [5], "event": {"type": "x"}, "function_data": {"execution_id": 5}}
    with_message = parse(click(message=message, **odd))
    assert isinstance(with_message, dict)
    assert with_message.pop("message") == {"text": "x", "blocks": []}
    assert with_message == parse(click(message=None))
    assert parse(event(event=slack_requests.inner_event(a=DEEP, team={"id": [5]}), context_team_id=5), JSON) == parse(
        event(), JSON
    )


FORMS = {
    "empty": b"",
    "raw bytes that are not UTF-8": COMMAND + b"&x=\xff\xfe",
    "encoded bytes that are not UTF-8": COMMAND + b"&x=%FF%FE",
    "101 fields": COMMAND + b"".join(b"&x%d=1" % number for number in range(88)),
    "a command with a payload": command(command="/remind", payload="x"),
    "a payload that is no JSON": b"payload=" + MARK.encode(),
    "a payload and something behind it": slack_requests.in_form('{"type":"x"} {"token":"' + MARK + '"}'),
    "two payloads, the last one empty": click() + b"&payload=",
    "two user_ids, the last one bad": COMMAND + b"&user_id=%3C%21here%3E",
}
JSONS = {
    "empty": b"",
    "followed by something": event() + b" and " + MARK.encode(),
    "with a lone surrogate in a name": b'{"\\ud800": 1, ' + event()[1:],
    "with NaN in an unused field": b'{"n": NaN, ' + event()[1:],
    "with a number of 5,000 digits": b'{"n": ' + b"1" * 5000 + b", " + event()[1:],
    "100,000 lists deep": b"[" * 100_000 + b"]" * 100_000,
    "an event 100,000 objects deep": b'{"n": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b", " + event()[1:],
}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [*zip(FORMS.values(), repeat(FORM)), *zip(JSONS.values(), repeat(JSON)), (COMMAND, "text/json"), (event(), "")],
    ids=[*FORMS, *JSONS, "a command as text/json", "an event of no type"],
)
def test_what_can_not_be_read_is_refused(body: bytes, content_type: str) -> None:
    assert parse(body, content_type) == 400


# --- fields that Slack would not send ---


IDS = ("u0alice0001", "U", "U" * 41, "<!channel>", "U0ALICE0001\n", "U\u0661\u0662")
HOLDERS = ("U0ALICE0001", {"id": 5}, {"id": "<!here>"})
ACTIONS: tuple[object, ...] = (
    *([], slack_requests.action(), [None], [slack_requests.action(action_id=5)]),
    *([slack_requests.action(), "no_such_action"], [{"name": 5, "type": "button"}], [{"name": "x"}]),
)
MODAL, SHORTCUT = "view_submission.set_key", "message_action.two_ids"


def of_kind(name: str) -> Callable[..., bytes]:
    return lambda **changes: slack_requests.interaction(name, **changes)


def tokens(**changes: object) -> bytes:
    return event(event={"type": "tokens_revoked"} | changes)


def home(**changes: object) -> bytes:
    return event(event={"type": "app_home_opened", "user": "U0ALICE0001"} | changes)


KINDS = ("interactive_message.alertmanager", SHORTCUT, MODAL, "view_closed")
BAD_FIELDS: list[tuple[Callable[..., bytes], Mapping[str, tuple[object, ...]]]] = [
    (command, {"command": (None, "", LONG), "text": (LONG,), "response_url": (LONG,), "trigger_id": (LONG,)}),
    (command, {"team_id": (None, "<!here>"), "enterprise_id": ("<!here>",), "channel_id": (None, "<!here>")}),
    (command, {"user_id": (None, "", *IDS)}),
    (click, {"type": (None, 5, LONG), "response_url": (5, LONG), "trigger_id": (5, LONG), "callback_id": ([MARK],)}),
    (click, {"user": (None, *HOLDERS), "team": HOLDERS, "channel": HOLDERS, "enterprise": HOLDERS}),
    (click, {**dict.fromkeys(("container", "message", "view"), (MARK, [MARK])), "actions": ACTIONS}),
    *((of_kind(kind), {"type": (["x"],), "user": (None,)}) for kind in KINDS),
    (of_kind(MODAL), {"view": ([MARK], {}, {"app_installed_team_id": 7}, {"app_installed_team_id": "t 1"})}),
    (of_kind(SHORTCUT), dict.fromkeys(("message", "message_ts", "action_ts"), ([MARK],))),
    (
        event,
        {"type": (None, 5, ["x"], {}, "app_rate_limited"), "team_id": (5, False, {"id": "T0HOME00001"}, "<!here>")},
    ),
    (event, {"event_id": (5, ["x"]), "event_time": ("1785000000", -1, 10**20)}),
    (event, {"authorizations": ({}, [7], [{"team_id": ["T1"]}])}),
    (event, {"event": (None, "app_home_opened", 5, [slack_requests.inner_event()], {}, {"user": "U0ALICE0001"})}),
    (
        event,
        {"event": tuple(slack_requests.inner_event(type=kind) for kind in (None, "", 5, ["app_home_opened"], LONG))},
    ),
    (tokens, {"tokens": ([], {"bot": "U1"}, {"bot": [7]})}),
    (home, {"user": ("<!here>",), "tab": (5,)}),
]


@pytest.mark.parametrize(
    ("make", "field", "value"),
    [(make, field, value) for make, fields in BAD_FIELDS for field, values in fields.items() for value in values],
    ids=lambda part: f"{part!r:.40}" if not callable(part) else getattr(part, "__name__", ""),
)
def test_a_field_that_slack_would_not_send_is_refused(make: Callable[..., bytes], field: str, value: object) -> None:
    content_type = JSON if make in {event, tokens, home} else FORM
    assert isinstance(parse(make(), content_type), dict)
    assert parse(make(**{field: value}), content_type) == 400


def test_a_form_is_decoded_like_any_other() -> None:
    random = Random(1)  # noqa: S311 - no secret
    for _ in range(3_000):
        written = "".join(random.choices("%%%%%0123489abCDEFxz+", k=random.randrange(12)))
        try:
            expected: object = unquote(written.replace("+", " "), errors="strict")
        except UnicodeDecodeError:
            expected = 400
        parsed = parse(COMMAND + f"&text=%25{written}".encode())
        assert (parsed["text"][1:] if isinstance(parsed, dict) else parsed) == expected, written
