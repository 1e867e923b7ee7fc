"""Reading an alert: every field, and which one is to blame if it cannot be used."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, Severity
from bot.core.session_id import SessionId
from bot.inbound.alerts.generic import BadAlert, read_alert
from harness import OTHER_SESSION

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
LEAST: dict[str, object] = {"session_id": ID, "text": "High spend"}
FIELDS = ("session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields")


@pytest.mark.parametrize(
    "more",
    [
        {},
        dict.fromkeys(FIELDS[2:]),
        dict.fromkeys(FIELDS[2:], ""),
        dict.fromkeys(FIELDS[2:], " \n"),
    ],
    ids=["nothing", "null", "empty", "blank"],
)
def test_a_session_and_a_text_are_enough(more: dict[str, object]) -> None:
    assert read_alert(LEAST | more) == Alert(ID, "High spend")


def test_unknown_fields_are_warned_about(wording: Callable[[str, str], None]) -> None:
    alert = read_alert(LEAST | {"labels": {"team": "x"}, "chanel": "C0123456789", "x" * 1000: 1})
    assert isinstance(alert, Alert)
    assert replace(alert, warnings=()) == Alert(ID, "High spend")
    wording("unknown fields", "\n".join(alert.warnings))
    many = read_alert(LEAST | {f"label_{number}": 1 for number in range(100)})
    assert isinstance(many, Alert)
    assert len(many.warnings) == 10


def test_what_no_card_can_show_is_not_kept() -> None:
    long = "  é" + "é" * 20_000
    alert = read_alert({"session_id": ID, "text": long, "title": long, "fingerprint": long, "fields": {long: long}})
    assert isinstance(alert, Alert)
    ((name, value),) = alert.fields
    kept = [len(one) for one in (alert.text, alert.title, alert.fingerprint, name, value)]
    assert kept == [4_000, 500, 200, 200, 500]


def test_an_alert_with_every_field() -> None:
    fields = LEAST | {
        "title": " Spend ",
        "severity": "CRITICAL",
        "url": "https://a.example/1",
        "channel": "C0123456789\n",
        "fingerprint": " f1 ",
        "status": "Resolved",
        "fields": {"model": "large", "spent": 40, "empty": " "},
    }
    assert read_alert(fields) == Alert(
        ID,
        "High spend",
        "Spend",
        Severity.CRITICAL,
        "https://a.example/1",
        "C0123456789",
        "f1",
        is_resolved=True,
        fields=(("model", "large"), ("spent", "40")),
    )


@pytest.mark.parametrize(
    "written", [ID.upper(), ID.replace("-", ""), f"https://app.example/sessions/{ID}", f"session {ID}", f"<{ID}>"]
)
def test_the_session_can_be_written_in_any_form(written: str) -> None:
    assert read_alert(LEAST | {"session_id": written}) == Alert(ID, "High spend")


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    result = read_alert(body)
    assert isinstance(result, BadAlert)
    assert result.field is None


UNUSABLE: dict[str, tuple[object, ...]] = {
    "session_id": (None, "", 7, ID[:-1], f"{ID} {OTHER_SESSION}"),
    "text": (None, " \u200b\x00 ", ["High spend"]),
    "title": (1,),
    "severity": ("fatal", 3),
    "url": (
        "javascript:alert(1)",
        "a.example/1",
        "https://",
        "https://[::1",
        "https://a.example/ b",
        "https://a.example/\n/b",
        "https://a.example/\u202e",
        "https://a.example/\ud800",
        "https://me:secret@a.example/",
        "https://a.example/?" + "&" * 200,
    ),
    "channel": ("#alerts", "U0ALICE0001"),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in UNUSABLE.items() for value in values], ids=repr
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: object) -> None:
    result = read_alert(LEAST | {field: value})
    assert isinstance(result, BadAlert)
    assert result.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_an_alert_or_a_named_problem(fields: dict[str, object]) -> None:
    result = read_alert({"session_id": ID} | fields)
    assert isinstance(result, Alert) or (result.field in FIELDS and result.why.startswith(result.field))
