"""Reading an alert: every field, and which one is to blame if it cannot be used."""

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
