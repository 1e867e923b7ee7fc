"""A check reads lists first, then sessions alone, the longest unread first, within the requests that are left."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.core.session_checks import OWN_LIST, Answer, Check, Target
from harness.product import SessionId, sessions


def name(number: int) -> SessionId:
    return SessionId(f"00000000-0000-4000-8000-{number:012}")


def page(*numbers: int, is_last: bool = False) -> sessions.SessionPage:
    return sessions.SessionPage(tuple(sessions.Session(id=name(one), status="running") for one in numbers), is_last)


def check_of(*numbers: int, room: int = 13, **more: object) -> Check:
    """A check of sessions, of which the first one was not read for the longest time."""
    return Check([name(one) for one in numbers], room, **more)  # type: ignore[arg-type]


def run(check: Check, answers: Mapping[Target, Answer]) -> list[Target]:
    """Read what the check asks for. Other pages are empty, and other sessions run."""
    asked = []
    while (target := check.next_read()) is not None:
        asked.append(target)
        other = page() if isinstance(target, int) else sessions.Session(id=target, status="running")
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
    listed = sessions.SessionPage((*page(1, 3).sessions, known), is_last=True)
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
    run(check, {1: page(is_last=True), name(1): sessions.Session(id=name(1), status="completed")})
    assert check.found[name(1)].life is sessions.Life.ENDED
    assert check_of(1).found == {}


@pytest.mark.parametrize("why", [sessions.Unread.RATE_LIMITED, sessions.Unread.UNREACHABLE, sessions.Unread.TIMED_OUT])
@pytest.mark.parametrize("target", [OWN_LIST, 1, name(1)])
def test_a_check_ends_when_anchor_fails_or_allows_no_more(why: sessions.Unread, target: Target) -> None:
    check = check_of(1, 2)
    assert run(check, {target: sessions.NotRead(why)})[-1] == target
    assert check.failure == sessions.NotRead(why)


@pytest.mark.parametrize("why", [sessions.Unread.KEY_REJECTED, sessions.Unread.UNREADABLE])
def test_a_list_or_session_that_says_nothing_keeps_no_other_from_being_read(why: sessions.Unread) -> None:
    check = check_of(1, 2)
    assert run(check, {1: sessions.NotRead(why), name(1): sessions.NotRead(why)}) == [OWN_LIST, 1, name(1), name(2)]
    assert (check.failure, set(check.found), check.asked) == (None, {name(2)}, [name(1), name(2)])
    assert check.unknown == []


def test_a_session_is_unknown_if_anchor_itself_says_so() -> None:
    check, says_so = check_of(1, 2), sessions.NotRead(sessions.Unread.UNREADABLE, 404, is_missing=True)
    run(check, {1: says_so, name(1): says_so})
    assert (check.unknown, check.asked) == ([name(1)], [name(1), name(2)])
