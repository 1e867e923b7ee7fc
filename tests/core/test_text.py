"""Foreign text: characters, claims of Anchor, hosts, and secrets."""

import string
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.fields import Secret, digest, is_token
from bot.core.outcomes import contradiction
from bot.core.session_ids import Found, find_mentions, find_session_id
from bot.inbound.alert_formats import LONGEST_ID, BadAlertError, read_alert
from harness import SESSION
from harness.product import SessionId, orders


def test_an_escape_of_a_huge_number_is_a_text() -> None:
    assert find_session_id(f"{SESSION} &#{'1' * 5_000};") == Found(SessionId(SESSION), f"&#{'1' * 5_000};")


HOSTILE = {
    "marks": "\u0301",
    "a character that stands for eighteen": "\ufdfa",
    "different marks": "a\u0301\u0316\u0334",
    "words of one character": "é ",
    "words of characters that stand for two": "㎏㎏㎏㎏㎏㎏ ",
    "escapes": "&amp;",
    "percent": "%41 ",
    "hexadecimal digits": "a",
    "groups of digits": "aaaaaaaa-",
    "links": "<a:b|c>",
    "links that do not end": "<a:",
    "ids": f"{SESSION} ",
}


def seconds(parse: Callable[[str], object], text: str) -> float:
    """The processor time that parsing takes."""
    began = time.process_time()
    parse(text)
    return time.process_time() - began


def parse_alert(session_id: str) -> None:
    with suppress(BadAlertError):
        read_alert({"session_id": session_id, "text": "It spends."})


PARSERS: dict[str, tuple[Callable[[str], object], int]] = {
    "a command": (find_session_id, 40_000),
    "an alert": (parse_alert, LONGEST_ID),
    "a message": (lambda text: find_mentions({"text": text}), 100_000),
}


@pytest.mark.parametrize("parser", PARSERS)
def test_the_longest_text_takes_a_short_time_whatever_it_consists_of(parser: str) -> None:
    """It takes about 10 ms, and would take minutes if the time were not linear."""
    parse, longest = PARSERS[parser]
    took = {kind: seconds(parse, (unit * longest)[:longest]) for kind, unit in HOSTILE.items()}
    assert {kind: one for kind, one in took.items() if one > 0.5} == {}


Verb = orders.Verb
PAUSE, RESUME = Verb.PAUSE, Verb.RESUME
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
# These names claim nothing, so JSON of them contradicts nothing.
names = st.sampled_from(["data", "id", "message", "code", "errors_total"])
json = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3))
answers = st.dictionaries(names, json, max_size=3)
verbs = st.sampled_from(Verb)


@pytest.mark.parametrize(
    ("verb", "answer", "words"),
    [
        (PAUSE, {"success": False}, "success: false"),
        (PAUSE, {"data": {"status": "paused", "ok": False}}, "ok: false"),
        (PAUSE, {"data": {"status": "paused"}, "error": {"message": "No agent"}}, "No agent"),
        (PAUSE, {"success": False, "data": [{"error": "busy"}]}, "busy"),
        (RESUME, {"error": {}}, "error"),
        (RESUME, {"errors": [" "]}, "errors"),
        (PAUSE, {"data": {"status": "Failed"}}, "Failed"),
        (RESUME, {"data": {"status": "agent failure"}}, "agent failure"),
        (PAUSE, {"data": {"status": "pause_failed"}}, "pause_failed"),
        (PAUSE, {"data": {"status": "not paused"}}, "not paused"),
        (PAUSE, {"status": "error", "message": "no"}, "error"),
        (PAUSE, {"data": {"status": "resumed"}}, "resumed"),
        (RESUME, {"data": {"status": "PAUSED"}}, "PAUSED"),
        (PAUSE, {"data": {"status": "running"}}, None),
        (RESUME, {"data": {"status": "resumed"}, "success": True, "ok": True, "error": None, "errors": []}, None),
        (PAUSE, {"data": {"status": "paused", "error": ""}}, None),
        (PAUSE, {}, None),
    ],
)
def test_the_words_that_contradict_an_answer(verb: orders.Verb, answer: dict[str, object], words: str | None) -> None:
    assert contradiction(verb, answer) == words


@given(verbs, answers, st.lists(names | st.just("list"), max_size=30), st.sampled_from(["success", "ok", "error"]))
def test_a_denial_counts_at_any_depth(
    verb: orders.Verb, answer: dict[str, object], path: list[str], denial: str
) -> None:
    nested: object = {denial: {"code": 500} if denial == "error" else False}
    for step in path:
        nested = [nested] if step == "list" else {step: nested}
    assert contradiction(verb, answer | {"data": nested}) in {"error", f"{denial}: false"}


@given(verbs, answers, st.text(string.printable, min_size=1, max_size=20))
def test_other_words_contradict_nothing(verb: orders.Verb, answer: dict[str, object], status: str) -> None:
    assume(not any(word in status.casefold() for word in ["fail", "error", "not", "paused", "resumed"]))
    assert contradiction(verb, answer | {"data": {"status": status}, "success": True}) is None


def test_a_secret_is_hidden_unless_it_is_revealed() -> None:
    secret = Secret("sk-hidden")
    assert "sk-hidden" not in f"{secret} {secret!r} {[secret]} {secret=}"
    assert secret.reveal() == "sk-hidden"
    assert secret == Secret("sk-hidden")


@given(st.text(), st.text())
def test_only_the_token_itself_is_accepted(token: str, other: str) -> None:
    assert is_token(other, digest(token)) is (token == other)
    assert is_token(token, digest(token))
    assert not is_token(token, None)
    assert not is_token(token, "")
