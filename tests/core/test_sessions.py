"""A session as Anchor describes it, and lists of them."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sessions import (
    RECENT,
    Life,
    NotRead,
    Session,
    SessionList,
    SessionPage,
    Unread,
    end_of,
    running_sessions,
    words_of,
)
from harness import SESSION
from harness.product import SessionId, outcomes
from harness.values import Found, search_of


@pytest.mark.parametrize(
    ("status", "life"),
    [
        ("running", Life.RUNNING),
        ("completed", Life.ENDED),
        ("timed_out", Life.ENDED),
        ("not completed", Life.UNKNOWN),
        ("completing", Life.UNKNOWN),
        ("", Life.UNKNOWN),
        ("läuft", Life.UNKNOWN),
    ],
)
def test_only_a_known_end_is_an_end(status: str, life: Life) -> None:
    assert Session(id=SessionId(SESSION), status=status).life is life


RUNS, HAS_ENDED = (Session(id=SessionId(SESSION), status=status) for status in ("running", "completed"))
UNKNOWN, UNREAD = NotRead(Unread.UNREADABLE, 404, is_missing=True), NotRead(Unread.TIMED_OUT)
ENDED, NOT_FOUND, NOT_RUNNING = outcomes.Ended("stopped"), outcomes.NotFound(), outcomes.NotRunning()
TIMED_OUT = outcomes.Unconfirmed(outcomes.Doubt.NO_ANSWER)


@pytest.mark.parametrize(
    ("told", "after", "expected"),
    [
        *((told, HAS_ENDED, outcomes.Ended("completed")) for told in (ENDED, TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        (ENDED, UNKNOWN, outcomes.Ended()),
        (ENDED, RUNS, outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD)),
        (ENDED, UNREAD, outcomes.Unconfirmed(outcomes.Doubt.NOT_UNDERSTOOD)),
        *((told, UNKNOWN, told) for told in (TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        *((told, UNREAD, told) for told in (TIMED_OUT, NOT_FOUND, NOT_RUNNING)),
        (TIMED_OUT, RUNS, TIMED_OUT),
        (NOT_FOUND, RUNS, outcomes.Failed(404)),
        (NOT_RUNNING, RUNS, outcomes.Failed(400)),
    ],
    ids=repr,
)
def test_a_session_has_ended_only_if_the_read_after_its_end_says_so(
    told: outcomes.AnchorOutcome, after: Session | NotRead, expected: outcomes.Outcome
) -> None:
    assert end_of(told, after) == expected


WHOLE = Session(
    id=SessionId(SESSION),
    status="running",
    created_at=1.0,
    tags=("checkout",),
    domains=("shop.example",),
    steps=3,
    key_name="ci",
    is_task=False,
    credits=1.5,
    max_minutes=20.0,
)


NOW = 1_785_000_000.0
RUNNING = "running"
IDS = [SessionId(str(uuid.UUID(int=number << 96))) for number in range(0xAAAA0001, 0xAAAA0009)]
FIRST = IDS[0][:8]

words = st.sampled_from(["checkout", "prod", "Shop", "ci", "aaaa0001", "running", "x"])
sessions = st.builds(
    Session,
    id=st.sampled_from(IDS),
    status=st.sampled_from([RUNNING, "completed", "warming up", ""]),
    created_at=st.none() | st.floats(NOW - 2 * RECENT, NOW),
    tags=st.lists(words, max_size=2).map(tuple),
    domains=st.lists(words.map(lambda word: f"{word}.example"), max_size=2).map(tuple),
    key_name=words | st.just(""),
)
pages = st.builds(
    SessionPage, st.lists(sessions, max_size=6).map(tuple), st.booleans(), st.integers(min_value=0, max_value=1)
)


@given(st.lists(pages, max_size=3), st.booleans())
def test_all_that_may_run_are_listed_once_and_the_newest_first(read: list[SessionPage], whole: bool) -> None:
    listed = running_sessions(read, now=NOW, is_complete=whole)
    first = {one.id: one for page in reversed(read) for one in reversed(page.sessions)}
    expected = {
        one.id
        for one in first.values()
        if one.life is Life.RUNNING
        or (one.life is Life.UNKNOWN and (one.created_at is None or one.created_at > NOW - RECENT))
    }
    assert {one.id for one in listed.sessions} == expected
    assert len(listed.sessions) == len(expected)
    assert listed.ended == {one.id for one in first.values() if one.life is Life.ENDED}
    ages = [NOW - (one.created_at or NOW) for one in listed.sessions]
    assert ages == sorted(ages)
    assert listed.is_complete == (whole and all(page.is_last and not page.unreadable for page in read))


lists = st.builds(
    SessionList, st.lists(sessions, max_size=6, unique_by=lambda one: one.id).map(tuple), st.booleans(), st.just(NOW)
)


@given(lists, st.lists(words, max_size=3))
def test_words_choose_the_sessions_that_have_all_of_them(listed: SessionList, wanted: list[str]) -> None:
    chosen = listed.matching("  ".join(wanted).upper())
    for one in listed.sessions:
        names = " ".join((*one.tags, *one.domains, one.key_name)).lower()
        has_all = all(word.lower() in names or one.id.startswith(word) for word in wanted)
        assert (one in chosen.sessions) is has_all
    assert (chosen.is_complete, chosen.read_at) == (listed.is_complete, NOW)


@given(lists, words)
def test_one_session_is_meant_only_if_nothing_else_can_be(listed: SessionList, word: str) -> None:
    meant = listed.meant_by(word)
    if isinstance(meant, Found):
        (only,) = listed.matching(word).sessions
        assert listed.is_complete
        assert only.life is Life.RUNNING
        assert only.id == meant.session_id
        assert only.id.startswith(word)
        assert len(word) == 8
        assert all(word not in name for name in (*only.tags, *only.domains, only.key_name))
    else:
        assert meant is None
    assert listed.offered(word) == listed.matching(word)


def session(number: int = 0, **fields: object) -> Session:
    return Session(id=IDS[number], **{"status": RUNNING, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "is_complete", "is_meant"),
    [
        ([session(), session(1)], True, True),
        ([session()], False, False),
        ([session(status="warming up")], True, False),
        ([session(), session(1, tags=(f"x-{FIRST}",))], True, False),
        ([session(), session(1, domains=(f"{FIRST}.example",))], True, False),
        ([session(), session(1, key_name=FIRST.upper())], True, False),
        ([], True, False),
    ],
)
def test_eight_digits_mean_a_session_if_everything_was_read_and_nothing_else_matches(
    found: list[Session], is_complete: bool, is_meant: bool
) -> None:
    listed = SessionList(tuple(found), is_complete, NOW)
    for text, reason in ((f" {FIRST.upper()} ", ""), (f"{FIRST}.", ""), (f"{FIRST}. too fast", "too fast")):
        assert listed.meant_by(text) == (Found(found[0].id, reason) if is_meant else None)
        assert listed.offered(text) == listed.matching(FIRST)


@pytest.mark.parametrize("beginning", [FIRST[:-1], f"{FIRST}0", f"{FIRST}-0000", f"checkout {FIRST}"])
def test_other_beginnings_of_an_id_pause_nothing(beginning: str) -> None:
    listed = SessionList((session(tags=("checkout",)),), is_complete=True, read_at=NOW)
    assert listed.meant_by(beginning) is None
    assert bool(listed.matching(beginning).sessions) is (len(beginning) > 7)


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        ("", ""),
        ("checkout &amp; mail", "checkout & mail"),
        ("<http://shop.example|shop.example>", "shop.example"),
        ('`` "check out`', "check out"),
        (IDS[0][:8], IDS[0][:8]),
        (IDS[0][:-1], IDS[0][:-1]),
        (f"{IDS[0]}, {IDS[1]}", f"{IDS[0]} {IDS[1]}"),
        ("long " * 200, ("long " * 100).strip()),
    ],
)
def test_words_are_looked_for_also_if_they_are_most_of_an_id_or_several(text: str, looked_for: str) -> None:
    assert words_of(search_of(text)) == looked_for
