"""The sessions that are listed, the ones that words choose, and the one that 8 digits can mean alone."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sessions import RECENT, SessionList, SessionPage, running_sessions, words_of
from harness.product import SessionId
from harness.values import Life, Session, search_of

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
    meant = listed.only_match(word)
    if meant is not None:
        assert listed.is_complete
        assert meant.life is Life.RUNNING
        assert meant.id.startswith(word)
        assert len(word) == 8
        assert listed.matching(word).sessions == (meant,)
        assert all(word not in name for name in (*meant.tags, *meant.domains, meant.key_name))


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
    assert listed.only_match(f" {FIRST.upper()} ") == (found[0] if is_meant else None)


@pytest.mark.parametrize("beginning", [FIRST[:-1], f"{FIRST}0", f"{FIRST}-0000", f"{FIRST} checkout"])
def test_other_beginnings_of_an_id_pause_nothing(beginning: str) -> None:
    listed = SessionList((session(tags=("checkout",)),), is_complete=True, read_at=NOW)
    assert listed.only_match(beginning) is None
    assert bool(listed.matching(beginning).sessions) is (len(beginning) > 7)


@pytest.mark.parametrize(
    ("text", "looked_for"),
    [
        ("", ""),
        ("checkout &amp; mail", "checkout & mail"),
        ("<http://shop.example|shop.example>", "shop.example"),
        ('`` "check out`', "check out"),
        (IDS[0][:8], IDS[0][:8]),
        (IDS[0].replace("-", "")[:15], IDS[0].replace("-", "")[:15]),
        (IDS[0].replace("-", "")[:16], None),
        (f"{IDS[0]}0".replace("-", ""), None),
    ],
)
def test_words_are_looked_for_unless_they_are_most_of_an_id(text: str, looked_for: str | None) -> None:
    assert words_of(search_of(text)) == looked_for
