"""Reading an alert: every field, and the sentence about each that can't be used."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alert import Alert, BadAlert, Severity, read_alert
from bot.core.session_id import SessionId

ID = SessionId("3f2b8c1e-7d4a-4f0b-9a56-0c1d2e3f4a5b")
OTHER = "9c0d7e11-2222-4333-8444-555566667777"
LEAST: dict[str, object] = {"session_id": ID, "text": "High spend"}


def test_a_session_and_a_text_are_enough() -> None:
    assert read_alert(LEAST) == Alert(ID, "High spend")


def test_everything_that_an_alert_can_say() -> None:
    fields = LEAST | {
        "title": " Spend ",
        "severity": "CRITICAL",
        "url": "https://a.example/1",
        "channel": "C0123456789",
    }
    assert read_alert(fields) == Alert(
        ID, "High spend", "Spend", Severity.CRITICAL, "https://a.example/1", "C0123456789"
    )


@pytest.mark.parametrize("absent", [None, "", " \n"])
def test_blank_and_null_count_as_absent(absent: str | None) -> None:
    assert read_alert(LEAST | dict.fromkeys(("title", "severity", "url", "channel"), absent)) == read_alert(LEAST)


def test_fields_of_other_programs_are_passed_over() -> None:
    assert read_alert(LEAST | {"labels": {"team": "x"}}) == read_alert(LEAST)


@pytest.mark.parametrize(
    "written", [ID.upper(), ID.replace("-", ""), f"https://app.example/sessions/{ID}", f"session {ID}", f"<{ID}>"]
)
def test_the_session_may_be_written_in_any_form(written: str) -> None:
    alert = read_alert(LEAST | {"session_id": written})
    assert isinstance(alert, Alert)
    assert alert.session_id == ID


@pytest.mark.parametrize("body", [None, [], "text", 1, True])
def test_what_is_no_object_is_refused(body: object) -> None:
    assert read_alert(body) == BadAlert(None, "The body must be a JSON object with session_id and text.")


NO_ADDRESS = "url must be an http or https address, without a user name or password."
NO_CHANNEL = "channel must be a channel's id like C0123456789, not its name: see its details in Slack."
MISSING = "session_id is missing: put the id of the Anchor session there."


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("session_id", None, MISSING),
        ("session_id", "", MISSING),
        ("session_id", 7, "session_id must be a string."),
        (
            "session_id",
            ID[:-1],
            "session_id holds no session id: it has 32 hexadecimal digits in groups of 8-4-4-4-12.",
        ),
        ("session_id", f"{ID} {OTHER}", "session_id names 2 different sessions: send one alert for each."),
        ("text", None, "text is missing: say what happened."),
        ("text", " \u200b\x00 ", "text is missing: say what happened."),
        ("text", ["High spend"], "text must be a string."),
        ("title", 1, "title must be a string."),
        ("severity", "fatal", "severity must be one of info, warning, critical."),
        ("severity", 3, "severity must be a string."),
        ("url", "javascript:alert(1)", NO_ADDRESS),
        ("url", "a.example/1", NO_ADDRESS),
        ("url", "https://", NO_ADDRESS),
        ("url", "https://[::1", NO_ADDRESS),
        ("url", "https://a.example/ b", NO_ADDRESS),
        ("url", "https://a.example/\n/b", NO_ADDRESS),
        ("url", "https://a.example/\u202e", NO_ADDRESS),
        ("url", "https://a.example/\ud800", NO_ADDRESS),
        ("url", "https://me:secret@a.example/", NO_ADDRESS),
        (
            "url",
            "https://a.example/?" + "&" * 200,
            "url is too long: it may take 1000 characters, of which & takes five.",
        ),
        ("channel", "#alerts", NO_CHANNEL),
        ("channel", "U0ALICE0001", NO_CHANNEL),
        ("channel", "C012\n", None),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field: str, value: object, why: str | None) -> None:
    result = read_alert(LEAST | {field: value})
    assert isinstance(result, Alert) if why is None else result == BadAlert(field, why)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = ("session_id", "text", "title", "severity", "url", "channel")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_whatever_json_comes_it_is_an_alert_or_a_named_problem(fields: dict[str, object]) -> None:
    result = read_alert({"session_id": ID} | fields)
    assert isinstance(result, Alert) or (result.field in FIELDS and result.why.startswith(result.field))
