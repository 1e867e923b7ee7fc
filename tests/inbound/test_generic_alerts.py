"""Reading an alert: every field, and which one is to blame if it cannot be used."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.alerts.fields import BadAlertError, read_alert
from harness import OTHER_SESSION, SESSION
from harness.product import SessionId, cards

ID = SessionId(SESSION)
LEAST: dict[str, object] = {"session_id": ID, "text": "High spend"}
FIELDS = ("session_id", "text", "title", "severity", "url", "channel", "fingerprint", "status", "fields")


def test_empty_fields_are_left_out_and_unknown_ones_warned_about(wording: Callable[[str, str], None]) -> None:
    assert read_alert(LEAST | dict.fromkeys(FIELDS[2:], " \n")) == cards.Alert(ID, "High spend")
    found = read_alert(LEAST | {"labels": {"team": "x"}, "chanel": "C0123456789", "x" * 1000: 1})
    assert replace(found, warnings=()) == cards.Alert(ID, "High spend")
    wording("unknown fields", "\n".join(found.warnings))
    assert len(read_alert(LEAST | {f"label_{number}": 1 for number in range(100)}).warnings) == 10


def test_what_no_card_can_show_is_not_kept() -> None:
    long = "  é" + "é" * 20_000
    found = read_alert({"session_id": ID, "text": long, "title": long, "fingerprint": long, "fields": {long: long}})
    ((name, value),) = found.fields
    kept = [len(one) for one in (found.text, found.title, found.fingerprint, name, value)]
    assert kept == [4_000, 500, 200, 200, 500]


def test_an_alert_with_every_field() -> None:
    fields = {
        "session_id": f"https://app.example/sessions/{ID.upper()}",
        "text": "High spend",
        "title": " Spend ",
        "severity": "CRITICAL",
        "url": "https://a.example/1",
        "channel": "C0123456789\n",
        "fingerprint": " f1 ",
        "status": "Resolved",
        "fields": {"model": "large", "spent": 40, "empty": " "},
    }
    facts = (("model", "large"), ("spent", "40"))
    texts = ("High spend", "Spend", cards.Severity.CRITICAL, "https://a.example/1", "C0123456789", "f1")
    assert read_alert(fields) == cards.Alert(ID, *texts, is_resolved=True, fields=facts)


UNUSABLE: dict[str, tuple[object, ...]] = {
    "session_id": (None, "", 7, ID[:-1], f"{ID} {OTHER_SESSION}"),
    "text": (None, " \u200b\x00 ", ["High spend"]),
    "title": (1,),
    "severity": ("fatal", 3),
    "url": (
        *("javascript:alert(1)", "https://", "https://[::1", "https://a.example/ b", "https://a.example/\u202e"),
        *("https://a.example/\ud800", "https://me:secret@a.example/", "https://a.example/?" + "&" * 200),
        *("https://anchor.example@evil/", "https://аnchor.example/", "https://evil.example\\.anchor.example/"),
        *("https://evil%2eexample/", "https://a.example:x/", "https://\u3164/"),
    ),
    "channel": ("#alerts", "U0ALICE0001"),
    "status": ("over", 1),
    "fields": ([], "x", {"a": None}, {str(number): 1 for number in range(11)}),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in UNUSABLE.items() for value in values], ids=repr
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: object) -> None:
    with pytest.raises(BadAlertError) as bad:
        read_alert(LEAST | {field: value})
    assert bad.value.field == field


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_is_an_alert_or_a_named_problem(fields: dict[str, object]) -> None:
    with pytest.raises(BadAlertError) as no_object:
        read_alert([fields])
    assert no_object.value.field is None
    bad: Any = None
    try:
        read_alert({"session_id": ID} | fields)
    except BadAlertError as error:
        bad = error
    assert bad is None or (bad.field in FIELDS and str(bad).startswith(bad.field))
