"""What contradicts a confirmation of Anchor's, and what does not."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.outcomes import contradiction
from harness.product import requests

Verb = requests.Verb
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
def test_the_words_that_contradict_an_answer(verb: requests.Verb, answer: dict[str, object], words: str | None) -> None:
    assert contradiction(verb, answer) == words


@given(verbs, answers, st.lists(names | st.just("list"), max_size=30), st.sampled_from(["success", "ok", "error"]))
def test_a_denial_counts_at_any_depth(
    verb: requests.Verb, answer: dict[str, object], path: list[str], denial: str
) -> None:
    nested: object = {denial: {"code": 500} if denial == "error" else False}
    for step in path:
        nested = [nested] if step == "list" else {step: nested}
    assert contradiction(verb, answer | {"data": nested}) in {"error", f"{denial}: false"}


@given(verbs, answers, st.text(string.printable, min_size=1, max_size=20))
def test_other_words_contradict_nothing(verb: requests.Verb, answer: dict[str, object], status: str) -> None:
    assume(not any(word in status.casefold() for word in ["fail", "error", "not", "paused", "resumed"]))
    assert contradiction(verb, answer | {"data": {"status": status}, "success": True}) is None
