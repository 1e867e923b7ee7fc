"""A session as Anchor describes it, lists of them, and which of them are read when."""

import uuid
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.commands import words_of
from bot.core.session_checks import OWN_LIST, Answer, Check, Target
from bot.core.session_ids import find_session_id
from bot.core.sessions import RECENT, Life, NotRead, Session, SessionList, SessionPage, end_of, running_sessions
from harness import SESSION
from harness.product import SessionId, outcomes
from harness.product import sessions as core_sessions
from harness.values import Found


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
UNKNOWN, UNREAD = NotRead(404, is_missing=True), NotRead()
ENDED, NOT_FOUND, NOT_RUNNING = outcomes.Ended("stopped"), outcomes.NotFound(404), outcomes.NotRunning(400)
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
    search = find_session_id(text)
    assert not isinstance(search, Found)
    assert words_of(search) == looked_for


def name(number: int) -> SessionId:
    return SessionId(f"00000000-0000-4000-8000-{number:012}")


def page(*numbers: int, is_last: bool = False) -> core_sessions.SessionPage:
    return core_sessions.SessionPage(
        tuple(core_sessions.Session(id=name(one), status="running") for one in numbers), is_last
    )


def check_of(*numbers: int, room: int = 13, **more: object) -> Check:
    """A check of sessions, of which the first one was not read for the longest time."""
    return Check([name(one) for one in numbers], room, **more)  # type: ignore[arg-type]


def run(check: Check, answers: Mapping[Target, Answer]) -> list[Target]:
    """Read what the check asks for. Other pages are empty, and other sessions run."""
    asked = []
    while (target := check.next_read()) is not None:
        asked.append(target)
        other = page() if isinstance(target, int) else core_sessions.Session(id=target, status="running")
        check.record(target, answers.get(target, other))
    return asked


def test_sessions_of_the_key_need_one_request() -> None:
    check = check_of(1, 2)
    assert run(check, {OWN_LIST: page(1, 2, 3)}) == [OWN_LIST]
    assert (set(check.found), check.room) == ({name(1), name(2)}, 12)


def test_a_session_with_a_new_card_is_looked_up_on_the_teams_first_page_for_its_facts() -> None:
    assert run(check_of(1, new=frozenset({name(1)})), {OWN_LIST: page(1)}) == [OWN_LIST, 1]


def test_a_session_is_read_alone_if_no_list_says_when_it_ends() -> None:
    ending, known = frozenset({name(1), name(2)}), replace(page(2).sessions[0], max_minutes=20.0)
    check = check_of(1, 2, 3, ending=ending)
    listed = core_sessions.SessionPage((*page(1, 3).sessions, known), is_last=True)
    assert run(check, {OWN_LIST: page(1, 2, 3), 1: listed}) == [OWN_LIST, 1, name(1)]
    assert {one.id for one in check.ends} == ending


def test_others_are_looked_for_in_the_teams_list_until_all_are_found() -> None:
    assert run(check_of(1, 2), {OWN_LIST: page(1), 2: page(2, 7)}) == [OWN_LIST, 1, 2]


@pytest.mark.parametrize(("pages", "answers"), [(5, {}), (1, {1: page(is_last=True)})])
def test_those_in_no_list_are_read_alone_the_longest_unread_first(pages: int, answers: dict[Target, Answer]) -> None:
    assert run(check_of(0, 3, 2), answers) == [OWN_LIST, *range(1, pages + 1), name(0), name(3), name(2)]


def test_it_stays_within_its_requests() -> None:
    last: dict[Target, Answer] = {1: page(is_last=True)}
    assert run(check_of(*range(12), room=6), last) == [OWN_LIST, 1, *map(name, range(4))]
    assert run(check_of(1, room=0), {}) == []


def test_an_absent_session_is_found_only_by_what_it_says_itself() -> None:
    check = check_of(1)
    run(check, {1: page(is_last=True), name(1): core_sessions.Session(id=name(1), status="completed")})
    assert check.found[name(1)].life is core_sessions.Life.ENDED
    assert check_of(1).found == {}


@pytest.mark.parametrize("status", [429, 503, None])
@pytest.mark.parametrize("target", [OWN_LIST, 1, name(1)])
def test_a_check_ends_when_anchor_fails_or_allows_no_more(status: int | None, target: Target) -> None:
    check = check_of(1, 2)
    assert run(check, {target: core_sessions.NotRead(status)})[-1] == target
    assert check.failure == core_sessions.NotRead(status)


@pytest.mark.parametrize("status", [401, 403, 200])
def test_a_list_or_session_that_says_nothing_keeps_no_other_from_being_read(status: int) -> None:
    check = check_of(1, 2)
    read = run(check, {1: core_sessions.NotRead(status), name(1): core_sessions.NotRead(status)})
    assert read == [OWN_LIST, 1, name(1), name(2)]
    assert (check.failure, set(check.found), check.asked) == (None, {name(2)}, [name(1), name(2)])
    assert check.unknown == []


def test_a_session_is_unknown_if_anchor_itself_says_so() -> None:
    check, says_so = (check_of(1, 2), core_sessions.NotRead(404, is_missing=True))
    run(check, {1: says_so, name(1): says_so})
    assert (check.unknown, check.asked) == ([name(1)], [name(1), name(2)])
